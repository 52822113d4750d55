"""Batches for pages: how far each has come, what came of its records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database import values
from casepath.engine.database.models import Batch, BatchItem, Definition, Delivery, ProcessInstance, Record
from casepath.engine.instances import approvals
from casepath.engine.people.authorization import Person
from casepath.engine.phrases import Phrase

STATES = ("waiting", "started", "refused")


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """One batch."""

    id: int
    state: str
    definition_id: int
    process: str
    version: int
    register: str
    size: int
    #: What each instance begins with, beside what is taken of its record.
    variables: Mapping[str, Any]
    #: How many of its records are in each state.
    counts: Mapping[str, int]
    created_at: datetime
    created_by: str | None
    approved_at: datetime | None
    approved_by: str | None
    ended_at: datetime | None

    @property
    def done(self) -> int:
        """How many records nothing is to be done for any more."""
        return self.size - self.counts["waiting"]


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """A record of a batch."""

    position: int
    state: str
    record_id: int
    record_key: str
    process_instance_id: int | None
    business_key: str | None
    #: Why none was started.
    answer: Phrase | None


def listed(
    session: Session, registers: Collection[str] | None = None, *, below: int | None = None, limit: int = 25
) -> tuple[list[BatchRow], int | None]:
    """Return batches for these registers, or for all, newest first, below an id; and where the next page begins."""
    query = select(Batch, Definition).join(Definition, Definition.id == Batch.definition_id)
    if registers is not None:
        query = query.where(Batch.register.in_(registers))
    if below is not None:
        query = query.where(Batch.id < below)
    found = session.execute(query.order_by(Batch.id.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    counts = _counts(session, [batch.id for batch, _ in shown])
    rows = [_row(batch, definition, counts[batch.id]) for batch, definition in shown]
    return rows, rows[-1].id if len(found) > limit else None


def row(session: Session, batch: Batch) -> BatchRow:
    """Return a batch with how far it has come."""
    definition = session.get_one(Definition, batch.definition_id)
    return _row(batch, definition, _counts(session, [batch.id])[batch.id])


def waiting(session: Session, person: Person) -> int:
    """Return how many batches wait until a person, or somebody else, lets them begin."""
    proposed = session.scalars(select(Batch).where(Batch.state == "proposed"))
    return sum(approvals.may_approve(session, batch, person) for batch in proposed)


def sent(session: Session, batch_id: int) -> dict[str, int]:
    """Return how much of what went out for a batch, or was to, is in each state; states without any are not there."""
    query = (
        select(Delivery.state, func.count())
        .join(ProcessInstance, ProcessInstance.id == Delivery.process_instance_id)
        .join(BatchItem, BatchItem.process_instance_id == ProcessInstance.root_id)
        .where(BatchItem.batch_id == batch_id)
        .group_by(Delivery.state)
        .order_by(Delivery.state)
    )
    return {row.state: row[1] for row in session.execute(query)}


def items(
    session: Session, batch_id: int, state: str, *, after: int = 0, limit: int = 25
) -> tuple[Sequence[ItemRow], int | None]:
    """Return records of a batch in a state, those after a position; and after which the next page begins."""
    query = (
        select(BatchItem, Record.key, ProcessInstance.business_key)
        .join(Record, Record.id == BatchItem.record_id)
        .outerjoin(ProcessInstance, ProcessInstance.id == BatchItem.process_instance_id)
        .where(BatchItem.batch_id == batch_id, BatchItem.state == state, BatchItem.position > after)
        .order_by(BatchItem.position)
        .limit(limit + 1)
    )
    found = session.execute(query).all()
    rows = [
        ItemRow(
            position=item.position,
            state=item.state,
            record_id=item.record_id,
            record_key=key,
            process_instance_id=item.process_instance_id,
            business_key=business_key,
            answer=phrases.loads(item.answer),
        )
        for item, key, business_key in found[:limit]
    ]
    return rows, rows[-1].position if len(found) > limit else None


def _counts(session: Session, batch_ids: Collection[int]) -> dict[int, dict[str, int]]:
    counts = {batch_id: dict.fromkeys(STATES, 0) for batch_id in batch_ids}
    query = (
        select(BatchItem.batch_id, BatchItem.state, func.count())
        .where(BatchItem.batch_id.in_(batch_ids))
        .group_by(BatchItem.batch_id, BatchItem.state)
    )
    for batch_id, state, count in session.execute(query):
        counts[batch_id][state] = count
    return counts


def _row(batch: Batch, definition: Definition, counts: Mapping[str, int]) -> BatchRow:
    variables: Any = values.loads(batch.variables)
    return BatchRow(
        id=batch.id,
        state=batch.state,
        definition_id=definition.id,
        process=definition.name,
        version=definition.version,
        register=batch.register,
        size=batch.size,
        variables=variables,
        counts=counts,
        created_at=batch.created_at,
        created_by=batch.created_by,
        approved_at=batch.approved_at,
        approved_by=batch.approved_by,
        ended_at=batch.ended_at,
    )
