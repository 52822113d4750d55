"""
What is kept in memory of each database: definitions and their files, which never change, so that they are read once.

What a transaction reads after it has deployed something is its own until it is committed: what it takes back, nobody
has seen, and the numbers that its rows had may be those of others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Pool, event
from sqlalchemy.orm import Session, SessionTransaction

from casepath.engine.bpmn import ProcessSpec
from casepath.engine.decisions.dmn import DecisionModel
from casepath.engine.forms import Form
from casepath.engine.time.clock import Calendar

Read = TypeVar("Read")


@dataclass(slots=True)
class Remembered:
    """What is kept of one database, by the number of the definition."""

    processes: dict[int, ProcessSpec] = field(default_factory=dict)
    decisions: dict[int, DecisionModel] = field(default_factory=dict)
    forms: dict[int, Form] = field(default_factory=dict)
    #: Form key and process definition → the form that came with the process, None where none did.
    own_forms: dict[tuple[str, int], int | None] = field(default_factory=dict)
    #: What `once` keeps.
    more: dict[Hashable, Any] = field(default_factory=dict)
    calendar: Calendar | None = None
    calendar_read_at: datetime | None = None


#: By connection pool: reading and writing sessions of a database share one.
_of_pools: WeakKeyDictionary[Pool, Remembered] = WeakKeyDictionary()
#: Where a session keeps what it has read since it deployed something.
_OWN = "remembered"


def of(session: Session) -> Remembered:
    """Return what is kept of the database of a session, or what is kept for its transaction alone."""
    own: Remembered | None = session.info.get(_OWN)
    return own or _shared(session)


def once(session: Session, key: Hashable, read: Callable[[], Read]) -> Read:
    """Return what `read` finds at the first call, of what never changes in a database, such as files of deployments."""
    known = of(session).more
    if key not in known:
        known[key] = read()
    found: Read = known[key]
    return found


def change(session: Session) -> None:
    """Note that a transaction changes what is deployed; once it is committed, its calendar counts."""
    session.info[_OWN] = Remembered()
    event.listen(session, "after_commit", _settle)
    event.listen(session, "after_soft_rollback", _give_up)


def forget() -> None:
    """Drop everything; it is asked for again when it is needed."""
    _of_pools.clear()


def _shared(session: Session) -> Remembered:
    pool = session.get_bind().engine.pool
    return _of_pools.get(pool) or _of_pools.setdefault(pool, Remembered())


def _settle(session: Session) -> None:
    if not session.in_nested_transaction() and session.info.pop(_OWN, None) is not None:
        _shared(session).calendar_read_at = None


def _give_up(session: Session, previous: SessionTransaction) -> None:
    # What was deployed before a savepoint may be kept, so that all is read again.
    if session.info.pop(_OWN, None) is not None and previous.nested:
        session.info[_OWN] = Remembered()
