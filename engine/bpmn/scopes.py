"""Scopes: the variables that a process instance or an activity holds, and the tokens that live inside."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from SpiffWorkflow.task import Task

from casepath.engine.bpmn.memo import ScopeMemo


class Scope:
    """
    Variables that a process instance or an activity holds, and the tokens that live inside it.

    In the tree those tokens stand below `task`: the token that opened the scope, or the root.
    """

    __slots__ = ("completed", "memo", "number", "owner", "parent", "task", "variables")

    def __init__(self, number: int, parent: Scope | None, owner: Task | None, task: Task) -> None:
        #: Of the activity instance that opened it; 0 for the process instance.
        self.number = number
        self.parent = parent
        self.owner = owner
        self.task = task
        self.variables: dict[str, Any] = {}
        #: What could be compensated, in order of completion.
        self.completed: list[dict[str, Any]] = []
        self.memo: ScopeMemo = {}

    def tokens(self) -> list[Task]:
        """Return the tokens that live in it, those included that a completing one has just put below itself."""
        tasks, found = self.task.workflow.tasks, []
        for number in self.task._children:
            token = tasks[number]
            if token.scope is self:
                found.append(token)
                found += [after for child in token._children if (after := tasks[child]).scope is self]
        return found

    @property
    def count(self) -> int:
        """How many tokens live in it; one that completes counts until it is gone, what follows it only then."""
        return len(self.task._children)

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


class View(ChainMap[str, Any]):
    """What a token sees, live: whoever writes into it sets variables of the instance."""

    def __init__(self, token: Task) -> None:
        super().__init__(*(token.inner or token.scope).chain())
        self.token = token

    def __setitem__(self, name: str, value: Any) -> None:
        self.token.set_data(**{name: value})
