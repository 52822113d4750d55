"""
Timers: a date, a duration or a cycle, as diagrams write them, and the moments when they are due.

    date       2026-10-01, 2026-10-01T09:00, 2026-10-01T09:00:00+08:00       a time without zone is local
    duration   PT2H, P3D, P1Y2M3DT4H5M6S, P2W                                days and months count on the local calendar
    cycle      R3/PT1H, R/2026-10-01T09:00/P1D, R2/PT10S/2026-10-01, R5/2026-10-01/2026-10-08
               0 9 * * MON-FRI, 0 0 9 ? * MON-FRI, @daily                    cron, see `engine.time.cron`

`R<n>` is the number of times that a cycle is due, the start included where one is given. `R0` is refused: for ISO 8601
it is due once and never again, for Camunda never. A cycle that was not executed in time is due once, not once per miss;
what was missed counts.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from casepath.engine import errors
from casepath.engine.time import clock, cron
from casepath.engine.time.clock import Calendar
from casepath.engine.time.periods import Period

Kind = Literal["date", "duration", "cycle"]

#: The shortest interval of a cycle.
MIN_INTERVAL = timedelta(seconds=1)
_MAX_LENGTH = 200
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REPEAT = re.compile(r"R(?P<count>[0-9]{0,9})")


@dataclass(frozen=True, kw_only=True)
class Due:
    """When a timer is due, and what is needed to find out when it is due again."""

    at: datetime
    #: How often it is due after this; None for ever.
    remaining: int | None
    kind: Kind
    text: str
    #: Time zone in which the timer is read.
    zone: str
    #: Where a cycle counts its intervals from, and how many of them lie before `at`; negative where it is the end.
    anchor: datetime | None = None
    index: int = 0

    def next(self, now: datetime) -> Due | None:
        """Return the next moment after now; None where it was the last. Moments that have passed by now are counted."""
        return None if self.remaining == 0 else parse(self.kind, self.text).rule.following(self, now)

    def as_json(self) -> dict[str, object]:
        """Return it in JSON types."""
        return {
            "at": self.at.isoformat(),
            "remaining": self.remaining,
            "kind": self.kind,
            "text": self.text,
            "zone": self.zone,
            "anchor": self.anchor.isoformat() if self.anchor else None,
            "index": self.index,
        }

    @classmethod
    def from_json(cls, mapping: Mapping[str, object]) -> Due:
        """Read what `as_json` gave; raises `InvalidInput` where it is something else."""
        match mapping:
            case {
                "at": str(at),
                "remaining": int() | None as remaining,
                "kind": "date" | "duration" | "cycle" as kind,
                "text": str(text),
                "zone": str(zone),
                "anchor": str() | None as anchor,
                "index": int(index),
            }:
                return cls(
                    at=datetime.fromisoformat(at),
                    remaining=remaining,
                    kind=kind,
                    text=text,
                    zone=zone,
                    anchor=datetime.fromisoformat(anchor) if anchor else None,
                    index=index,
                )
        raise errors.InvalidInput("Expected when a timer is due, but found {found}", found=repr(mapping))


class Rule(Protocol):
    """How a timer finds its moments."""

    def first(self, timer: Timer, now: datetime, zone: str) -> Due: ...

    def following(self, due: Due, now: datetime) -> Due | None: ...


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A timer as the diagram defines it."""

    kind: Kind
    text: str
    rule: Rule

    def first(self, now: datetime, zone: str) -> Due:
        """Return when it is due first; in the past where it is due at once."""
        return self.rule.first(self, now, zone)


@dataclass(frozen=True, kw_only=True)
class _Once:
    """A date or a duration."""

    moment: Callable[[datetime, ZoneInfo], datetime]

    def first(self, timer: Timer, now: datetime, zone: str) -> Due:
        at = self.moment(now, clock.time_zone(zone))
        return Due(at=at, remaining=0, kind=timer.kind, text=timer.text, zone=zone)

    def following(self, due: Due, now: datetime) -> Due | None:
        return None


