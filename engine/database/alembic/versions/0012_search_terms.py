"""Terms in which process instances are found; those that are there are found by their business keys and facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from casepath.engine.database import terms, values

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

#: Process instances that are read at once.
BATCH = 500

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TERM = sa.String(16).with_variant(sa.String(16, collation="C"), "postgresql")
instances = sa.table("process_instances", sa.column("id"), sa.column("root_id"), sa.column("business_key"))
facts = sa.table("facts", sa.column("process_instance_id"), sa.column("value"))


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "search_terms",
        sa.Column("term", TERM, nullable=False),
        sa.Column("root_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.PrimaryKeyConstraint("term", "root_id", "process_instance_id"),
        sqlite_with_rowid=False,
    )
    op.drop_column("facts", "folded")
    fill()


def fill() -> None:
    """Write the terms of the process instances that are there."""
    connection = op.get_bind()
    last = 0
    while True:
        query = sa.select(instances).where(instances.c.id > last).order_by(instances.c.id).limit(BATCH)
        found = connection.execute(query).all()
        if not found:
            return
        known: dict[int, list[str]] = {row.id: [row.business_key] if row.business_key else [] for row in found}
        of_these = sa.select(facts).where(facts.c.process_instance_id.between(last + 1, found[-1].id))
        for row in connection.execute(of_these):
            if isinstance(value := values.loads(row.value), str):
                known[row.process_instance_id].append(value)
        for row in found:
            terms.replace(connection, row.id, row.root_id or row.id, [], known[row.id])
        last = found[-1].id
