"""Events: where a process begins and ends, what it throws, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from casepath.engine.bpmn import catching, compensation
from casepath.engine.bpmn.effects import MessageSent, SignalSent
from casepath.engine.bpmn.elements.base import Node, payload_value
from casepath.engine.bpmn.model import EventDefinition
from casepath.engine.errors import BpmnError

if TYPE_CHECKING:
    from casepath.engine.bpmn.elements.activities import Activity
    from casepath.engine.bpmn.tokens import Token
    from casepath.engine.bpmn.workflow import TokenWorkflow


class StartEvent(Node):
    """Where a process, a sub-process or an event sub-process begins."""

    tag: ClassVar[str] = "startEvent"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.interrupting = True
        self.parallel = False
        self.form_key: str | None = None

    def begin_here(self, workflow: TokenWorkflow) -> None:
        """Begin a process instance at this event."""
        workflow.enter(self, workflow.root)


class CatchEvent(Node):
    """Waits in the flow until what it catches has come; `parallel`: until all of it has."""

    tag: ClassVar[str] = "intermediateCatchEvent"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.parallel = False
        self.link_sources: list[Node] = []

    def begins_by_itself(self) -> bool:
        return not self.incoming and not self.catches("link")

    def run(self, token: Token) -> bool | None:
        self.take_in(token)
        if "caught" in token.memo or self.catches("link"):
            return True
        token.workflow.arm(token.number, self, token)
        return None

    def awaited(self, token: Token) -> list[Node]:
        return [self]

    def caught(self, token: Token, kind: str, last: bool) -> None:
        """Go on; a cycle that is not over yet sends a token on each time and keeps waiting."""
        if kind == "timer" and not last:
            token.workflow.take(token, self.chosen_flows(token))
            return
        token.complete()

    def leave(self, token: Token) -> None:
        self.hand_out(token)
        if "caught" not in token.memo:
            token.workflow.disarm(token.number)
        super().leave(token)


class BoundaryEvent(Node):
    """Stands on the border of an activity and catches what comes while that is alive."""

    tag: ClassVar[str] = "boundaryEvent"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.interrupting = True
        self.parallel = False
        self.host: Activity


class Thrower(Node):
    """What events that throw share: each definition in turn, in document order."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.link_target: Node | None = None

    def begins_by_itself(self) -> bool:
        return not self.incoming

    def throw(self, token: Token) -> bool | None:
        """Throw everything; return None where the token has to wait for a compensation, or was itself interrupted."""
        if "compensated" not in token.memo:
            self.take_in(token)
        for definition in self.definitions:
            if definition.kind == "compensate" and not compensation.throw(token, definition):
                return None
            if definition.kind == "cancel":
                compensation.cancel_transaction(token)
                return None
            throw_definition(token, definition)
            if not token.alive or token.workflow.paused:
                return None
        return True


def throw_definition(token: Token, definition: EventDefinition) -> None:
    """Throw an error, escalation, signal or message from where the token is."""
    workflow = token.workflow
    name = str(payload_value(definition.name, token)) if definition.name is not None else ""
    variables = thrown_variables(token, definition)
    match definition.kind:
        case "signal":
            workflow.record("signal.sent", token, facts={"name": name}, variables=variables)
            workflow.effects.append(SignalSent(element_id=token.node.bpmn_id, name=name, variables=variables))
            catching.throw_signal(workflow, name, variables)
        case "message":
            workflow.record("message.sent", token, facts={"name": name}, variables=variables)
            correlation = catching.sent_correlation(token, definition, variables)
            workflow.effects.append(
                MessageSent(element_id=token.node.bpmn_id, name=name, variables=variables, correlation=correlation)
            )
        case "escalation":
            catching.throw_escalation(workflow, token, definition.code or "", variables)
        case "error":
            text = payload_value(definition.text, token) if definition.text is not None else None
            error = BpmnError(definition.code or "", str(text or ""), variables)
            catching.throw_error_event(workflow, token, error)


def thrown_variables(token: Token, definition: EventDefinition) -> Mapping[str, Any]:
    """Return what a thrown event carries: what its mappings say, or all that the token sees."""
    carried: dict[str, Any] = dict(token.variables()) if definition.all_variables else {}
    carried.update({mapping.target: payload_value(mapping.source, token) for mapping in definition.payload})
    return carried


class ThrowEvent(Thrower):
    """Throws and goes on."""

    tag: ClassVar[str] = "intermediateThrowEvent"

    def run(self, token: Token) -> bool | None:
        if self.link_target is not None:
            return True
        return self.throw(token)

    def leave(self, token: Token) -> None:
        if "driver" in token.memo:
            return
        self.hand_out(token)
        if self.link_target is not None:
            token.workflow.enter(self.link_target, token.scope)
        else:
            super().leave(token)


class EndEvent(Thrower):
    """Throws, and the token is used up; a terminate event ends everything around it."""

    tag: ClassVar[str] = "endEvent"

    def run(self, token: Token) -> bool | None:
        if self.catches("terminate"):
            token.workflow.clear(token.scope, keep=token)
            return True
        return self.throw(token)

    def leave(self, token: Token) -> None:
        """Nothing follows."""
