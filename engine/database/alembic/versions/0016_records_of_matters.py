"""
To which records process instances point, and the terms in which records are found.

Process instances of before declare no records. Records that are there are found by the fields that their registers
search, and telephone numbers are compared without the prefix of their country.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from casepath.engine.database import entries, values

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TERM = sa.String(16).with_variant(sa.String(16, collation="C"), "postgresql")
definitions = sa.table(
    "definitions", sa.column("kind"), sa.column("key"), sa.column("version"), sa.column("resource_id")
)
resources = sa.table("resources", sa.column("id"), sa.column("content"))
held = sa.table("record_values", sa.column("record_id"), sa.column("name"), sa.column("value"), sa.column("compared"))


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
    op.create_table(
        "record_terms",
        sa.Column("register", sa.String(length=255), nullable=False),
        sa.Column("term", TERM, nullable=False),
        sa.Column("record_id", ROW_ID, sa.ForeignKey("records.id"), nullable=False),
        sa.PrimaryKeyConstraint("register", "term", "record_id"),
        sqlite_with_rowid=False,
    )
    compare_anew()
    fill()


def compare_anew() -> None:
    """Write down telephone numbers as they are compared now."""
    connection = op.get_bind()
    abroad = sa.select(held).where(sa.or_(held.c.compared.like("86%"), held.c.compared.like("0086%")))
    for row in connection.execute(abroad).all():
        mine = sa.and_(held.c.record_id == row.record_id, held.c.name == row.name)
        change = sa.update(held).where(mine).values(compared=entries.compared(values.loads(row.value)))
        connection.execute(change)


def fill() -> None:
    """Write the terms of the records that are there."""
    connection = op.get_bind()
    query = (
        sa.select(definitions.c.key, resources.c.content)
        .join(resources, resources.c.id == definitions.c.resource_id)
        .where(definitions.c.kind == "register")
        .order_by(definitions.c.version)
    )
    newest = {row.key: json.loads(row.content) for row in connection.execute(query)}
    for register, declaration in newest.items():
        entries.search_anew(connection, register, declaration.get("search") or declaration["title"])
