"""
Entries: values of records in rows of their own, in which these are found, compared and put in order.

A text is compared by its letters and digits, however it is written; numbers, dates and times have the order that they
have as such.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from casepath.engine.database import facts, values

#: Characters in which a text is compared: what an index has room for.
COMPARED = 200
#: Above what forms take for numbers, so that those below zero come first too.
ABOVE = 10**15


def entry(value: object) -> dict[str, str]:
    """Return what stands in the row of a value: itself as JSON, in what it is found, and by what it is compared."""
    return {"value": values.dumps(value), "folded": facts.searched(_written(value)), "compared": compared(value)}


def compared(value: object) -> str:
    """Return a value as it is compared with others of its field."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)) + ABOVE:027.10f}"
    whole = facts.folded(_written(value))
    if isinstance(value, date | datetime | time):
        return whole
    return (facts.compact(whole) or whole)[:COMPARED]


def _written(value: object) -> str:
    return ", ".join(map(_written, value)) if isinstance(value, list | tuple) else str(value)
