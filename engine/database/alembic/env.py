"""
How Alembic applies the schema revisions: on the connection and in the transaction of `engine.database.upgrade`, which
is told what differs from the models afterwards.

A revision names plain column types, so that it stays true when the classes of the engine change. Revisions only go
forward; the way back is the copy of the database that was made before.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext, compare_metadata

from casepath.engine.database import (  # the tables make themselves known
    Base,
    Instant,
    models,  # noqa: F401
)


def render_item(kind: str, item: Any, _autogenerate: AutogenContext) -> str | Literal[False]:
    """Write the engine's column types as the types of the database that they stand for."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a table; there Alembic copies it.
    render_as_batch=True,
    render_item=render_item,
    transaction_per_migration=False,
)
context.run_migrations()
context.config.attributes["differences"] = compare_metadata(context.get_context(), Base.metadata)
