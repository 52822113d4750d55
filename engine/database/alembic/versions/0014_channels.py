"""Channels are definitions; what goes out through them and comes in, and what is started for many records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = "kind IN ('process', 'decision', 'form', 'calendar', 'register', 'document', 'channel')"
DELIVERY_STATES = (
    "state IN ('waiting', 'sending', 'sent', 'uncertain', 'undeliverable', 'given_up', 'withheld', 'delivered', "
    "'failed')"
)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("definitions") as batch_op:
        batch_op.drop_constraint("definitions_kind", type_="check")
        batch_op.create_check_constraint("definitions_kind", KINDS)
    create_deliveries()
    create_arrivals()
    create_batches()


def create_deliveries() -> None:
    """Create the queue of what goes out."""
    op.create_table(
        "deliveries",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("business_key", sa.String(length=255), nullable=True),
        sa.Column("record_key", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("number", sa.String(length=255), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.UniqueConstraint("idempotency_key"),
        sa.CheckConstraint(DELIVERY_STATES, name="deliveries_state"),
        sa.CheckConstraint("(ended_at IS NULL) = (state IN ('waiting', 'sending'))", name="deliveries_ended"),
    )
    op.create_index("deliveries_due", "deliveries", ["state", "channel", "due_at", "id"])
    op.create_index("deliveries_by_state", "deliveries", ["state", "id"])
    op.create_index("deliveries_numbers", "deliveries", ["channel", "number"])
    op.create_index("deliveries_addresses", "deliveries", ["channel", "address", "id"])
    op.create_index("ix_deliveries_process_instance_id", "deliveries", ["process_instance_id"])
    op.create_index("ix_deliveries_business_key", "deliveries", ["business_key"])


def create_arrivals() -> None:
    """Create the table of what came in."""
    op.create_table(
        "arrivals",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("delivery_id", ROW_ID, sa.ForeignKey("deliveries.id"), nullable=True),
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=True),
        sa.Column("arrived_at", INSTANT, nullable=False),
        sa.UniqueConstraint("channel", "kind", "number"),
    )
    op.create_index("ix_arrivals_delivery_id", "arrivals", ["delivery_id"])
    op.create_index("ix_arrivals_process_instance_id", "arrivals", ["process_instance_id"])


def create_batches() -> None:
    """Create the tables of what is started for many records."""
    op.create_table(
        "batches",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("definition_id", ROW_ID, sa.ForeignKey("definitions.id"), nullable=False),
        sa.Column("register", sa.String(length=255), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("approved_by", sa.String(length=255), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('proposed', 'running', 'stopped', 'completed')", name="batches_state"),
        sa.CheckConstraint("(ended_at IS NULL) = (state IN ('proposed', 'running'))", name="batches_ended"),
    )
    op.create_index("ix_batches_state", "batches", ["state"])
    op.create_table(
        "batch_items",
        sa.Column("batch_id", ROW_ID, sa.ForeignKey("batches.id"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("record_id", ROW_ID, sa.ForeignKey("records.id"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", "position"),
        sa.UniqueConstraint("batch_id", "record_id"),
        sa.CheckConstraint("state IN ('waiting', 'started', 'refused')", name="batch_items_state"),
        sa.CheckConstraint("(state = 'started') = (process_instance_id IS NOT NULL)", name="batch_items_started"),
    )
    op.create_index("batch_items_by_state", "batch_items", ["batch_id", "state", "position"])
    op.create_index("ix_batch_items_record_id", "batch_items", ["record_id"])
    op.create_index("ix_batch_items_process_instance_id", "batch_items", ["process_instance_id"])
