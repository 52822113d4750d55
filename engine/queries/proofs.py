"""Who took the proof of which matter away, as the history of the house tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database.models import OrganisationEvent
from casepath.engine.instances.proofs import TAKEN
from casepath.engine.queries.instances import Reference


@dataclass(frozen=True, kw_only=True)
class Taken:
    """That somebody took the proof of a matter away."""

    at: datetime
    by: str | None
    matter: Reference


def newest(session: Session, limit: int = 50) -> list[Taken]:
    """Return what was taken last, the newest first."""
    query = select(OrganisationEvent.at, OrganisationEvent.by, OrganisationEvent.facts)
    found = query.where(OrganisationEvent.kind == TAKEN).order_by(OrganisationEvent.sequence.desc()).limit(limit)
    return [Taken(at=at, by=by, matter=json.loads(facts)["matter"]) for at, by, facts in session.execute(found)]
