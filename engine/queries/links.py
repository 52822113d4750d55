"""To which records and other matters a matter points, and which records are meant by what somebody types."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database import terms
from casepath.engine.database.models import ProcessInstance, RecordLink
from casepath.engine.queries.instances import Reference, belongs

#: Letters and digits of a text by which something is told apart from everything else.
TELLING = 5


def of_matter(session: Session, reference: Reference) -> list[tuple[str, str]]:
    """Return register and key of each record to which the process instances of a matter point, each once."""
    query = (
        select(RecordLink.register, RecordLink.key)
        .join(ProcessInstance, ProcessInstance.id == RecordLink.process_instance_id)
        .where(belongs(reference))
        .order_by(RecordLink.process_instance_id, RecordLink.name)
    )
    return list(dict.fromkeys((register, key) for register, key in session.execute(query)))


def telling(texts: Iterable[str]) -> list[str]:
    """Return the texts that are long enough to mean one thing: a telephone number, not a family name."""
    return [text for text in texts if len(terms.compact(text)) >= TELLING]
