"""
Tasks that come back: which round it is, and what was answered the rounds before, as the history has it.

A round of a task is one completion of its element in the matter, whichever version or process instance it was in. What
the instances of a multi-instance task answer is one round: they are members beside each other, and none comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from casepath.engine.bpmn import Activity
from casepath.engine.database import values
from casepath.engine.database.models import ActivityInstance, HistoryEvent, ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.queries.instances import Reference, belongs
from casepath.engine.queries.user_task import TaskDetail

_own, _body = aliased(ActivityInstance), aliased(ActivityInstance)
#: The activity instance of the loop that repeats the element of an event; None where none does.
LOOP: Final = (
    select(_body.number)
    .join(_own, (_own.process_instance_id == _body.process_instance_id) & (_own.parent == _body.number))
    .where(
        _own.process_instance_id == HistoryEvent.process_instance_id,
        _own.number == HistoryEvent.activity_instance,
        _own.element_id == _body.element_id,
    )
    .correlate(HistoryEvent)
    .scalar_subquery()
)
#: What tells the rounds of an element apart: an event, or a process instance and a multi-instance in it.
Turn = tuple[int] | tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Round:
    """What somebody answered in one round."""

    #: From 1.
    number: int
    at: datetime
    #: User name; None where nobody is named.
    by: str | None
    #: As they were handed in; what was erased since is missing.
    values: Mapping[str, Any]


def turn(session: Session, event: HistoryEvent, instance: ProcessInstance, loop: int | None) -> Turn:
    """Return in which turn of its element an event was; `loop` is what `LOOP` says of it."""
    if loop is not None:
        node = definitions.process(session, instance.definition_id).nodes.get(event.element_id or "")
        if isinstance(node, Activity) and node.loop is not None and node.loop.kind != "standard":
            return instance.id, loop
    return (event.id,)


def before(session: Session, task: TaskDetail) -> list[Round]:
    """Return what was answered in the rounds that were over when a task came up, oldest first."""
    own = session.get(ActivityInstance, (task.process_instance_id, task.activity_instance))
    beside = (own.process_instance_id, own.parent) if own is not None else None
    turns = _turns(
        session,
        task.reference,
        ProcessInstance.definition_key == task.definition_key,
        HistoryEvent.element_id == task.element_id,
        HistoryEvent.at <= task.created_at,
    )
    earlier = [events for of_element in turns for key, events in of_element.items() if key != beside]
    return [_round(event, number) for number, events in enumerate(earlier, start=1) for event in events]


def numbers(session: Session, reference: Reference) -> dict[int, int]:
    """Return which round each completion of a task was that had more than one, by the id of its event."""
    return {
        event.id: number
        for of_element in _turns(session, reference)
        if len(of_element) > 1
        for number, events in enumerate(of_element.values(), start=1)
        for event in events
    }


def together(session: Session, reference: Reference) -> dict[int, dict[int, Round]]:
    """Return, for each completion that had others beside it in its round, all of that round; by the ids of events."""
    found: dict[int, dict[int, Round]] = {}
    for of_element in _turns(session, reference):
        for number, events in enumerate(of_element.values(), start=1):
            if len(events) > 1:
                of_round = {event.id: _round(event, number) for event in events}
                found |= {event.id: of_round for event in events}
    return found


def _turns(
    session: Session, reference: Reference, *conditions: ColumnElement[bool]
) -> list[dict[Turn, list[HistoryEvent]]]:
    """Return the completions of each user task by their turns, in the order of time."""
    query = (
        select(HistoryEvent, ProcessInstance, LOOP)
        .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
        .where(belongs(reference), HistoryEvent.kind == "user_task.completed", *conditions)
        .order_by(HistoryEvent.id)
    )
    found: dict[tuple[str, str | None], dict[Turn, list[HistoryEvent]]] = {}
    for event, instance, loop in session.execute(query):
        of_element = found.setdefault((instance.definition_key, event.element_id), {})
        of_element.setdefault(turn(session, event, instance, loop), []).append(event)
    return list(found.values())


def handed_in(session: Session, task: TaskDetail) -> Mapping[str, Any]:
    """Return what was handed in with a completed task; nothing for one that was not."""
    return _told(session, task, "user_task.completed")


def given_to(session: Session, task: TaskDetail) -> Mapping[str, Any]:
    """Return what a task had to itself when it began: no answer of an earlier round."""
    return _told(session, task, "user_task.created")


def _told(session: Session, task: TaskDetail, kind: str) -> Mapping[str, Any]:
    event = session.scalar(
        select(HistoryEvent).where(
            HistoryEvent.process_instance_id == task.process_instance_id,
            HistoryEvent.activity_instance == task.activity_instance,
            HistoryEvent.kind == kind,
        )
    )
    return _values(event) if event is not None else {}


def _round(event: HistoryEvent, number: int) -> Round:
    return Round(number=number, at=event.at, by=event.by, values=_values(event))


def _values(event: HistoryEvent) -> Mapping[str, Any]:
    held: Any = values.loads(event.variables) if event.variables else {}
    # An erased value has left only its digest: a list of one.
    return {name: kept[1] for name, kept in held.items() if len(kept) > 1}
