"""To which records process instances point; those of before declare none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "record_links",
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("root_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("register", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("process_instance_id", "name"),
    )
    op.create_index("record_links_of_record", "record_links", ["register", "key", "root_id"])
