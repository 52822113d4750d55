"""The methods and properties of values. They are looked up here by name, never on a Python object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import re2

from casepath.engine import errors
from casepath.engine.expressions import operators
from casepath.engine.expressions.environment import Environment
from casepath.engine.expressions.functions import a_date, a_text, signature, size, whole
from casepath.engine.time import clock
from casepath.engine.time.periods import Period


def receiver(value: object, *types: type) -> None:
    """Raise `ExpressionError` where the value is of none of the types, and `ExpressionLimit` where it is huge."""
    if not isinstance(value, types):
        found = operators.shown(value)
        raise errors.ExpressionError(
            "Expected {kind} before the method, but found {found}",
            kind=operators.KINDS[types[0]],
            found=found,
        )
    if isinstance(value, str):
        operators.limited(value)
    elif isinstance(value, (list, dict)) and len(value) > operators.MAX_MEMBERS:
        raise errors.ExpressionLimit(
            "Expected at most {limit} members, but found {count}",
            limit=operators.MAX_MEMBERS,
            count=len(value),
        )


def contains(environment: Environment, value: object, wanted: object) -> bool:
    receiver(value, str, list)
    return operators.contains(value, wanted, environment)


def contains_key(_environment: Environment, value: object, key: object) -> bool:
    receiver(value, dict)
    return isinstance(value, dict) and isinstance(key, str) and key in value


def get(_environment: Environment, value: object, key: object) -> object:
    receiver(value, list, dict)
    return element(value, key)


def index_of(environment: Environment, value: object, wanted: object) -> int:
    receiver(value, str, list)
    if isinstance(value, str):
        return value.find(a_text(wanted))
    listed = value if isinstance(value, list) else []
    return next((place for place, member in enumerate(listed) if operators.same(member, wanted, environment)), -1)


def substring(_environment: Environment, value: object, begin: object, end: object = None) -> str:
    receiver(value, str)
    text = a_text(value)
    first, last = whole(begin), len(text) if end is None else whole(end)
    if not 0 <= first <= last <= len(text):
        raise errors.ExpressionError(
            "Expected characters within 0 to {count}, but found {first} to {last}",
            count=len(text),
            first=first,
            last=last,
        )
    return text[first:last]


def replace(_environment: Environment, value: object, old: object, new: object) -> str:
    receiver(value, str)
    text, before, after = a_text(value), a_text(old), a_text(new)
    times = text.count(before)
    if len(text) + times * (len(after) - len(before)) > operators.MAX_TEXT:
        raise errors.ExpressionLimit(
            "Expected a text of at most {limit} characters, but found more",
            limit=operators.MAX_TEXT,
        )
    return text.replace(before, after)


def split(_environment: Environment, value: object, separator: object) -> list[object]:
    receiver(value, str)
    between = a_text(separator)
    if not between:
        raise errors.ExpressionError("Expected a text to split at, but found an empty one")
    return list(a_text(value).split(between))


def matches(_environment: Environment, value: object, pattern: object) -> bool:
    """Whether the whole text fits a regular expression; RE2, so no pattern takes exponential time."""
    receiver(value, str)
    written = a_text(pattern)
    if len(written) > _MAX_PATTERN:
        raise errors.ExpressionLimit(
            "Expected a pattern of at most {limit} characters, but found more",
            limit=_MAX_PATTERN,
        )
    try:
        return re2.fullmatch(written, value, options=_PATTERN_OPTIONS) is not None
    except re2.error as error:
        raise errors.ExpressionError(
            "Expected a regular expression, but found '{written}': {found}",
            written=written,
            found=str(error),
        ) from None


def _about_text(change: Callable[[str], object]) -> Callable[..., object]:
    def method(_environment: Environment, value: object) -> object:
        receiver(value, str)
        return change(a_text(value))

    return method


def _about_two_texts(ask: Callable[[str, str], object]) -> Callable[..., object]:
    def method(_environment: Environment, value: object, other: object) -> object:
        if isinstance(value, str) and isinstance(other, str):
            return ask(operators.limited(value), other)
        receiver(value, str)
        return ask(a_text(value), a_text(other))

    return method


def _moved_by(unit: str, sign: int) -> Callable[..., object]:
    """Return the method that moves a date, or a date and time, on the local calendar."""
    one = _UNITS[unit]

    def method(environment: Environment, value: object, count: object) -> date:
        period = one.times(sign * whole(count))
        if isinstance(value, datetime):
            return period.after(clock.aware(value), environment.zone)
        if not isinstance(value, date) or period.exact:
            found = operators.shown(value)
            raise errors.ExpressionError(
                "Expected a date and time to move by {unit}, but found {found}",
                unit=unit,
                found=found,
            )
        at = period.after(operators.instant(value, environment), environment.zone)
        return at.astimezone(environment.zone).date()

    return method


def start_of_day(environment: Environment, value: object) -> datetime:
    """The local midnight with which the day begins."""
    day = a_date(environment, value)
    if day is None:
        raise errors.ExpressionError("Expected a date before the method, but found null")
    return operators.instant(day, environment)


def local_day(environment: Environment, value: object) -> date | None:
    """The local day of a date and time."""
    return a_date(environment, value)


def element(value: object, key: object) -> object:
    """Return a member of a list or map; null where there is none, or nothing to look in."""
    if value is None or key is None:
        return None
    if isinstance(value, dict):
        return value.get(key if isinstance(key, str) else operators.text(key))
    if isinstance(value, list):
        place = whole(key)
        return value[place] if 0 <= place < len(value) else None
    raise errors.ExpressionError("Expected a list or map to look in, but found {found}", found=operators.shown(value))


def property_of(value: object, name: str, environment: Environment) -> object:
    """Return a property: a member of a map, or a part of a date, time or duration; null of null."""
    if isinstance(value, dict):
        return value.get(name)
    if value is None:
        return None
    parts = next((parts for types, parts in _PARTS if isinstance(value, types)), {})
    if name not in parts:
        raise errors.ExpressionError(
            "Expected a map with '{name}', but found {found} with {known}",
            name=name,
            found=operators.shown(value),
            known=sorted(parts),
        )
    return parts[name](value.astimezone(environment.zone) if isinstance(value, datetime) else value)


def _whole_units(seconds: int) -> Callable[..., object]:
    def method(_environment: Environment, value: object) -> int:
        receiver(value, timedelta)
        return int(value / timedelta(seconds=seconds)) if isinstance(value, timedelta) else 0

    return method


_UNITS = {
    "days": Period(days=1),
    "hours": Period(exact=timedelta(hours=1)),
    "minutes": Period(exact=timedelta(minutes=1)),
    "months": Period(months=1),
    "seconds": Period(exact=timedelta(seconds=1)),
    "weeks": Period(days=7),
    "years": Period(months=12),
}
_MAX_PATTERN = 1_000
_PATTERN_OPTIONS = re2.Options()
_PATTERN_OPTIONS.log_errors = False
_PATTERN_OPTIONS.max_mem = 1 << 20

_DATE_PARTS: dict[str, Callable[..., object]] = {
    "day": lambda value: value.day,
    "dayOfWeek": lambda value: value.isoweekday(),
    "month": lambda value: value.month,
    "year": lambda value: value.year,
}
_TIME_PARTS: dict[str, Callable[..., object]] = {
    "hour": lambda value: value.hour,
    "minute": lambda value: value.minute,
    "second": lambda value: value.second,
}
_PARTS: tuple[tuple[type, dict[str, Callable[..., object]]], ...] = (
    (datetime, _DATE_PARTS | _TIME_PARTS),
    (date, _DATE_PARTS),
    (time, _TIME_PARTS),
)

_CALLS: dict[str, Callable[..., object]] = {
    "contains": contains,
    "containsKey": contains_key,
    "endsWith": _about_two_texts(str.endswith),
    "equals": lambda environment, value, other: operators.same(value, other, environment),
    "equalsIgnoreCase": _about_two_texts(lambda text, other: text.casefold() == other.casefold()),
    "get": get,
    "indexOf": index_of,
    "isAfter": lambda environment, value, other: operators.COMPARISONS[">"](value, other, environment),
    "isBefore": lambda environment, value, other: operators.COMPARISONS["<"](value, other, environment),
    "isEmpty": lambda environment, value: size(environment, value) == 0,
    "length": size,
    "matches": matches,
    "minusDays": _moved_by("days", -1),
    "minusHours": _moved_by("hours", -1),
    "minusMinutes": _moved_by("minutes", -1),
    "minusMonths": _moved_by("months", -1),
    "minusSeconds": _moved_by("seconds", -1),
    "minusWeeks": _moved_by("weeks", -1),
    "minusYears": _moved_by("years", -1),
    "plusDays": _moved_by("days", 1),
    "plusHours": _moved_by("hours", 1),
    "plusMinutes": _moved_by("minutes", 1),
    "plusMonths": _moved_by("months", 1),
    "plusSeconds": _moved_by("seconds", 1),
    "plusWeeks": _moved_by("weeks", 1),
    "plusYears": _moved_by("years", 1),
    "replace": replace,
    "size": size,
    "split": split,
    "startsWith": _about_two_texts(str.startswith),
    "substring": substring,
    "toDate": lambda _environment, value: value,
    "toDays": _whole_units(86_400),
    "toHours": _whole_units(3_600),
    "toLocalDate": local_day,
    "toLowerCase": _about_text(str.lower),
    "toMinutes": _whole_units(60),
    "toSeconds": _whole_units(1),
    "toString": lambda _environment, value: operators.limited(operators.text(value)),
    "toUpperCase": _about_text(str.upper),
    "trim": _about_text(str.strip),
    "withTimeAtStartOfDay": start_of_day,
}
#: What can be called on a value, by name; each is given the environment, the value and the arguments.
METHODS = {name: signature(call, given=2) for name, call in _CALLS.items()}
