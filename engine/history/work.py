"""Compares tasks, visits and timers of a process instance with what its history tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from casepath.engine.database import Base
from casepath.engine.database.models import ActivityInstance, ExternalTask, Job, UserTask
from casepath.engine.database.statements import Statement
from casepath.engine.history.log import EventView
from casepath.engine.history.records import MIGRATED, Found, differing, of_instance

#: The diagram assigned it, which no event tells.
UNKNOWN = object()
#: After these nobody can tell from the history what became of the work there.
_UNTOLD = frozenset({"activity.failed", "error.reported", "incident.opened"})
#: What the event of an incident says where somebody's step was taken back: all is as before.
TAKEN_BACK = "taken_back"

_tables = Base.metadata.tables
_user_tasks = _tables[UserTask.__tablename__]
_external_tasks = _tables[ExternalTask.__tablename__]
_visits = _tables[ActivityInstance.__tablename__]
_jobs = _tables[Job.__tablename__]

_query_timers = of_instance(*_jobs.c, where=(_jobs.c.kind == "timer") & _jobs.c.error_message.is_(None))
_query_visits = of_instance(*_visits.c)
_query_tasks = {"user_task": of_instance(*_user_tasks.c), "external_task": of_instance(*_external_tasks.c)}

Told = dict[int, dict[str, Any]]


def compare(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    """Yield where tasks, visits and timers are not what the history tells."""
    moved = any(event.kind == MIGRATED for event in events)
    for noun, query in _query_tasks.items():
        told, untold = _work(noun, events)
        found = _rows(session, query, row.id, "activity_instance")
        yield from _compare_tasks(noun.replace("_", " "), found, told, untold, row.business_key, moved)
    yield from _compare_visits(_rows(session, _query_visits, row.id, "number"), events, moved)
    if not moved:
        yield from _compare_timers(session, row.id, events)


def _rows(session: Session, query: Statement, process_instance_id: int, key: str) -> dict[int, Mapping[str, Any]]:
    return {found[key]: found for found in query.rows(session.connection(), {"instance": process_instance_id})}


def _ended(state: str, event: EventView) -> dict[str, Any]:
    return {"state": state, "ended_at": event.at}


def _work(noun: str, events: Sequence[EventView]) -> tuple[Told, set[int]]:
    """Return what the history tells of each task, by its activity instance, and of which it does not tell all."""
    told: Told = {}
    untold: set[int] = set()
    for event in events:
        number = event.activity_instance
        if number is None:
            continue
        if event.kind == f"{noun}.created":
            told[number] = {"element_id": event.element_id, "created_at": event.at, "ended_at": None}
            untold.discard(number)
            if noun == "user_task":
                told[number]["state"] = "created"
        elif number not in told:
            continue
        elif event.kind in _UNTOLD and event.facts.get("incident") != TAKEN_BACK:
            untold.add(number)
        elif event.kind == "activity.cancelled" and told[number]["ended_at"] is None:
            told[number] |= _ended("cancelled", event)
        elif event.kind.startswith(noun):
            told[number] |= _columns(event, told[number])
    return told, untold


def _columns(event: EventView, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event of a task says of its row, which was as it was told `before`."""
    match event.kind:
        case "user_task.claimed":
            return {"assignee": event.facts.get("for", event.by)}
        case "user_task.unclaimed":
            return {"assignee": None, "owner": None}
        case "user_task.assigned":
            return {**_changed(event), "owner": None}
        case "user_task.delegated":
            return {**_changed(event), "owner": before.get("owner") or before.get("assignee", UNKNOWN)}
        case "user_task.resolved" | "user_task.changed":
            return _changed(event)
        case "user_task.completed":
            owner = {"owner": event.facts["for"]} if "for" in event.facts else {}
            return {"assignee": event.by, **owner, **_ended("completed", event)}
        case "external_task.completed":
            return _ended("completed", event)
    return {}


def _changed(event: EventView) -> dict[str, Any]:
    """Return the columns that an event changed; a reason, for whom it was done, and who has left is for people only."""
    return {name: value for name, value in event.facts.items() if name not in ("reason", "for", "left")}


def _compare_tasks(
    noun: str,
    found: Mapping[int, Mapping[str, Any]],
    told: Told,
    untold: set[int],
    business_key: str | None,
    moved: bool,
) -> Iterator[Found]:
    for number, columns in told.items():
        if number not in found:
            if number not in untold:
                yield "lost", f"the {noun} of {columns['element_id']} (activity instance {number}) is gone"
            continue
        expected = {**columns, "business_key": business_key}
        if moved:
            del expected["element_id"]
        if number in untold:
            expected = {"business_key": business_key}
        known = {name: value for name, value in expected.items() if value is not UNKNOWN}
        yield from differing(f"{noun} {found[number]['id']}", found[number], known)
    for number in sorted(set(found) - set(told)):
        yield "unrecorded", f"no event tells of {noun} {found[number]['id']}"


def _compare_visits(
    found: Mapping[int, Mapping[str, Any]], events: Sequence[EventView], moved: bool
) -> Iterator[Found]:
    ends = {
        event.activity_instance: event
        for event in events
        if event.kind in ("activity.completed", "activity.cancelled") and event.activity_instance is not None
    }
    for number, event in ends.items():
        if number not in found:
            yield "lost", f"the visit of {event.element_id} (activity instance {number}) is gone"
            continue
        columns = _ended(event.kind.partition(".")[2], event)
        if not moved:
            columns["element_id"] = event.element_id
        yield from differing(f"the visit of {event.element_id}", found[number], columns)


def _compare_timers(session: Session, process_instance_id: int, events: Sequence[EventView]) -> Iterator[Found]:
    """Compare the due dates of timers that have neither fired nor failed yet."""
    armed: dict[tuple[int, str], datetime] = {}
    for event in events:
        if event.kind == "timer.armed":
            place = event.activity_instance or 0, event.facts["timer"]
            armed[place] = datetime.fromisoformat(event.facts["due"])
        elif event.kind == "timer.fired":
            armed.pop((event.activity_instance or 0, event.element_id or ""), None)
    for job in _query_timers.rows(session.connection(), {"instance": process_instance_id}):
        due = armed.get((job["activity_instance"] or 0, job["element_id"]))
        if due is not None:
            yield from differing(f"the timer of {job['element_id']}", job, {"due_at": due})
