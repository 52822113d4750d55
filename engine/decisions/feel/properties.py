"""What stands after a dot: entries of contexts, of all contexts in a list, parts of dates and durations."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from casepath.engine.decisions.feel.limits import spend
from casepath.engine.decisions.feel.temporal import NANO, Date, DateTime, DaysTime, Time, YearsMonths
from casepath.engine.decisions.feel.values import Range

_DATE: dict[str, Callable[[Date], int]] = {
    "year": lambda date: date.year,
    "month": lambda date: date.month,
    "day": lambda date: date.day,
    "weekday": lambda date: date.weekday,
}
_TIME: dict[str, Callable[[Time], int]] = {
    "hour": lambda time: time.hour,
    "minute": lambda time: time.minute,
    "second": lambda time: time.second,
}
_DAYS_TIME = {"days": 0, "hours": 1, "minutes": 2, "seconds": 3}
_RANGE: dict[str, Callable[[Range], object]] = {
    "start": lambda bounds: bounds.start,
    "end": lambda bounds: bounds.end,
    "start included": lambda bounds: bounds.start_included,
    "end included": lambda bounds: bounds.end_included,
}


def property_of(value: object, name: str) -> object:
    """Return the property, null where the value has none of that name."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        spend(len(value))
        return [property_of(item, name) for item in value]
    if value is None or isinstance(value, str | bool | Decimal):
        return None
    if isinstance(value, Date):
        return Decimal(_DATE[name](value)) if name in _DATE else None
    if isinstance(value, Time):
        return _time_property(value, value.offset, name)
    if isinstance(value, DateTime):
        if name in _DATE:
            return Decimal(_DATE[name](value.date))
        return _time_property(value.time, value.offset, name)
    if isinstance(value, Range):
        return _RANGE[name](value) if name in _RANGE else None
    return _duration_property(value, name)


def _time_property(time: Time, offset: int | None, name: str) -> object:
    if name in _TIME:
        return Decimal(_TIME[name](time))
    if name == "time offset":
        return None if offset is None else DaysTime(offset * NANO)
    return time.zone.name or None if name == "timezone" and time.zone is not None else None


def _duration_property(value: object, name: str) -> object:
    if isinstance(value, YearsMonths) and name in ("years", "months"):
        return Decimal(value.years if name == "years" else value.months)
    if isinstance(value, DaysTime) and name in _DAYS_TIME:
        part = value.parts()[_DAYS_TIME[name]]
        return Decimal(-part if value.nanoseconds < 0 else part)
    return None
