"""Which matters of their own a step has begun, by the messages that it sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import HistoryEvent, Job
from casepath.engine.queries.user_task import TaskDetail


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What came of the messages that were sent since a task was completed."""

    #: The numbers of the matters that began.
    numbers: list[str]
    #: How many messages are still on their way.
    underway: int


def after(session: Session, task: TaskDetail) -> Begun:
    """Return what its process instance has begun since a task was completed; nothing while it is open."""
    if task.ended_at is None:
        return Begun(numbers=[], underway=0)
    began = select(HistoryEvent.facts).where(
        HistoryEvent.process_instance_id == task.process_instance_id,
        HistoryEvent.kind == "message.began",
        HistoryEvent.at >= task.ended_at,
    )
    facts: list[Any] = [values.loads(each) for each in session.scalars(began.order_by(HistoryEvent.id))]
    waiting = select(func.count()).where(
        Job.process_instance_id == task.process_instance_id,
        Job.kind == "message",
        Job.activity_instance.is_(None),
        Job.state == "waiting",
        Job.created_at >= task.ended_at,
    )
    return Begun(numbers=[each["number"] for each in facts], underway=session.scalar(waiting) or 0)
