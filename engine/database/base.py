"""The declarative base of every table, and the column types that both databases understand alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, TypeDecorator
from sqlalchemy.orm import DeclarativeBase

#: Row numbers: 64 bits everywhere; SQLite only counts up by itself in a column that says INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


#: By name of the dialect: what writes a point in time.
_writers: dict[str, Callable[[Any], Any]] = {}


class Instant(TypeDecorator[datetime]):
    """A point in time: an aware datetime in Python, always UTC in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        # One for all columns, which knows what it has just written: nearly all instants of one step are the same.
        if dialect.name not in _writers and (write := super().bind_processor(dialect)):
            _writers[dialect.name] = lru_cache(maxsize=64)(write)
        return _writers.get(dialect.name)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"Expected an aware datetime, but found {value!r}")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table of the engine."""

    type_annotation_map: ClassVar = {datetime: Instant}
