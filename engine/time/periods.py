"""ISO 8601 durations with years and months, which are longer or shorter depending on where they begin."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from casepath.engine import errors
from casepath.engine.time import clock

_FORMAT = re.compile(
    r"(?P<sign>[+-]?)P(?=[0-9T])(?:(?P<years>[0-9]{1,4})Y)?(?:(?P<months>[0-9]{1,5})M)?(?:(?P<weeks>[0-9]{1,5})W)?"
    r"(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,8})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,11}(?:[.,][0-9]{1,6})?)S)?)?"
)


@dataclass(frozen=True, kw_only=True)
class Period:
    """A duration: months and days count on the local calendar, the rest is exact; all of one sign."""

    months: int = 0
    days: int = 0
    exact: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read text such as `P1Y2M3DT4H5M6S` or `P2W`; raises `InvalidInput` where it is no such text."""
        found = _FORMAT.fullmatch(text.strip())
        if found is None:
            raise errors.InvalidInput(
                "Expected an ISO 8601 duration such as 'PT2H' or 'P1DT12H', but found '{text}'",
                text=text,
            )
        whole = {unit: int(found[unit] or 0) for unit in ("years", "months", "weeks", "days", "hours", "minutes")}
        seconds, _, fraction = (found["seconds"] or "0").replace(",", ".").partition(".")
        period = cls(
            months=whole["years"] * 12 + whole["months"],
            days=whole["weeks"] * 7 + whole["days"],
            exact=timedelta(
                hours=whole["hours"],
                minutes=whole["minutes"],
                seconds=int(seconds),
                microseconds=int(fraction.ljust(6, "0") or 0),
            ),
        )
        return period.times(-1) if found["sign"] == "-" else period

    @property
    def is_negative(self) -> bool:
        """Whether it goes back in time."""
        return self.months < 0 or self.days < 0 or self.exact < timedelta(0)

    def times(self, count: int) -> Period:
        """Return the period so many times over."""
        return Period(months=self.months * count, days=self.days * count, exact=self.exact * count)

    def after(self, start: datetime, zone: ZoneInfo) -> datetime:
        """
        Return the UTC datetime so long after the start; a day that its month does not have becomes the month's last.

        Raises `InvalidInput` where that is beyond the years 1 to 9999.
        """
        try:
            if not self.months and not self.days:
                return start.astimezone(UTC) + self.exact
            local = add_months(start.astimezone(zone).replace(tzinfo=None), self.months) + timedelta(days=self.days)
            return clock.local_moment(local, zone) + self.exact
        except (OverflowError, ValueError):
            raise errors.InvalidInput("Expected a moment within the years 1 to 9999, but found a later one") from None


def add_months(start: datetime, months: int) -> datetime:
    """Return the same day and time so many months later; raises `ValueError` outside the years 1 to 9999."""
    if not months:
        return start
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError("outside the years 1 to 9999")
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))
