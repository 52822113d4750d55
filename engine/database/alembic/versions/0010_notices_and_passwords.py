"""What a notice says in each language and who sent it; and which passwords were given by somebody else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the revision: of notices and passwords that are there nothing more is known."""
    op.add_column("notifications", sa.Column("process_instance_id", ROW_ID, nullable=True))
    op.add_column("notifications", sa.Column("wordings", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("password_is_given", sa.Boolean(), nullable=False, server_default=sa.false()))