@dataclass(frozen=True, kw_only=True)
class _Cron:
    """A cycle in the words of cron."""

    expression: cron.Cron

    def first(self, timer: Timer, now: datetime, zone: str) -> Due:
        at = self.expression.after(now, clock.time_zone(zone))
        if at is None:
            raise errors.InvalidInput("Expected a cycle that is due again, but '{text}' has passed", text=timer.text)
        return Due(at=at, remaining=None, kind=timer.kind, text=timer.text, zone=zone)

    def following(self, due: Due, now: datetime) -> Due | None:
        at = self.expression.after(max(now, due.at), clock.time_zone(due.zone))
        return None if at is None else Due(at=at, remaining=None, kind=due.kind, text=due.text, zone=due.zone)


@dataclass(frozen=True, kw_only=True)
class _Interval:
    """A cycle of intervals of equal length, from now, from a start or up to an end."""

    #: None for ever.
    count: int | None
    period: Period
    start: date | None
    end: date | None

    def first(self, timer: Timer, now: datetime, zone: str) -> Due:
        local = clock.time_zone(zone)
        if self.start is not None:
            anchor, index = _moment(self.start, local), 0
            left = self.count and self.count - 1
        elif self.end is not None:
            anchor = _moment(self.end, local)
            index = -(self._last_before(anchor, now, local) if self.count is None else self.count - 1)
            left = -index
        else:
            anchor, index = now.astimezone(UTC), 1
            left = self.count and self.count - 1
        due = Due(
            at=self._tick(anchor, index, local),
            remaining=left, kind=timer.kind, text=timer.text, zone=zone, anchor=anchor, index=index,
        )  # fmt: skip
        if due.at >= now:
            return due
        # Where all moments have passed it is due once, at once, as any timer that was missed.
        return due.next(now - timedelta.resolution) or Due(
            at=now.astimezone(UTC), remaining=0, kind=timer.kind, text=timer.text, zone=zone
        )

    def following(self, due: Due, now: datetime) -> Due | None:
        zone, anchor = clock.time_zone(due.zone), due.anchor
        if anchor is None:
            return None
        index = _search(lambda index: self._tick(anchor, index, zone) > now, due.index + 1)
        left = None if due.remaining is None else due.remaining - (index - due.index)
        if left is not None and left < 0:
            return None
        return Due(
            at=self._tick(anchor, index, zone),
            remaining=left, kind=due.kind, text=due.text, zone=due.zone, anchor=anchor, index=index,
        )  # fmt: skip

    def _tick(self, anchor: datetime, index: int, zone: ZoneInfo) -> datetime:
        return self.period.times(index).after(anchor, zone)

    def _last_before(self, end: datetime, now: datetime, zone: ZoneInfo) -> int:
        """Return how many intervals before the end the first moment after now lies."""
        return max(0, _search(lambda count: self._tick(end, -count, zone) <= now, 0) - 1)


@functools.lru_cache(maxsize=2048)
def parse(kind: Kind, text: str) -> Timer:
    """Read the text of a timer; raises `InvalidInput` with what was expected."""
    stripped = text[: _MAX_LENGTH + 1].strip()
    if len(text) > _MAX_LENGTH:
        raise errors.InvalidInput(
            "Expected a timer of at most {limit} characters, but found {count}",
            limit=_MAX_LENGTH,
            count=len(text),
        )
    rule: Rule
    if kind == "date":
        at = _read_date(stripped)
        rule = _Once(moment=lambda _now, zone: _moment(at, zone))
    elif kind == "duration":
        period = Period.parse(stripped)
        if period.is_negative:
            raise errors.InvalidInput(
                "Expected a duration that is not negative, but found '{text}'",
                text=stripped,
            )
        rule = _Once(moment=period.after)
    elif stripped.startswith("R"):
        rule = _read_interval(stripped)
    else:
        rule = _Cron(expression=cron.parse(stripped))
    return Timer(kind=kind, text=stripped, rule=rule)


