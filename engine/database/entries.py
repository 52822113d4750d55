"""
Entries: values of records in rows of their own, in which these are found, compared and put in order.

A text is found and compared by its letters and digits, however it is written; numbers, dates and times have the order
that they have as such. An index holds all of it, so that a search reads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression

from casepath.engine.database import terms, values

#: Under which name the key of a record stands among its values; no field is called so.
KEY = ".key"
#: Characters of a text in which it is found and compared: what an index has room for.
COMPARED = 400
#: Above what forms take for numbers, so that those below zero come first too.
ABOVE = 10**15


def entered(register: str, key: str, held: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what stands in the rows of a record by name: of each of its values, and of its key."""
    return {
        name: {"register": register, "value": values.dumps(value), "compared": compared(value)}
        for name, value in {**held, KEY: key}.items()
    }


def compared(value: object) -> str:
    """Return a value as it is compared with others of its field."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)) + ABOVE:027.10f}"
    text = _written(value)
    if isinstance(value, date | datetime | time):
        return terms.folded(text)
    return (terms.compact(text) or terms.folded(text))[:COMPARED]


def has(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Return the condition that a text is somewhere in a column of compared values."""
    return column.contains(compared(text), autoescape=True)


def _written(value: object) -> str:
    return ", ".join(map(_written, value)) if isinstance(value, list | tuple) else str(value)
