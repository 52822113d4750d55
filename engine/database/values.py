"""
Values of variables: what they may be, and their canonical text.

A variable holds a JSON value (text, number, boolean, null, list, map with text keys), or one of five more types, which
the text carries as a map with one tagged key:

    date             {"$date":"2026-01-02"}
    aware datetime   {"$dateTime":"2026-01-02T10:00:00+01:00[Europe/Berlin]"}   zone name only where it has one
    time             {"$time":"10:00:00"}
    timedelta        {"$duration":"P1DT2H"}
    Decimal          {"$decimal":"1.10"}

A map of the user with a single key that starts with `$` is written with one `$` more. Text is canonical: sorted keys,
no whitespace, no escapes that JSON does not demand; equal values of the same types give equal text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import Never
from zoneinfo import ZoneInfo

from casepath.engine import errors

#: Maps and lists inside each other.
MAX_DEPTH = 64
#: Characters of the text of one value.
MAX_CHARACTERS = 4_000_000
#: Lists, maps and tagged values in one value.
MAX_CONTAINERS = 200_000

_SCALARS = frozenset({str, int, float, bool, type(None)})
# Tuples, because a union that stands in a call is made anew each time.
_PLAIN = (str, int, float, type(None))
_LISTS = (list, tuple)
_TAGGED = (date, time, timedelta, Decimal)


def dumps(value: object) -> str:
    """Return the canonical text of a value; raises `InvalidInput` where it is none or exceeds a limit."""
    escapes = _check(value)
    try:
        text = canonical(_escaped(value) if escapes else value)
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        raise errors.InvalidInput(
            "Please write the value in ordinary characters; something in it is none.",
            code="value-characters",
        ) from None
    except ValueError as error:
        _refuse_number(error)
    if len(text) > MAX_CHARACTERS:
        raise _too_long(text)
    return text


@lru_cache(maxsize=1024)
def texts(found: tuple[str, ...]) -> str:
    """Return the canonical text of a list of texts that is met often, such as the candidates of a user task."""
    return dumps(found)


def canonical(value: object) -> str:
    """
    Return the canonical JSON of what is known to be a value, or was read from such JSON: the only encoder of what is
    stored and hashed. Raises `ValueError` for a number that JSON has not.
    """
    return "".join(_encode(value, 0))


def loads(text: str) -> object:
    """Return the value of a text that `dumps` wrote; raises `InvalidInput` where it is not such a text."""
    if len(text) > MAX_CHARACTERS:
        raise _too_long(text)
    try:
        value: object = (_decode_tagged if '"$' in text else _decode)(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise errors.InvalidInput(
            "The value has to be readable, but it is not: {found}.",
            code="value-text",
            found=str(error),
        ) from None
    return value


def plain(value: object) -> object:
    """Return the value in JSON types only, for clients: dates, times and durations as ISO text, decimals as numbers."""
    if isinstance(value, Mapping):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, _LISTS):
        return [plain(member) for member in value]
    if isinstance(value, Decimal):
        integral = value.is_finite() and value == value.to_integral_value() and abs(value) < 2**53
        return int(value) if integral else float(value)
    if isinstance(value, _TAGGED):
        return next(iter(_tag(value).values()))
    return value if isinstance(value, _PLAIN) else _refuse(value)


def duration_text(value: timedelta) -> str:
    """Return the ISO 8601 text of a duration, such as `-P1DT2H30M0.5S`."""
    sign, rest = ("-", -value) if value < timedelta(0) else ("", value)
    hours, seconds = divmod(rest.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{rest.microseconds:06d}".rstrip("0") if rest.microseconds else ""
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or fraction or not (clock or rest.days):
        clock += f"{seconds}{fraction}S"
    return f"{sign}P" + f"{rest.days}D" * bool(rest.days) + (f"T{clock}" if clock else "")


def _check(value: object) -> bool:
    """Refuse what is no value, level by level without recursion; True where a map needs its key escaped."""
    if type(value) in _SCALARS:
        return False
    escapes, count = False, 0
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for member in level:
            if isinstance(member, dict):
                try:
                    "".join(member)  # every key is text: at the speed of C
                except TypeError:
                    key = next(key for key in member if not isinstance(key, str))
                    raise errors.InvalidInput(
                        "The keys of a map have to be texts; one is {found}.",
                        code="value-key",
                        found=_named(key),
                    ) from None
                if len(member) == 1 and next(iter(member)).startswith("$"):
                    escapes = True
                below += [child for child in member.values() if type(child) not in _SCALARS]
            elif isinstance(member, _LISTS):
                below += [child for child in member if type(child) not in _SCALARS]
            elif isinstance(member, _TAGGED):
                _tag(member)
            elif not isinstance(member, _PLAIN):
                _refuse(member)
        if not below:
            return escapes
        level, count = below, count + len(below)
        if count > MAX_CONTAINERS:  # such as a list that holds one list many times, which holds another many times, …
            raise errors.InvalidInput(
                "A value has at most {limit} lists, maps and dates; this one has more.",
                code="value-too-wide",
                limit=MAX_CONTAINERS,
            )
    raise _too_deep()


def _too_long(text: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        "A value has at most {limit} characters; this one has {length}.",
        code="value-too-long",
        limit=MAX_CHARACTERS,
        length=len(text),
    )


def _too_deep() -> errors.InvalidInput:
    return errors.InvalidInput(
        "Lists and maps may stand inside each other {limit} deep; these are deeper.",
        code="value-too-deep",
        limit=MAX_DEPTH,
    )


def _refuse_number(found: object) -> Never:
    raise errors.InvalidInput(
        "Numbers have to be finite and of reasonable size; one is not: {found}.", code="value-number", found=str(found)
    ) from None


def _refuse(value: object) -> Never:
    raise errors.InvalidInput(
        "A value is a text, a number, true, false, null, a date, a time, a duration, a list or a map; this one is "
        "{found}.",
        code="value-type",
        found=_named(value),
    )


def _named(value: object) -> str:
    return type(value).__name__


def _escaped(value: object) -> object:
    if isinstance(value, dict):
        prefix = "$" if len(value) == 1 and next(iter(value)).startswith("$") else ""
        return {prefix + key: _escaped(member) for key, member in value.items()}
    if isinstance(value, _LISTS):
        return [_escaped(member) for member in value]
    return value


def _tag(value: object) -> dict[str, str]:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise errors.InvalidInput(
                "A date and time needs its time zone; {found} has none.",
                code="value-zone",
                found=value.isoformat(),
            )
        return {"$dateTime": value.isoformat() + _zone_suffix(value)}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, time):
        return {"$time": value.isoformat() + _zone_suffix(value)}
    if isinstance(value, timedelta):
        return {"$duration": duration_text(value)}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)} if value.is_finite() else _refuse_number(value)
    _refuse(value)


def _zone_suffix(value: datetime | time) -> str:
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key and zone.key != "UTC":
        return f"[{zone.key}]"
    return ""


def _untag(members: dict[str, object]) -> object:
    if len(members) != 1:
        return members
    ((key, value),) = members.items()
    if not key.startswith("$"):
        return members
    if key.startswith("$$"):
        return {key[1:]: value}
    if key not in _READERS or not isinstance(value, str):
        raise ValueError(f"unknown tag {key[:50]!r}")
    try:
        return _READERS[key](value)
    except ArithmeticError:  # what Decimal raises
        raise ValueError(f"{value[:50]!r} is no {key[1:]}") from None


def _split_zone(text: str) -> tuple[str, ZoneInfo | None]:
    moment, bracket, key = text.partition("[")
    try:
        return moment, ZoneInfo(key.removesuffix("]")) if bracket else None
    except (OSError, LookupError):
        raise ValueError(f"unknown time zone {key[:50]!r}") from None


def _datetime(text: str) -> datetime:
    moment, zone = _split_zone(text)
    value = datetime.fromisoformat(moment)
    if value.tzinfo is None:
        raise ValueError(f"no time zone in {text[:50]!r}")
    if zone is not None:
        return value.astimezone(zone)
    return value if value.utcoffset() else value.replace(tzinfo=UTC)


def _time(text: str) -> time:
    moment, zone = _split_zone(text)
    value = time.fromisoformat(moment)
    return value if zone is None else value.replace(tzinfo=zone)


def _duration(text: str) -> timedelta:
    sign = -1 if text.startswith("-") else 1
    days, _, clock = text.removeprefix("-").removeprefix("P").partition("T")
    total = timedelta(days=int(days.removesuffix("D") or 0))
    for unit, letter in (("hours", "H"), ("minutes", "M"), ("seconds", "S")):
        number, found, rest = clock.partition(letter)
        if found:
            whole, _, fraction = number.partition(".")
            total += timedelta(**{unit: int(whole)}) + timedelta(microseconds=int(fraction.ljust(6, "0") or 0))
            clock = rest
    if clock or not text.removeprefix("-").startswith("P"):
        raise ValueError(f"{text[:50]!r} is no duration")
    return sign * total


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text[:50]!r} is no number")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:50]!r} is too large")
    return value


def _no_constant(text: str) -> Never:
    raise ValueError(f"{text} is no number")


_READERS: Mapping[str, Callable[[str], object]] = {
    "$date": date.fromisoformat,
    "$dateTime": _datetime,
    "$decimal": _decimal,
    "$duration": _duration,
    "$time": _time,
}

# What the `encode` of a `JSONEncoder` makes anew for each value: without circles, indents and other keys than texts.
_encode = c_make_encoder(None, _tag, encode_basestring, None, ":", ",", True, False, False)
_decode = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite).decode
_decode_tagged = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_hook=_untag).decode
