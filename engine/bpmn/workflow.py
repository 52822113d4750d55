"""
A running process instance: SpiffWorkflow's workflow without its tree.

Only what is alive is kept. Tokens that are ready stand in a queue; `run` takes them until all wait. What the step asks
of the world collects in `effects`, what happened in `events` and `visits`; the runtime stores all three.

Order: first come, first served, but elements that throw (`late`) run only when nothing else can, so that whoever is
about to wait for what is thrown already does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from casepath.engine import errors
from casepath.engine.bpmn import catching, joining
from casepath.engine.bpmn.effects import (
    CallCancelled,
    ContinuationQueued,
    Disarmed,
    Effect,
    Failed,
    Outcome,
    Recovered,
    Visit,
    WorkEnded,
)
from casepath.engine.bpmn.elements.base import Node
from casepath.engine.bpmn.model import Flow, ProcessSpec
from casepath.engine.bpmn.services import Services
from casepath.engine.bpmn.tokens import Scope, Token
from casepath.engine.expressions import Environment
from casepath.engine.history import ERROR_TEXT, Event

#: Tokens moved in one step; more means that the diagram runs in circles without ever waiting.
MAX_MOVES = 100_000


class TokenWorkflow(Workflow):
    """The state of one process instance and the moves that it can make."""

    def __init__(self, spec: ProcessSpec, environment: Environment, services: Services) -> None:
        super().__init__(spec, deserializing=True)
        self.spec: ProcessSpec = spec
        self.environment = environment
        self.services = services
        self.tasks: dict[int, Token] = {}
        self.root = Scope(0, None, None)
        self.scopes: dict[int, Scope] = {0: self.root}
        self.last_number = 0
        #: Whether the caller, which is told of an escalation next, will end this instance.
        self.paused = False
        #: What conditions have not been looked at since: variables that were set, events that were armed.
        self.changes: set[tuple[str, str]] = set()
        self.queue: deque[Token] = deque()
        self.late: deque[Token] = deque()
        self.effects: list[Effect] = []
        self.events: list[Event] = []
        self.visits: dict[int, Visit] = {}
        self.outcome: Outcome | None = None
        #: Variables have changed since conditions were last looked at.
        self.dirty = False
        #: Variables have changed in this step.
        self.changed = False

    # -- tokens ------------------------------------------------------------------------------------------------------

    def enter(self, node: Node, scope: Scope, flow: Flow | None = None, memo: dict[str, Any] | None = None) -> Token:
        """Put a new token at an element; it runs when its turn comes."""
        self.last_number += 1
        token = Token(self, self.last_number, node, scope, flow, memo or {})
        self.visits[token.number] = Visit(
            number=token.number,
            parent=scope.number,
            element_id=node.bpmn_id,
            element_type=node.element_type,
            flow_id=flow.id if flow else None,
        )
        (self.late if node.late else self.queue).append(token)
        return token

    def arrive(self, flow: Flow, scope: Scope, *, caught: bool = False) -> Token:
        """Send a token along a sequence flow; `caught`: what waits at its end has already happened."""
        return self.enter(flow.target, scope, flow, {"caught": True} if caught else None)

    def take(self, token: Token, flows: Iterable[Flow], quantity: int = 1) -> None:
        """Send tokens on along each of the flows."""
        for flow in flows:
            for _ in range(quantity):
                self.arrive(flow, token.scope)

    def arrivals(self, node: Node, scope: Scope) -> dict[str, list[Token]]:
        """Return the tokens that stand at a joining element, by incoming flow, oldest first."""
        found: dict[str, list[Token]] = {}
        for token in scope.tokens.values():
            if token.task_spec is node and token.flow is not None and token.waits_or_runs():
                found.setdefault(token.flow.id, []).append(token)
        return found

    def merge(self, token: Token, others: Iterable[Token]) -> None:
        """Let a token go on for all that it was joined with."""
        for other in others:
            if other is not token:
                self.absorb(other)
        token.memo["joined"] = True

    def absorb(self, token: Token) -> None:
        """Take a token away that another one goes on for."""
        token._set_state(TaskState.COMPLETED)
        self._gone(token, "completed")

    def cancel_token(self, token: Token) -> None:
        """Take a token away together with all inside it, before it was done."""
        if token.alive:
            if token.failed:
                self.effects.append(Recovered(number=token.number))
                token._set_state(TaskState.STARTED)
            token.cancel()

    def abandon(self, token: Token) -> None:
        """Called when a token was cancelled."""
        self.take_back(token)
        self.record("activity.cancelled", token)
        self._gone(token, "cancelled")

    def take_back(self, token: Token) -> None:
        """End what an element had begun for a token: tokens inside, work, calls and waits."""
        if token.inner is not None:
            self.clear(token.inner)
        kind = getattr(token.node, "work", None)
        if token.memo.pop("work", False) and kind:
            self.effects.append(WorkEnded(number=token.number, kind=kind))
        if token.memo.pop("called", False):
            self.effects.append(CallCancelled(number=token.number))
        self.disarm(token.number)

    def clear(self, scope: Scope, keep: Token | None = None) -> None:
        """Cancel every token of a scope but one."""
        for token in list(scope.tokens.values()):
            if token is not keep:
                self.cancel_token(token)

    def _task_completed_notify(self, task: Token) -> None:
        """Called by SpiffWorkflow when a token is done."""
        self.record("activity.completed", task, facts={"flow": task.flow.id} if task.flow else None)
        self._gone(task, "completed")
        scope = task.scope
        if not scope.tokens:
            self.scope_emptied(scope)
        elif scope.owner is not None and scope.owner.alive:
            scope.owner.node.inner_completed(scope.owner)

    def _gone(self, token: Token, state: str) -> None:
        self.tasks.pop(token.number, None)
        token.scope.tokens.pop(token.number, None)
        if token.inner is not None:
            self.scopes.pop(token.number, None)
        visit = self.visits.get(token.number)
        if visit is None:
            visit = self.visits[token.number] = Visit(
                number=token.number,
                parent=token.scope.number,
                element_id=token.node.bpmn_id,
                element_type=token.node.element_type,
                flow_id=None,
                began=False,
            )
        visit.state = state

    def scope_emptied(self, scope: Scope) -> None:
        """Nothing is left to do in a scope: its activity, or the process instance, is done."""
        if scope.owner is not None:
            if scope.owner.alive and self.tasks.get(scope.number) is scope.owner:
                scope.owner.node.inner_ended(scope.owner)
        elif self.outcome is None:
            self.disarm(0)
            self.outcome = Outcome(state="completed")

    # -- running -----------------------------------------------------------------------------------------------------

    def start(self, variables: Mapping[str, Any], node: Node | None = None) -> None:
        """Begin: at one start event, or wherever the process begins by itself."""
        self.root.variables.update(self.spec.root.initial)
        self.set_variables(self.root, variables, local=True)
        catching.arm_event_subprocesses(self, self.spec.root, self.root)
        if node is not None:
            node.begin_here(self)
            return
        for start in self.spec.root.first_entries():
            self.enter(start, self.root)
        if not self.queue and not self.late:
            self.scope_emptied(self.root)

    def run(self) -> None:
        """Move tokens until all wait, or the instance has ended."""
        moves = 0
        while self.outcome is None and not self.paused:
            if self.dirty and self.spec.has_conditions:
                catching.check_conditions(self)
                continue
            if self.queue:
                token = self.queue.popleft()
            elif joining.settle(self):
                continue
            elif self.late:
                token = self.late.popleft()
            else:
                break
            if token.alive and not token.waits:
                if (moves := moves + 1) > MAX_MOVES:
                    raise errors.InvalidEntry("never-waits", limit=MAX_MOVES, element=token.node.bpmn_id)
                self.move(token)
        if self.outcome is not None:
            self.queue.clear()
            self.late.clear()

    def move(self, token: Token) -> None:
        """Run one token; an element that fails keeps it, and what the element had begun is taken back."""
        self.guard(token, token.run)

    def guard(self, token: Token, action: Any) -> None:
        """Do something for a token; on failure look for who catches it, else let the token stand still."""
        try:
            action()
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
            token._set_state(TaskState.STARTED)
        return catching.throw_error(self, token, error)

    def fail(self, token: Token, error: errors.EngineError) -> None:
        """Let a token stand still where its element failed, until it is tried again by itself or by somebody."""
        if token._state != TaskState.COMPLETED:
            self.take_back(token)
        tried = token.memo.get("tried", 0)
        if token._state != TaskState.COMPLETED and tried < len(token.node.retry_after) and token.node.async_before:
            token.memo["tried"] = tried + 1
            self.record("activity.failed", token, variables={ERROR_TEXT: error.message})
            self.wait_for_continuation(token, token.node.retry_after[tried])
            return
        if token.node.bpmn_id and self.tasks.get(token.number) is None:
            # It had completed, but could not leave: stand at the exit.
            self.tasks[token.number] = token
            token.scope.tokens[token.number] = token
        if token._state == TaskState.COMPLETED:
            token.memo["leaving"] = True
        token._set_state(TaskState.ERROR)
        self.effects.append(
            Failed(number=token.number, element_id=token.node.bpmn_id, message=error.message, details=repr(error))
        )
        self.record("incident.opened", token, variables={ERROR_TEXT: error.message})

    def retry(self, token: Token) -> None:
        """Run a token again whose element failed."""
        if not token.failed:
            raise errors.InvalidState("retry", "activity instance", token.number, token.state_name)
        self.effects.append(Recovered(number=token.number))
        self.record("incident.resolved", token)
        if token.memo.pop("leaving", False):
            token._set_state(TaskState.STARTED)
            self.guard(token, token.complete)
        else:
            if token.node.async_before:
                # It has been held back before it failed.
                token.memo["continued"] = True
            token._set_state(TaskState.READY)
            self.queue.append(token)

    def complete(self, token: Token, variables: Mapping[str, Any]) -> None:
        """Finish an activity that waited, with the values that its work gave."""
        token.memo.pop("work", None)
        self.set_variables(token.inner or token.scope, variables)
        self.guard(token, token.complete)

    def waiting(self, number: int, noun: str = "activity instance") -> Token:
        """Return a token that waits; raises `NotFound`, or `InvalidState` where it does something else."""
        token = self.tasks.get(number)
        if token is None:
            raise errors.NotFound(noun, number)
        if not token.waits:
            raise errors.InvalidState("go on with", noun, number, token.state_name.lower())
        return token

    # -- waiting -----------------------------------------------------------------------------------------------------

    def wait_for_continuation(self, token: Token, after: timedelta = timedelta(0)) -> None:
        """Stop at a save point; a job continues in a transaction of its own, at once or after a while."""
        token.memo["continuation"] = True
        token._set_state(TaskState.STARTED)
        self.effects.append(ContinuationQueued(number=token.number, element_id=token.node.bpmn_id, after=after))

    def continue_(self, token: Token) -> None:
        """Go on after a save point."""
        if not token.memo.pop("continuation", False):
            raise errors.InvalidState("continue", "activity instance", token.number, token.state_name.lower())
        token.memo["continued"] = True
        token._set_state(TaskState.READY)
        self.queue.append(token)

    def arm(self, number: int, node: Node, token: Token | None) -> None:
        """Begin to wait for what an event catches; `number` is of the activity instance that waits."""
        catching.arm(self, number, node, token)

    def disarm(self, number: int, node: Node | None = None) -> None:
        """Wait no longer: for one event, or for any."""
        token = self.tasks.get(number)
        at = node or (token.node if token is not None else self.spec.root)
        if at.waits_for_jobs or at.waits_for_events:
            self.effects.append(
                Disarmed(
                    number=number,
                    element_id=node.bpmn_id if node else None,
                    jobs=at.waits_for_jobs,
                    subscriptions=at.waits_for_events,
                )
            )

    # -- variables ---------------------------------------------------------------------------------------------------

    def set_variables(self, scope: Scope, variables: Mapping[str, Any], *, local: bool = False) -> None:
        """Set each variable where it exists, innermost first, else in the process scope; `local`: just here."""
        tracked = self.root.memo.get("set")
        for name, value in variables.items():
            place = scope if local else scope.holder(name)
            if self.spec.has_conditions:
                self.changes.add((name, "update" if name in place.variables else "create"))
            place.variables[name] = value
            if tracked is not None and place is self.root and name not in tracked:
                tracked.append(name)
        if variables:
            self.dirty = self.changed = True

    def record(
        self,
        kind: str,
        token: Token | None,
        *,
        facts: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        """Remember that something happened."""
        self.events.append(
            Event(
                kind=kind,
                activity_instance=token.number if token else None,
                element_id=token.node.bpmn_id if token else None,
                facts=facts or {},
                variables=variables,
            )
        )

    # -- ends --------------------------------------------------------------------------------------------------------

    def end(self, outcome: Outcome) -> None:
        """End the whole instance now."""
        if self.outcome is None:
            self.outcome = outcome
            self.clear(self.root)
            self.disarm(0)