def span(text: str) -> timedelta:
    """Return the length of an ISO 8601 duration of days, hours, minutes and seconds; raises `InvalidInput`."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return parse("duration", text).first(begin, "UTC").at - begin


def schedule(kind: Kind, value: object, now: datetime, zone: str) -> Due:
    """
    Return when a timer is due first whose text is given, or whose value an expression has computed.

    A datetime, a date (its local midnight) or a timedelta (from now) is taken as it is for a date or a duration. Raises
    `InvalidInput` for anything else.
    """
    if isinstance(value, str):
        return parse(kind, value).first(now, zone)
    if kind == "cycle" or not isinstance(value, date | timedelta):
        raise errors.InvalidInput(
            "Expected the text of a {kind}, but found a value of type {type}",
            kind=kind,
            type=type(value).__name__,
        )
    try:
        at = now.astimezone(UTC) + value if isinstance(value, timedelta) else _moment(value, clock.time_zone(zone))
    except OverflowError:
        raise errors.InvalidInput(
            "Expected a moment within the years 1 to 9999, but found {value} from now",
            value=value,
        ) from None
    return Due(at=at, remaining=0, kind=kind, text=at.isoformat(), zone=zone)


def resolve(value: object, now: datetime, zone: str) -> datetime:
    """Return the moment that a date, a duration from now, or the text of one of them means, such as a due date."""
    if isinstance(value, str) and value.lstrip().startswith(("P", "+P", "-P")):
        return Period.parse(value).after(now, clock.time_zone(zone))
    return schedule("date", value, now, zone).at


def deadline(value: object, now: datetime, calendar: Calendar | None) -> datetime:
    """
    Return until when there is time for what is due by a date, a moment, a duration from now, or the text of one.

    A date without a time means the closing time of its day (`Calendar.closing`), the end of the day without a calendar.
    """
    return resolve(closed(value, calendar), now, clock.zone_of(calendar).key)


def closed(value: object, calendar: Calendar | None) -> object:
    """Return the end of a date without a time, as `deadline` has it; anything else as it is."""
    day = _read_date(value.strip()) if isinstance(value, str) and _DAY.fullmatch(value.strip()) else value
    if not isinstance(day, date) or isinstance(day, datetime):
        return value
    return calendar.closing(day) if calendar is not None else clock.moment(day, 24 * 60, clock.zone_of(None), end=True)


def _read_interval(text: str) -> _Interval:
    repeat, *parts = text.split("/")
    counted = _REPEAT.fullmatch(repeat)
    if counted is None or len(parts) not in (1, 2):
        raise _no_cycle(text)
    count = int(counted["count"]) if counted["count"] else None
    if count == 0:
        raise errors.InvalidInput("Expected a cycle that is due at least once, but found '{text}'", text=text)
    durations = [part.startswith(("P", "+", "-")) for part in parts]
    start = None if durations[0] else _read_date(parts[0])
    end = None if durations[-1] else _read_date(parts[-1])
    if (len(parts) == 1 and start is not None) or durations == [True, True]:
        raise _no_cycle(text)
    if start is not None and end is not None:
        length = _moment(end, clock.time_zone("UTC")) - _moment(start, clock.time_zone("UTC"))
        exact = length % timedelta(days=1) if length > timedelta(0) else length
        period, end = Period(days=(length - exact).days, exact=exact), None
    else:
        period = Period.parse(parts[durations.index(True)])
    if period.is_negative or (not period.months and not period.days and period.exact < MIN_INTERVAL):
        raise errors.InvalidInput("Expected an interval of at least one second, but found '{text}'", text=text)
    return _Interval(count=count, period=period, start=start, end=end)


def _read_date(text: str) -> date:
    """Return a date, or a datetime that has a zone or is local."""
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError:
        raise errors.InvalidInput(
            "Expected an ISO 8601 date such as '2026-10-01' or '2026-10-01T09:00:00+08:00', but found '{text}'",
            text=text,
        ) from None


def _moment(value: date, zone: ZoneInfo) -> datetime:
    at = value if isinstance(value, datetime) else datetime.combine(value, time())
    try:
        return clock.local_moment(at, zone) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise errors.InvalidInput(
            "Expected a moment within the years 1 to 9999, but found {value}", value=value
        ) from None


def _search(found: Callable[[int], bool], start: int) -> int:
    """Return the first index from the start for which an ascending condition holds; the steps double, then halve."""
    if found(start):
        return start
    step = 1
    while not found(start + step):
        step *= 2
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def _no_cycle(text: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        "Expected a cycle such as 'R3/PT1H' or '0 9 * * MON-FRI', but found '{text}'",
        text=text,
    )
