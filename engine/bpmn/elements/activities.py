"""Activities: what takes time or does work, and containers of further elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from SpiffWorkflow.bpmn.specs import defaults

from casepath.engine import errors
from casepath.engine.bpmn import catchers, compensation
from casepath.engine.bpmn.elements.base import Node, record_mapped
from casepath.engine.bpmn.elements.loops import loop_begin, loop_round_completed
from casepath.engine.bpmn.graph import Container, Element
from casepath.engine.bpmn.model import Condition
from casepath.engine.bpmn.tree import Token


class Activity(Node):
    """
    An activity: save points, loops, local variables, events on its border and compensation, around its own work.

    A token of an activity with a loop is the body of the loop; the tokens of its rounds live in the body's scope and
    have `loop` in their memo.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        #: Data associations: variable to variable, where the first one is there.
        self.data_inputs: tuple[tuple[str, str], ...] = ()
        self.data_outputs: tuple[tuple[str, str], ...] = ()
        self.start_quantity = 1
        self.completion_quantity = 1
        self.for_compensation = False
        self.compensation_handler: Activity | None = None

    # -- in ----------------------------------------------------------------------------------------------------------

    def enter(self, token: Token) -> bool | None:
        if "after" in token.memo:
            return None if self.pauses_after(token) else True
        if "loop" not in token.memo:
            if self.start_quantity > 1 and not self.gathered(token):
                return None
            if self.pauses(token):
                return None
            if self.loop is not None:
                return loop_begin(self, self.loop, token)
        return self.begin(token)

    def begin(self, token: Token) -> bool | None:
        """Do the work once: make the local variables, start, and listen on the border while it lasts."""
        self.take_in(token)
        for source, target in self.data_inputs:
            copy_variable(token, source, target)
        done = self.run(token)
        if done is None and "loop" not in token.memo and token.alive:
            catchers.arm_boundary(token.workflow, token)
        return done

    def gathered(self, token: Token) -> bool:
        """Whether as many tokens have come as the activity needs to start once."""
        if "joined" in token.memo:
            return True
        waiting = [
            other
            for other in token.scope.tokens()
            if other.task_spec is self and (other is token or other.memo.get("gathers"))
        ]
        if len(waiting) < self.start_quantity:
            token.memo["gathers"] = True
            return False
        token.workflow.merge(token, waiting)
        return True

    def begins_by_itself(self) -> bool:
        return not self.incoming and not self.for_compensation

    def awaited(self, token: Token) -> Sequence[Element]:
        return self.border(token)

    def border(self, token: Token) -> Sequence[Element]:
        listens = not ("loop" in token.memo or "gathers" in token.memo or self.is_brought_back(token))
        return self.boundary if listens else ()

    def is_body(self, token: Token) -> bool:
        return self.loop is not None and "loop" not in token.memo and not self.is_brought_back(token)

    def is_brought_back(self, token: Token) -> bool:
        """Whether a token is there only to have compensated what had completed inside the activity."""
        return "compensates" in token.memo and not self.for_compensation

    # -- out ---------------------------------------------------------------------------------------------------------

    def leave(self, token: Token) -> None:
        workflow = token.workflow
        if "after" in token.memo:
            workflow.take(token, self.chosen_flows(token), self.completion_quantity)
            return
        if not self.is_body(token) and not self.is_brought_back(token):
            self.hand_out(token)
        ends_here = "loop" in token.memo or "compensates" in token.memo or self.async_after
        # Decided before anything is kept of the visit, so that a condition that fails can be evaluated once more.
        flows = [] if ends_here else self.chosen_flows(token)
        if self.boundary and "loop" not in token.memo:
            workflow.disarm(token.number)
        compensation.remember(token)
        if "loop" in token.memo:
            loop_round_completed(self, token)
        elif "compensates" in token.memo:
            compensation.done(token)
        elif self.async_after:
            workflow.enter(self, token.scope, memo={"after": True})
        else:
            workflow.take(token, flows, self.completion_quantity)

    def hand_out(self, token: Token) -> None:
        super().hand_out(token)
        for source, target in self.data_outputs:
            copy_variable(token, source, target)

    def pauses_after(self, token: Token) -> bool:
        """Whether the save point behind the activity holds the token back."""
        if token.memo.pop("continued", False):
            return False
        token.workflow.wait_for_continuation(token)
        return True


