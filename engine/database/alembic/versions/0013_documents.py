"""Documents, the templates of what is printed, are definitions."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KINDS = "kind IN ('process', 'decision', 'form', 'calendar', 'register', 'document')"


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("definitions") as batch_op:
        batch_op.drop_constraint("definitions_kind", type_="check")
        batch_op.create_check_constraint("definitions_kind", KINDS)
