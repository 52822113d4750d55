"""
The declarative base of every table, and the column types: what one database can store, the other can.

SQLite takes any length, any number and a NUL; PostgreSQL does not, and says so with an error of its own. Here both
refuse alike, with `InvalidInput`, before a statement is executed. What is only looked for may have any length.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

import sqlalchemy
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, TypeDecorator
from sqlalchemy.orm import DeclarativeBase

from casepath.engine import errors, texts
from casepath.engine.phrases import Phrase


class String(TypeDecorator[str]):
    """A text of at most so many characters."""

    impl = sqlalchemy.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        length, checked = self.length, self.checked

        def bind(value: str | None) -> str | None:
            # Nearly every text of a step, at the price of these questions.
            if value is None or (len(value) <= length and value.isascii() and "\x00" not in value):
                return value
            return checked(value)

        return bind

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return Text()

    def checked(self, value: str | None, name: str = "a text") -> str | None:
        """Return a value that can be stored; raises `InvalidInput` for any other one."""
        return value if value is None else texts.require(value, name=name, limit=self.length)


class Code(String):
    """A word from a short list, or a hash: only the engine itself writes it, so that there is nothing to check."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return None


class Text(TypeDecorator[str]):
    """A text of any length."""

    impl = sqlalchemy.Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        checked = self.checked
        return lambda value: value if value is None or (value.isascii() and "\x00" not in value) else checked(value)

    def checked(self, value: str | None, name: str = "a text") -> str | None:
        """Return a value that can be stored; raises `InvalidInput` for any other one."""
        return value if value is None else texts.require(value, name=name)


class Ordered(TypeDecorator[str]):
    """Letters and digits that the engine has put together, compared code point by code point in every database."""

    impl = sqlalchemy.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(sqlalchemy.String(self.length, collation=collation))


class Prose(TypeDecorator[str]):
    """What the engine or a worker says about an error: stored as far as it can be, since it must not fail again."""

    impl = sqlalchemy.Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: value if value is None else texts.storable(value)


class Whole(TypeDecorator[int]):
    """A whole number of 32 bits."""

    impl = Integer
    cache_ok = True
    #: The smallest number that is too large.
    beyond: ClassVar[int] = 2**31

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        beyond, checked = self.beyond, self.checked
        return lambda value: value if value is None or -beyond <= value < beyond else checked(value)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return RowId

    def checked(self, value: int | None, name: str = "a number") -> int | None:
        """Return a value that can be stored; raises `InvalidInput` for any other one."""
        if value is not None and not -self.beyond <= value < self.beyond:
            raise errors.InvalidInput(
                "Please write {name} below {limit}; yours is larger.",
                code="number-too-large",
                name=Phrase(name),
                limit=self.beyond,
            )
        return value


class RowNumber(Whole):
    """A whole number of 64 bits, such as of a row; SQLite only counts up by itself in a column that says INTEGER."""

    impl = BigInteger
    cache_ok = True
    beyond = 2**63

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


#: Row numbers.
RowId = RowNumber()


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
        at = self.checked(value)
        return at.replace(tzinfo=None) if at is not None and dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def checked(self, value: datetime | None, name: str = "a point in time") -> datetime | None:
        """Return a value in UTC; raises `InvalidInput` where that is in none of the years 1 to 9999."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"Expected an aware datetime, but found {value!r}")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise errors.InvalidInput(
                "Please write {name} in the years 1 to 9999 (UTC); yours is in none of them.",
                code="year",
                name=Phrase(name),
            ) from None


class Base(DeclarativeBase):
    """Every table of the engine."""

    type_annotation_map: ClassVar = {datetime: Instant, int: Whole}


def require_room(column: Any, value: object, name: str) -> None:
    """Raise `InvalidInput` where a column could not store a value, `name` saying what it is, such as `an assignee`."""
    if value is not None:
        column.type.checked(value, name)
