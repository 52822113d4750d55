"""
The row of a process instance, read once nobody else moves it: alone, or together with what belongs to it.

Lock order: the row of the outermost process instance first, then whatever is below it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, bindparam, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import Base
from casepath.engine.database.models import ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.runtime import taken_back

_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_locked = _instances.alias("locked")


class InstanceRow(NamedTuple):
    """What is read of a process instance to move it."""

    id: int
    definition_id: int
    definition_key: str
    business_key: str | None
    state: str
    root_id: int
    parent_id: int | None
    parent_activity_instance: int | None
    tokens: str
    variables: str
    history_length: int
    history_hash: str
    state_salt: str | None
    started_at: datetime
    taken_back: bool


_COLUMNS = (*(_instances.c[name] for name in InstanceRow._fields if name in _instances.c), taken_back.IS_THERE)
_read = Statement(select(*_COLUMNS).where(_instances.c.id == bindparam("instance_id")), InstanceRow._make)


def _locking(process_instance_id: ColumnElement[Any]) -> Statement:
    # Which one is the outermost never changes, so that it is found and locked in one go.
    root = select(_locked.c.root_id).where(_locked.c.id == process_instance_id).scalar_subquery()
    return Statement(select(_instances.c.id).where(_instances.c.id == root).with_for_update())


_lock = _locking(bindparam("instance_id"))


def _hold(connection: Connection, lock: Statement, parameters: Mapping[str, Any]) -> None:
    # On SQLite the transaction has the write lock of the whole database.
    if connection.dialect.name != "sqlite":
        lock.rows(connection, parameters)


def read(connection: Connection, process_instance_id: int) -> InstanceRow:
    """Return a process instance as it is now, for who has locked it; raises `NotFound`."""
    rows: list[InstanceRow] = _read.rows(connection, {"instance_id": process_instance_id})
    if not rows:
        raise errors.NotFound("process instance", process_instance_id)
    return rows[0]


def lock(session: Session, process_instance_id: int) -> InstanceRow:
    """Lock a process instance through its outermost caller until the transaction ends; raises `NotFound`."""
    connection = session.connection()
    _hold(connection, _lock, {"instance_id": process_instance_id})
    # Read now, because what is read while a lock is waited for may be old.
    return read(connection, process_instance_id)


class Belonging:
    """Rows of a table that belong to process instances, such as tasks; each is read together with its instance."""

    def __init__(self, *columns: Column[Any]) -> None:
        table = columns[0].table
        of_row = table.c.id == bindparam("row_id")
        own: Any = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]
        self._lock = _locking(select(table.c.process_instance_id).where(of_row).scalar_subquery())
        self._read = Statement(
            select(*columns, *_COLUMNS).join(_instances, _instances.c.id == table.c.process_instance_id).where(of_row),
            lambda values: (own._make(values[: len(columns)]), InstanceRow._make(values[len(columns) :])),
        )

    def lock(self, session: Session, row_id: int) -> tuple[Any, InstanceRow] | None:
        """Lock the process instance that a row belongs to, and return both; None where there is no such row."""
        connection = session.connection()
        _hold(connection, self._lock, {"row_id": row_id})
        found: list[tuple[Any, InstanceRow]] = self._read.rows(connection, {"row_id": row_id})
        return found[0] if found else None
