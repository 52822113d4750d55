"""What comes for a process instance that is suspended: a job keeps it until the instance goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import insert
from sqlalchemy.orm import Session

from casepath.engine.database import Base, values
from casepath.engine.database.models import Job
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock

_jobs = Base.metadata.tables[Job.__tablename__]


class Place(Protocol):
    """The row of what waits: a subscription, or an external task."""

    process_instance_id: int
    definition_id: int
    activity_instance: int
    element_id: str


def keep(session: Session, kind: str, place: Place, payload: Mapping[str, Any]) -> None:
    """Keep what has come for an activity; the job is not executed before its instance goes on."""
    session.execute(
        insert(_jobs).values(
            kind=kind,
            process_instance_id=place.process_instance_id,
            definition_id=place.definition_id,
            activity_instance=place.activity_instance,
            element_id=place.element_id,
            state="waiting",
            due_at=clock.now(),
            payload=values.dumps(dict(payload)),
            retries=ATTEMPTS,
            created_at=clock.now(),
        )
    )
