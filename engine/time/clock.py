"""
What time it is, and working time on a calendar; the only module that asks the system.

The clock is that of the process, unless somebody has one of his own for a while (`apart`).

Working time is real time within opening hours (`engine.time.opening_hours` describes their JSON), so an hour that
daylight saving repeats counts twice and one that it skips does not count.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from casepath.engine import errors
from casepath.engine.time.opening_hours import OpeningHours

DAY = timedelta(days=1)
#: How far working time is searched; a calendar that has no more open hours is found out there.
MAX_DAYS = 366 * 10
_CACHED_DAYS = 20_000


@dataclass(kw_only=True)
class _Shift:
    """How the clock of this process differs from the system's."""

    offset: timedelta = timedelta(0)
    #: Where it stands still, if it does.
    standing: datetime | None = None


_of_process = _Shift()
#: The clock of whoever has one of his own; neither other threads nor other requests see it.
_own: ContextVar[_Shift | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """Return the present as an aware UTC datetime, moved where a test, a demo or a rehearsal moved it."""
    shift = _own.get() or _of_process
    return shift.standing if shift.standing is not None else datetime.now(UTC) + shift.offset


def move(by: timedelta) -> None:
    """Move the clock, forward or back."""
    shift = _own.get() or _of_process
    if shift.standing is None:
        shift.offset += by
    else:
        shift.standing += by


def set_to(at: datetime) -> None:
    """Set the clock to a moment, where it stands still until it is moved, set or reset."""
    (_own.get() or _of_process).standing = aware(at).astimezone(UTC)


def reset() -> None:
    """Follow the system again."""
    shift = _own.get() or _of_process
    shift.offset, shift.standing = timedelta(0), None


@contextmanager
def apart(at: datetime) -> Iterator[None]:
    """Have a clock of one's own inside, which stands at a moment; for all others nothing changes."""
    token = _own.set(_Shift(standing=aware(at).astimezone(UTC)))
    try:
        yield
    finally:
        _own.reset(token)


def aware(at: datetime) -> datetime:
    """Return the moment; raises `InvalidInput` where it has no time zone, or none can be reckoned with."""
    if at.tzinfo is None:
        raise errors.InvalidInput("Expected a date and time with its time zone, but found {at}", at=at.isoformat())
    if not 1 < at.year < 9999:  # in the first and the last year, other time zones are out of Python's range
        raise errors.InvalidInput("Expected a moment within the years 2 to 9998, but found {at}", at=at.isoformat())
    return at


@functools.lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name; raises `InvalidInput` where there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError):
        raise errors.InvalidInput(
            "Expected a time zone such as 'Asia/Shanghai', but found '{name}'", name=name
        ) from None


