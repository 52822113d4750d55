"""Correlation values in columns, so that messages are matched in SQL; those of what waits already are filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from casepath.engine.database import correlation, values

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: Rows that are read at once.
BATCH = 500

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
subscriptions = sa.table(
    "subscriptions",
    sa.column("id"),
    sa.column("kind"),
    sa.column("process_instance_id"),
    sa.column("activity_instance"),
    sa.column("correlation"),
    sa.column("correlation_key"),
)
jobs = sa.table("jobs", sa.column("id"), sa.column("kind"), sa.column("payload"))
instances = sa.table("process_instances", sa.column("id"), sa.column("tokens"), sa.column("variables"))
correlation_values = sa.table(
    "correlation_values",
    sa.column("process_instance_id"),
    sa.column("activity_instance"),
    sa.column("name"),
    sa.column("value"),
)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "correlation_values",
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("activity_instance", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("process_instance_id", "activity_instance", "name"),
    )
    op.create_index(
        "correlation_values_equal", "correlation_values", ["name", "value", "process_instance_id", "activity_instance"]
    )
    op.add_column("subscriptions", sa.Column("correlation_key", sa.String(length=255), server_default="", nullable=False))
    fill_keys()
    fill_values()
    unwrap_properties()
    op.drop_column("subscriptions", "correlation")
    op.create_index(
        "subscriptions_correlation", "subscriptions", ["kind", "name", "correlation_key", "business_key"]
    )
    starting = sa.text("process_instance_id IS NULL")
    op.create_index(
        "subscriptions_starting", "subscriptions", ["kind", "name"], sqlite_where=starting, postgresql_where=starting
    )


def fill_keys() -> None:
    """Write the values that subscriptions want, which were JSON, as their key."""
    connection = op.get_bind()
    wanting = sa.select(subscriptions.c.id, subscriptions.c.correlation).where(subscriptions.c.correlation.is_not(None))
    for row in connection.execute(wanting).all():
        wanted: Any = values.loads(row.correlation)
        connection.execute(
            sa.update(subscriptions)
            .where(subscriptions.c.id == row.id)
            .values(correlation_key=correlation.key(wanted))
        )


def fill_values() -> None:
    """Write the variables that activities see which wait for a message."""
    connection = op.get_bind()
    last = 0
    while True:
        waiting = (
            sa.select(instances)
            .where(
                instances.c.id > last,
                instances.c.tokens != "",
                sa.exists().where(
                    subscriptions.c.process_instance_id == instances.c.id, subscriptions.c.kind == "message"
                ),
            )
            .order_by(instances.c.id)
            .limit(BATCH)
        )
        found = connection.execute(waiting).all()
        if not found:
            return
        last = found[-1].id
        waiters = connection.execute(
            sa.select(subscriptions.c.process_instance_id, subscriptions.c.activity_instance)
            .where(
                subscriptions.c.kind == "message",
                subscriptions.c.process_instance_id.in_([row.id for row in found]),
            )
            .distinct()
        ).all()
        states = {row.id: (values.loads(row.tokens), values.loads(row.variables)) for row in found}
        rows = [row for waiter in waiters for row in rows_of(waiter, *states[waiter.process_instance_id])]
        if rows:
            connection.execute(sa.insert(correlation_values), rows)


def rows_of(waiter: Any, tokens: Any, held: Any) -> Iterator[dict[str, Any]]:
    """Yield the values that a waiting activity sees."""
    for name, value in seen(waiter.activity_instance or 0, tokens, held).items():
        written = correlation.text(value)
        if written is not None and len(name) <= correlation.MAX_LENGTH:
            yield {
                "process_instance_id": waiter.process_instance_id,
                "activity_instance": waiter.activity_instance or 0,
                "name": name,
                "value": written,
            }


def seen(number: int, tokens: Any, held: Any) -> Mapping[str, Any]:
    """Return the variables of a scope and of those around it; the inner ones count."""
    around = {token[0]: token[2] for token in tokens["t"]}
    found: dict[str, Any] = {}
    while True:
        found = held.get(str(number), {}) | found
        if number == 0:
            return found
        number = around.get(number, 0)


def unwrap_properties() -> None:
    """Have messages that are on their way name their correlation properties without a map around them."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(jobs).where(jobs.c.kind == "message")).all():
        sent: Any = values.loads(row.payload)
        sent["correlation"] = sent["correlation"].get("properties", {})
        connection.execute(sa.update(jobs).where(jobs.c.id == row.id).values(payload=values.dumps(sent)))
