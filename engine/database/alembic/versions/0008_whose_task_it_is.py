"""Who had a user task and who lent one: indexes; and who stands in for whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TAKEN = "kind IN ('user_task.claimed', 'user_task.unclaimed', 'user_task.assigned', 'user_task.delegated')"


def upgrade() -> None:
    """Apply the revision."""
    op.create_index(
        "history_events_taken",
        "history_events",
        ["by", "process_instance_id"],
        sqlite_where=sa.text(TAKEN),
        postgresql_where=sa.text(TAKEN),
    )
    op.create_index(
        "user_tasks_lent",
        "user_tasks",
        ["owner", "sort_at", "id"],
        sqlite_where=sa.text("state = 'created' AND owner IS NOT NULL"),
        postgresql_where=sa.text("state = 'created' AND owner IS NOT NULL"),
    )
    op.create_table(
        "substitutions",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("username", sa.String(length=255), sa.ForeignKey("users.username"), nullable=False),
        sa.Column("substitute", sa.String(length=255), sa.ForeignKey("users.username"), nullable=False),
        sa.Column("begins_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("begins_at < ends_at", name="substitutions_period"),
    )
    for column in ("username", "substitute"):
        op.create_index(f"ix_substitutions_{column}", "substitutions", [column])
