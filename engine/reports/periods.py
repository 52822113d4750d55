"""The months and years that reports are about, on the calendar of the house, and times between two moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from casepath.engine.time import clock

_WRITTEN = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2]))?")
#: Years that have neighbours in every zone.
_YEARS = range(1971, 9990)
#: How a period that is no month or year is written: everything there is.
ALL = "all"


@dataclass(frozen=True, order=True)
class Period:
    """A month, a year, or, without a year, all there is."""

    year: int | None = None
    month: int | None = None

    @classmethod
    def parse(cls, text: str, kind: str) -> Period | None:
        """Read `2026-11`, `2026` or `all` as a period of a kind (`month`, `year`, `any`); None for anything else."""
        if text == ALL:
            return cls() if kind == "any" else None
        found = _WRITTEN.fullmatch(text) if text.isascii() else None
        if found is None or int(found[1]) not in _YEARS:
            return None
        period = cls(int(found[1]), int(found[2]) if found[2] else None)
        return period if kind in ("any", period.kind) else None

    @classmethod
    def last(cls, kind: str, today: date) -> Period:
        """Return the last period of a kind that is over; of those of any kind the present month."""
        here = cls(today.year, None if kind == "year" else today.month)
        return here if kind == "any" else here.moved(-1)

    @property
    def kind(self) -> str:
        """`month`, `year` or `any`."""
        return "any" if self.year is None else "year" if self.month is None else "month"

    def __str__(self) -> str:
        if self.year is None:
            return ALL
        return f"{self.year:04}" if self.month is None else f"{self.year:04}-{self.month:02}"

    def moved(self, count: int) -> Period:
        """Return the period so many months or years later, of its own kind."""
        if self.year is None:
            return self
        if self.month is None:
            return Period(self.year + count)
        months = self.year * 12 + self.month - 1 + count
        return Period(months // 12, months % 12 + 1)

    def compared(self, how: str) -> Period | None:
        """Return the period to compare with: the one `before`, or the same one of the `year_before`."""
        if self.year is None:
            return None
        return self.moved(-1) if how == "before" else Period(self.year - 1, self.month)

    @property
    def first_day(self) -> date | None:
        """Its first day; None where it has none."""
        return None if self.year is None else date(self.year, self.month or 1, 1)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return its first moment and the first one after it; None where it has no bounds."""
        first, after = self.first_day, self.moved(1).first_day
        return None if first is None or after is None else (clock.moment(first, 0, zone), clock.moment(after, 0, zone))


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time from one moment up to another, which is not in it."""

    since: datetime
    until: datetime

    def bounds(self, _zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its first moment and the first one after it, as a period does."""
        return self.since, self.until
