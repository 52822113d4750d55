"""Who had a user task: an index on the events that tell it; and who stands in for whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

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
