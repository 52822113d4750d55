"""Read dates, times and durations from the lexical forms of the standard; None where a text has none of them."""

from __future__ import annotations

import re

from casepath.engine.decisions.feel.temporal import (
    DAY_SECONDS,
    NANO,
    Date,
    DateTime,
    DaysTime,
    Time,
    YearsMonths,
    Zone,
    date_of_ordinal,
    make_date,
    zone_rules,
)

_DATE = re.compile(r"(-?)([1-9]\d{4,8}|\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(
    r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+-])(\d\d):(\d\d)(?::(\d\d))?|@(?P<zone>[A-Za-z0-9_+\-/]+))?",
    re.ASCII,
)
_YEARS_MONTHS = re.compile(r"(-?)P(?=\d)(?:(\d{1,12})Y)?(?:(\d{1,12})M)?", re.ASCII)
_DAYS_TIME = re.compile(
    r"(-?)P(?=[\dT])(?:(\d{1,18})D)?(?:T(?=\d)(?:(\d{1,18})H)?(?:(\d{1,18})M)?(?:(\d{1,18})(?:\.(\d{0,30}))?S)?)?",
    re.ASCII,
)
MAX_OFFSET = 18 * 3600
#: Durations stay within what can be added to the calendar without ever leaving exact integers of a sane size.
MAX_NANOSECONDS = 10**9 * 366 * DAY_SECONDS * NANO
MAX_MONTHS = 12 * 10**10


def parse_date(text: str) -> Date | None:
    """Read `2026-03-01`."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    sign, year, month, day = match.groups()
    return make_date(-int(year) if sign else int(year), int(month), int(day))


def _parse_clock(text: str) -> tuple[int, Time] | None:
    """Read a time of day; the first number is 1 for 24:00:00, which belongs to the next day."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    nano = int((match[4] or "0")[:9].ljust(9, "0"))
    next_day = (hour, minute, second, nano) == (24, 0, 0, 0)
    if next_day:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    zone: Zone | None = None
    if match["utc"]:
        zone = Zone()
    elif match["sign"]:
        offset = int(match[7]) * 3600 + int(match[8]) * 60 + int(match[9] or 0)
        if offset > MAX_OFFSET or int(match[8]) > 59 or int(match[9] or 0) > 59:
            return None
        zone = Zone(-offset if match["sign"] == "-" else offset)
    elif match["zone"]:
        if zone_rules(match["zone"]) is None:
            return None
        zone = Zone(name=match["zone"])
    return int(next_day), Time(hour, minute, second, nano, zone)


def parse_time(text: str) -> Time | None:
    """Read `08:30:00`, with an offset, a zone, or neither."""
    clock = _parse_clock(text)
    return None if clock is None else clock[1]


def parse_date_time(text: str) -> DateTime | None:
    """Read `2026-03-01T08:30:00`; a date alone is its midnight without a zone."""
    day, separator, rest = text.partition("T")
    date = parse_date(day)
    if date is None:
        return None
    if not separator:
        return DateTime(date, Time(0, 0, 0))
    clock = _parse_clock(rest)
    if clock is None:
        return None
    return DateTime(date_of_ordinal(date.ordinal + clock[0]), clock[1])


def parse_duration(text: str) -> DaysTime | YearsMonths | None:
    """Read `P1Y2M` or `P1DT2H3M4.5S`."""
    match = _YEARS_MONTHS.fullmatch(text)
    if match is not None:
        months = int(match[2] or 0) * 12 + int(match[3] or 0)
        return YearsMonths(-months if match[1] else months) if months <= MAX_MONTHS else None
    match = _DAYS_TIME.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(match[group] or 0) for group in (2, 3, 4, 5))
    nano = int((match[6] or "0")[:9].ljust(9, "0"))
    total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * NANO + nano
    return DaysTime(-total if match[1] else total) if total <= MAX_NANOSECONDS else None


def parse_literal(text: str) -> Date | Time | DateTime | DaysTime | YearsMonths | None:
    """Read what may stand in `@"…"`."""
    return parse_date(text) or parse_time(text) or parse_duration(text) or parse_date_time(text)
