"""The history of a matter as entries that pages show: the events of all its process instances in one order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import HistoryEvent, ProcessInstance
from casepath.engine.queries.instances import Reference, belongs

#: Events that only the proof needs: they say again what the others say.
SILENT = ("call.returned", "timer.armed", "continuation.executed")
#: Steps that people hardly ask for: who claimed what, where a token passed by.
STEPS = ("activity.completed", "external_task.created", "user_task.claimed")
#: Changes of variables that a page looks back on.
MAX_CHANGING_EVENTS = 1000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event."""

    id: int
    process_instance_id: int
    definition_id: int
    sequence: int
    at: datetime
    kind: str
    activity_instance: int | None
    element_id: str | None
    by: str | None
    facts: Mapping[str, Any]
    #: Values that have not been erased.
    variables: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, kw_only=True)
class EntryPage:
    """One page of events, newest first."""

    rows: Sequence[Entry]
    #: The next page begins below this id; None on the last one.
    next: int | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a variable."""

    name: str
    value: Any
    #: Of the event.
    event_id: int
    at: datetime
    by: str | None
    element_id: str | None
    definition_id: int


def page(
    session: Session, reference: Reference, *, below: int | None = None, limit: int = 60, every_step: bool = False
) -> EntryPage:
    """Return events of a matter, newest first, those below an id; every step, or what people ask for."""
    hidden = SILENT if every_step else SILENT + STEPS
    query = _of(reference).where(HistoryEvent.kind.not_in(hidden)).order_by(HistoryEvent.id.desc()).limit(limit + 1)
    if below is not None:
        query = query.where(HistoryEvent.id < below)
    found = session.execute(query).all()
    rows = [entry(event, definition_id) for event, definition_id in found[:limit]]
    return EntryPage(rows=rows, next=rows[-1].id if len(found) > limit else None)


def every(session: Session, reference: Reference) -> Iterator[Entry]:
    """Yield all events of a matter, oldest first."""
    for event, definition_id in session.execute(_of(reference).order_by(HistoryEvent.id)):
        yield entry(event, definition_id)


def changes(session: Session, reference: Reference) -> dict[str, list[Change]]:
    """Return the changes of every variable of a matter, oldest first, by name."""
    kinds = ("process_instance.started", "user_task.completed", "external_task.completed", "variables.set",
             "message.received", "signal.received", "script.run", "call.returned")  # fmt: skip
    query = _of(reference).where(HistoryEvent.kind.in_(kinds), HistoryEvent.variables.is_not(None))
    newest = session.execute(query.order_by(HistoryEvent.id.desc()).limit(MAX_CHANGING_EVENTS)).all()
    found: dict[str, list[Change]] = {}
    for event, definition_id in reversed(newest):
        shown = entry(event, definition_id)
        for name, value in shown.variables.items():
            known = found.setdefault(name, [])
            if not known or known[-1].value != value:
                known.append(
                    Change(
                        name=name,
                        value=value,
                        event_id=shown.id,
                        at=shown.at,
                        by=shown.by,
                        element_id=shown.element_id,
                        definition_id=definition_id,
                    )
                )
    return found


def _of(reference: Reference) -> Any:
    return (
        select(HistoryEvent, ProcessInstance.definition_id)
        .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
        .where(belongs(reference))
    )


def entry(event: HistoryEvent, definition_id: int) -> Entry:
    """Return an event for reading."""
    held: Any = values.loads(event.variables) if event.variables else {}
    facts: Any = values.loads(event.facts)
    return Entry(
        id=event.id,
        process_instance_id=event.process_instance_id,
        definition_id=definition_id,
        sequence=event.sequence,
        at=event.at,
        kind=event.kind,
        activity_instance=event.activity_instance,
        element_id=event.element_id,
        by=event.by,
        facts=facts,
        # An erased value has left only its digest: a list of one.
        variables={name: kept[1] for name, kept in held.items() if len(kept) > 1},
        hash=event.hash,
    )
