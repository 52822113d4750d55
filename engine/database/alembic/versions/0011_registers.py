"""Registers are definitions; their records, in what these are found, and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KINDS = "kind IN ('process', 'decision', 'form', 'calendar', 'register')"
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("definitions") as batch_op:
        batch_op.drop_constraint("definitions_kind", type_="check")
        batch_op.create_check_constraint("definitions_kind", KINDS)
    op.create_table(
        "records",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("register", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("definition_id", ROW_ID, sa.ForeignKey("definitions.id"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.String(length=255), nullable=True),
        sa.Column("history_length", sa.Integer(), nullable=False),
        sa.Column("history_hash", sa.String(length=64), nullable=False),
        sa.UniqueConstraint("register", "key"),
        sa.CheckConstraint("state IN ('active', 'archived')", name="records_state"),
    )
    op.create_index("records_in_order", "records", ["register", "state", "id"])
    op.create_table(
        "record_values",
        sa.Column("record_id", ROW_ID, sa.ForeignKey("records.id"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("register", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("compared", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "name"),
    )
    op.create_index("record_values_in_order", "record_values", ["register", "name", "compared", "record_id"])
    op.create_table(
        "record_events",
        sa.Column("record_id", ROW_ID, sa.ForeignKey("records.id"), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "sequence"),
    )
