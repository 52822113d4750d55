"""
When a business is open: opening hours, holidays and make-up working days, given as JSON.

Every key is optional except `hours`:

    {"zone": "Asia/Shanghai",                       IANA name; UTC where absent
     "hours": {"mon-fri": [["08:30", "12:00"], ["13:30", "18:00"]], "sat": [["09:00", "17:00"]]},
     "country": "CN", "subdivision": null,          statutory holidays and make-up working days
     "holidays": ["2027-02-05/2027-02-12"],         closed, as days or ranges of days (both ends included)
     "workingDays": ["2027-02-13"],                 open although weekend or statutory holiday
     "makeUpHours": [["09:00", "17:00"]],           on make-up days; else those of the first open day of the week
     "days": {"2026-12-31": [["09:00", "15:00"]], "2026-10-01": []}}   hours of one day, above everything else

Opening hours are local times of the zone; `24:00` is the end of the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from casepath.engine import errors
from casepath.engine.time import holidays

#: From and until, in minutes since midnight, ascending and apart.
Hours = tuple[tuple[int, int], ...]

_KEYS = ("comment", "country", "days", "holidays", "hours", "makeUpHours", "name", "subdivision", "workingDays", "zone")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00")
_MAX_RANGE = 400


@dataclass(frozen=True, kw_only=True)
class OpeningHours:
    """When a business is open, day by day."""

    zone: str
    #: Monday first.
    week: tuple[Hours, ...]
    country: str | None
    subdivision: str | None
    #: What the business adds to the statutory calendar, and how it departs from it.
    holidays: frozenset[date]
    working_days: frozenset[date]
    make_up_hours: Hours | None
    days: Mapping[date, Hours] = field(hash=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise errors.InvalidInput("Expected opening hours of 7 weekdays, but found {count}", count=len(self.week))
        if self.country is not None:
            holidays.of_year(self.country, self.subdivision, 2026)  # refuses an unknown country now, not in a timer
        if not any(self.week) and not any(self.days.values()) and not (self.make_up_hours and self.working_days):
            raise errors.InvalidInput("Expected opening hours on at least one day, but this calendar never opens")

    @classmethod
    def from_json(cls, mapping: Mapping[str, object]) -> OpeningHours:
        """Read the JSON that the module describes; raises `InvalidInput` where it is not such JSON."""
        if unknown := sorted(str(key) for key in mapping if key not in _KEYS):
            raise errors.InvalidInput(
                "Expected one of {keys} in a calendar, but found '{unknown}'",
                keys=_KEYS,
                unknown=unknown[0],
            )
        make_up = mapping.get("makeUpHours")
        return cls(
            zone=_text(mapping.get("zone"), "zone") or "UTC",
            week=_week(mapping.get("hours")),
            country=_text(mapping.get("country"), "country"),
            subdivision=_text(mapping.get("subdivision"), "subdivision"),
            holidays=frozenset(_days(mapping.get("holidays", []), "holidays")),
            working_days=frozenset(_days(mapping.get("workingDays", []), "workingDays")),
            make_up_hours=None if make_up is None else _hours(make_up, "makeUpHours"),
            days={_day(day): _hours(hours, day) for day, hours in _map(mapping.get("days", {}), "days").items()},
        )

    def on(self, day: date) -> Hours:
        """Return the opening hours of a day, in minutes since midnight; empty where it is closed."""
        if (special := self.days.get(day)) is not None:
            return special
        if day in self.working_days:
            return self._make_up()
        if day in self.holidays:
            return ()
        if self.country is not None:
            year = holidays.of_year(self.country, self.subdivision, day.year)
            if day in year.make_up_days:
                return self._make_up()
            if day in year.holidays:
                return ()
        return self.week[day.weekday()]

    def usual_closing(self, day: date) -> int:
        """
        Return when it closes, in minutes since midnight, on days like this one: on its weekday, else on most days.

        The later one of those that are as frequent; the end of the day where no week has open days.
        """
        if of_weekday := self.week[day.weekday()]:
            return of_weekday[-1][1]
        closings = [hours[-1][1] for hours in self.week if hours]
        return max(closings, key=lambda closing: (closings.count(closing), closing), default=24 * 60)

    def _make_up(self) -> Hours:
        """A make-up day stands for a weekday, so it has the hours of one."""
        if self.make_up_hours is not None:
            return self.make_up_hours
        return next((hours for hours in self.week if hours), ())


def _week(value: object) -> tuple[Hours, ...]:
    """Read `{"mon-fri": […], "sat": […]}`; long names of weekdays are read alike."""
    week: list[Hours] = [()] * 7
    for key, hours in _map(value, "hours").items():
        first, _, last = (part.strip()[:3].lower() for part in key.partition("-"))
        if first not in _WEEKDAYS or (last or first) not in _WEEKDAYS:
            raise errors.InvalidInput("Expected weekdays such as 'mon' or 'mon-fri', but found '{key}'", key=key)
        start, end = _WEEKDAYS.index(first), _WEEKDAYS.index(last or first)
        for offset in range((end - start) % 7 + 1):
            week[(start + offset) % 7] = _hours(hours, key)
    return tuple(week)


def _hours(value: object, place: str) -> Hours:
    """Read `[["08:30", "12:00"], …]`."""
    intervals = []
    for interval in _list(value, place):
        match interval:
            case [str(begin), str(end)] if _TIME.fullmatch(begin) and _TIME.fullmatch(end):
                intervals.append((_minutes(begin), _minutes(end)))
            case _:
                raise errors.InvalidInput(
                    'Expected hours such as ["08:30", "18:00"] in {place}, but found {found}',
                    place=place,
                    found=_shown(interval),
                )
    intervals.sort()
    bounds = [bound for interval in intervals for bound in interval]
    if any(earlier >= later for earlier, later in zip(bounds[::2], bounds[1::2], strict=True)):
        raise errors.InvalidInput(
            "Expected hours in {place} that end after they begin, but found {found}",
            place=place,
            found=_shown(value),
        )
    if bounds != sorted(bounds):
        raise errors.InvalidInput(
            "Expected hours in {place} that do not overlap, but found {found}",
            place=place,
            found=_shown(value),
        )
    return tuple(intervals)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _days(value: object, place: str) -> Iterator[date]:
    """Read `["2026-10-01/2026-10-07", "2026-12-31"]`."""
    for entry in _list(value, place):
        first, _, last = _required_text(entry, place).partition("/")
        start, end = _day(first), _day(last or first)
        if not timedelta(0) <= end - start <= timedelta(days=_MAX_RANGE):
            raise errors.InvalidInput(
                "Expected days from first to last in {place}, but found '{entry}'",
                place=place,
                entry=entry,
            )
        for offset in range((end - start).days + 1):
            yield start + timedelta(days=offset)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise errors.InvalidInput("Expected a day such as '2026-10-01', but found '{text}'", text=text) from None


def _text(value: object, place: str) -> str | None:
    return None if value is None else _required_text(value, place)


def _required_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise errors.InvalidInput("Expected text in {place}, but found {found}", place=place, found=_shown(value))
    return value


def _list(value: object, place: str) -> list[object]:
    if not isinstance(value, list):
        raise errors.InvalidInput("Expected a list in {place}, but found {found}", place=place, found=_shown(value))
    return value


def _map(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise errors.InvalidInput("Expected a map in {place}, but found {found}", place=place, found=_shown(value))
    return value


def _shown(value: object) -> str:
    return f"{value!r:.80}"
