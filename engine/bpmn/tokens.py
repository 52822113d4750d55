"""
Tokens and scopes: all that is alive in a process instance.

A token is a SpiffWorkflow task that stands in no tree: it has a number, the element it is at, the scope it lives in,
and, for containers and activities with local variables, the scope that it opened. When it completes it is gone.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

if TYPE_CHECKING:
    from casepath.engine.bpmn.elements.base import Node
    from casepath.engine.bpmn.model import Flow
    from casepath.engine.bpmn.workflow import TokenWorkflow


class Scope:
    """Variables that a process instance or an activity holds, and the tokens that live inside it."""

    __slots__ = ("completed", "memo", "number", "owner", "parent", "tokens", "variables")

    def __init__(self, number: int, parent: Scope | None, owner: Token | None) -> None:
        #: Of the activity instance that opened it; 0 for the process instance.
        self.number = number
        self.parent = parent
        self.owner = owner
        self.variables: dict[str, Any] = {}
        self.tokens: dict[int, Token] = {}
        #: What could be compensated, in order of completion.
        self.completed: list[dict[str, Any]] = []
        #: Gateways to reset, conditions that hold, whether an event sub-process has interrupted it.
        self.memo: dict[str, Any] = {}

    def chain(self) -> list[dict[str, Any]]:
        """Return the variables of this scope and of those around it, innermost first."""
        maps, scope = [], self
        while True:
            maps.append(scope.variables)
            if scope.parent is None:
                return maps
            scope = scope.parent

    def holder(self, name: str) -> Scope:
        """Return the innermost scope that has the variable, or the outermost one."""
        scope = self
        while name not in scope.variables and scope.parent is not None:
            scope = scope.parent
        return scope


class Token(Task):
    """
    One activity instance that is alive.

    `memo` is what the element has to remember between triggers; it is stored with the token and holds JSON only.
    """

    def __init__(
        self, workflow: TokenWorkflow, number: int, spec: Node, scope: Scope, flow: Flow | None, memo: dict[str, Any]
    ) -> None:
        # Not the constructor of Task: that one enters the task into a tree, with a random id.
        self.id = self.number = number
        self.workflow = workflow
        self.task_spec = spec
        self.scope = scope
        self.flow = flow
        self.memo = memo
        self.inner: Scope | None = None
        self.chosen: list[Flow] = []
        self.internal_data = memo
        self._parent = None
        self._children: list[int] = []
        self._state = TaskState.READY
        workflow.tasks[number] = self
        scope.tokens[number] = self

    @property
    def node(self) -> Node:
        """The element it is at."""
        return self.task_spec

    @property
    def alive(self) -> bool:
        """Whether it still stands for something."""
        return not self._state & TaskState.FINISHED_MASK or self._state == TaskState.ERROR

    @property
    def failed(self) -> bool:
        """Whether its element failed; it can be run again."""
        return bool(self._state == TaskState.ERROR)

    @property
    def waits(self) -> bool:
        """Whether it waits for something from outside or for other tokens."""
        return bool(self._state & (TaskState.STARTED | TaskState.WAITING))

    def waits_or_runs(self) -> bool:
        """Whether it can be joined with others: it has arrived and nothing is wrong with it."""
        return self.alive and not self.failed and "joined" not in self.memo

    @property
    def state_name(self) -> str:
        """Name of its state, for storage and messages."""
        return str(TaskState.get_name(self._state))

    def _set_state(self, value: int) -> None:
        # The one of Task builds a log record for each change.
        self._state = value

    def _drop_children(self, force: bool = False) -> None:
        """Nothing hangs below a token."""

    def open_scope(self) -> Scope:
        """Return the scope that it opens, making it if there is none."""
        if self.inner is None:
            self.inner = Scope(self.number, self.scope, self)
            self.workflow.scopes[self.number] = self.inner
        return self.inner

    def open_without_start(self) -> None:
        """Make it wait for what will be put inside, instead of beginning at the start events."""
        self._set_state(TaskState.STARTED)

    def variables(self, more: Mapping[str, Any] | None = None) -> MutableMapping[str, Any]:
        """Return what the element sees, innermost scope first; `more` comes before all."""
        maps = (self.inner or self.scope).chain()
        return ChainMap(dict(more), *maps) if more else ChainMap(*maps)

    def surroundings(self) -> MutableMapping[str, Any]:
        """Return the variables around the element, without those that it holds itself."""
        return ChainMap(*self.scope.chain())

    def inside(self, scope: Scope) -> bool:
        """Whether it lives in that scope or deeper."""
        at: Scope | None = self.scope
        while at is not None and at is not scope:
            at = at.parent
        return at is scope
