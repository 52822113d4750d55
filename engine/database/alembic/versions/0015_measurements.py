"""What reports add up, in rows of their own; reports are definitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KINDS = "kind IN ('process', 'decision', 'form', 'calendar', 'register', 'document', 'channel', 'report')"
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXTS, NUMBERS = 24, 40


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("definitions") as batch_op:
        batch_op.drop_constraint("definitions_kind", type_="check")
        batch_op.create_check_constraint("definitions_kind", KINDS)
    op.create_table(
        "measures",
        sa.Column("process", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("process", "name", "kind"),
        sa.UniqueConstraint("process", "kind", "position"),
    )
    op.create_table(
        "measurements",
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), autoincrement=False),
        sa.Column("process", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("begun_at", ROW_ID, nullable=False),
        *(sa.Column(f"text_{position}", sa.Text(), nullable=True) for position in range(1, TEXTS + 1)),
        *(sa.Column(f"number_{position}", ROW_ID, nullable=True) for position in range(1, NUMBERS + 1)),
        sa.PrimaryKeyConstraint("process_instance_id"),
    )
    op.create_index("measurements_begun", "measurements", ["process", "begun_at"])
