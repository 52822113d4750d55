"""The schema revisions, which users run, make the tables that the models describe, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from casepath.engine import database
from tests.database import WORKER, PostgresServer


@pytest.fixture
def empty_database(engine_database: sqlalchemy.Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database without any table, of the same kind as `engine_database`."""
    if engine_database.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgresql_server")
        url = server.create(f"casepath_empty_{WORKER}", template="template0")
    connected = database.connect(url)
    yield connected
    connected.dispose()


def schema(engine: sqlalchemy.Engine) -> dict[str, Any]:
    """Everything that the database says of its tables, comparable with another one's."""
    inspector = sqlalchemy.inspect(engine)
    names = set(inspector.get_table_names()) - {"alembic_version"}
    return {name: comparable(table(inspector, name)) for name in names}


def table(inspector: sqlalchemy.Inspector, name: str) -> dict[str, Any]:
    """Columns, keys, checks and indexes of one table."""
    return {
        "columns": {column["name"]: {**column, "type": repr(column["type"])} for column in inspector.get_columns(name)},
        "primary key": inspector.get_pk_constraint(name),
        "foreign keys": inspector.get_foreign_keys(name),
        "unique": inspector.get_unique_constraints(name),
        "checks": inspector.get_check_constraints(name),
        "indexes": inspector.get_indexes(name),
    }


def comparable(found: Any) -> Any:
    """Turn conditions, which compare by identity, into text, and sort constraints, which have no order."""
    if isinstance(found, dict):
        return {key: comparable(value) for key, value in found.items()}
    if isinstance(found, list):
        values = [comparable(value) for value in found]
        return sorted(values, key=repr) if any(isinstance(value, dict) for value in values) else values
    return str(found) if isinstance(found, sqlalchemy.ClauseElement) else found


def test_upgrade__makes_the_tables_of_the_models(
    engine_database: sqlalchemy.Engine, empty_database: sqlalchemy.Engine
) -> None:
    database.upgrade(empty_database)

    assert schema(empty_database) == schema(engine_database)


def test_upgrade__twice_changes_nothing(empty_database: sqlalchemy.Engine) -> None:
    database.upgrade(empty_database)
    before = schema(empty_database)

    database.upgrade(empty_database)

    assert schema(empty_database) == before
