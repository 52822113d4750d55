"""
Tasks that come back: which round it is, and what was answered the rounds before, as the history has it.

A round of a task is one completion of its element in the matter, whichever version or process instance it was in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import HistoryEvent, ProcessInstance
from casepath.engine.queries.instances import Reference, belongs
from casepath.engine.queries.user_task import TaskDetail


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


def before(session: Session, task: TaskDetail) -> list[Round]:
    """Return the rounds that were over when a task came up, oldest first."""
    completions = (
        select(HistoryEvent)
        .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
        .where(
            belongs(task.reference),
            ProcessInstance.definition_key == task.definition_key,
            HistoryEvent.kind == "user_task.completed",
            HistoryEvent.element_id == task.element_id,
            HistoryEvent.at <= task.created_at,
        )
        .order_by(HistoryEvent.id)
    )
    return [_round(event, number) for number, event in enumerate(session.scalars(completions), start=1)]


def numbers(session: Session, reference: Reference) -> dict[int, int]:
    """Return which round each completion of a task was that was done more than once, by the id of its event."""
    query = (
        select(HistoryEvent.id, ProcessInstance.definition_key, HistoryEvent.element_id)
        .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
        .where(belongs(reference), HistoryEvent.kind == "user_task.completed")
        .order_by(HistoryEvent.id)
    )
    completions: dict[tuple[str, str | None], list[int]] = {}
    for event_id, key, element_id in session.execute(query):
        completions.setdefault((key, element_id), []).append(event_id)
    return {
        event_id: number
        for event_ids in completions.values()
        if len(event_ids) > 1
        for number, event_id in enumerate(event_ids, start=1)
    }


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
