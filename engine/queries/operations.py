"""What runs without people: incidents, jobs and external tasks that are not done, for those who operate the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from casepath.engine.database.models import Definition, ExternalTask, Incident, Job, ProcessInstance
from casepath.engine.phrases import Phrase
from casepath.engine.queries import deliveries, mails
from casepath.engine.time import clock

#: Due date and id of the last row of a page of jobs.
Key = tuple[datetime, int]
#: What waits for a person: each page of those who operate the engine asks for it.
_TROUBLES = select(
    select(func.count()).select_from(Incident).where(Incident.state == "open").scalar_subquery()
    + mails.TROUBLED_COUNT
    + deliveries.TROUBLED_COUNT
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in which process something stands; everything None for what belongs to no instance."""

    process_instance_id: int | None
    definition_id: int | None
    definition_name: str | None
    business_key: str | None
    element_id: str | None


@dataclass(frozen=True, kw_only=True)
class IncidentRow:
    """One incident."""

    id: int
    kind: str
    state: str
    message: str
    #: The message as a phrase, where the engine itself said it; else there may be details.
    phrase: Phrase | None
    details: str | None
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    place: Place


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job."""

    id: int
    kind: str
    state: str
    due_at: datetime
    retries: int
    error_message: str | None
    #: The message as a phrase, where the engine itself said it; else there may be details.
    phrase: Phrase | None
    error_details: str | None
    place: Place


@dataclass(frozen=True, kw_only=True)
class ExternalTaskRow:
    """One external task that has not ended."""

    id: int
    topic: str
    state: str
    worker_id: str | None
    locked_until: datetime
    retries: int | None
    error_message: str | None
    error_details: str | None
    created_at: datetime
    place: Place


def counts(session: Session) -> Mapping[str, int]:
    """
    Return how many of each there are: `incidents`, `waiting`, `due`, `failed` jobs, external tasks, mails and
    deliveries by state.

    `troubles` is how much waits for a person, as `troubles` counts it.
    """
    now = clock.now()
    found = {
        "incidents": session.scalar(select(func.count()).select_from(Incident).where(Incident.state == "open")) or 0,
        "waiting": session.scalar(select(func.count()).select_from(Job).where(Job.state == "waiting")) or 0,
        "due": session.scalar(select(func.count()).select_from(Job).where(Job.state == "waiting", Job.due_at <= now))
        or 0,
        "failed": session.scalar(select(func.count()).select_from(Job).where(Job.state == "failed")) or 0,
    }
    query = select(ExternalTask.state, func.count()).where(ExternalTask.ended_at.is_(None)).group_by(ExternalTask.state)
    found |= {f"external_{state}": count for state, count in session.execute(query)}
    found |= {f"mail_{state}": count for state, count in mails.counts(session).items()}
    found |= {f"delivery_{state}": count for state, count in deliveries.counts(session).items()}
    stuck = [f"mail_{state}" for state in mails.TROUBLED] + [f"delivery_{state}" for state in deliveries.TROUBLED]
    return found | {"troubles": found["incidents"] + sum(found[name] for name in stuck)}


def troubles(session: Session) -> int:
    """Return how much waits for a person: open incidents, and what went out and did not arrive, or perhaps not."""
    return session.scalar(_TROUBLES) or 0


def incidents(
    session: Session, *, state: str = "open", below: int | None = None, limit: int = 25
) -> tuple[list[IncidentRow], int | None]:
    """Return incidents in a state, newest first, those below an id; and below which id the next page begins."""
    query = _placed(select(Incident, ProcessInstance, Definition.name), Incident.process_instance_id)
    query = query.where(Incident.state == state).order_by(Incident.id.desc()).limit(limit + 1)
    if below is not None:
        query = query.where(Incident.id < below)
    found = session.execute(query).all()
    rows = [
        IncidentRow(
            id=row.id,
            kind=row.kind,
            state=row.state,
            message=row.message,
            phrase=row.phrase,
            details=row.details if row.phrase is None else None,
            created_at=row.created_at,
            resolved_at=row.resolved_at,
            resolved_by=row.resolved_by,
            place=_place(row, instance, name),
        )
        for row, instance, name in found[:limit]
    ]
    return rows, rows[-1].id if len(found) > limit else None


def jobs(
    session: Session, *, state: str = "waiting", after: Key | None = None, limit: int = 25
) -> tuple[list[JobRow], Key | None]:
    """Return jobs in a state, the next due first, those after a key; and after which key the next page begins."""
    query = _placed(select(Job, ProcessInstance, Definition.name), Job.process_instance_id)
    query = query.where(Job.state == state).order_by(Job.due_at, Job.id).limit(limit + 1)
    if after is not None:
        query = query.where(or_(Job.due_at > after[0], and_(Job.due_at == after[0], Job.id > after[1])))
    found = session.execute(query).all()
    rows = [
        JobRow(
            id=row.id,
            kind=row.kind,
            state=row.state,
            due_at=row.due_at,
            retries=row.retries,
            error_message=row.error_message,
            phrase=row.phrase,
            error_details=row.error_details if row.phrase is None else None,
            place=_place(row, instance, name),
        )
        for row, instance, name in found[:limit]
    ]
    return rows, (rows[-1].due_at, rows[-1].id) if len(found) > limit else None


def external_tasks(
    session: Session, *, state: str = "", after: int = 0, limit: int = 25
) -> tuple[list[ExternalTaskRow], int | None]:
    """Return external tasks that have not ended, oldest first, those above an id; and the id of the next page."""
    query = _placed(select(ExternalTask, ProcessInstance, Definition.name), ExternalTask.process_instance_id)
    query = query.where(ExternalTask.ended_at.is_(None), ExternalTask.id > after)
    if state:
        query = query.where(ExternalTask.state == state)
    found = session.execute(query.order_by(ExternalTask.id).limit(limit + 1)).all()
    rows = [
        ExternalTaskRow(
            id=row.id,
            topic=row.topic,
            state=row.state,
            worker_id=row.worker_id,
            locked_until=row.locked_until,
            retries=row.retries,
            error_message=row.error_message,
            error_details=row.error_details,
            created_at=row.created_at,
            place=_place(row, instance, name),
        )
        for row, instance, name in found[:limit]
    ]
    return rows, rows[-1].id if len(found) > limit else None


def _placed(query: Any, process_instance_id: Any) -> Any:
    return query.outerjoin(ProcessInstance, ProcessInstance.id == process_instance_id).outerjoin(
        Definition, Definition.id == ProcessInstance.definition_id
    )


def _place(row: Any, instance: ProcessInstance | None, name: str | None) -> Place:
    return Place(
        process_instance_id=instance.id if instance else None,
        definition_id=instance.definition_id if instance else getattr(row, "definition_id", None),
        definition_name=name,
        business_key=instance.business_key if instance else None,
        element_id=row.element_id,
    )
