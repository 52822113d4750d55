"""
Dates, times and durations as FEEL has them: any year of up to nine digits, nanoseconds, offsets and named zones.

Python's own types stop at year 9999 and at microseconds, so evaluation uses these; `values.to_python` gives Python's
types to the outside wherever they can hold the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC as PYTHON_UTC
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NANO = 1_000_000_000
DAY_SECONDS = 86_400
MAX_YEAR = 999_999_999
#: A time of day with a zone but no date takes the zone's offset of this day.
REFERENCE_DAY = 10_957


@dataclass(frozen=True, slots=True)
class YearsMonths:
    """A duration of years and months, as one signed number of months."""

    total_months: int

    @property
    def years(self) -> int:
        """Whole years, with the sign of the duration."""
        whole = abs(self.total_months) // 12
        return whole if self.total_months >= 0 else -whole

    @property
    def months(self) -> int:
        """Months beyond the whole years, with the sign of the duration."""
        rest = abs(self.total_months) % 12
        return rest if self.total_months >= 0 else -rest

    def __str__(self) -> str:
        years, months = divmod(abs(self.total_months), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months else "")
        return ("-P" if self.total_months < 0 else "P") + (text or "0M")


@dataclass(frozen=True, slots=True)
class DaysTime:
    """A duration of days and time, as one signed number of nanoseconds."""

    nanoseconds: int

    def parts(self) -> tuple[int, int, int, int, int]:
        """Days, hours, minutes, seconds, nanoseconds of the absolute value."""
        seconds, nano = divmod(abs(self.nanoseconds), NANO)
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        return days, hour, minute, second, nano

    def __str__(self) -> str:
        days, hour, minute, second, nano = self.parts()
        fraction = f".{nano:09}".rstrip("0") if nano else ""
        clock = (f"{hour}H" if hour else "") + (f"{minute}M" if minute else "")
        clock += f"{second}{fraction}S" if second or nano else ""
        text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
        return ("-P" if self.nanoseconds < 0 else "P") + (text or "T0S")


def is_leap(year: int) -> bool:
    """Say whether the year has a 29 February in the Gregorian calendar, extended to all years."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    """Count the days of a month."""
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@dataclass(frozen=True, slots=True)
class Date:
    """A day of the calendar."""

    year: int
    month: int
    day: int

    @property
    def ordinal(self) -> int:
        """Days since 1970-01-01, negative before."""
        year = self.year - (self.month <= 2)
        era, of_era = divmod(year, 400)
        of_year = (153 * ((self.month + 9) % 12) + 2) // 5 + self.day - 1
        return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468

    @property
    def weekday(self) -> int:
        """1 for Monday to 7 for Sunday."""
        return (self.ordinal + 3) % 7 + 1

    @property
    def day_of_year(self) -> int:
        """1 for 1 January."""
        return self.ordinal - Date(self.year, 1, 1).ordinal + 1

    @property
    def week_of_year(self) -> int:
        """Week number of ISO 8601."""
        thursday = date_of_ordinal(self.ordinal - self.weekday + 4)
        return (thursday.day_of_year - 1) // 7 + 1

    def __str__(self) -> str:
        return f"{'-' if self.year < 0 else ''}{abs(self.year):04}-{self.month:02}-{self.day:02}"


def make_date(year: int, month: int, day: int) -> Date | None:
    """Return the date, or None where the calendar has no such day."""
    if abs(year) > MAX_YEAR or not 1 <= month <= 12 or not 1 <= day <= days_in_month(year, month):
        return None
    return Date(year, month, day)


def date_of_ordinal(ordinal: int) -> Date:
    """Return the date of a day counted from 1970-01-01."""
    era, of_era = divmod(ordinal + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return Date(year_of_era + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1)


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a time of day holds: a fixed offset from UTC in seconds, or a named zone."""

    offset: int = 0
    name: str = ""

    def offset_at(self, local_seconds: int) -> int:
        """Return the offset in seconds at a local time, given in seconds since 1970-01-01T00:00:00 there."""
        return _offset(_near(local_seconds).replace(tzinfo=zone_rules(self.name))) if self.name else self.offset

    def offset_of(self, seconds: int) -> int:
        """Return the offset in seconds at an instant, given in seconds since 1970-01-01T00:00:00Z."""
        if not self.name:
            return self.offset
        return _offset(_near(seconds).replace(tzinfo=PYTHON_UTC).astimezone(zone_rules(self.name)))

    def __str__(self) -> str:
        if self.name:
            return f"@{self.name}"
        if not self.offset:
            return "Z"
        minutes, second = divmod(abs(self.offset), 60)
        text = f"{'-' if self.offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
        return text + (f":{second:02}" if second else "")


