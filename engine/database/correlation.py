"""
What messages are correlated by: the text of a value in which SQL compares it.

Equal values have equal text, and only they: numbers by their amount, whatever their type (1.10 is 1.1, 1 is 1.0),
moments by when they are, everything else by type too (true is not 1, and "1" is not 1). Lists, maps and values whose
text has more than `MAX_LENGTH` characters are not compared.

`correlation_values` holds, as long as an activity waits for a message, the variables that it sees; a subscription holds
in one text the values that its diagram names (a `correlationSubscription`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, combinations
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from casepath.engine import errors, texts
from casepath.engine.database import Base, values
from casepath.engine.database.models import CorrelationValue
from casepath.engine.database.statements import Statement

#: Characters of the text of a value, and of a name.
MAX_LENGTH = 255
#: Properties of a message: each may be left out by a subscription, so there are 2 ** 8 that it may fit.
MAX_PROPERTIES = 8

_table = Base.metadata.tables[CorrelationValue.__tablename__]
_of_instance = _table.c.process_instance_id == bindparam("instance")
_held = Statement(select(_table.c.activity_instance, _table.c.name, _table.c.value).where(_of_instance))
_insert = Statement(insert(_table))
_drop = Statement(
    delete(_table).where(
        _of_instance, _table.c.activity_instance == bindparam("at"), _table.c.name == bindparam("variable")
    )
)
_drop_all = Statement(delete(_table).where(_of_instance))


def text(value: object) -> str | None:
    """Return the text in which a value is compared; None where it is not."""
    match value:
        case list() | tuple() | Mapping():
            return None
        case str() if len(value) > MAX_LENGTH:
            return None
        case bool():
            found = "true" if value else "false"
        case int() | float() | Decimal():
            found = _number(value)
        case datetime() if value.tzinfo is not None:
            found = values.dumps(_in_utc(value))
        case _:
            found = values.dumps(value)
    return found if len(found) <= MAX_LENGTH else None


def required(name: str, value: object) -> str:
    """Return the text of a value that somebody correlates by; raises `InvalidInput` where it has none."""
    found = text(value)
    if found is None:
        raise errors.InvalidInput(
            "Expected one value of at most {limit} characters to correlate '{name}' by, but found {found}",
            limit=MAX_LENGTH,
            name=name,
            found=type(value).__name__,
        )
    return found


def key(properties: Mapping[str, Any]) -> str:
    """Return one text for the values that a subscription wants, or that a message has; empty for none."""
    if not properties:
        return ""
    found = values.dumps({name: text(value) or values.dumps(value) for name, value in properties.items()})
    return found if len(found) <= MAX_LENGTH else f"sha256:{hashlib.sha256(found.encode()).hexdigest()}"


def fitting(properties: Mapping[str, Any]) -> list[str]:
    """Return the key of every subscription that a message fits: it wants all of its properties, some, or none."""
    if len(properties) > MAX_PROPERTIES:
        raise errors.InvalidInput(
            "Expected a message with at most {limit} correlation properties, but found {count}",
            limit=MAX_PROPERTIES,
            count=len(properties),
        )
    members = sorted(properties.items())
    parts = chain.from_iterable(combinations(members, size) for size in range(len(members) + 1))
    return [key(dict(part)) for part in parts]


def store(connection: Connection, process_instance_id: int, seen: Mapping[int, Mapping[str, Any]]) -> None:
    """Keep the variables that waiting activities see, by the number of the activity instance, and no others."""
    if not seen:
        _drop_all.change(connection, {"instance": process_instance_id})
        return
    held = {
        (row.activity_instance, row.name): row.value
        for row in _held.rows(connection, {"instance": process_instance_id})
    }
    wanted = {(number, name): value for number, variables in seen.items() for name, value in _comparable(variables)}
    changed = [place for place, value in held.items() if wanted.get(place) != value]
    fresh = [(place, value) for place, value in wanted.items() if held.get(place) != value]
    _drop.change_many(
        connection, [{"instance": process_instance_id, "at": number, "variable": name} for number, name in changed]
    )
    _insert.change_many(
        connection,
        [
            {"process_instance_id": process_instance_id, "activity_instance": number, "name": name, "value": value}
            for (number, name), value in fresh
        ],
    )


def _comparable(variables: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in variables.items():
        found = text(value)
        if found is not None and len(name) <= MAX_LENGTH and texts.storable(name) == name:
            yield name, found


def _number(value: int | float | Decimal) -> str:
    """Return digits and exponent: 11e-1 for 1.1 and 1.10, 1e2 for 100."""
    sign, digits, exponent = (Decimal(repr(value)) if isinstance(value, float) else Decimal(value)).as_tuple()
    written = "".join(map(str, digits))
    short = written.rstrip("0")
    if not short:
        return "0"
    return f"{'-' * sign}{short}e{int(exponent) + len(written) - len(short)}"


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # The first or last hours of the calendar.
        return value
