"""
The engine's own due work: timers, continuations, and messages and signals on their way.

A job is executed in the transaction that moves its instance, so exactly once. One that fails is tried again later, at
growing intervals; when no attempts are left it becomes an incident.

Any number of workers may ask for due jobs at once. Each claims one that nobody else has, together with the outermost
caller of the instance that it moves, and waits for nobody: what another worker has, or what belongs to an instance that
somebody moves just now, is passed over.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, literal_column, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history, phrases, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.models import Incident, Job, ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.deployments import definitions, registers
from casepath.engine.history import Event
from casepath.engine.instances import external_tasks, instantiation, messages
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import ENGINE, By
from casepath.engine.phrases import Phrase
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock, timers

log = logging.getLogger(__name__)

#: Wait before the second attempt; it doubles with each one after that.
FIRST_BACK_OFF = timedelta(seconds=10)
#: Jobs that share a transaction where only one can write at a time, and after how many seconds it takes no more: few
#: and short, so that people do not wait for long.
TOGETHER = 20
TOGETHER_SECONDS = 0.2

_jobs = Base.metadata.tables[Job.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_incidents = Base.metadata.tables[Incident.__tablename__]
_roots = _instances.alias("roots")

# Written out, as the index has it.
_due = (_jobs.c.state == literal_column("'waiting'"), _jobs.c.due_at <= bindparam("now"))
#: The next job that moves an instance. PostgreSQL locks in the order of the tables that are named.
_claim_moving = Statement(
    select(_jobs)
    .join(_instances, _instances.c.id == _jobs.c.process_instance_id)
    .join(_roots, _roots.c.id == _instances.c.root_id)
    .where(*_due, _jobs.c.activity_instance.is_not(None), _instances.c.state != "suspended")
    .order_by(_jobs.c.due_at, _jobs.c.id)
    .limit(1)
    .with_for_update(of=(_roots, _jobs), skip_locked=True)
)
#: The next job that starts an instance, looks for who waits for a message or signal, or goes on with records.
_claim_free = Statement(
    select(_jobs)
    .outerjoin(_instances, _instances.c.id == _jobs.c.process_instance_id)
    .where(
        *_due,
        _jobs.c.activity_instance.is_(None),
        or_(_jobs.c.process_instance_id.is_(None), _instances.c.state != "suspended"),
    )
    .order_by(_jobs.c.due_at, _jobs.c.id)
    .limit(1)
    .with_for_update(of=_jobs, skip_locked=True)
)
_take = Statement(delete(_jobs).where(_jobs.c.id == bindparam("job_id")))
_put_off = Statement(
    update(_jobs)
    .where(_jobs.c.id == bindparam("job_id"))
    .values(due_at=bindparam("next_due"), payload=bindparam("next_payload"), retries=ATTEMPTS)
)


def next_due(session: Session, *, after: datetime | None = None) -> datetime | None:
    """Return when the next job is due, of those due after a moment where one is given; None when there is none."""
    waiting = select(_jobs.c.due_at).where(_jobs.c.state == literal_column("'waiting'"))
    if after is not None:
        waiting = waiting.where(_jobs.c.due_at > after)
    return session.scalar(waiting.order_by(_jobs.c.due_at).limit(1))


def run_due(sessions: sessionmaker[Session], limit: int = 100) -> int:
    """
    Execute jobs that are due and that nobody else has, the longest due first; return how many were tried.

    First those that start or look for an instance, then those that move one, at most `limit` of each. Each has a
    transaction of its own; where only one can write at a time (SQLite), a few share one and are undone one by one.
    """
    return sum(_run_all(sessions, claim, limit) for claim in (_claim_free, _claim_moving))


def _run_all(sessions: sessionmaker[Session], claim: Statement, limit: int) -> int:
    tried = 0
    while tried < limit:
        with sessions.begin() as session:
            together = min(TOGETHER if session.get_bind().dialect.name == "sqlite" else 1, limit - tried)
            done = 0
            end = time.monotonic() + TOGETHER_SECONDS
            while (more := _run_next(session, claim)) and (done := done + 1) < together and time.monotonic() < end:
                pass
        tried += done
        if not more:
            break
    return tried


def _run_next(session: Session, claim: Statement) -> bool:
    """Claim the next job and execute it, or note that it failed; return whether there was one."""
    rows = claim.rows(session.connection(), {"now": clock.now()})
    if not rows:
        return False
    try:
        with session.begin_nested():
            _execute(session, rows[0])
    except OperationalError:
        # The database is busy or away: that is no failure of the job.
        raise
    except Exception as error:
        _note(session, rows[0].id, error)
    return True


def _note(session: Session, job_id: int, error: Exception) -> None:
    """
    Note that a job failed, and why.

    Who waits for a message does not change by waiting, nor what a step takes: that is for a person at once.
    """
    if isinstance(error, errors.EngineError):
        log.info("job %s failed: %s", job_id, error.message)
        lasting = isinstance(error, (errors.NotWaiting, errors.SeveralWaiting, errors.OverBudget))
        fail(session, job_id, error.message, phrases.dumps(error.phrase), again=not lasting)
    else:
        log.error("job %s failed", job_id, exc_info=error)
        fail(session, job_id, f"{type(error).__name__}: {error}", repr(error))


def _execute(session: Session, row: Row[Any]) -> None:
    """Execute a job that was claimed; it is gone then, or due at another time."""
    following = _following(row)
    if row.activity_instance is None:
        _settle(session, row, following)
        _find_instance(session, row)
        return
    instance = runtime.read(session.connection(), row.process_instance_id)
    if instance.state == "suspended":
        # Since the job was looked for; it waits until the instance goes on.
        return
    _settle(session, row, following)
    if row.kind in ("message", "signal"):
        messages.hand_over(session, instance, row)
    elif row.kind == "continuation" and row.payload is not None:
        external_tasks.hand_over(session, row)
    else:
        runtime.advance(session, instance, _trigger(row), by=None)


def _find_instance(session: Session, row: Row[Any]) -> None:
    """Start an instance, give a message or signal to those that wait for it, or go on with records to be found anew."""
    payload: Any = values.loads(row.payload)
    match row.kind:
        case "continuation":
            register = definitions.definition(session, row.definition_id)
            registers.search_on(session, register.key, after=payload["after"])
        case "start_timer":
            definition = definitions.definition(session, row.definition_id)
            instantiation.begin(session, definition, {}, start_element=row.element_id)
        case "message":
            messages.deliver(
                session,
                payload["name"],
                business_key=payload["business_key"],
                correlation=payload["correlation"],
                variables=payload["variables"],
                sender=(row.process_instance_id, row.element_id),
            )
        case "signal":
            messages.signal(
                session,
                payload["name"],
                payload["variables"],
                by=ENGINE,
                sender=payload["except"],
                newest=payload["newest"],
            )


def _trigger(row: Row[Any]) -> triggers.Trigger:
    if row.kind == "continuation":
        return triggers.Continue(activity_instance=row.activity_instance)
    return triggers.FireTimer(activity_instance=row.activity_instance, element_id=row.element_id)


def _following(row: Row[Any]) -> timers.Due | None:
    """Return when a timer is due again after this time."""
    if row.kind not in ("timer", "start_timer"):
        return None
    last: Any = values.loads(row.payload)
    return timers.Due.from_json(last).next(clock.now())


def _settle(session: Session, row: Row[Any], following: timers.Due | None) -> None:
    """Delete a job that is about to be executed, or set when it is due again."""
    if following is None:
        _take.change(session.connection(), {"job_id": row.id})
        return
    change = {"job_id": row.id, "next_due": following.at, "next_payload": values.dumps(following.as_json())}
    _put_off.change(session.connection(), change)


def _locked(session: Session, job_id: int) -> Row[Any] | None:
    """Return a job whose instance nobody else moves until the transaction ends; None where it is gone."""
    found = session.execute(select(_jobs).where(_jobs.c.id == job_id)).one_or_none()
    if found is None or found.process_instance_id is None:
        return found
    runtime.lock(session, found.process_instance_id)
    return session.execute(select(_jobs).where(_jobs.c.id == job_id)).one_or_none()


def fail(session: Session, job_id: int, message: str, details: str, *, again: bool = True) -> None:
    """Note that a job failed: try it later, or open an incident where no attempts are left or `again` is not wanted."""
    row = _locked(session, job_id)
    if row is None or row.state != "waiting":
        return
    retries = row.retries - 1 if again else 0
    attempt = max(0, ATTEMPTS - row.retries)
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
            variables={history.ERROR_TEXT: phrases.as_json(phrases.loads(details) or Phrase(message))},
        )
        history.record(session, row.process_instance_id, event)


def retry(session: Session, job_id: int, *, by: By, retries: int = ATTEMPTS) -> None:
    """Have a failed job executed again at once; raises `NotFound`, `Forbidden` or `InvalidState`."""
    actor = identity.allowed(session, by, authorization.may_operate, "retry", "job", job_id)
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
        .values(state="resolved", resolved_at=clock.now(), resolved_by=actor.signature)
    )
    if row.process_instance_id is not None:
        event = Event(
            kind="incident.resolved",
            activity_instance=row.activity_instance,
            element_id=row.element_id,
            by=actor.signature,
        )
        history.record(session, row.process_instance_id, event)
