"""
The engine's own due work: timers, continuations, and messages and signals on their way.

A job is executed in the transaction that moves its instance, so exactly once. One that fails is tried again later, at
growing intervals; when no attempts are left it becomes an incident.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.models import Incident, Job, ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.deployments import definitions
from casepath.engine.history import Event
from casepath.engine.instances import messages, process_instances
from casepath.engine.runtime import DEFAULT_RETRIES
from casepath.engine.time import clock, timers

log = logging.getLogger(__name__)

#: Wait before the second attempt; it doubles with each one after that.
FIRST_BACK_OFF = timedelta(seconds=10)
#: Jobs that share a transaction where only one can write at a time; few, so that people do not wait for long.
TOGETHER = 20

_jobs = Base.metadata.tables[Job.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_incidents = Base.metadata.tables[Incident.__tablename__]

_find = Statement(select(_jobs).where(_jobs.c.id == bindparam("job_id")))
_still_due = (_jobs.c.id == bindparam("job_id"), _jobs.c.state == "waiting", _jobs.c.due_at == bindparam("seen"))
_take = Statement(delete(_jobs).where(*_still_due))
_put_off = Statement(
    update(_jobs)
    .where(*_still_due)
    .values(due_at=bindparam("next_due"), payload=bindparam("next_payload"), retries=DEFAULT_RETRIES)
)


def due(session: Session, limit: int = 100) -> list[int]:
    """Return jobs that are due and whose instance is not suspended, the longest due first."""
    return list(
        session.scalars(
            select(_jobs.c.id)
            .outerjoin(_instances, _instances.c.id == _jobs.c.process_instance_id)
            .where(
                _jobs.c.state == "waiting",
                _jobs.c.due_at <= clock.now(),
                or_(_jobs.c.process_instance_id.is_(None), _instances.c.state != "suspended"),
            )
            .order_by(_jobs.c.due_at, _jobs.c.id)
            .limit(limit)
        )
    )


def next_due(session: Session) -> datetime | None:
    """Return when the next job is due; None when there is none."""
    return session.scalar(select(_jobs.c.due_at).where(_jobs.c.state == "waiting").order_by(_jobs.c.due_at).limit(1))


def run_due(sessions: sessionmaker[Session], limit: int = 100) -> int:
    """
    Execute jobs that are due; return how many were tried.

    Each has a transaction of its own, so that several workers share the work; where only one can write at a time
    (SQLite), a few share one transaction and are undone one by one.
    """
    with sessions.begin() as session:
        found = due(session, limit)
        alone = session.get_bind().dialect.name != "sqlite"
    if alone:
        return sum(run(sessions, job_id) for job_id in found)
    return sum(_run_together(sessions, found[start : start + TOGETHER]) for start in range(0, len(found), TOGETHER))


def run(sessions: sessionmaker[Session], job_id: int) -> bool:
    """Execute one job in a transaction of its own and note it where that fails; return whether there was work."""
    try:
        with sessions.begin() as session:
            return execute(session, job_id)
    except OperationalError:
        # The database is busy or away: that is no failure of the job.
        raise
    except Exception as error:
        with sessions.begin() as session:
            _note(session, job_id, error)
    return True


def _run_together(sessions: sessionmaker[Session], job_ids: Sequence[int]) -> int:
    tried = 0
    with sessions.begin() as session:
        for job_id in job_ids:
            try:
                with session.begin_nested():
                    tried += execute(session, job_id)
            except OperationalError:
                raise
            except Exception as error:
                _note(session, job_id, error)
                tried += 1
    return tried


def _note(session: Session, job_id: int, error: Exception) -> None:
    """Note that a job failed, and why."""
    if isinstance(error, errors.EngineError):
        log.info("job %s failed: %s", job_id, error.message)
        fail(session, job_id, error.message, repr(error))
    else:
        log.error("job %s failed", job_id, exc_info=error)
        fail(session, job_id, f"{type(error).__name__}: {error}", repr(error))


def execute(session: Session, job_id: int) -> bool:
    """Execute a job in the caller's transaction; return False where somebody else already has."""
    rows = _find.rows(session.connection(), {"job_id": job_id})
    if not rows or rows[0].state != "waiting" or rows[0].due_at > clock.now():
        return False
    row = rows[0]
    instance = None
    if row.kind in ("timer", "continuation"):
        instance = runtime.lock(session, row.process_instance_id)
    following = _following(row)
    if not _claim(session, row, following):
        return False
    payload: Any = values.loads(row.payload) if row.payload else {}
    if instance is not None:
        runtime.advance(session, instance, _trigger(row, following), by=None)
    match row.kind:
        case "start_timer":
            definition = definitions.definition(session, row.definition_id)
            process_instances.start(
                session, definition.key, {}, by=None, version=definition.version, start_element=row.element_id
            )
        case "message":
            messages.deliver(
                session,
                payload["name"],
                business_key=payload["business_key"],
                correlation=payload["correlation"],
                variables=payload["variables"],
            )
        case "signal":
            messages.signal(
                session,
                payload["name"],
                payload["variables"],
                by=None,
                sender=payload["except"],
                newest=payload["newest"],
            )
    return True


