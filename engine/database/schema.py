"""
Brings the tables of a database to the newest revision, and sees that they are those of the models.

A database that is not as expected is refused in one sentence before anybody works with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, DateTime, MetaData, String, Table

from casepath.engine import errors
from casepath.engine.database.base import Base

#: Number of the lock in PostgreSQL.
UPGRADING = 5_207_385
#: Differences that a refusal names; the first ones tell what happened.
MAX_NAMED = 5

FIRST = "0001"
#: Tables that revision 0001 has had since its second landing.
LATE = MetaData()
Table(
    "ended_sessions",
    LATE,
    Column("username", String(255), primary_key=True),
    Column("begun_at", DateTime(timezone=True), primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Table(
    "submissions",
    LATE,
    Column("username", String(255), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("made", String(255), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


def upgrade(engine: sqlalchemy.Engine) -> None:
    """
    Bring the tables to the newest revision; an empty database gets them all.

    Raises `InvalidInput`, with nothing changed, where the database is of a later version, has tables of no revision,
    or has other tables afterwards than the models describe.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    script = ScriptDirectory.from_config(config)
    newest = script.get_current_head()
    # Beside a server that is busy nobody waits to write where there is nothing to do.
    reading = engine.execution_options(casepath_read_only=True)
    with reading.connect() as connection:
        done = MigrationContext.configure(connection).get_current_revision() == newest != FIRST
    with _without_references(reading if done else engine) as connection, connection.begin():
        if connection.dialect.name == "postgresql" and not done:
            # Of several processes that start together one upgrades; in SQLite this transaction has the write lock.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADING})")
        _require_known(connection, script)
        _complete_first(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _require_models(config.attributes["differences"], newest)


@contextmanager
def _without_references(engine: sqlalchemy.Engine) -> Iterator[Connection]:
    """Give a connection on which SQLite does not follow references: to alter a table there is to drop its old form."""
    with engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            yield connection
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _require_known(connection: Connection, script: ScriptDirectory) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        raise errors.InvalidInput(
            "Expected a database of revision {newest} or earlier, but found {found}, which a later version has made",
            newest=script.get_current_head(),
            found=found,
        )
    strangers = sorted(set(sqlalchemy.inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if found is None and strangers:
        raise errors.InvalidInput(
            "Expected an empty database or one with a revision, but found tables without one: {tables}",
            tables=_some(strangers),
        )


def _complete_first(connection: Connection) -> None:
    """Add what is missing in a database of the first landing, whose tables also called themselves revision 0001."""
    if MigrationContext.configure(connection).get_current_revision() == FIRST:
        LATE.create_all(connection)


def _require_models(differences: list[Any], revision: str | None) -> None:
    flat = [entry for each in differences for entry in (each if isinstance(each, list) else [each])]
    said = [text for entry in flat if (text := _difference(entry)) is not None]
    if said:
        text = "Expected the tables of revision {revision}, but found {said}"
        raise errors.InvalidInput(text, revision=revision, said=_some(said))


def _difference(entry: tuple[Any, ...]) -> str | None:
    """Return what Alembic found, in words; None for tables that are somebody else's."""
    match entry:
        case ("remove_table", _):
            return None
        case ("add_table", table):
            return f"no table {table.name}"
        case ("add_column", _, table, column):
            return f"no column {table}.{column.name}"
        case ("remove_column", _, table, column):
            return f"a column {table}.{column.name} that is unknown"
        case (kind, _, table, column, _, found, expected) if kind.startswith("modify"):
            what = kind.removeprefix("modify_")
            return f"{table}.{column} with {what} {found!r} instead of {expected!r}"
        case (kind, thing, *_):
            if thing.table.name not in Base.metadata.tables:
                return None
            what = kind.partition("_")[2].replace("fk", "foreign key")
            columns = ", ".join(column.name for column in thing.columns)
            return f"{'no' if kind.startswith('add') else 'an unknown'} {what} of {thing.table.name} ({columns})"
    return str(entry)


def _some(found: list[str]) -> str:
    more = len(found) - MAX_NAMED
    return ", ".join(found[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