_EPOCH = datetime(1970, 1, 1, tzinfo=PYTHON_UTC).replace(tzinfo=None)


def _near(seconds: int) -> datetime:
    """Return the time so many seconds after 1970, as near as Python's years allow: beyond them, rules do not change."""
    return _EPOCH + timedelta(seconds=min(max(seconds, -62_000_000_000), 253_000_000_000))


def _offset(at: datetime) -> int:
    difference = at.utcoffset()
    return 0 if difference is None else int(difference.total_seconds())


@lru_cache(maxsize=600)
def zone_rules(name: str) -> ZoneInfo | None:
    """Return the rules of a named zone, None where there is no such zone."""
    if len(name) > 60 or name.lower() in ("localtime", "factory"):
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day, with or without a zone."""

    hour: int
    minute: int
    second: int
    nanosecond: int = 0
    zone: Zone | None = None

    @property
    def of_day(self) -> int:
        """Nanoseconds since midnight, as the clock there shows it."""
        return ((self.hour * 60 + self.minute) * 60 + self.second) * NANO + self.nanosecond

    @property
    def offset(self) -> int | None:
        """Seconds from UTC, None without a zone."""
        return None if self.zone is None else self.zone.offset_at(REFERENCE_DAY * DAY_SECONDS + self.of_day // NANO)

    @property
    def value(self) -> int:
        """Nanoseconds since midnight UTC, or of the clock where there is no zone."""
        return self.of_day - (self.offset or 0) * NANO

    def clock(self) -> str:
        """Return the text without the zone."""
        fraction = f".{self.nanosecond:09}".rstrip("0") if self.nanosecond else ""
        return f"{self.hour:02}:{self.minute:02}:{self.second:02}{fraction}"

    def __str__(self) -> str:
        return self.clock() + ("" if self.zone is None else str(self.zone))


def time_of_day(nanoseconds: int, zone: Zone | None) -> Time:
    """Return the time so many nanoseconds after midnight, going around the clock."""
    seconds, nano = divmod(nanoseconds % (DAY_SECONDS * NANO), NANO)
    minutes, second = divmod(seconds, 60)
    return Time(minutes // 60, minutes % 60, second, nano, zone)


@dataclass(frozen=True, slots=True)
class DateTime:
    """A date with a time of day."""

    date: Date
    time: Time

    @property
    def local(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00 of the clock there."""
        return self.date.ordinal * DAY_SECONDS * NANO + self.time.of_day

    @property
    def offset(self) -> int | None:
        """Seconds from UTC, None without a zone."""
        return None if self.time.zone is None else self.time.zone.offset_at(self.local // NANO)

    @property
    def value(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z, or of the clock where there is no zone."""
        return self.local - (self.offset or 0) * NANO

    def __str__(self) -> str:
        return f"{self.date}T{self.time}"


def from_local(nanoseconds: int, zone: Zone | None) -> DateTime:
    """Return the date and time that the clock in the zone shows so many nanoseconds after the start of 1970 there."""
    day, rest = divmod(nanoseconds, DAY_SECONDS * NANO)
    return DateTime(date_of_ordinal(day), time_of_day(rest, zone))


def from_value(nanoseconds: int, zone: Zone | None) -> DateTime:
    """Return the date and time of an instant, shown in the zone."""
    if zone is None:
        return from_local(nanoseconds, None)
    return from_local(nanoseconds + zone.offset_of(nanoseconds // NANO) * NANO, zone)


UTC = Zone()


def at_midnight(date: Date) -> DateTime:
    """Return the start of the day in UTC, which is what FEEL takes where it needs a date and time."""
    return DateTime(date, Time(0, 0, 0, 0, UTC))


def add_months(date: Date, months: int) -> Date | None:
    """Move a date by months, to the last day of a shorter month; None beyond the calendar."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if abs(year) > MAX_YEAR:
        return None
    return Date(year, month + 1, min(date.day, days_in_month(year, month + 1)))
