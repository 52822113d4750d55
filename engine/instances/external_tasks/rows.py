"""Rows of external tasks: found, locked through their process instance, and changed under conditions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.database import Base
from casepath.engine.database.models import ExternalTask, ProcessInstance

#: How long a worker may have a task, or the next attempt may be off.
LONGEST = timedelta(days=366)

Found = Row[*tuple[Any, ...]]

table = Base.metadata.tables[ExternalTask.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]

#: The process instance is neither suspended nor over.
active = (
    select(_instances.c.id)
    .where(_instances.c.id == table.c.process_instance_id, _instances.c.state == "active")
    .exists()
)
#: The process instance is not over.
running = (
    select(_instances.c.id)
    .where(_instances.c.id == table.c.process_instance_id, _instances.c.ended_at.is_(None))
    .exists()
)
_belonging = runtime.Belonging(*table.c)


def get(session: Session, task_id: int) -> ExternalTask:
    """Return an external task as it is in the database now; raises `NotFound`."""
    task = session.get(ExternalTask, task_id, populate_existing=True)
    if task is None:
        raise errors.NotFound("external task", task_id)
    return task


def locked(session: Session, task_id: int) -> Found:
    """Return a task whose process instance nobody else moves until the transaction ends; raises `NotFound`."""
    found = _belonging.lock(session, task_id)
    if found is None:
        raise errors.NotFound("external task", task_id)
    task: Found = found[0]
    return task


def change(
    session: Session, task_id: int, verb: str, *conditions: ColumnElement[bool], to: Mapping[str, Any]
) -> None:
    """Change a task where the conditions hold; raises `NotFound`, or `InvalidState` where they do not."""
    guarded = update(table).where(table.c.id == task_id, *conditions).values(**to)
    if not session.connection().execute(guarded).rowcount:
        raise refusal(session, verb, task_id)


def refusal(session: Session, verb: str, task_id: int) -> errors.InvalidState:
    """Return why a guarded update found nothing to change, naming the worker who has the task."""
    task = get(session, task_id)
    running = session.scalar(select(ProcessInstance.state).where(ProcessInstance.id == task.process_instance_id))
    state = str(running) if task.ended_at is None and running != "active" else task.state
    return errors.InvalidState(verb, "external task", task_id, state, by=task.worker_id)
