"""States in the history: what a process instance was before and after each step, as digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("history_events", sa.Column("state_before", sa.String(length=64), nullable=True))
    op.add_column("history_events", sa.Column("state_after", sa.String(length=64), nullable=True))
    op.add_column("process_instances", sa.Column("state_salt", sa.String(length=32), nullable=True))
