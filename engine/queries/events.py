"""
The history of a matter as entries that pages show: the events of all its process instances in one order.

It has two readings: all events, for whoever audits; and those of people, by the rule in `is_of_people`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from casepath.engine.database import values
from casepath.engine.database.models import HistoryEvent, ProcessInstance
from casepath.engine.people import authorization
from casepath.engine.queries.instances import Reference, belongs

#: Events that only the proof needs: they say again what the others say.
SILENT = ("call.returned", "timer.armed", "continuation.executed")
#: What people do, what they are told, and what is wrong: always of people.
DONE_BY_PEOPLE = frozenset({
    "attachment.added", "attachment.removed", "comment.added", "notification.sent", "values.erased", "variables.set",
    "user_task.assigned", "user_task.changed", "user_task.completed", "user_task.delegated", "user_task.resolved",
    "user_task.unclaimed", "process_instance.migrated", "process_instance.modified", "process_instance.resumed",
    "process_instance.suspended", "activity.failed", "call.failed", "error.reported", "external_task.failed",
    "external_task.retried", "incident.opened", "incident.resolved", "incident.retried", "delivery.queued",
    "arrival.report", "arrival.reply", "arrival.recording", "arrival.item", "message.began",
})  # fmt: skip
#: Of people under the conditions of `is_of_people`.
PERHAPS_OF_PEOPLE = frozenset({
    "process_instance.started", "process_instance.completed", "process_instance.cancelled", "message.received",
    "gateway.decided", "decision.evaluated", "external_task.completed",
})  # fmt: skip
#: Events that tell what variables became.
CHANGES = ("process_instance.started", "user_task.completed", "external_task.completed", "variables.set",
           "variables.mapped", "message.received", "signal.received", "script.run", "call.returned")  # fmt: skip
#: What a worker does tells of itself where one of these is the event before.
TELL_OF_WORK = ("notification.sent", "attachment.added", "delivery.queued")
#: Changes of variables that a page looks back on.
MAX_CHANGING_EVENTS = 1000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event."""

    id: int
    process_instance_id: int
    definition_id: int
    #: Whether another process instance called this one.
    is_called: bool
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
    #: User or program; None where the process itself gave the value.
    by: str | None
    element_id: str | None
    definition_id: int
    #: Whether it came with the start of the matter.
    is_registration: bool


def is_of_people(entry: Entry, handed_in: Collection[str]) -> bool:
    """
    Tell whether an event belongs into the account for people: who did what, what they were told, and what is wrong.

    That a process calls another one, or ends it, is no one's doing. Gateways and decisions belong where they went by
    something that somebody has handed in: the names of these variables are `handed_in`.
    """
    match entry.kind:
        case "process_instance.started" | "process_instance.completed":
            return not entry.is_called
        case "process_instance.cancelled":
            by_hand = authorization.username(entry.by) is not None and not entry.facts.get("by_caller")
            return by_hand or not entry.is_called
        case "message.received":
            return entry.by is not None
        case "gateway.decided" | "decision.evaluated":
            read = (name.partition(".")[0] for name, value in entry.variables.items() if value not in (None, "", []))
            return any(name in handed_in for name in read)
    return entry.kind in DONE_BY_PEOPLE | PERHAPS_OF_PEOPLE


def handed_in(changes: Mapping[str, Sequence[Change]]) -> frozenset[str]:
    """Return the names of the variables that people have given a value."""
    return frozenset(name for name, kept in changes.items() if any(authorization.username(each.by) for each in kept))


def page(
    session: Session,
    reference: Reference,
    *,
    below: int | None = None,
    limit: int = 60,
    of_people: Collection[str] | None = None,
) -> EntryPage:
    """
    Return events of a matter, newest first, those below an id.

    These are all but those that only the proof needs; or, with the names that people have handed in, those of people.
    """
    query = _of(reference).order_by(HistoryEvent.id.desc())
    if of_people is None:
        query = query.where(HistoryEvent.kind.not_in(SILENT))
    else:
        query = query.where(HistoryEvent.kind.in_(DONE_BY_PEOPLE | PERHAPS_OF_PEOPLE), ~_is_told_before())
    if below is not None:
        query = query.where(HistoryEvent.id < below)
    rows: list[Entry] = []
    with session.execute(query.execution_options(yield_per=4 * limit)) as found:
        for row in found:
            each = _entry(*row)
            if of_people is None or is_of_people(each, of_people):
                rows.append(each)
            if len(rows) > limit:
                break
    return EntryPage(rows=rows[:limit], next=rows[limit - 1].id if len(rows) > limit else None)


def _is_told_before() -> ColumnElement[bool]:
    """Return the condition on an event that it is work of which the event before it has told."""
    before = aliased(HistoryEvent)
    told = select(before.id).where(
        before.process_instance_id == HistoryEvent.process_instance_id,
        before.sequence == HistoryEvent.sequence - 1,
        before.kind.in_(TELL_OF_WORK),
    )
    return (HistoryEvent.kind == "external_task.completed") & told.exists()


def every(session: Session, reference: Reference) -> Iterator[Entry]:
    """Yield all events of a matter, oldest first."""
    for row in session.execute(_of(reference).order_by(HistoryEvent.id)):
        yield _entry(*row)


def changes(session: Session, reference: Reference) -> dict[str, list[Change]]:
    """
    Return the changes of every variable of a matter, oldest first, by name.

    What a process gives to one that it calls nobody has given, whoever did the step in which it happened.
    """
    query = _of(reference).where(HistoryEvent.kind.in_(CHANGES), HistoryEvent.variables.is_not(None))
    newest = session.execute(query.order_by(HistoryEvent.id.desc()).limit(MAX_CHANGING_EVENTS)).all()
    found: dict[str, list[Change]] = {}
    for row in reversed(newest):
        shown = _entry(*row)
        given = shown.kind == "process_instance.started" and shown.is_called
        for name, value in shown.variables.items():
            known = found.setdefault(name, [])
            if not known or known[-1].value != value:
                known.append(
                    Change(
                        name=name,
                        value=value,
                        event_id=shown.id,
                        at=shown.at,
                        by=None if given else shown.by,
                        element_id=shown.element_id,
                        definition_id=shown.definition_id,
                        is_registration=shown.kind == "process_instance.started" and not shown.is_called,
                    )
                )
    return found


def _of(reference: Reference) -> Any:
    return (
        select(HistoryEvent, ProcessInstance.definition_id, ProcessInstance.parent_id)
        .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
        .where(belongs(reference))
    )


def _entry(event: HistoryEvent, definition_id: int, parent_id: int | None) -> Entry:
    held: Any = values.loads(event.variables) if event.variables else {}
    facts: Any = values.loads(event.facts)
    return Entry(
        id=event.id,
        process_instance_id=event.process_instance_id,
        definition_id=definition_id,
        is_called=parent_id is not None,
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
