"""Gateways: where tokens split, meet, or wait for the first of several events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import _BpmnCondition
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.specs.base import TaskSpec

from casepath.engine.bpmn import catchers, states
from casepath.engine.bpmn.elements.base import Node, no_flow, record_decision
from casepath.engine.bpmn.graph import Decision, Element, Flow
from casepath.engine.bpmn.model import Condition
from casepath.engine.bpmn.tree import Token, TokenTree


class FlowCondition(_BpmnCondition):
    """The condition of a sequence flow as SpiffWorkflow's gateways ask it; a flow without one always holds."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow.condition)
        self.flow = flow

    def _matches(self, task: Token) -> bool:
        # For SpiffWorkflow a flow is its target: it does not say which flow it means.
        holds = True
        if self.flow.condition is not None:
            holds = super()._matches(task)
            task.decision.asked[self.flow.id] = task.reads
        if holds:
            task.decision.holding.append(self.flow)
        return holds


class Gateway(Node):
    """A gateway that passes each token on."""

    def begins_by_itself(self) -> bool:
        return not self.incoming


class Choice(Gateway):
    """
    A gateway that decides: SpiffWorkflow asks the conditions and makes what follows the children of the token.

    Decided before the token completes, so that a condition that fails leaves it standing here.
    """

    def run(self, token: Token) -> bool | None:
        token.decision = Decision()
        if not self.outgoing:
            return True
        try:
            super().run(token)
        except WorkflowException:
            raise no_flow(self) from None
        holding = token.decision.holding
        flows = holding or [flow for flow in (self.default,) if flow is not None]
        for child, flow in zip(token.children, flows, strict=True):
            child.flow = flow
            token.workflow.visits[child.number].flow_id = flow.id
        record_decision(token, holding, token.decision.asked)
        return True

    def leave(self, token: Token) -> None:
        """What follows has been decided."""


class ExclusiveGateway(Choice, defaults.ExclusiveGateway):
    """Each token leaves along the first flow whose condition holds, else along the default."""

    tag: ClassVar[str] = "exclusiveGateway"


class Join(Gateway):
    """A gateway that waits for tokens on its incoming flows."""

    def _update_hook(self, my_task: Token) -> bool:
        # The one of UnstructuredJoin keeps one of all waiting tokens, whatever flow they came along.
        if len(self.incoming) > 1 and "joined" not in my_task.memo and not self._check_threshold_unstructured(my_task):
            my_task._set_state(states.WAITING)
            return False
        return True

    def _check_threshold_unstructured(self, my_task: Token) -> bool:
        """Whether a token that has just arrived goes on at once; those that it goes on for are merged into it."""
        raise NotImplementedError


class ParallelGateway(Join, defaults.ParallelGateway):
    """Waits for one token on each incoming flow, then sends one along each outgoing flow."""

    tag: ClassVar[str] = "parallelGateway"

    def _check_threshold_unstructured(self, my_task: Token) -> bool:
        # The one of SpiffWorkflow looks at the whole tree: in a loop it counts arrivals of the round before.
        arrived = my_task.workflow.arrivals(self, my_task.scope)
        if len(arrived) < len(self.incoming):
            return False
        my_task.workflow.merge(my_task, [tokens[0] for tokens in arrived.values()])
        return True


class InclusiveGateway(Join, Choice, defaults.InclusiveGateway):
    """
    Waits for a token on at least one incoming flow until no other token can still reach an empty one, then sends one
    along each outgoing flow whose condition holds (BPMN 2.0, table 13.3).
    """

    tag: ClassVar[str] = "inclusiveGateway"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._upstream: dict[str, frozenset[str]] | None = None

    def _check_threshold_unstructured(self, my_task: Token) -> bool:
        # The one of SpiffWorkflow asks which elements lead here, not which tokens on which flows. Whether others can
        # still arrive is only clear when everything else has come to rest (`joins`).
        return False

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
            front.extend(node.sources())
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


