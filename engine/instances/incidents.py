"""Incidents: something is stuck and needs a person, who looks, repairs, and has it tried again."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base
from casepath.engine.database.models import Incident
from casepath.engine.instances import external_tasks, jobs
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock

_incidents = Base.metadata.tables[Incident.__tablename__]


def get(session: Session, incident_id: int) -> Incident:
    """Return an incident as it is in the database now; raises `NotFound`."""
    found = session.get(Incident, incident_id, populate_existing=True)
    if found is None:
        raise errors.NotFound("incident", incident_id)
    return found


def list_open(session: Session, process_instance_id: int) -> list[Incident]:
    """Return the open incidents of a process instance, oldest first."""
    return list(
        session.scalars(
            select(Incident)
            .where(Incident.process_instance_id == process_instance_id, Incident.state == "open")
            .order_by(Incident.id)
        )
    )


def resolve(session: Session, incident_id: int, *, by: By, retries: int = ATTEMPTS) -> None:
    """
    Have what is stuck tried again: the element, the job, or the external task.

    One that says that nothing can move is just closed, after somebody has moved tokens by hand. Raises `NotFound`,
    `Forbidden`, or `InvalidState` where it was resolved before.
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
