"""Gateways: where tokens split, meet, or wait for the first of several events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from casepath.engine.bpmn.elements.base import Node, holding_flows, no_flow
from casepath.engine.bpmn.model import Condition, Flow

if TYPE_CHECKING:
    from casepath.engine.bpmn.tokens import Token
    from casepath.engine.bpmn.workflow import TokenWorkflow


class Gateway(Node):
    """A gateway that passes each token on: what exclusive, inclusive and complex splits share is that they decide."""

    def run(self, token: Token) -> bool | None:
        # Decided before the token completes, so that a condition that fails leaves it standing here.
        token.chosen = self.decide(token)
        return True

    def decide(self, token: Token) -> list[Flow]:
        """Return the flows to take."""
        return self.outgoing

    def begins_by_itself(self) -> bool:
        return not self.incoming

    def leave(self, token: Token) -> None:
        token.workflow.take(token, token.chosen)


class ExclusiveGateway(Gateway):
    """Each token leaves along the first flow whose condition holds, else along the default."""

    tag: ClassVar[str] = "exclusiveGateway"

    def decide(self, token: Token) -> list[Flow]:
        candidates = [flow for flow in self.outgoing if flow is not self.default]
        holding = holding_flows(token, candidates, first=True)
        if holding:
            return holding
        if self.default is not None:
            return [self.default]
        if not self.outgoing:
            return []
        raise no_flow(self)


def decide_inclusively(node: Node, token: Token) -> list[Flow]:
    """Return every flow whose condition holds, or that has none; the default when there is no other."""
    holding = holding_flows(token, [flow for flow in node.outgoing if flow is not node.default])
    if holding or not node.outgoing:
        return holding
    if node.default is not None:
        return [node.default]
    raise no_flow(node)


class ParallelGateway(Gateway):
    """Waits for one token on each incoming flow, then sends one along each outgoing flow."""

    tag: ClassVar[str] = "parallelGateway"

    def enter(self, token: Token) -> bool | None:
        if len(self.incoming) > 1 and "joined" not in token.memo:
            arrived = token.workflow.arrivals(self, token.scope)
            if len(arrived) < len(self.incoming):
                return None
            token.workflow.merge(token, [tokens[0] for tokens in arrived.values()])
        return super().enter(token)


class InclusiveGateway(Gateway):
    """
    Waits for a token on at least one incoming flow until no other token can still reach an empty one, then sends one
    along each outgoing flow whose condition holds (BPMN 2.0, table 13.3).
    """

    tag: ClassVar[str] = "inclusiveGateway"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._upstream: dict[str, frozenset[str]] | None = None

    def enter(self, token: Token) -> bool | None:
        if len(self.incoming) > 1 and "joined" not in token.memo:
            # Whether the others can still arrive is only clear when everything else has come to rest.
            return None
        return super().enter(token)

    def decide(self, token: Token) -> list[Flow]:
        return decide_inclusively(self, token)

    def upstream(self) -> dict[str, frozenset[str]]:
        """Return, for each incoming flow, the ids of the elements that lead to it without passing this gateway."""
        if self._upstream is None:
            self._upstream = {flow.id: self._reaching(flow) for flow in self.incoming}
        return self._upstream

    def _reaching(self, flow: Flow) -> frozenset[str]:
        found: set[str] = set()
        front = [flow.source]
        while front:
            node = front.pop()
            if node is self or node.bpmn_id in found:
                continue
            found.add(node.bpmn_id)
            front.extend(predecessors(node))
        return frozenset(found)

    def is_activated(self, arrived: Iterable[str], elsewhere: Iterable[str]) -> bool:
        """
        Whether the gateway may go on: `arrived` are the incoming flows that hold a token, `elsewhere` the elements of
        the scope that hold one.
        """
        upstream = self.upstream()
        marked = set(arrived)
        if len(marked) == len(self.incoming):
            return True
        to_marked = frozenset().union(*(upstream[flow] for flow in marked))
        to_empty = frozenset().union(*(upstream[flow.id] for flow in self.incoming if flow.id not in marked))
        return not any(element in to_empty and element not in to_marked for element in elsewhere)


def predecessors(node: Node) -> list[Node]:
    """Return the elements from which a token can come directly: over flows, from a host, from a link."""
    found = [flow.source for flow in node.incoming]
    host = getattr(node, "host", None)
    if host is not None:
        found.append(host)
    found.extend(getattr(node, "link_sources", ()))
    return found


class ComplexGateway(InclusiveGateway):
    """
    Waits until its activation condition holds, sends tokens on, then swallows the stragglers until it is reset.

    The condition sees `activationCount`, the number of incoming flows that hold a token, besides the variables. Reset
    is when each remaining flow has delivered its token or no longer can.
    """

    tag: ClassVar[str] = "complexGateway"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.activation: Condition | None = None

    def enter(self, token: Token) -> bool | None:
        workflow = token.workflow
        if len(self.incoming) <= 1 or "joined" in token.memo:
            return super().enter(token)
        arrived = workflow.arrivals(self, token.scope)
        if self.bpmn_id in token.scope.memo.get("reset", {}):
            return None
        if self.activation is None:
            return None
        seen = token.variables({"activationCount": len(arrived)})
        holds, _ = self.activation.condition(seen, workflow.environment)
        if not holds:
            return None
        workflow.merge(token, [tokens[0] for tokens in arrived.values()])
        missing = [flow.id for flow in self.incoming if flow.id not in arrived]
        if missing:
            token.scope.memo.setdefault("reset", {})[self.bpmn_id] = missing
        return super().enter(token)

    def reset(self, token: Token) -> bool:
        """Swallow the stragglers that have arrived; return whether anything changed. `token` is one of them."""
        waiting = token.scope.memo["reset"][self.bpmn_id]
        arrived = [flow for flow in token.workflow.arrivals(self, token.scope) if flow in waiting]
        for flow in arrived:
            waiting.remove(flow)
            token.workflow.absorb(token.workflow.arrivals(self, token.scope)[flow][0])
        if not token.scope.tokens:
            token.workflow.scope_emptied(token.scope)
        return bool(arrived)


class EventBasedGateway(Node):
    """Waits for the first of the events behind it, or, when parallel, for all of them."""

    tag: ClassVar[str] = "eventBasedGateway"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.instantiates = False
        self.kind: Literal["Exclusive", "Parallel"] = "Exclusive"

    def run(self, token: Token) -> bool | None:
        if token.memo.get("left") == []:
            return True
        for target in self.targets():
            if target.bpmn_id in token.memo.get("left", [target.bpmn_id]):
                token.workflow.arm(token.number, target, token)
        return None

    def awaited(self, token: Token) -> list[Node]:
        return [target for target in self.targets() if target.bpmn_id in token.memo.get("left", [target.bpmn_id])]

    def begins_by_itself(self) -> bool:
        return not self.incoming and not self.instantiates

    def begin_with(self, workflow: TokenWorkflow, target: Node) -> None:
        """Begin a process instance with an event that has already come."""
        token = workflow.enter(self, workflow.root, memo={"left": []} if self.kind == "Exclusive" else None)
        flow = next(flow for flow in self.outgoing if flow.target is target)
        workflow.arrive(flow, token.scope, caught=True)
        if self.kind == "Parallel":
            token.memo["left"] = [other.bpmn_id for other in self.targets() if other is not target]

    def targets(self) -> list[Node]:
        """Return the events it waits for."""
        return [flow.target for flow in self.outgoing]

    def happened(self, token: Token, target: Node) -> None:
        """Go on behind the event that came."""
        workflow = token.workflow
        flow = next(flow for flow in self.outgoing if flow.target is target)
        workflow.arrive(flow, token.scope, caught=True)
        if self.kind == "Parallel":
            left = token.memo.setdefault("left", [other.bpmn_id for other in self.targets()])
            left.remove(target.bpmn_id)
            workflow.disarm(token.number, target)
            if left:
                return
        token.complete()

    def leave(self, token: Token) -> None:
        token.workflow.disarm(token.number)
