"""
Values of FEEL and the way in and out: numbers are decimals of 34 digits, lists and contexts Python's lists and dicts.

`from_python` takes what process variables hold, `to_python` gives Python's own types wherever they can hold the value:
`date`, `time`, `datetime`, `timedelta`. Nanoseconds are cut to microseconds; a year that Python lacks stays a `Date` or
`DateTime`.
"""

from __future__ import annotations

import dataclasses
import datetime as python
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

from casepath.engine.decisions.feel.limits import check_size, spend
from casepath.engine.decisions.feel.temporal import (
    DAY_SECONDS,
    NANO,
    Date,
    DateTime,
    DaysTime,
    Time,
    YearsMonths,
    Zone,
    zone_rules,
)
from casepath.engine.errors import ExpressionError

#: Decimal128: 34 digits, half-even. Nothing is trapped: what cannot be computed becomes NaN, which is null in FEEL.
NUMBERS = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[])


@dataclass(frozen=True, slots=True)
class Range:
    """
    Values from `start` to `end`; None is an open end.

    `form` is the operator where the range was written as `(< 10)`; such a range equals only one written the same way.
    `(!=10)` has form `!=` and holds everything but its start.
    """

    start: object
    end: object
    start_included: bool = True
    end_included: bool = True
    form: str = ""


class Function:
    """A function as a value; see `functions` for the kinds."""

    __slots__ = ()

    def fits(self, parameters: Sequence[object], result: object) -> bool:
        """Say whether the function can be called with parameters of these types for a result of that type."""
        raise NotImplementedError


class Missing:
    """Marks an argument that was not given, where null is a value."""


MISSING = Missing()


def number(value: Decimal) -> Decimal | None:
    """Return a result as FEEL has it: rounded to 34 digits, null where it is infinite or no number."""
    value = NUMBERS.plus(value)
    return value if value.is_finite() else None


def from_python(value: object) -> object:
    """
    Return a Python value as FEEL has it; raises `ExpressionError` for a type that has no counterpart.

    Lists and mappings are copied, so that nobody changes them while they are used.
    """
    kind = type(value)
    if kind in _UNCHANGED:
        return value
    if isinstance(value, int | Decimal | float):
        return _number_from_python(value)
    if isinstance(value, list):
        spend(1 + (len(value) >> 2))
        return [from_python(item) for item in value]
    if isinstance(value, dict):
        spend(1 + (len(value) >> 2))
        return {str(key): from_python(item) for key, item in value.items()}
    return _other_from_python(value)


_UNCHANGED = frozenset({str, bool, type(None), Date, Time, DateTime, DaysTime, YearsMonths})


def _number_from_python(value: int | float | Decimal) -> Decimal | None:
    if isinstance(value, int) and value.bit_length() > 25_000:
        return None
    return number(Decimal(str(value)) if isinstance(value, float) else Decimal(value))


def _other_from_python(value: object) -> object:
    if isinstance(value, python.datetime):
        return DateTime(Date(value.year, value.month, value.day), _time_from_python(value))
    if isinstance(value, python.date):
        return Date(value.year, value.month, value.day)
    if isinstance(value, python.time):
        return _time_from_python(value)
    if isinstance(value, python.timedelta):
        seconds = value.days * DAY_SECONDS + value.seconds
        return DaysTime(seconds * NANO + value.microseconds * 1000)
    if isinstance(value, Function):
        return value
    if isinstance(value, Range):
        return dataclasses.replace(value, start=from_python(value.start), end=from_python(value.end))
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): from_python(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [from_python(item) for item in value]
    raise ExpressionError("Expected a value that FEEL knows, but found {type}", type=type(value).__name__)


def _time_from_python(value: python.datetime | python.time) -> Time:
    zone: Zone | None = None
    if isinstance(value.tzinfo, ZoneInfo) and zone_rules(value.tzinfo.key or "") is not None:
        zone = Zone(name=str(value.tzinfo.key))
    else:
        offset = value.utcoffset()
        if offset is not None:
            zone = Zone(int(offset.total_seconds()))
    return Time(value.hour, value.minute, value.second, value.microsecond * 1000, zone)


def to_python(value: object) -> object:
    """Return a value of FEEL as the outside wants it; raises `ExpressionLimit` where it is too large."""
    kind = type(value)
    if kind is Decimal or kind is str or kind is bool or value is None:
        return value
    spend(2)
    if isinstance(value, list):
        spend(len(value))
        return [to_python(item) for item in value]
    if isinstance(value, dict):
        spend(len(value))
        return {key: to_python(item) for key, item in value.items()}
    if isinstance(value, Date):
        return python.date(value.year, value.month, value.day) if 1 <= value.year <= 9999 else value
    if isinstance(value, Time):
        return _time_to_python(value)
    if isinstance(value, DateTime):
        if not 1 <= value.date.year <= 9999:
            return value
        day = python.date(value.date.year, value.date.month, value.date.day)
        return python.datetime.combine(day, _time_to_python(value.time))
    if isinstance(value, DaysTime):
        return _duration_to_python(value)
    if isinstance(value, Range):
        return dataclasses.replace(value, start=to_python(value.start), end=to_python(value.end))
    return value


def _time_to_python(value: Time) -> python.time:
    zone: python.tzinfo | None = None
    if value.zone is not None:
        if value.zone.name:
            zone = zone_rules(value.zone.name)
        else:
            zone = python.timezone(python.timedelta(seconds=value.zone.offset)) if value.zone.offset else python.UTC
    return python.time(value.hour, value.minute, value.second, value.nanosecond // 1000, zone)


def _duration_to_python(value: DaysTime) -> object:
    microseconds = abs(value.nanoseconds) // 1000
    try:
        return python.timedelta(microseconds=microseconds if value.nanoseconds >= 0 else -microseconds)
    except OverflowError:
        return value


def text_of(value: object, *, quoted: bool = False) -> str:
    """Return the text that `string()` gives; inside lists and contexts strings are quoted."""
    spend(1)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if quoted else value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return _joined([text_of(item, quoted=True) for item in value], "[", "]")
    if isinstance(value, dict):
        return _joined([f"{_key_text(key)}: {text_of(item, quoted=True)}" for key, item in value.items()], "{", "}")
    if isinstance(value, Range):
        return _range_text(value)
    if quoted and isinstance(value, Date | Time | DateTime | DaysTime | YearsMonths):
        return f'@"{value}"'
    return str(value)


def _joined(parts: list[str], opening: str, closing: str) -> str:
    check_size(sum(map(len, parts)) + 2 * len(parts) + 2)
    return opening + ", ".join(parts) + closing


def _key_text(key: str) -> str:
    return key if key.replace(" ", "_").isidentifier() else text_of(key, quoted=True)


def _range_text(value: Range) -> str:
    if value.form in ("=", "!="):
        return f"({value.form}{text_of(value.start, quoted=True)})"
    if value.form:
        endpoint = value.end if value.form in ("<", "<=") else value.start
        return f"({value.form}{text_of(endpoint, quoted=True)})"
    opening = "[" if value.start_included else "("
    closing = "]" if value.end_included else ")"
    return f"{opening}{text_of(value.start, quoted=True)}..{text_of(value.end, quoted=True)}{closing}"
