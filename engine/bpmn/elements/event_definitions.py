"""Event definitions that are thrown: SpiffWorkflow's throwing events call `throw` of each, in document order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from casepath.engine.bpmn import catchers
from casepath.engine.bpmn.effects import MessageSent, SignalSent
from casepath.engine.bpmn.elements.base import payload_value
from casepath.engine.bpmn.model import EventDefinition, EventKind
from casepath.engine.bpmn.tree import Token
from casepath.engine.errors import BpmnError


class ThrownDefinition(EventDefinition):
    """What an event throws; those of SpiffWorkflow throw a copy of all data at every task of one workflow."""

    def throw(self, my_task: Token) -> None:
        """Throw it from where a token is, unless what was thrown before has ended that."""
        if my_task.alive and not my_task.workflow.paused:
            self.send(my_task, thrown_variables(my_task, self))

    @abstractmethod
    def send(self, token: Token, variables: Mapping[str, Any]) -> None:
        """Bring it to whoever catches it."""

    def evaluated_name(self, token: Token) -> str:
        """Return the name of the signal or message."""
        return str(payload_value(self.name, token)) if self.name is not None else ""


class SignalDefinition(ThrownDefinition):
    """A signal: for everybody who waits for it, in this instance and in others."""

    def send(self, token: Token, variables: Mapping[str, Any]) -> None:
        name = self.evaluated_name(token)
        token.workflow.record("signal.sent", token, facts={"name": name}, variables=variables)
        token.workflow.effects.append(SignalSent(element_id=token.node.bpmn_id, name=name, variables=variables))
        catchers.throw_signal(token.workflow, name, variables)


class MessageDefinition(ThrownDefinition):
    """A message: for one who waits for it, in another instance."""

    def send(self, token: Token, variables: Mapping[str, Any]) -> None:
        name = self.evaluated_name(token)
        token.workflow.record("message.sent", token, facts={"name": name}, variables=variables)
        correlation = catchers.sent_correlation(token, self, variables)
        token.workflow.effects.append(
            MessageSent(element_id=token.node.bpmn_id, name=name, variables=variables, correlation=correlation)
        )


class EscalationDefinition(ThrownDefinition):
    """An escalation: for the nearest event that catches it, or the caller."""

    def send(self, token: Token, variables: Mapping[str, Any]) -> None:
        catchers.throw_escalation(token.workflow, token, self.code or "", variables)


class ErrorDefinition(ThrownDefinition):
    """An error: for the nearest event that catches it; it ends the instance where none does."""

    def send(self, token: Token, variables: Mapping[str, Any]) -> None:
        text = payload_value(self.text, token) if self.text is not None else None
        catchers.throw_error_event(token.workflow, token, BpmnError(self.code or "", str(text or ""), variables))


#: The kinds that are thrown; the others are caught only, or belong to one kind of event.
THROWN: dict[EventKind, type[ThrownDefinition]] = {
    "error": ErrorDefinition,
    "escalation": EscalationDefinition,
    "message": MessageDefinition,
    "signal": SignalDefinition,
}


def thrown_variables(token: Token, definition: EventDefinition) -> Mapping[str, Any]:
    """Return what a thrown event carries: what its mappings say, or all that the token sees."""
    carried: dict[str, Any] = dict(token.variables()) if definition.all_variables else {}
    carried.update({mapping.target: payload_value(mapping.source, token) for mapping in definition.payload})
    return carried
