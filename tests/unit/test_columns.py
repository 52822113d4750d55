"""What columns take, on every database alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy

from casepath.engine import errors
from casepath.engine.database import Base, Code, Instant, Ordered, Prose, RowId, String, Text, base
from tests.each import each

EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))

TAKEN: list[tuple[Any, object]] = [
    (String(3), None),
    (String(3), ""),
    (String(3), "投诉😀"),
    (Text(), "x" * 1_000_000),
    (base.Whole(), 2**31 - 1),
    (base.Whole(), -(2**31)),
    (RowId, 2**63 - 1),
    (Instant(), datetime(1, 1, 1, tzinfo=UTC)),
    (Instant(), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
]
REFUSED: list[tuple[Any, object, str]] = [
    (String(3), "abcd", "text-too-long"),
    (String(3), "a\x00", "text-not-unicode"),
    (String(3), "\ud800", "text-not-unicode"),
    (Text(), "a\x00", "text-not-unicode"),
    (Text(), "\udfff", "text-not-unicode"),
    (base.Whole(), 2**31, "number-too-large"),
    (base.Whole(), -(2**31) - 1, "number-too-large"),
    (base.Whole(), 10**5000, "number-too-large"),
    (RowId, 2**63, "number-too-large"),
    (Instant(), datetime(1, 1, 1, tzinfo=EAST), "year"),
    (Instant(), datetime(9999, 12, 31, 23, tzinfo=WEST), "year"),
]


@each("column, value", TAKEN)
def test_checked__takes(column: Any, value: object) -> None:
    assert column.checked(value) == value


@each("column, value, code", REFUSED)
def test_checked__refuses(column: Any, value: object, code: str) -> None:
    with pytest.raises(errors.InvalidInput) as refusal:
        column.checked(value, "a text")

    assert refusal.value.code == code
    assert str(refusal.value)


def test_prose__is_kept_as_far_as_it_can_be() -> None:
    bind = Prose().bind_processor(sqlalchemy.create_engine("sqlite://").dialect)

    assert bind("a\x00b\ud800c") == "a�b?c"


def test_columns__are_all_of_these_types() -> None:
    """A column of a type of SQLAlchemy's own would take on SQLite what PostgreSQL refuses."""
    checked = (String, Text, Prose, Ordered, base.Whole, Instant, sqlalchemy.Boolean, sqlalchemy.LargeBinary)
    others = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if not isinstance(column.type, checked)
    ]

    assert others == []


def test_codes__are_what_only_the_engine_writes() -> None:
    codes = {
        column.name
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Code)
    }

    assert codes == {"state", "kind", "hash", "history_hash", "state_salt", "state_before", "state_after"}


@each("value, code", [("x" * 17, None), ("a\x00", "text-not-unicode")])
def test_codes__whatever_is_looked_for(value: str, code: str | None) -> None:
    dialect = sqlalchemy.create_engine("sqlite://").dialect
    bind = (sqlalchemy.column("state", Code(16)) == value).right.type.bind_processor(dialect)

    if code is None:
        assert bind(value) == value
    else:
        with pytest.raises(errors.InvalidInput) as refusal:
            bind(value)
        assert refusal.value.code == code
