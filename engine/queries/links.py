"""To which records and other matters a matter points, and which records are meant by what somebody types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database import merged, terms, values
from casepath.engine.database.models import Fact, ProcessInstance, RecordLink
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


def earlier(
    session: Session, process_instance_id: int, record: tuple[str, str], *, limit: int
) -> list[dict[str, Any]]:
    """
    Return the facts of the instances of the same process that began before one and point to a record, newest first.

    Each says under `matter` what its number is.
    """
    own = session.get_one(ProcessInstance, process_instance_id)
    register, key = record
    known = RecordLink.key.in_(merged.keys(register, key))
    pointing = select(RecordLink.process_instance_id).where(RecordLink.register == register, known)
    query = (
        select(ProcessInstance.id, ProcessInstance.business_key)
        .where(ProcessInstance.id.in_(pointing), ProcessInstance.id < own.id)
        .where(ProcessInstance.definition_key == own.definition_key)
        .order_by(ProcessInstance.id.desc())
        .limit(limit)
    )
    numbers = {row.id: row.business_key for row in session.execute(query)}
    facts = select(Fact.process_instance_id, Fact.name, Fact.value).where(Fact.process_instance_id.in_(numbers))
    held: dict[int, dict[str, Any]] = {number: {"matter": matter} for number, matter in numbers.items()}
    for row in session.execute(facts):
        held[row.process_instance_id][row.name] = values.loads(row.value)
    return list(held.values())


def telling(texts: Iterable[str]) -> list[str]:
    """Return the texts that are long enough to mean one thing: a telephone number, not a family name."""
    return [text for text in texts if len(terms.compact(text)) >= TELLING]
