"""
What workers report of external tasks: done, failed, or a business error; and new retries for those that failed.

Work that was done counts, also when its process instance is suspended meanwhile: the report is kept, and moves the
instance when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history, phrases, runtime, texts
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.models import Incident
from casepath.engine.database.statements import Statement
from casepath.engine.history import Event
from casepath.engine.instances import kept
from casepath.engine.instances.external_tasks import rows
from casepath.engine.instances.external_tasks.rows import Found
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By, Program
from casepath.engine.phrases import Phrase
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock

#: Characters that are kept of what a worker says about a failure.
MAX_MESSAGE_LENGTH = 4_000
MAX_DETAILS_LENGTH = 100_000

_table = rows.table
_incidents = Base.metadata.tables[Incident.__tablename__]

_complete = Statement(
    update(_table)
    .where(
        _table.c.id == bindparam("task_id"),
        _table.c.state == "locked",
        _table.c.worker_id == bindparam("holder"),
        rows.running,
    )
    .values(state="completed", ended_at=bindparam("now"))
)
_take_up = Statement(
    update(_table)
    .where(
        _table.c.process_instance_id == bindparam("instance"),
        _table.c.activity_instance == bindparam("at"),
        _table.c.state == "completed",
    )
    .values(state="locked", ended_at=None)
    .returning(_table.c.id)
)


def complete(
    session: Session,
    task_id: int,
    *,
    worker_id: str,
    variables: Mapping[str, Any] | None = None,
    local_variables: Mapping[str, Any] | None = None,
    also: Callable[[Session], object] | None = None,
) -> None:
    """
    Take a worker's result and move the process instance on; local variables stay with the activity.

    `also` writes what belongs to the result, once it is known that it counts, before the instance moves on. A
    lock that has ended does no harm while nobody else has fetched the task. Raises `NotFound`, or `InvalidState` if the
    worker does not have it.
    """
    task = rows.locked(session, task_id)
    _end(session, task, "complete", worker_id)
    if also is not None:
        also(session)
    result: dict[str, Any] = {"variables": dict(variables or {}), "local_variables": dict(local_variables or {})}
    trigger = triggers.CompleteExternalTask(activity_instance=task.activity_instance, **result)
    _move(session, task, trigger, worker_id, result)


def fail(
    session: Session,
    task_id: int,
    *,
    worker_id: str,
    message: str | Phrase,
    details: str = "",
    retries: int,
    retry_in: timedelta = timedelta(0),
) -> None:
    """
    Note that a worker could not do it: to be tried again in `retry_in`, or an incident when no retries are left.

    What the engine has refused is told by its phrase, in the reader's language; details are for words of the worker.
    Raises `NotFound`, `InvalidInput` for figures out of range, or `InvalidState` if the worker does not have the task.
    """
    if retries < 0 or not timedelta(0) <= retry_in <= rows.LONGEST:
        raise errors.InvalidInput("Expected retries of at least 0, the next one within a year")
    task = rows.locked(session, task_id)
    now = clock.now()
    if isinstance(message, Phrase):
        details = phrases.dumps(message)
    else:
        details = texts.storable(details, limit=MAX_DETAILS_LENGTH)
        # What a worker says is never read as a phrase of ours.
        details = f" {details}" if phrases.loads(details) else details
    message = texts.storable(str(message), limit=MAX_MESSAGE_LENGTH)
    change = {
        "state": "created" if retries else "failed",
        "worker_id": None,
        "locked_until": now + retry_in,
        "retries": retries,
        "error_message": message,
        "error_details": details,
    }
    held = (_table.c.state == "locked", _table.c.worker_id == worker_id)
    rows.change(session, task_id, "report a failure of", *held, to=change)
    who = Program(worker_id).signature
    # What a worker says about a failure may quote the customer, so that it can be erased.
    _record(session, task, "external_task.failed", who, {"retries": retries}, {"error_message": message})
    if not retries:
        _open_incident(session, task, message, details, now)
        _record(session, task, "incident.opened", who, {"incident": "external_task"})


def throw_error(
    session: Session,
    task_id: int,
    *,
    worker_id: str,
    error_code: str,
    message: str = "",
    variables: Mapping[str, Any] | None = None,
) -> None:
    """
    Report a business error for the diagram to catch.

    Raises `NotFound`, or `InvalidState` if the worker does not have the task.
    """
    task = rows.locked(session, task_id)
    error: dict[str, Any] = {
        "error_code": texts.checked(error_code, name="an error code", limit=255),
        "message": texts.storable(message, limit=MAX_MESSAGE_LENGTH),
        "variables": dict(variables or {}),
    }
    held = (_table.c.state == "locked", _table.c.worker_id == worker_id, rows.running)
    rows.change(session, task_id, "throw an error from", *held, to={"worker_id": worker_id})
    trigger = triggers.ThrowError(activity_instance=task.activity_instance, **error)
    if not _move(session, task, trigger, worker_id, error):
        _end(session, task, "throw an error from", worker_id)
        return
    # Where nothing caught the error, the activity stands still with an incident; to try it again makes a new task.
    session.connection().execute(delete(_table).where(_table.c.id == task_id, _table.c.ended_at.is_(None)))


def hand_over(session: Session, held: Row[Any]) -> None:
    """Take up the report that was kept while the process instance was suspended, as if the worker came now."""
    report: Any = values.loads(held.payload)
    at = {"instance": held.process_instance_id, "at": held.activity_instance}
    (task,) = _take_up.rows(session.connection(), at)
    taken = throw_error if "error_code" in report["told"] else complete
    taken(session, task.id, worker_id=report["worker"], **report["told"])


def set_retries(session: Session, task_id: int, retries: int = ATTEMPTS, *, by: By) -> None:
    """
    Let a task be tried again so many times, at once; its incident is resolved.

    Raises `NotFound`, `Forbidden`, `InvalidInput` for less than one, or `InvalidState` if it has ended.
    """
    actor = identity.allowed(session, by, authorization.may_operate, "set the retries of", "external task", task_id)
    if retries < 1:
        raise errors.InvalidInput("Expected at least one retry, but found {retries}", retries=retries)
    task = rows.locked(session, task_id)
    change: dict[str, Any] = {"retries": retries}
    if task.state == "failed":
        change |= {"state": "created", "locked_until": clock.now()}
    rows.change(session, task_id, "set the retries of", _table.c.ended_at.is_(None), to=change)
    _record(session, task, "external_task.retried", actor.signature, {"retries": retries})
    if task.state == "failed":
        # Whoever resolves the incident itself has done this already.
        session.connection().execute(
            update(_incidents)
            .where(_incidents.c.external_task_id == task_id, _incidents.c.state == "open")
            .values(state="resolved", resolved_at=clock.now(), resolved_by=actor.signature)
        )
        _record(session, task, "incident.resolved", actor.signature, {"incident": "external_task"})


def _end(session: Session, task: Found, verb: str, worker_id: str) -> None:
    """Take a task off the list of work; raises `InvalidState` if the worker does not have it."""
    change = {"task_id": task.id, "holder": worker_id, "now": clock.now()}
    if not _complete.change(session.connection(), change):
        raise rows.refusal(session, verb, task.id)


def _move(
    session: Session, task: Found, trigger: triggers.Trigger, worker_id: str, told: Mapping[str, Any]
) -> bool:
    """Move the process instance on, and tell whether it did: one that is suspended keeps what was told."""
    instance = runtime.read(session.connection(), task.process_instance_id)
    if instance.state == "suspended":
        kept.keep(session, "continuation", task, {"worker": worker_id, "told": told})
        return False
    runtime.advance(session, instance, trigger, by=Program(worker_id).signature)
    return True


def _open_incident(session: Session, task: Found, message: str, details: str, now: datetime) -> None:
    session.connection().execute(
        insert(_incidents).values(
            kind="external_task",
            process_instance_id=task.process_instance_id,
            activity_instance=task.activity_instance,
            element_id=task.element_id,
            external_task_id=task.id,
            state="open",
            message=message,
            details=details,
            created_at=now,
        )
    )


def _record(
    session: Session,
    task: Found,
    kind: str,
    by: str | None,
    facts: Mapping[str, Any],
    variables: Mapping[str, Any] | None = None,
) -> None:
    event = Event(
        kind=kind,
        activity_instance=task.activity_instance,
        element_id=task.element_id,
        facts=facts,
        variables=variables,
        by=by,
    )
    history.record(session, task.process_instance_id, event)
