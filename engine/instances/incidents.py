"""Incidents: something is stuck and needs a person, who looks, repairs, and has it tried again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history, phrases, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, failures
from casepath.engine.database.models import ActivityInstance, Incident
from casepath.engine.history import Event
from casepath.engine.instances import external_tasks, jobs
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase
from casepath.engine.runtime import Moving
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock

log = logging.getLogger(__name__)

_incidents = Base.metadata.tables[Incident.__tablename__]


def get(session: Session, incident_id: int) -> Incident:
    """Return an incident as it is in the database now; raises `NotFound`."""
    found = session.get(Incident, incident_id, populate_existing=True)
    if found is None:
        raise errors.NotFound("incident", incident_id)
    return found


def list_open(session: Session, *process_instance_ids: int, limit: int | None = None) -> list[Incident]:
    """Return the open incidents of process instances, oldest first."""
    own = Incident.process_instance_id.in_(process_instance_ids)
    query = select(Incident).where(own, Incident.state == "open")
    return list(session.scalars(query.order_by(Incident.id).limit(limit)))


def count_open(session: Session, process_instance_ids: Sequence[int]) -> int:
    """Return how many open incidents process instances have together."""
    own = Incident.process_instance_id.in_(process_instance_ids)
    query = select(func.count()).select_from(Incident).where(own, Incident.state == "open")
    return session.scalar(query) or 0


@contextmanager
def noting(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """
    Open the transaction of what somebody does; where the process cannot follow, an incident says so to operators.

    It stands at the activity that waits for this person, and closes when the same is done again or the activity is
    gone. That is for a step over budget and for errors of ours, not for what is refused; nobody waits meanwhile, since
    it is written in a transaction of its own. A start has no instance to stand at, and a repair is made by an operator:
    of these the log tells. The error goes on to whoever asked.
    """
    session: Session | None = None
    try:
        with sessions.begin() as session:
            yield session
    except Exception as error:
        moved = runtime.moving(session) if session is not None else None
        if moved is not None and _needs_operators(error):
            _note(sessions, moved, error)
        raise


def _needs_operators(error: Exception) -> bool:
    if isinstance(error, SQLAlchemyError):
        return failures.absence(error) is None
    return isinstance(error, errors.OverBudget) or not isinstance(error, errors.EngineError)


def _note(sessions: sessionmaker[Session], moved: Moving, error: Exception) -> None:
    kind = type(error).__name__
    what = error.code if isinstance(error, errors.EngineError) else kind
    log.error("a step of a person in process %s was taken back: %s", moved.process, what)
    if moved.activity_instance is None:
        return
    unforeseen = "It failed with {error}, which is an error of the program; its log says where. Nothing was changed."
    phrase = error.phrase if isinstance(error, errors.EngineError) else Phrase(unforeseen, error=kind)
    try:
        with sessions.begin() as session:
            _open(session, moved, moved.activity_instance, phrase)
    except SQLAlchemyError as failure:
        log.error("it could not be noted as an incident: %s", type(failure).__name__)


def _open(session: Session, moved: Moving, activity_instance: int, phrase: Phrase) -> None:
    runtime.lock(session, moved.process_instance_id)
    place = session.get(ActivityInstance, (moved.process_instance_id, activity_instance))
    there = select(Incident.id).where(
        Incident.process_instance_id == moved.process_instance_id,
        Incident.activity_instance == activity_instance,
        Incident.state == "open",
    )
    if place is None or place.ended_at is not None or session.scalars(there).first() is not None:
        return
    session.add(
        Incident(
            kind="stuck",
            process_instance_id=moved.process_instance_id,
            activity_instance=activity_instance,
            element_id=place.element_id,
            state="open",
            message=str(phrase),
            details=phrases.dumps(phrase),
            created_at=clock.now(),
        )
    )
    event = Event(
        kind="incident.opened",
        activity_instance=activity_instance,
        element_id=place.element_id,
        facts={"incident": history.TAKEN_BACK},
        variables={history.ERROR_TEXT: phrases.as_json(phrase)},
        by=moved.by,
    )
    history.record(session, moved.process_instance_id, event)


def resolve(session: Session, incident_id: int, *, by: By, retries: int = ATTEMPTS) -> None:
    """
    Have what is stuck tried again: the element, the job, or the external task.

    One that says that nothing can move is just closed, after somebody has moved tokens by hand; so is one that says
    that what somebody did was taken back, which only he can do again. Raises `NotFound`, `Forbidden`, or `InvalidState`
    where it was resolved before.
    """
    actor = identity.allowed(session, by, authorization.may_operate, "resolve", "incident", incident_id)
    incident = get(session, incident_id)
    if incident.process_instance_id is not None:
        runtime.lock(session, incident.process_instance_id)
    landed = session.connection().execute(
        update(_incidents)
        .where(_incidents.c.id == incident_id, _incidents.c.state == "open")
        .values(state="resolved", resolved_at=clock.now(), resolved_by=actor.signature)
    )
    if not landed.rowcount:
        raise errors.InvalidState("resolve", "incident", incident_id, get(session, incident_id).state)
    if incident.kind == "job" and incident.job_id is not None:
        jobs.retry(session, incident.job_id, by=actor, retries=retries)
    elif incident.kind == "external_task" and incident.external_task_id is not None:
        external_tasks.set_retries(session, incident.external_task_id, retries, by=actor)
    elif incident.kind == "execution" and incident.process_instance_id is not None:
        assert incident.activity_instance is not None
        again = triggers.Retry(activity_instance=incident.activity_instance)
        runtime.advance(session, incident.process_instance_id, again, by=actor.signature)
    elif incident.process_instance_id is not None and incident.activity_instance is not None:
        event = Event(
            kind="incident.resolved",
            activity_instance=incident.activity_instance,
            element_id=incident.element_id,
            facts={"incident": history.TAKEN_BACK},
            by=actor.signature,
        )
        history.record(session, incident.process_instance_id, event)
