"""Views of task lists, which somebody keeps for himself or for a group; the matters that somebody watches; digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "task_views",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("username", sa.String(length=255), sa.ForeignKey("users.username"), nullable=True),
        sa.Column("group_key", sa.String(length=255), sa.ForeignKey("groups.key"), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("(username IS NULL) <> (group_key IS NULL)", name="task_views_owner"),
    )
    op.create_index(op.f("ix_task_views_username"), "task_views", ["username"])
    op.create_index(op.f("ix_task_views_group_key"), "task_views", ["group_key"])
    op.create_table(
        "watches",
        sa.Column("username", sa.String(length=255), sa.ForeignKey("users.username"), nullable=False),
        sa.Column("business_key", sa.String(length=255), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("username", "business_key"),
    )
    op.create_index(op.f("ix_watches_business_key"), "watches", ["business_key"])
    op.add_column("users", sa.Column("digest_hour", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True))
