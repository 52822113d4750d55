"""
Numbers without gaps: the next one of a sequence, and business keys such as `TS2026-0042` made from it.

A number is given out in the caller's transaction, which holds the sequence until it ends: when it is rolled back,
nobody has had the number.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import Base
from casepath.engine.database.models import NumberSequence

MAX_FORMAT_LENGTH = 100

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"number(?::([1-9]))?")

_table = Base.metadata.tables[NumberSequence.__tablename__]


def _counting(insert: Any) -> Any:
    # One statement, so that two who meet at the first number both come through.
    first = insert(_table).values(name=bindparam("name"), last=bindparam("count"))
    on = first.on_conflict_do_update(index_elements=["name"], set_={"last": _table.c.last + bindparam("count")})
    return on.returning(_table.c.last)


_COUNT = {"postgresql": _counting(postgresql.insert), "sqlite": _counting(sqlite.insert)}


def next_number(session: Session, name: str) -> int:
    """Return the next number of a sequence, from 1 without gaps; others who ask wait until the transaction ends."""
    return next_numbers(session, name, 1)[0]


def next_numbers(session: Session, name: str, count: int) -> range:
    """Return the next numbers of a sequence, as `next_number` does."""
    statement = _COUNT[session.get_bind().dialect.name]
    last: int = session.execute(statement, {"name": name, "count": count}).scalar_one()
    return range(last - count + 1, last + 1)


def business_key(format: str, session: Session, now: datetime, zone: ZoneInfo) -> str:  # noqa: A002 — the diagram's word
    """
    Return a new business key in a format such as `TS{year}-{number:4}`; the date is the one in `zone`.

    Numbers start anew with each year, month or day that stands in the format. Raises `InvalidInput` as `check_format`
    does.
    """
    return formatted(session, "business_key", format, now, zone)


def formatted(session: Session, sequence: str, format: str, now: datetime, zone: ZoneInfo) -> str:  # noqa: A002
    """Return the next of the numbers that a sequence counts for each text of its dates, as `business_key` does."""
    return several(session, sequence, format, now, zone, 1)[0]


def several(
    session: Session,
    sequence: str,
    format: str,  # noqa: A002
    now: datetime,
    zone: ZoneInfo,
    count: int,
) -> list[str]:
    """Return the next of these numbers, as `formatted` does."""
    check_format(format)
    today = now.astimezone(zone)
    dated = format
    for placeholder, text in (("{year}", "%Y"), ("{month}", "%m"), ("{day}", "%d")):
        dated = dated.replace(placeholder, today.strftime(text))
    numbers = next_numbers(session, f"{sequence}:{_PLACEHOLDER.sub('{number}', dated)}", count)
    placeholder, *_ = _PLACEHOLDER.findall(dated)
    return [_PLACEHOLDER.sub(_padded(placeholder, number), dated) for number in numbers]


def check_format(format: str) -> None:  # noqa: A002 — the diagram's word
    """Raise `InvalidInput` where a format of business keys cannot be used."""
    names = _PLACEHOLDER.findall(format)
    numbers = [name for name in names if _NUMBER.fullmatch(name)]
    unknown = [name for name in names if name not in {"year", "month", "day"} and name not in numbers]
    only_names = not unknown and not set("{}") & set(_PLACEHOLDER.sub("", format))
    if not only_names or len(numbers) != 1 or len(format) > MAX_FORMAT_LENGTH:
        raise errors.InvalidInput(
            "The numbers of this process are made with a format that cannot be used: “{format}”. Expected is text of "
            "at most {limit} characters with {{number}} once, and {{year}}, {{month}} and {{day}} where wanted. "
            "Please tell the process owner.",
            code="business-key-format",
            format=format,
            limit=MAX_FORMAT_LENGTH,
        )


def _padded(placeholder: str, number: int) -> str:
    width = placeholder.partition(":")[2]
    return str(number).zfill(int(width or 1))