def moment(day: date, minutes: int, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """
    Return the UTC datetime of a local time of day.

    A time that daylight saving skips is the moment of the change; one that it repeats is the first, as `end` the
    second.
    """
    naive = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return local_moment(naive, zone, end=end)


def local_moment(naive: datetime, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """Return the UTC datetime of a local date and time, as `moment` does."""
    at = naive.replace(tzinfo=zone, fold=int(end)).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == naive:
        return at
    before = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Working time: opening hours in one time zone, and arithmetic on them."""

    opening_hours: OpeningHours
    #: Opening hours of local days as UTC moments, as far as they were asked for.
    _opened: dict[date, tuple[tuple[datetime, datetime], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        time_zone(self.zone)

    @classmethod
    def from_json(cls, mapping: Mapping[str, object]) -> Calendar:
        """Read the JSON that `engine.time.opening_hours` describes; raises `InvalidInput` where it is not such JSON."""
        return cls(opening_hours=OpeningHours.from_json(mapping))

    @property
    def zone(self) -> str:
        """IANA name of the time zone."""
        return self.opening_hours.zone

    def is_working_day(self, day: date) -> bool:
        """Tell whether the day has any opening hours."""
        return bool(self.opening_hours.on(day))

    def closing(self, day: date) -> datetime:
        """Return the UTC moment when the business closes on a day, or would close where it is no working day."""
        hours = self.opening_hours.on(day)
        minutes = hours[-1][1] if hours else self.opening_hours.usual_closing(day)
        return moment(day, minutes, time_zone(self.zone), end=True)

    def is_open(self, at: datetime) -> bool:
        """Tell whether a moment is within opening hours; the moment of closing is not."""
        at = aware(at).astimezone(UTC)
        return any(begin <= at < end for begin, end in self._open(self._local_day(at)))

    def add(self, start: datetime, working: timedelta) -> datetime:
        """
        Return the UTC datetime at which so much working time has passed since the start; negative goes back.

        Outside opening hours the count begins when they begin. Raises `InvalidInput` where the calendar has no more
        open hours within 10 years.
        """
        at = aware(start).astimezone(UTC)
        if working < timedelta(0):
            return self.subtract(at, -working)
        rest = working
        for begin, end in self._forward(at):
            open_time = end - max(begin, at)
            if rest <= open_time:
                return max(begin, at) + rest
            rest -= open_time
        raise errors.InvalidInput(
            "Expected {working} of working time within 10 years, but the calendar has less",
            working=working,
        )

    def subtract(self, end: datetime, working: timedelta) -> datetime:
        """Return the UTC datetime from which so much working time passes until the end; raises as `add` does."""
        at = aware(end).astimezone(UTC)
        if working < timedelta(0):
            return self.add(at, -working)
        rest = working
        for begin, until in self._backward(at):
            open_time = min(until, at) - begin
            if rest <= open_time:
                return min(until, at) - rest
            rest -= open_time
        raise errors.InvalidInput(
            "Expected {working} of working time within 10 years, but the calendar has less",
            working=working,
        )

    def working_between(self, first: datetime, last: datetime) -> timedelta:
        """Return the working time between two moments; negative where the second is earlier."""
        first, last = aware(first).astimezone(UTC), aware(last).astimezone(UTC)
        if last < first:
            return -self.working_between(last, first)
        total = timedelta(0)
        for begin, end in self._forward(first):
            if begin >= last:
                break
            total += min(end, last) - max(begin, first)
        return total

    def add_working_days(self, start: datetime, count: int) -> datetime:
        """
        Return the same local time on the `count`-th working day after the start (before it where negative), in UTC.

        Raises `InvalidInput` where the calendar has fewer within 10 years.
        """
        local = aware(start).astimezone(time_zone(self.zone))
        day, rest, step = local.date(), abs(count), DAY if count > 0 else -DAY
        for _ in range(MAX_DAYS):
            if not rest:
                return local_moment(datetime.combine(day, local.time()), time_zone(self.zone))
            try:
                day += step
            except OverflowError:
                break
            rest -= self.is_working_day(day)
        raise errors.InvalidInput(
            "Expected {count} working days within 10 years, but the calendar has fewer",
            count=count,
        )

    def working_days_between(self, first: datetime, last: datetime) -> int:
        """
        Return how many working days there are after the local day of one moment until that of another.

        Negative where the second is earlier. Raises `InvalidInput` where more than 10 years lie between.
        """
        begin, end = self._local_day(aware(first)), self._local_day(aware(last))
        if end < begin:
            return -self.working_days_between(last, first)
        days = (end - begin).days
        if days > MAX_DAYS:
            raise errors.InvalidInput("Expected at most 10 years between two moments, but found {days} days", days=days)
        return sum(self.is_working_day(begin + number * DAY) for number in range(1, days + 1))

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(time_zone(self.zone)).date()

    def _open(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """Return the opening hours of a local day as UTC moments."""
        found = self._opened.get(day)
        if found is None:
            zone = time_zone(self.zone)
            hours = self.opening_hours.on(day)
            moments = ((moment(day, begin, zone), moment(day, end, zone, end=True)) for begin, end in hours)
            try:
                found = tuple((begin, end) for begin, end in moments if begin < end)
            except OverflowError:  # the ends of the calendar
                found = ()
            if len(self._opened) >= _CACHED_DAYS:
                self._opened.clear()
            self._opened[day] = found
        return found

    def _forward(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the opening hours that end after a moment."""
        day = self._local_day(at)
        for _ in range(MAX_DAYS):
            for begin, end in self._open(day):
                if end > at:
                    yield begin, end
            try:
                day += DAY
            except OverflowError:
                return

    def _backward(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the opening hours that begin before a moment, last first."""
        day = self._local_day(at)
        for _ in range(MAX_DAYS):
            for begin, end in reversed(self._open(day)):
                if begin < at:
                    yield begin, end
            try:
                day -= DAY
            except OverflowError:
                return


def next_hour(hour: int, after: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock of a zone shows a full hour (0 to 23) for the first time after a moment."""
    day = after.astimezone(zone).date()
    found = local_moment(datetime.combine(day, time(hour)), zone)
    return found if found > after else local_moment(datetime.combine(day + timedelta(days=1), time(hour)), zone)


def zone_of(calendar: Calendar | None) -> ZoneInfo:
    """Return the zone of local dates and times: that of the calendar, UTC where none is deployed."""
    return time_zone(calendar.zone if calendar else "UTC")
