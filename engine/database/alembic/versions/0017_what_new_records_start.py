"""What new records start: which processes, and of which records that waits or is done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "register_processes",
        sa.Column("register", sa.String(length=255), nullable=False),
        sa.Column("process", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("register", "process"),
    )
    op.create_table(
        "record_starts",
        sa.Column("record_id", ROW_ID, sa.ForeignKey("records.id"), nullable=False),
        sa.Column("process", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("record_id", "process"),
        sa.CheckConstraint("state IN ('waiting', 'started', 'refused')", name="record_starts_state"),
        sa.CheckConstraint("(state = 'started') = (process_instance_id IS NOT NULL)", name="record_starts_started"),
    )
    op.create_index("record_starts_by_state", "record_starts", ["state", "process", "record_id"])
    op.create_index("ix_record_starts_process_instance_id", "record_starts", ["process_instance_id"])
