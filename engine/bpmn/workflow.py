"""
A running process instance: SpiffWorkflow's workflow over the tree of what is alive.

`run` takes the tokens that are ready until all wait. Order: first come, first served, but elements that throw (`late`)
run only when nothing else can, so that whoever is about to wait for what is thrown already does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from casepath.engine import errors, phrases
from casepath.engine.bpmn import catchers, joins, states
from casepath.engine.bpmn.effects import Failed, Recovered
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.model import EventKind
from casepath.engine.bpmn.tree import Token, TokenTree
from casepath.engine.history import ERROR_TEXT


class TokenWorkflow(TokenTree):
    """The state of one process instance and the moves that it can make."""

    # -- running -----------------------------------------------------------------------------------------------------

    def start(self, variables: Mapping[str, Any], node: Element | None = None) -> None:
        """Begin: at one start event, or wherever the process begins by itself."""
        self.root.variables.update(self.spec.root.initial)
        self.set_variables(self.root, variables, local=True)
        catchers.arm_event_subprocesses(self, self.spec.root, self.root)
        if node is not None:
            node.begin_here(self)
            return
        for start in self.spec.root.first_entries():
            self.enter(start, self.root)
        if not self.queue and not self.late:
            self.scope_emptied(self.root)

    def run(self) -> None:
        """Move tokens until all wait, or the instance has ended."""
        self.do_engine_steps()

    def _do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> int:
        # The one of BpmnWorkflow takes what was ready when it looked, also what has been cancelled since.
        while self.outcome is None and not self.paused:
            if self.dirty and self.spec.has_conditions:
                catchers.check_conditions(self)
                continue
            if self.queue:
                token = self.queue.popleft()
            elif joins.settle(self):
                continue
            elif self.late:
                token = self.late.popleft()
            else:
                break
            if token.alive and not token.waits:
                self.budget.check_time(token.node.bpmn_id)
                self.move(token)
        if self.outcome is not None:
            self.queue.clear()
            self.late.clear()
        return 0

    def move(self, token: Token) -> None:
        """Run one token; an element that fails keeps it, and what the element had begun is taken back."""
        self.guard(token, token.run)

    # -- failing and going on ----------------------------------------------------------------------------------------

    def guard(self, token: Token, action: Callable[[], object]) -> None:
        """Do something for a token; on failure look for who catches it, else let the token stand still."""
        try:
            action()
        except errors.OverBudget:
            # No failure of this element: the whole step is taken back.
            raise
        except errors.BpmnError as error:
            if not self.throw_error(token, error):
                self.fail(token, error)
        except errors.ScriptError as error:
            thrown = errors.BpmnError(error.argument or error.exception, error.message)
            if not self.throw_error(token, thrown):
                self.fail(token, error)
        except errors.EngineError as error:
            self.fail(token, error)

    def throw_error(self, token: Token, error: errors.BpmnError) -> bool:
        """Let the nearest event that catches this error have it; return whether there was one."""
        if token.failed:
            token._set_state(states.STARTED)
        return catchers.throw_error(self, token, error)

    def fail(self, token: Token, error: errors.EngineError) -> None:
        """Let a token stand still where its element failed, until it is tried again by itself or by somebody."""
        if token._state != states.COMPLETED:
            self.take_back(token)
        tried = token.memo.get("tried", 0)
        if token._state != states.COMPLETED and tried < len(token.node.retry_after) and token.node.async_before:
            token.memo["tried"] = tried + 1
            self.record("activity.failed", token, variables={ERROR_TEXT: phrases.as_json(error.phrase)})
            self.wait_for_continuation(token, token.node.retry_after[tried])
            return
        if token.node.bpmn_id and self.tasks.get(token.number) is None:
            # It had completed, but could not leave: stand at the exit.
            self.tasks[token.number] = token
            token.parent = token.scope.task
            token.parent._child_added_notify(token)
        if token._state == states.COMPLETED:
            token.memo["leaving"] = True
        token._set_state(states.ERROR)
        self.effects.append(
            Failed(
                number=token.number,
                element_id=token.node.bpmn_id,
                message=error.message,
                details=phrases.dumps(error.phrase),
            )
        )
        self.record("incident.opened", token, variables={ERROR_TEXT: phrases.as_json(error.phrase)})

    def retry(self, token: Token) -> None:
        """Run a token again whose element failed."""
        if not token.failed:
            raise errors.InvalidState("retry", "activity instance", token.number, token.state_name)
        self.effects.append(Recovered(number=token.number))
        self.record("incident.resolved", token)
        if token.memo.pop("leaving", False):
            token._set_state(states.STARTED)
            self.guard(token, token.complete)
        else:
            if token.node.async_before:
                # It has been held back before it failed.
                token.memo["continued"] = True
            token._set_state(states.READY)
            self.queue.append(token)

    def complete(self, token: Token, variables: Mapping[str, Any]) -> None:
        """Finish an activity that waited, with the values that its work gave."""
        token.memo.pop("work", None)
        if token.node.loop is not None and token.node.loop.gathers_answers:
            token.memo["submitted"] = dict(variables)
        self.set_variables(token.inner or token.scope, variables)
        self.guard(token, token.complete)

    def continue_(self, token: Token) -> None:
        """Go on after a save point."""
        if not token.memo.pop("continuation", False):
            raise errors.InvalidState("continue", "activity instance", token.number, token.state_name.lower())
        token.memo["continued"] = True
        token._set_state(states.READY)
        self.queue.append(token)

    # -- asked from outside ------------------------------------------------------------------------------------------

    def arm(self, number: int, node: Element, token: Token | None) -> None:
        """Begin to wait for what an event catches; `number` is of the activity instance that waits."""
        catchers.arm(self, number, node, token)

    def catcher_of(self, number: int, kind: EventKind, code: str) -> Element | None:
        """Return the event that would catch here what an activity instance throws; None if there is none."""
        return catchers.catcher_of(self, number, kind, code)

    def stuck(self) -> tuple[bool, bool]:
        """Whether nothing from outside could move the instance when this was last asked, and whether it is so now."""
        return joins.stuck(self)
