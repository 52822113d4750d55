"""What is alive in the token game."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.token_game.durations import Timer
from tests.token_game.model import Event, Node, Process


@dataclass(eq=False)
class Visit:
    """One stay at a node; `node` is None for a process instance."""

    number: int
    instance: Instance
    node: Node | None
    parent: Visit | None
    role: str = "activity"
    variables: dict[str, object] = field(default_factory=dict)
    #: Tokens that wait at joins, by sequence flow.
    arrived: Counter[str] = field(default_factory=Counter)
    #: Tokens and visits inside; a scope with none is complete.
    live: int = 0
    #: How often all inside was ended while the scope went on.
    cleared: int = 0
    #: An interrupting event sub-process has taken over: no other one begins.
    interrupted: bool = False
    children: list[Visit] = field(default_factory=list)
    alive: bool = True
    #: Rounds of a loop: how many are wanted, were begun, are done; the collection.
    wanted: int = 0
    begun: int = 0
    done: int = 0
    members: list[object] | None = None

    @property
    def level(self) -> str:
        """Id of the sub-process or process whose nodes it holds."""
        return self.node.id if self.node else self.instance.process.id


@dataclass(eq=False)
class Instance:
    """One run of a process."""

    number: int
    process: Process
    business_key: str | None
    caller: Visit | None
    root: Visit = field(init=False)
    ended: bool = False
    failure: tuple[str, str] | None = None


@dataclass(eq=False)
class Wait:
    """An event that is waited for: `catch` fires on behalf of `visit`."""

    number: int
    visit: Visit
    catch: Node
    event: Event
    timer: Timer | None = None

    @property
    def alive(self) -> bool:
        """Whether it still waits."""
        return self.visit.alive and self.number >= 0


def scope_of(visit: Visit | None, name: str) -> Visit:
    """The innermost visit that has a variable; raises `KeyError`."""
    while visit is not None:
        if name in visit.variables:
            return visit
        visit = visit.parent
    raise KeyError(name)


def visible(visit: Visit) -> dict[str, object]:
    return (visible(visit.parent) if visit.parent else {}) | visit.variables