def copy_variable(token: Token, source: str, target: str) -> None:
    """Copy a variable to another name where it is there."""
    variables = token.variables()
    if source != target and source in variables:
        copied = {target: variables[source]}
        token.workflow.set_variables(token.scope, copied)
        record_mapped(token, copied)


class Task(Activity, defaults.NoneTask):
    """A task without a kind: the token passes."""

    tag: ClassVar[str] = "task"


class ManualTask(Activity, defaults.ManualTask):
    """Work that the engine hears nothing of: the token passes."""

    tag: ClassVar[str] = "manualTask"


class SubProcess(Activity, Container, defaults.SubWorkflowTask):
    """Elements with variables of their own: embedded, transaction, ad-hoc, event sub-process, or the process itself."""

    tag: ClassVar[str] = "subProcess"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.ad_hoc: str | None = None
        self.completion: Condition | None = None
        self.cancels_remaining = True

    def _update_hook(self, my_task: Token) -> bool:
        # The one of SubWorkflowTask makes a workflow with a tree and a copy of all data for each visit.
        return True

    def heard(self) -> list[Element]:
        return [*super().heard(), *self.event_starts]

    def entries(self) -> list[Element]:
        """Return where tokens begin: the none start events, or what nothing leads to when there is no start event."""
        if self.start_events:
            return [start for start in self.start_events if not start.definitions]
        return [child for child in self.children if child.begins_by_itself()]

    def first_entries(self) -> list[Element]:
        """
        Return where a process begins that is started by hand: several start events are alternatives.

        A none start event comes before one with a timer; another one is begun at if it is the only one. Raises
        `InvalidInput` where there are several of those.
        """
        plain = self.entries()[:1] if self.start_events else self.entries()
        plain = plain or [start for start in self.start_events if start.catches("timer")][:1]
        if not plain and len(self.start_events) > 1:
            raise errors.InvalidInput(
                "It is not clear where this process begins when somebody starts it: expected is a start event without "
                "message, signal or condition; found are {found}. Please tell the process owner.",
                code="start-unclear",
                found=[start.bpmn_id for start in self.start_events],
            )
        return plain or list(self.start_events)

    def run(self, token: Token) -> bool | None:
        workflow = token.workflow
        scope = token.open_scope()
        scope.variables = {**self.initial, **scope.variables}
        start = token.memo.get("start")
        entries = [workflow.spec.nodes[start]] if start else self.entries()
        if not entries:
            return True
        if self.ad_hoc == "Sequential":
            token.memo["todo"] = [entry.bpmn_id for entry in entries[1:]]
            entries = entries[:1]
        catchers.arm_event_subprocesses(workflow, self, scope)
        for entry in entries:
            workflow.enter(entry, scope, memo={"caught": True} if start else None)
        return None

    def begins_by_itself(self) -> bool:
        return super().begins_by_itself() and not self.triggered

    def inside(self, token: Token) -> Container | None:
        return None if self.is_body(token) else self

    def leave(self, token: Token) -> None:
        # Where there are events at the boundary, it is disarmed with them; those of a loop belong to its body.
        if self.event_starts and (not self.boundary or "loop" in token.memo):
            token.workflow.disarm(token.number)
        super().leave(token)

    def inner_ended(self, token: Token) -> None:
        if self.is_body(token):
            return
        workflow = token.workflow
        if self.ad_hoc and self.go_on(token):
            return
        if "compensate" not in token.memo:
            workflow.guard(token, token.complete)

    def inner_completed(self, token: Token) -> None:
        if self.ad_hoc and self.is_complete(token):
            assert token.inner is not None
            if self.cancels_remaining:
                token.memo.pop("todo", None)
                token.workflow.clear(token.inner)
                token.workflow.guard(token, token.complete)

    def is_complete(self, token: Token) -> bool:
        """Whether the completion condition of an ad-hoc sub-process holds."""
        if self.completion is None:
            return False
        return self.completion.condition(token.variables(), token.workflow.environment)[0]

    def go_on(self, token: Token) -> bool:
        """Begin the next activity of a sequential ad-hoc sub-process, unless it is complete; return whether it did."""
        todo = token.memo.get("todo")
        if not todo or self.is_complete(token):
            return False
        assert token.inner is not None
        token.workflow.enter(token.workflow.spec.nodes[todo.pop(0)], token.inner)
        return True

    def compensation_start(self) -> Element | None:
        return next((start for start in self.event_starts if start.catches("compensate")), None)
