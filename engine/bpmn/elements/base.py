"""What every element does: it is entered by a token, runs, and sends tokens on along its sequence flows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec

from casepath.engine import errors
from casepath.engine.bpmn.model import EventDefinition, EventKind, Flow, ProcessSpec, VariableMapping

if TYPE_CHECKING:
    from casepath.engine.bpmn.elements.activities import SubProcess
    from casepath.engine.bpmn.elements.events import BoundaryEvent
    from casepath.engine.bpmn.tokens import Token


class Node(BpmnTaskSpec):
    """
    An element of the diagram that tokens pass through.

    SpiffWorkflow calls the hooks: `_run_hook` when a token is run (True: completed, None: it waits),
    `_on_complete_hook` when it completes, `_on_cancel` when it is cancelled. An exception leaves the token in state
    ERROR, from where it can be run again.
    """

    #: Tag in the file.
    tag: ClassVar[str] = "flowNode"
    #: Whether tokens of this element run only when no others can, so that whoever is about to wait already waits.
    late: bool = False

    def __init__(self, spec: ProcessSpec, element_id: str, name: str, container: SubProcess | None) -> None:
        super().__init__(spec, element_id)
        self.process = spec
        self.bpmn_id: str = element_id
        self.bpmn_name: str = name
        self.element_type = self.tag
        #: The sub-process, or the process, that it stands in.
        self.container = container
        self.incoming: list[Flow] = []
        self.outgoing: list[Flow] = []
        self.default: Flow | None = None
        self.boundary: list[BoundaryEvent] = []
        self.definitions: list[EventDefinition] = []
        #: Whether jobs or subscriptions can wait for something here; of all that it may listen to itself.
        self.waits_for_jobs = True
        self.waits_for_events = True
        self.async_before = False
        self.async_after = False
        #: How long to wait before each further attempt where it fails behind a save point (failedJobRetryTimeCycle).
        self.retry_after: tuple[timedelta, ...] = ()
        self.input_mappings: tuple[VariableMapping, ...] = ()
        self.output_mappings: tuple[VariableMapping, ...] = ()
        self.properties: dict[str, str] = {}
        spec.nodes[element_id] = self

    def catches(self, *kinds: EventKind) -> list[EventDefinition]:
        """Return its event definitions of these kinds."""
        return [definition for definition in self.definitions if definition.kind in kinds]

    def _run_hook(self, my_task: Token) -> bool | None:
        return self.enter(my_task)

    def _on_complete_hook(self, my_task: Token) -> None:
        self.leave(my_task)

    def _on_cancel(self, my_task: Token) -> None:
        my_task.workflow.abandon(my_task)

    def test(self) -> None:
        """Everything was checked at deployment."""

    def enter(self, token: Token) -> bool | None:
        """Do what the element does; return None when the token has to wait."""
        if self.pauses(token):
            return None
        return self.run(token)

    def run(self, token: Token) -> bool | None:
        """Do the work of the element itself."""
        return True

    def pauses(self, token: Token) -> bool:
        """Whether a save point before the element holds the token back; its job brings it on."""
        if not self.async_before or token.memo.pop("continued", False):
            return False
        token.workflow.wait_for_continuation(token)
        return True

    def take_in(self, token: Token) -> None:
        """Make the variables that the element has to itself."""
        if self.input_mappings:
            scope = token.open_scope()
            for mapping in self.input_mappings:
                scope.variables[mapping.target] = payload_value(mapping.source, token)

    def hand_out(self, token: Token) -> None:
        """Set the variables that the element gives to its surroundings."""
        for mapping in self.output_mappings:
            token.workflow.set_variables(token.scope, {mapping.target: payload_value(mapping.source, token)})

    def leave(self, token: Token) -> None:
        """Send the token on along the sequence flows that hold."""
        token.workflow.take(token, self.chosen_flows(token))

    def awaited(self, token: Token) -> list[Node]:
        """Return the events that can come while a token waits here."""
        return []

    def border(self, token: Token) -> list[BoundaryEvent]:
        """Return the events on its border that listen to what happens to a token."""
        return []

    def begins_by_itself(self) -> bool:
        """Whether a token begins here when a container without start event is entered."""
        return False

    def caught(self, token: Token, kind: str, last: bool) -> None:
        """What the element itself waits for has come; `last`: it will not come again."""
        token.complete()

    def chosen_flows(self, token: Token) -> list[Flow]:
        """
        Return the flows to take out of an activity or event: all without condition, and those whose condition holds;
        the default when no condition does.

        Raises `ExpressionError`, or `InvalidInput` when there are flows and none may be taken.
        """
        if len(self.outgoing) == 1 and self.outgoing[0].condition is None:
            return self.outgoing
        conditional = [flow for flow in self.outgoing if flow.condition is not None and flow is not self.default]
        holding = holding_flows(token, conditional)
        flows = [
            flow for flow in self.outgoing if flow in holding or (flow.condition is None and flow is not self.default)
        ]
        if self.default is not None and not holding:
            flows.append(self.default)
        if self.outgoing and not flows:
            raise no_flow(self)
        return flows


def holding_flows(token: Token, flows: Sequence[Flow], *, first: bool = False) -> list[Flow]:
    """
    Return those of the flows that a token may take, or only the first such; a flow without condition always may.

    What was read stands in the history. Raises `ExpressionError`.
    """
    taken: list[Flow] = []
    reads: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    # What is local to an activity is no longer there when it is left.
    variables = token.surroundings()
    for flow in flows:
        holds = True
        if flow.condition is not None:
            holds, read = flow.condition.condition(variables, token.workflow.environment)
            reads.update(read)
            names[flow.id] = sorted(read)
        if holds:
            taken.append(flow)
            if first:
                break
    if names:
        facts = {"holding": [flow.id for flow in taken], "reads": names}
        token.workflow.record("gateway.decided", token, facts=facts, variables=reads)
    return taken


def no_flow(node: Node) -> errors.InvalidInput:
    """Return the error for an element that a token cannot leave."""
    conditions = "; ".join(f"{flow.id}: {flow.condition.text}" for flow in node.outgoing if flow.condition is not None)
    return errors.InvalidInput(
        f"Expected a sequence flow out of {node.bpmn_id} whose condition holds, or a default flow, but found none "
        f"({conditions})"
    )


def payload_value(source: Any, token: Token) -> Any:
    """Evaluate an expression, or each in a list or map of them, with the variables that the token sees."""
    if isinstance(source, dict):
        return {key: payload_value(item, token) for key, item in source.items()}
    if isinstance(source, tuple):
        return [payload_value(item, token) for item in source]
    return source.evaluate(token.variables(), token.workflow.environment)
