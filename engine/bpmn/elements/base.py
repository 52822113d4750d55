"""What every element does: it is entered by a token, runs, and sends tokens on along its sequence flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casepath.engine import errors
from casepath.engine.bpmn.graph import Element, Flow
from casepath.engine.bpmn.scripts import ScriptResult
from casepath.engine.bpmn.tree import Token


class Node(Element):
    """
    What SpiffWorkflow's task specs and ours share: save points, mappings and our flows around what an element does.

    SpiffWorkflow calls the hooks: `_run_hook` when a token is run (True: completed, None: it waits),
    `_on_complete_hook` when it completes, `_on_cancel` when it is cancelled. An exception leaves the token in state
    ERROR, from where it can be run again. It stands before the class of SpiffWorkflow among the bases of an element, so
    that nothing runs past it.
    """

    # -- SpiffWorkflow's hooks ---------------------------------------------------------------------------------------

    def _predict_hook(self, my_task: Token) -> None:
        """Tokens, no forecasts: what follows is decided when the token leaves."""

    def test(self) -> None:
        """Everything was checked at deployment; TaskSpec checks at each visit, and refuses elements without inputs."""

    def _on_ready_hook(self, my_task: Token) -> None:
        super()._on_ready_hook(my_task)
        (my_task.workflow.late if self.late else my_task.workflow.queue).append(my_task)

    def _run_hook(self, my_task: Token) -> bool | None:
        return self.enter(my_task)

    def _on_complete_hook(self, my_task: Token) -> None:
        super()._on_complete_hook(my_task)
        self.leave(my_task)

    def _on_cancel(self, my_task: Token) -> None:
        super()._on_cancel(my_task)
        my_task.workflow.abandon(my_task)

    # -- in ----------------------------------------------------------------------------------------------------------

    def enter(self, token: Token) -> bool | None:
        """Do what the element does; return None when the token has to wait."""
        if self.pauses(token):
            return None
        return self.run(token)

    def run(self, token: Token) -> bool | None:
        """Do the work of the element itself: here what SpiffWorkflow does for elements of this kind."""
        done: bool | None = super()._run_hook(token)
        return done

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

    def script_ended(self, token: Token, result: ScriptResult) -> None:
        """Set what a script of the element has assigned."""
        token.set_data(**result.assigned)

    # -- out ---------------------------------------------------------------------------------------------------------

    def hand_out(self, token: Token) -> None:
        """Set the variables that the element gives to its surroundings."""
        given: dict[str, Any] = {}
        try:
            for mapping in self.output_mappings:
                given[mapping.target] = payload_value(mapping.source, token)
                token.workflow.set_variables(token.scope, {mapping.target: given[mapping.target]})
        finally:
            # What was set before one that fails stays set.
            record_mapped(token, given)

    def leave(self, token: Token) -> None:
        """Send the token on along the sequence flows that hold."""
        token.workflow.take(token, self.chosen_flows(token))

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


def holding_flows(token: Token, flows: Sequence[Flow]) -> list[Flow]:
    """Return those of the flows whose condition holds, and write down what was read. Raises `ExpressionError`."""
    taken: list[Flow] = []
    asked: dict[str, Mapping[str, Any]] = {}
    # What is local to an activity is no longer there when it is left.
    variables = token.surroundings()
    for flow in flows:
        assert flow.condition is not None
        holds, asked[flow.id] = flow.condition.condition(variables, token.workflow.environment)
        if holds:
            taken.append(flow)
    record_decision(token, taken, asked)
    return taken


def record_decision(token: Token, taken: Sequence[Flow], asked: Mapping[str, Mapping[str, Any]]) -> None:
    """Write into the history which flows hold, and what was read to find out; nothing where none was asked."""
    if asked:
        facts = {"holding": [flow.id for flow in taken], "reads": {flow: sorted(read) for flow, read in asked.items()}}
        variables = {name: value for read in asked.values() for name, value in read.items()}
        token.workflow.record("gateway.decided", token, facts=facts, variables=variables)


def record_mapped(token: Token, variables: Mapping[str, Any]) -> None:
    """Write into the history what mappings of the element have set around it."""
    if variables:
        token.workflow.record("variables.mapped", token, variables=variables)


def no_flow(node: Node) -> errors.InvalidInput:
    """Return the error for an element that a token cannot leave."""
    return errors.InvalidInput(
        "Expected a sequence flow out of {element} whose condition holds, or a default flow, but found none "
        "({conditions})",
        element=node.bpmn_id,
        conditions=[f"{flow.id}: {flow.condition.text}" for flow in node.outgoing if flow.condition is not None],
    )


def payload_value(source: Any, token: Token) -> Any:
    """Evaluate an expression, or each in a list or map of them, with the variables that the token sees."""
    if isinstance(source, dict):
        return {key: payload_value(item, token) for key, item in source.items()}
    if isinstance(source, tuple):
        return [payload_value(item, token) for item in source]
    return source.evaluate(token.variables(), token.workflow.environment)
