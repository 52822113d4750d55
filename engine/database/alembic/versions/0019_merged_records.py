"""Records that were merged into others; two views of one owner have two names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Characters of the name of a view.
MAX_NAME = 255

views = sa.table(
    "task_views", sa.column("id"), sa.column("username"), sa.column("group_key"), sa.column("name")
)


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("records") as records:
        records.add_column(sa.Column("merged_into", ROW_ID, nullable=True))
        records.create_foreign_key("records_merged_into", "records", ["merged_into"], ["id"])
        records.create_check_constraint("records_merged", "merged_into IS NULL OR state = 'archived'")
    op.create_index("ix_records_merged_into", "records", ["merged_into"])
    tell_apart()
    op.create_index("task_views_of_person", "task_views", ["username", "name"], unique=True)
    op.create_index("task_views_of_group", "task_views", ["group_key", "name"], unique=True)


def tell_apart() -> None:
    """Give later views the next free name, where their owner has an earlier one of the same."""
    connection = op.get_bind()
    taken: set[tuple[str | None, str | None, str]] = set()
    for row in connection.execute(sa.select(views).order_by(views.c.id)).all():
        owner = (row.username, row.group_key)
        name, number = row.name, 1
        while (*owner, name) in taken:
            number += 1
            name = f"{row.name[: MAX_NAME - 10]} ({number})"
        taken.add((*owner, name))
        if name != row.name:
            connection.execute(sa.update(views).where(views.c.id == row.id).values(name=name))