def _trigger(row: Row[Any], following: timers.Due | None) -> triggers.Trigger:
    if row.kind == "continuation":
        return triggers.Continue(activity_instance=row.activity_instance)
    return triggers.FireTimer(
        activity_instance=row.activity_instance, element_id=row.element_id, last=following is None
    )


def _locked(session: Session, job_id: int) -> Row[Any] | None:
    """Lock the instance that a job moves, then the job; None where it is gone."""
    owner = session.execute(select(_jobs.c.process_instance_id, _jobs.c.kind).where(_jobs.c.id == job_id)).one_or_none()
    if owner is None:
        return None
    if owner.process_instance_id is not None and owner.kind in ("timer", "continuation"):
        runtime.lock(session, owner.process_instance_id)
    return session.execute(select(_jobs).where(_jobs.c.id == job_id).with_for_update()).one_or_none()


def _following(row: Row[Any]) -> timers.Due | None:
    """Return when a timer is due again after this time."""
    if row.kind not in ("timer", "start_timer"):
        return None
    last: Any = values.loads(row.payload)
    return timers.Due.from_json(last).next(clock.now())


def _claim(session: Session, row: Row[Any], following: timers.Due | None) -> bool:
    """Delete a job that is about to be executed, or set when it is due again; return whether it was still there."""
    seen = {"job_id": row.id, "seen": row.due_at}
    if following is None:
        return bool(_take.change(session.connection(), seen))
    change = {"next_due": following.at, "next_payload": values.dumps(following.as_json())}
    return bool(_put_off.change(session.connection(), {**seen, **change}))


def fail(session: Session, job_id: int, message: str, details: str) -> None:
    """Note that a job failed: try it later, or open an incident where no attempts are left."""
    row = _locked(session, job_id)
    if row is None or row.state != "waiting":
        return
    retries = row.retries - 1
    attempt = max(0, 3 - row.retries)
    session.execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.state == "waiting")
        .values(
            retries=max(retries, 0),
            error_message=message,
            error_details=details,
            state="waiting" if retries > 0 else "failed",
            due_at=clock.now() + FIRST_BACK_OFF * 2**attempt,
        )
    )
    if retries > 0:
        return
    session.execute(
        insert(_incidents).values(
            kind="job",
            process_instance_id=row.process_instance_id,
            activity_instance=row.activity_instance,
            element_id=row.element_id,
            job_id=job_id,
            state="open",
            message=message,
            details=details,
            created_at=clock.now(),
        )
    )
    if row.process_instance_id is not None:
        event = Event(
            kind="incident.opened",
            activity_instance=row.activity_instance,
            element_id=row.element_id,
            facts={"job": row.kind},
            variables={history.ERROR_TEXT: message},
        )
        history.record(session, row.process_instance_id, event)


def retry(session: Session, job_id: int, *, by: str | None, retries: int = 3) -> None:
    """Have a failed job executed again at once; raises `NotFound` or `InvalidState`."""
    row = _locked(session, job_id)
    if row is None:
        raise errors.NotFound("job", job_id)
    landed = session.connection().execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.state == "failed")
        .values(state="waiting", retries=retries, due_at=clock.now())
    )
    if not landed.rowcount:
        raise errors.InvalidState("retry", "job", job_id, row.state)
    session.execute(
        update(_incidents)
        .where(_incidents.c.job_id == job_id, _incidents.c.state == "open")
        .values(state="resolved", resolved_at=clock.now(), resolved_by=by)
    )
    if row.process_instance_id is not None:
        event = Event(
            kind="incident.resolved", activity_instance=row.activity_instance, element_id=row.element_id, by=by
        )
        history.record(session, row.process_instance_id, event)


def count_waiting(session: Session) -> int:
    """Return how many jobs wait for their time."""
    return session.scalar(select(func.count()).select_from(_jobs).where(_jobs.c.state == "waiting")) or 0
