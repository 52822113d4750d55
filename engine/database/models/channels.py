"""What goes out through channels and what comes in through them, and what is started for many records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine.database import Base, RowId, String, Text
from casepath.engine.database.models.states import states_check


class Delivery(Base):
    """Something that a process has to go out through a channel: the queue, and what came of it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        states_check("deliveries"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('waiting', 'sending'))", name="deliveries_ended"),
        Index("deliveries_due", "state", "channel", "due_at", "id"),
        Index("deliveries_by_state", "state", "id"),
        Index("deliveries_numbers", "channel", "number"),
        Index("deliveries_addresses", "channel", "address", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(255))
    #: What goes out once under it, whoever asks for it again; it is sent along.
    idempotency_key: Mapped[str] = mapped_column(String(255), unique=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), index=True)
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    #: Key of the record whose address it is, in the register that the channel names; None for an address alone.
    record_key: Mapped[str | None] = mapped_column(String(255))
    #: Where it goes, or went last; None as long as the record alone knows.
    address: Mapped[str | None] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    #: JSON of the values that the channel fills in beside the text.
    fields: Mapped[str] = mapped_column(Text, default="{}")
    state: Mapped[str] = mapped_column(String(16))
    #: Attempts that were begun; only the last one may say what came of it.
    attempts: Mapped[int] = mapped_column(default=0)
    #: When the next attempt may begin: while one is made, when it is given up.
    due_at: Mapped[datetime]
    #: What was answered last, or why nobody was asked (a phrase).
    answer: Mapped[str | None] = mapped_column(Text)
    #: What the other side calls it, by which its reports name it.
    number: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Arrival(Base):
    """What came in through a channel, once under its number."""

    __tablename__ = "arrivals"
    __table_args__ = (UniqueConstraint("channel", "kind", "number"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(255))
    #: `report`, `reply`, `recording` or `item`.
    kind: Mapped[str] = mapped_column(String(16))
    #: What the other side calls it.
    number: Mapped[str] = mapped_column(String(255))
    #: Of what was said under that number, so that something else under it is noticed.
    sha256: Mapped[str] = mapped_column(String(64))
    #: JSON of what was said.
    content: Mapped[str] = mapped_column(Text)
    #: What it answers, and whom it has moved or started.
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"), index=True)
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"), index=True)
    arrived_at: Mapped[datetime]


class Batch(Base):
    """Instances of one process that are started for many records, one for each."""

    __tablename__ = "batches"
    __table_args__ = (
        states_check("batches"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('proposed', 'running'))", name="batches_ended"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: The version of the process that is started.
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"))
    register: Mapped[str] = mapped_column(String(255))
    #: JSON of what each instance is started with, beside its record.
    variables: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    #: How many records were chosen.
    size: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(255))
    #: Who let it begin, where it needs another one.
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None] = mapped_column(String(255))
    ended_at: Mapped[datetime | None]


class BatchItem(Base):
    """A record for which a batch starts an instance."""

    __tablename__ = "batch_items"
    __table_args__ = (
        states_check("batch_items"),
        CheckConstraint("(state = 'started') = (process_instance_id IS NOT NULL)", name="batch_items_started"),
        UniqueConstraint("batch_id", "record_id"),
        Index("batch_items_by_state", "batch_id", "state", "position"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    #: Counts from 1, in the order in which they were chosen.
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"), index=True)
    #: Why none was started (a phrase).
    answer: Mapped[str | None] = mapped_column(Text)
