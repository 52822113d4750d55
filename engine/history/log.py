"""Appends one event to the history of a process instance, and reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import Base, values
from casepath.engine.database.models import HistoryEvent, ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.history.chain import Event, Sealed, State, new_salt, seal
from casepath.engine.time import clock

_table = Base.metadata.tables[HistoryEvent.__tablename__]
_insert = insert(_table)
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_events = (
    select(_table)
    .where(_table.c.process_instance_id == bindparam("instance"), _table.c.sequence > bindparam("after"))
    .order_by(_table.c.sequence)
)
_names = [column.name for column in _table.c]
_query_all = Statement(_events, make=lambda row: dict(zip(_names, row, strict=True)))
_state_of = select(
    _instances.c.state_salt, _instances.c.state, _instances.c.tokens, _instances.c.variables
).where(_instances.c.id == bindparam("instance"))


@dataclass(frozen=True, kw_only=True)
class EventView:
    """One event, for reading."""

    sequence: int
    at: datetime
    kind: str
    activity_instance: int | None
    element_id: str | None
    by: str | None
    facts: Mapping[str, Any]
    variables: Mapping[str, Any]
    #: Names of variables whose values were erased.
    erased: frozenset[str]
    #: Digests of the state that the step found and left, where the event is the first or last of one.
    state_before: str | None
    state_after: str | None
    hash: str


def lock(session: Session, process_instance_id: int) -> tuple[int, str]:
    """
    Lock the process instance row until the transaction ends; return length and hash of its history.

    Whoever adds rows that refer to the instance locks it before: PostgreSQL lets the insert share the row, and two that
    share it wait for each other when both want it for themselves. Raises `NotFound`.
    """
    end = session.execute(
        select(ProcessInstance.history_length, ProcessInstance.history_hash)
        .where(ProcessInstance.id == process_instance_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if end is None:
        raise errors.NotFound("process instance", process_instance_id)
    return end[0], end[1]


def record(session: Session, process_instance_id: int, event: Event) -> None:
    """
    Append an event that does not move the process instance; raises `NotFound`.

    Whoever changes children of the instance in the same transaction locks the instance before them.
    """
    length, head = lock(session, process_instance_id)
    _append(session, process_instance_id, seal(process_instance_id, length, head, [event], at=clock.now()))


def _append(session: Session, process_instance_id: int, sealed: Sealed, **columns: str | None) -> None:
    session.execute(_insert, sealed.rows)
    session.execute(
        update(ProcessInstance)
        .where(ProcessInstance.id == process_instance_id)
        .values(history_length=sealed.length, history_hash=sealed.head, **columns)
    )


def read_state(session: Session, process_instance_id: int) -> State:
    """Return what a process instance is now; raises `NotFound`."""
    found = session.execute(_state_of, {"instance": process_instance_id}).one_or_none()
    if found is None:
        raise errors.NotFound("process instance", process_instance_id)
    return State(salt=found.state_salt, state=found.state, tokens=found.tokens, variables=found.variables)


def record_move(
    session: Session, process_instance_id: int, events: Sequence[Event], *, before: State, at: datetime | None = None
) -> None:
    """
    Append events of what has been done to a process instance outside its steps; raises `NotFound`.

    `before` is what it was; what it has become is read from its row. `at` is the moment from which timers were reckoned
    on the way, where some were. The caller has locked it.
    """
    length, head = lock(session, process_instance_id)
    after = replace(read_state(session, process_instance_id), salt=new_salt())
    sealed = seal(process_instance_id, length, head, events, at=at or clock.now(), before=before, after=after)
    _append(session, process_instance_id, sealed, state_salt=after.salt)


def events(session: Session, process_instance_id: int, *, after: int = 0, limit: int | None = None) -> list[EventView]:
    """Return the events of a process instance with a sequence greater than `after`, in their order."""
    place = {"instance": process_instance_id, "after": after}
    if limit is None:
        return [view(row) for row in _query_all.rows(session.connection(), place)]
    return [view(row) for row in session.execute(_events.limit(limit), place).mappings()]


def view(row: Any) -> EventView:
    """Return a stored event for reading."""
    stored: Any = values.loads(row["variables"]) if row["variables"] else {}
    facts: Any = values.loads(row["facts"])
    return EventView(
        sequence=row["sequence"],
        at=row["at"],
        kind=row["kind"],
        activity_instance=row["activity_instance"],
        element_id=row["element_id"],
        by=row["by"],
        facts=facts,
        variables={name: entry[1] for name, entry in stored.items() if len(entry) == 2},
        erased=frozenset(name for name, entry in stored.items() if len(entry) == 1),
        state_before=row["state_before"],
        state_after=row["state_after"],
        hash=row["hash"],
    )
