"""What the database itself says no with: whether that passes, and without the values that it was given."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from casepath.engine import errors

#: Why the database cannot do anything at the moment: others write, its disk is full, or it is not there.
Absence = Literal["busy", "full", "away"]

_SQLITE: dict[int, Absence] = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "away",
    sqlite3.SQLITE_CANTOPEN: "away",
    sqlite3.SQLITE_READONLY: "away",
}
#: Codes of PostgreSQL, or how they begin.
_POSTGRESQL: dict[str, Absence] = {
    "53100": "full",
    "53": "busy",
    "40": "busy",
    "55P03": "busy",
    "57014": "busy",
    "57P": "away",
    "58": "away",
    "25006": "away",
    "08": "away",
}
#: Of what PostgreSQL says, what begins with this code quotes a value in its first line too.
_QUOTING = "22"


def absence(error: SQLAlchemyError) -> Absence | None:
    """Tell why the database can do nothing at the moment; None where the fault is ours, and would come again."""
    if isinstance(error, PoolTimeout):
        return "busy"
    if not isinstance(error, DBAPIError):
        return None
    original: Any = error.orig
    if isinstance(original, sqlite3.Error):
        return _SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF)
    code = getattr(original, "sqlstate", None)
    if code is None:
        # The connection broke, or none was made.
        return "away" if error.connection_invalidated or type(original).__name__ == "OperationalError" else None
    return next((found for start, found in _POSTGRESQL.items() if code.startswith(start)), None)


def without_values(error: BaseException) -> None:
    """Have an error of PostgreSQL say what happened without the row that it happened to."""
    told: Any = getattr(error, "diag", None)
    if told is not None and told.sqlstate:
        quotes = told.sqlstate.startswith(_QUOTING)
        error.args = (f"{told.sqlstate}" if quotes else f"{told.sqlstate} {told.message_primary}",)


def told(context: ExceptionContext) -> BaseException | None:
    """Return what SQLAlchemy raises instead: a refusal of ours as it is, what the database says without values."""
    original = context.original_exception
    if isinstance(original, errors.EngineError):
        return original
    without_values(original)
    if context.sqlalchemy_exception is not None:
        kind = type(original)
        context.sqlalchemy_exception.args = (f"({kind.__module__}.{kind.__name__}) {original}",)
    return None
