"""Functions on dates, times and durations."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_DOWN, Decimal

from casepath.engine.decisions.feel.functions import built_in
from casepath.engine.decisions.feel.limits import present
from casepath.engine.decisions.feel.temporal import (
    NANO,
    Date,
    DateTime,
    DaysTime,
    Time,
    YearsMonths,
    Zone,
    make_date,
    zone_rules,
)
from casepath.engine.decisions.feel.temporal_text import (
    MAX_OFFSET,
    parse_date,
    parse_date_time,
    parse_duration,
    parse_time,
)
from casepath.engine.decisions.feel.values import from_python

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def _whole(value: Decimal) -> int:
    """Return the integer part; a monster becomes a number that no calendar has."""
    return int(value) if value.adjusted() < 12 else 10**12


@built_in("date", "from: string")
def _date(text: str) -> Date | None:
    return parse_date(text)


@built_in("date", "from: date")
def _date_itself(value: Date) -> Date:
    return value


@built_in("date", "from: date and time")
def _date_of(value: DateTime) -> Date:
    return value.date


@built_in("date", "year: number, month: number, day: number")
def _date_from_parts(year: Decimal, month: Decimal, day: Decimal) -> Date | None:
    return make_date(_whole(year), _whole(month), _whole(day))


@built_in("time", "from: string")
def _time(text: str) -> Time | None:
    return parse_time(text)


@built_in("time", "from: time")
def _time_itself(value: Time) -> Time:
    return value


@built_in("time", "from: date and time")
def _time_of(value: DateTime) -> Time:
    return value.time


@built_in("time", "hour: number, minute: number, second: number, offset?: days and time duration?")
def _time_from_parts(hour: Decimal, minute: Decimal, second: Decimal, offset: object) -> Time | None:
    zone: Zone | None = None
    if isinstance(offset, DaysTime):
        seconds = int(Decimal(offset.nanoseconds) / NANO)
        if abs(seconds) > MAX_OFFSET:
            return None
        zone = Zone(seconds)
    if not (0 <= _whole(hour) < 24 and 0 <= _whole(minute) < 60 and 0 <= second < 60):
        return None
    whole = second.to_integral_value(ROUND_DOWN)
    return Time(_whole(hour), _whole(minute), int(whole), int((second - whole) * NANO), zone)


@built_in("date and time", "from: string")
def _date_and_time(text: str) -> DateTime | None:
    return parse_date_time(text)


@built_in("date and time", "from: date and time")
def _date_and_time_itself(value: DateTime) -> DateTime:
    return value


@built_in("date and time", "date: date, time: time")
def _date_with_time(date: Date, time: Time) -> DateTime:
    return DateTime(date, time)


@built_in("date and time", "date: date and time, time: time")
def _date_time_with_time(date: DateTime, time: Time) -> DateTime:
    return DateTime(date.date, time)


@built_in("date and time", "date: date and time, timezone: string")
def _date_time_in_zone(date: DateTime, timezone: str) -> DateTime | None:
    if zone_rules(timezone) is None:
        return None
    return DateTime(date.date, dataclasses.replace(date.time, zone=Zone(name=timezone)))


@built_in(
    "date and time",
    "year: number, month: number, day: number, hour: number, minute: number, second: number, "
    "offset?: days and time duration?",
)
def _date_time_from_parts(
    year: Decimal, month: Decimal, day: Decimal, hour: Decimal, minute: Decimal, second: Decimal, offset: object
) -> DateTime | None:
    date = make_date(_whole(year), _whole(month), _whole(day))
    time = _time_from_parts(hour, minute, second, offset)
    return DateTime(date, time) if date is not None and isinstance(time, Time) else None


@built_in("duration", "from: string")
def _duration(text: str) -> DaysTime | YearsMonths | None:
    return parse_duration(text)


@built_in("duration", "from: duration")
def _duration_itself(value: DaysTime | YearsMonths) -> DaysTime | YearsMonths:
    return value


@built_in("years and months duration", "from: date, to: date")
@built_in("years and months duration", "from: date and time, to: date and time")
def _years_and_months_duration(start: Date | DateTime, end: Date | DateTime) -> YearsMonths:
    """Count whole months between two days, towards zero."""
    first = start.date if isinstance(start, DateTime) else start
    last = end.date if isinstance(end, DateTime) else end
    months = (last.year - first.year) * 12 + last.month - first.month
    if months > 0 and last.day < first.day:
        months -= 1
    elif months < 0 and last.day > first.day:
        months += 1
    return YearsMonths(months)


@built_in("day of year", "date: date")
def _day_of_year(date: Date) -> Decimal:
    return Decimal(date.day_of_year)


@built_in("day of week", "date: date")
def _day_of_week(date: Date) -> str:
    return _WEEKDAYS[date.weekday - 1]


@built_in("month of year", "date: date")
def _month_of_year(date: Date) -> str:
    return _MONTHS[date.month - 1]


@built_in("week of year", "date: date")
def _week_of_year(date: Date) -> Decimal:
    return Decimal(date.week_of_year)


@built_in("day of year", "date: date and time")
def _day_of_year_at(date: DateTime) -> Decimal:
    return Decimal(date.date.day_of_year)


@built_in("day of week", "date: date and time")
def _day_of_week_at(date: DateTime) -> str:
    return _WEEKDAYS[date.date.weekday - 1]


@built_in("month of year", "date: date and time")
def _month_of_year_at(date: DateTime) -> str:
    return _MONTHS[date.date.month - 1]


@built_in("week of year", "date: date and time")
def _week_of_year_at(date: DateTime) -> Decimal:
    return Decimal(date.date.week_of_year)


@built_in("now", "")
def _now() -> object:
    return from_python(present())


@built_in("today", "")
def _today() -> object:
    return from_python(present().date())
