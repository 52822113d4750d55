"""
The tree of what is alive in a process instance: SpiffWorkflow's tasks and workflow, cut down to the living.

The root stands for the process; below it are the tokens of the process, below a token that opened a scope those inside.
When a token completes, what follows it moves up to its place and it leaves the tree. So the depth is the nesting of the
diagram and the size the number of tokens, however long the instance has run.

What a step asks of the world collects in `effects`, what happened in `events` and `visits`; the runtime stores them.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from bisect import insort
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import timedelta
from typing import Any

from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from casepath.engine import errors
from casepath.engine.bpmn import states
from casepath.engine.bpmn.budget import Budget
from casepath.engine.bpmn.effects import (
    CallCancelled,
    ContinuationQueued,
    Disarmed,
    Effect,
    Outcome,
    Recovered,
    Visit,
    WorkEnded,
)
from casepath.engine.bpmn.graph import Container, Decision, Element, Flow, ProcessSpec
from casepath.engine.bpmn.memo import Memo
from casepath.engine.bpmn.scopes import Scope, View
from casepath.engine.bpmn.script_engine import SCRIPT_ENGINE
from casepath.engine.bpmn.services import Services
from casepath.engine.expressions import Environment
from casepath.engine.history import Event

LOGGER = logging.getLogger("spiff.task")

#: Number of the root; process instances and scopes have 0, and the tokens count from 1.
ROOT = -1


class Token(Task):
    """One activity instance that is alive."""

    workflow: TokenTree
    task_spec: Element
    internal_data: Memo
    _state: int
    #: Where it lives, and the scope that it opened.
    scope: Scope
    inner: Scope | None = None
    #: The sequence flow that it came along: several may lead from one element to another.
    flow: Flow | None = None
    #: Of a gateway: what it has found out, and what the condition that was asked last has read.
    decision: Decision
    reads: Mapping[str, Any]

    def _add_child(self, task_spec: Element, state: int = TaskState.MAYBE) -> Token:
        # The one of Task makes plain tasks with random ids.
        return self.workflow.new(task_spec, self, self.scope, state)

    @property
    def data(self) -> MutableMapping[str, Any]:
        """The variables that it sees, live. Tasks have copies, and lose items where branches meet."""
        return View(self)

    @data.setter
    def data(self, value: Mapping[str, Any]) -> None:
        if value:
            self.set_data(**value)

    def set_data(self, **kwargs: Any) -> None:
        """Set variables where they exist, innermost first."""
        self.workflow.set_variables(self.inner or self.scope, kwargs)

    def _inherit_data(self) -> None:
        """Variables live in scopes; the one of Task merges copies by position."""

    def _set_state(self, value: int) -> None:
        if self._state == states.CANCELLED:
            # Task.run goes on with what its own element has just had cancelled.
            return
        if value != self._state and value not in states.TRANSITIONS[self._state]:
            found = TaskState.get_name(value)
            raise RuntimeError(f"Expected token {self.id} to go on from {self.state_name}, but found {found}")
        if LOGGER.isEnabledFor(logging.INFO):
            super()._set_state(value)
        else:
            # A quarter of a step would go into log lines that nobody reads.
            self._state = value

    def _drop_children(self, force: bool = False) -> None:
        """Those below are cancelled one by one, by `TokenTree.abandon`; the one of Task just forgets them."""

    @property
    def number(self) -> int:
        """Its number in the process instance."""
        return int(self.id)

    @property
    def node(self) -> Element:
        """The element it is at."""
        return self.task_spec

    @property
    def memo(self) -> Memo:
        """What its element has to remember between triggers; stored with it."""
        return self.internal_data

    @property
    def alive(self) -> bool:
        """Whether it still stands for something."""
        return not self._state & TaskState.FINISHED_MASK or self._state == states.ERROR

    @property
    def failed(self) -> bool:
        """Whether its element failed; it can be run again."""
        return bool(self._state == states.ERROR)

    @property
    def waits(self) -> bool:
        """Whether it waits for something from outside or for other tokens."""
        return bool(self._state & (states.STARTED | states.WAITING))

    @property
    def state_name(self) -> str:
        """Name of its state, for storage and messages."""
        return str(TaskState.get_name(self._state))

    def open_scope(self) -> Scope:
        """Return the scope that it opens, making it if there is none."""
        if self.inner is None:
            self.inner = Scope(self.number, self.scope, self, self)
            self.workflow.scopes[self.number] = self.inner
        return self.inner

    def variables(self, more: Mapping[str, Any] | None = None) -> MutableMapping[str, Any]:
        """Return what the element sees, innermost scope first; `more` comes before all."""
        maps = (self.inner or self.scope).chain()
        return ChainMap(dict(more), *maps) if more else ChainMap(*maps)

    def surroundings(self) -> MutableMapping[str, Any]:
        """Return the variables around the element, without those that it holds itself."""
        return ChainMap(*self.scope.chain())


class TokenTree(BpmnWorkflow):
    """The tokens and scopes of one process instance, and the simple things that can be done with them."""

    spec: ProcessSpec

    def __init__(
        self, spec: ProcessSpec, environment: Environment, services: Services, budget: Budget | None = None
    ) -> None:
        super().__init__(spec, script_engine=SCRIPT_ENGINE, deserializing=True)
        self.environment = environment
        self.services = services
        self.budget = budget or Budget()
        self.tasks: dict[int, Token] = {}
        self.task_tree = Token(self, spec.root, None, states.STARTED, ROOT)
        self.root = self.task_tree.scope = Scope(0, None, None, self.task_tree)
        self.scopes: dict[int, Scope] = {0: self.root}
        self.last_number = 0
        #: Tokens that are ready; those of elements that throw only run when nothing else can.
        self.queue: deque[Token] = deque()
        self.late: deque[Token] = deque()
        #: Whether the caller, which is told of an escalation next, will end this instance.
        self.paused = False
        #: What conditions have not been looked at since: variables that were set, events that were armed.
        self.changes: set[tuple[str, str]] = set()
        self.dirty = False
        self.effects: list[Effect] = []
        self.events: list[Event] = []
        self.visits: dict[int, Visit] = {}
        self.outcome: Outcome | None = None

    @abstractmethod
    def guard(self, token: Token, action: Callable[[], object]) -> None:
        """Do something for a token; on failure look for who catches it, else let the token stand still."""

    def new(self, node: Element, parent: Token, scope: Scope, state: int, flow: Flow | None = None) -> Token:
        """Put a token into the tree that nobody moves yet; raises `OverBudget`."""
        self.budget.move(node.bpmn_id)
        self.last_number += 1
        token = Token(self, node, parent, state, self.last_number)
        token.scope = scope
        token.flow = flow
        self._note_visit(token)
        return token

    def _note_visit(self, token: Token, *, began: bool = True) -> Visit:
        visit = self.visits[token.number] = Visit(
            number=token.number,
            parent=token.scope.number,
            element_id=token.node.bpmn_id,
            element_type=token.node.element_type,
            flow_id=token.flow.id if began and token.flow else None,
            began=began,
        )
        return visit

    def enter(self, node: Element, scope: Scope, flow: Flow | None = None, memo: Memo | None = None) -> Token:
        """Put a new token at an element; it runs when its turn comes."""
        token = self.new(node, scope.task, scope, states.FUTURE, flow)
        if memo:
            token.internal_data = memo
        node._update(token)
        return token

    def arrive(self, flow: Flow, scope: Scope, *, caught: bool = False) -> Token:
        """Send a token along a sequence flow; `caught`: what waits at its end has already happened."""
        return self.enter(flow.target, scope, flow, {"caught": True} if caught else None)

    def take(self, token: Token, flows: Iterable[Flow], quantity: int = 1) -> None:
        """Send tokens on along each of the flows: as children of a token that completes, beside one that goes on."""
        completes = token._state == states.COMPLETED and token.number in self.tasks
        for flow in flows:
            for _ in range(quantity):
                if completes:
                    self.new(flow.target, token, token.scope, states.FUTURE, flow)
                else:
                    self.arrive(flow, token.scope)

    def alive(self) -> list[Token]:
        """Return every token."""
        return [token for token in self.tasks.values() if token is not self.task_tree]

    def arrivals(self, node: Element, scope: Scope) -> dict[str, list[Token]]:
        """Return the tokens that stand at a joining element, by incoming flow, oldest first."""
        found: dict[str, list[Token]] = {}
        for token in scope.tokens():
            fit = token.alive and not token.failed and "joined" not in token.memo
            if fit and token.task_spec is node and token.flow is not None:
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
        token._set_state(states.COMPLETED)
        self._gone(token, "completed")

    def cancel_token(self, token: Token) -> None:
        """Take a token away together with all inside it, before it was done."""
        if token.alive:
            if token.failed:
                self.effects.append(Recovered(number=token.number))
                token._set_state(states.STARTED)
            token.cancel()

    def clear(self, scope: Scope, keep: Token | None = None) -> None:
        """Cancel every token of a scope but one."""
        for token in scope.tokens():
            if token is not keep:
                self.cancel_token(token)

    def abandon(self, token: Token) -> None:
        """Called when a token was cancelled."""
        self.take_back(token)
        self.record("activity.cancelled", token)
        self._gone(token, "cancelled")

    def take_back(self, token: Token) -> None:
        """End what an element had begun for a token: tokens inside, work, calls and waits."""
        if token.inner is not None:
            self.clear(token.inner)
        kind = token.node.work
        if token.memo.pop("work", False) and kind:
            self.effects.append(WorkEnded(number=token.number, kind=kind))
        if token.memo.pop("called", False):
            self.effects.append(CallCancelled(number=token.number))
        self.disarm(token.number)

    def _task_completed_notify(self, task: Token) -> None:
        # The one of Workflow asks every waiting task, and keeps all that have completed.
        self.record("activity.completed", task, facts={"flow": task.flow.id} if task.flow else None)
        above: Token = task.parent
        self._gone(task, "completed")
        scope = task.scope
        around = above.scope if above is self.task_tree else above.inner
        if around is not scope and around is not None and not around.count:
            # The loop that it was the last round of has completed before it, and it had moved up.
            self.scope_emptied(around)
        if not scope.count:
            self.scope_emptied(scope)
        elif scope.owner is not None and scope.owner.alive:
            scope.owner.node.inner_completed(scope.owner)

    def _gone(self, token: Token, state: str) -> None:
        if token.number in self.tasks:
            self.prune(token)
        if token.inner is not None:
            self.scopes.pop(token.number, None)
        visit = self.visits.get(token.number) or self._note_visit(token, began=False)
        visit.state = state

    def prune(self, token: Token) -> None:
        """Take a finished token out of the tree; what follows it moves up to its place."""
        above = token.parent
        for child in token.children:
            child.parent = above
            above._child_added_notify(child)
        token.children = []
        self._remove_task(token.id)

    def scope_emptied(self, scope: Scope) -> None:
        """Nothing is left to do in a scope: its activity, or the process instance, is done."""
        owner = scope.owner
        if owner is not None:
            if owner.alive and scope.number in self.tasks:
                owner.node.inner_ended(owner)
        elif self.outcome is None:
            self.disarm(0)
            self.outcome = Outcome(state="completed")

    def end(self, outcome: Outcome) -> None:
        """End the whole instance now."""
        if self.outcome is None:
            self.outcome = outcome
            self.clear(self.root)
            self.disarm(0)

    def waiting(self, number: int, noun: str = "activity instance") -> Token:
        """Return a token that waits; raises `NotFound`, or `InvalidState` where it does something else."""
        token = self.tasks.get(number)
        if token is None:
            raise errors.NotFound(noun, number)
        if not token.waits:
            raise errors.InvalidState("go on with", noun, number, token.state_name.lower())
        return token

    def wait_for_continuation(self, token: Token, after: timedelta = timedelta(0)) -> None:
        """Stop at a save point; a job continues in a transaction of its own, at once or after a while."""
        token.memo["continuation"] = True
        token._set_state(states.STARTED)
        self.effects.append(ContinuationQueued(number=token.number, element_id=token.node.bpmn_id, after=after))

    def disarm(self, number: int, node: Element | None = None) -> None:
        """Wait no longer: for one event, or for any."""
        token = self.tasks.get(number)
        at = node or (token.node if token is not None else self.spec.root)
        if at.waits_for_jobs or at.waits_for_events:
            element_id = node.bpmn_id if node else None
            jobs, subscriptions = at.waits_for_jobs, at.waits_for_events
            self.effects.append(Disarmed(number=number, element_id=element_id, jobs=jobs, subscriptions=subscriptions))

    def container(self, scope: Scope) -> Container | None:
        """Return the process or sub-process whose elements live in a scope; a loop's body has none of its own."""
        return self.spec.root if scope.owner is None else scope.owner.node.inside(scope.owner)

    def event_starts(self, scope: Scope) -> Sequence[Element]:
        """Return the start events of the event sub-processes of a scope."""
        container = self.container(scope)
        return container.event_starts if container is not None else ()

    def set_variables(self, scope: Scope, variables: Mapping[str, Any], *, local: bool = False) -> None:
        """Set each variable where it is, innermost first, else in the process scope; `local`: here. See `Budget`."""
        self.budget.keep(variables, scope.task.node.bpmn_id)
        tracked = self.root.memo.get("set")
        for name, value in variables.items():
            place = scope if local else scope.holder(name)
            if self.spec.has_conditions:
                self.changes.add((name, "update" if name in place.variables else "create"))
            place.variables[name] = value
            if tracked is not None and place is self.root and name not in tracked:
                # Sorted: a replay of the history, which keeps no order of what came together, has the same.
                insort(tracked, name)
        if variables:
            self.dirty = True

    def record(
        self,
        kind: str,
        token: Token | None,
        *,
        facts: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        """Remember that something happened."""
        number, element_id = (token.number, token.node.bpmn_id) if token else (None, None)
        more: Mapping[str, Any] = facts or {}
        event = Event(kind=kind, activity_instance=number, element_id=element_id, facts=more, variables=variables)
        self.events.append(event)