class ComplexGateway(InclusiveGateway):
    """
    Waits until its activation condition holds, sends tokens on, then swallows the stragglers until it is reset.

    The condition sees `activationCount`, the number of incoming flows that hold a token, besides the variables. Reset
    is when each remaining flow has delivered its token or no longer can. SpiffWorkflow has no such gateway.
    """

    tag: ClassVar[str] = "complexGateway"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.activation: Condition | None = None

    def _update_hook(self, my_task: Token) -> bool:
        # The condition can fail: it is asked when the turn of the token comes, not while the one before it completes.
        return self.activation is not None or super()._update_hook(my_task)

    def enter(self, token: Token) -> bool | None:
        joins = self.activation is not None and len(self.incoming) > 1 and "joined" not in token.memo
        if joins and not self.activates(token):
            return None
        return super().enter(token)

    def activates(self, token: Token) -> bool:
        """Whether the gateway goes on with a token that has arrived; the others are merged into it then."""
        workflow, scope = token.workflow, token.scope
        if self.activation is None or self.bpmn_id in scope.memo.get("reset", {}):
            return False
        arrived = workflow.arrivals(self, scope)
        seen = token.variables({"activationCount": len(arrived)})
        if not self.activation.condition(seen, workflow.environment)[0]:
            return False
        workflow.merge(token, [tokens[0] for tokens in arrived.values()])
        missing = [flow.id for flow in self.incoming if flow.id not in arrived]
        if missing:
            scope.memo.setdefault("reset", {})[self.bpmn_id] = missing
        return True

    def reset(self, token: Token) -> bool:
        """Swallow the stragglers that have arrived; return whether anything changed. `token` is one of them."""
        waiting = token.scope.memo["reset"][self.bpmn_id]
        arrived = [flow for flow in token.workflow.arrivals(self, token.scope) if flow in waiting]
        for flow in arrived:
            waiting.remove(flow)
            token.workflow.absorb(token.workflow.arrivals(self, token.scope)[flow][0])
        if not token.scope.count:
            token.workflow.scope_emptied(token.scope)
        return bool(arrived)


class EventBasedGateway(Node, defaults.EventBasedGateway):
    """Waits for the first of the events behind it, or, when parallel, for all of them."""

    tag: ClassVar[str] = "eventBasedGateway"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.instantiates = False
        self.kind: Literal["Exclusive", "Parallel"] = "Exclusive"

    def connect(self, child: Element) -> None:
        # The one of SpiffWorkflow takes the event definition out of what follows.
        TaskSpec.connect(self, child)

    def _update_hook(self, my_task: Token) -> bool:
        # As for CatchEvent.
        return True

    def run(self, token: Token) -> bool | None:
        # The one of SpiffWorkflow lets several timers fire, and keeps what it has seen where no JSON can.
        if token.memo.get("left") == []:
            return True
        for target in self.awaited(token):
            catchers.arm(token.workflow, token.number, target, token)
        return None

    def awaited(self, token: Token) -> list[Element]:
        return [target for target in self.targets() if target.bpmn_id in token.memo.get("left", [target.bpmn_id])]

    def begins_by_itself(self) -> bool:
        return not self.incoming and not self.instantiates

    def beginnings(self) -> list[Element]:
        return self.targets() if self.instantiates else []

    def begin_with(self, workflow: TokenTree, target: Element) -> None:
        """Begin a process instance with an event that has already come."""
        token = workflow.enter(self, workflow.root, memo={"left": []} if self.kind == "Exclusive" else None)
        flow = next(flow for flow in self.outgoing if flow.target is target)
        workflow.arrive(flow, token.scope, caught=True)
        if self.kind == "Parallel":
            token.memo["left"] = [other.bpmn_id for other in self.targets() if other is not target]

    def targets(self) -> list[Element]:
        """Return the events it waits for."""
        return [flow.target for flow in self.outgoing]

    def heard(self) -> list[Element]:
        return [*super().heard(), *self.targets()]

    def happened(self, token: Token, event: Element) -> None:
        """Go on behind the event that came."""
        workflow = token.workflow
        flow = next(flow for flow in self.outgoing if flow.target is event)
        workflow.arrive(flow, token.scope, caught=True)
        if self.kind == "Parallel":
            left = token.memo.setdefault("left", [other.bpmn_id for other in self.targets()])
            left.remove(event.bpmn_id)
            workflow.disarm(token.number, event)
            if left:
                return
        token.complete()

    def leave(self, token: Token) -> None:
        token.workflow.disarm(token.number)
