"""
Cron expressions: the five fields of Unix, and the six or seven of Quartz as diagrams for Camunda have them.

    5 fields   minute hour day month weekday               weekday 0–7, Sunday is 0 and 7
    6 fields   second minute hour day month weekday        weekday 1–7, Sunday is 1; `?` is read as `*`
    7 fields   … and year

`L` (last day), `LW` (last weekday of the month), `6L` (last Friday), `6#3` (third Friday) and ranges that wrap
(`FRI-MON`) work; `15W` and `L-3` are refused. `@daily` and the like are abbreviations.

Where clocks are put forward, what is due at a time that does not exist is due when they go on (02:30 at 03:00); where
they are put back, what is due at one time is due at its first coming, and what is due every so often goes on evenly.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from casepath.engine import errors
from casepath.engine.phrases import Phrase

_ABBREVIATIONS = {
    "@annually": "0 0 1 1 *",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@midnight": "0 0 * * *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@yearly": "0 0 1 1 *",
}
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEKDAY = re.compile(r"(?P<first>[1-7]|[A-Z]{3})(?:-(?P<last>[1-7]|[A-Z]{3}))?(?:/(?P<step>[1-7]))?")
_LAST_OR_NTH = re.compile(r"(?P<day>[1-7]|[A-Z]{3})(?P<which>L|#[1-5])")
_SECOND = re.compile("[0-5]?[0-9]")
_YEARS = re.compile(r"(?P<first>[0-9]{4})(?:-(?P<last>[0-9]{4}))?")
_MAX_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class Cron:
    """When something is due again and again, in the words of cron."""

    #: Five or six fields as `cronsim` reads them.
    fields: str
    #: None for every year.
    years: frozenset[int] | None
    #: After the minute that five fields say; 0 where there are six.
    second: int = 0

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the first tick after a moment, in UTC; None where there is none within 50 years."""
        after_minute = timedelta(seconds=self.second)
        try:
            for tick in CronSim(self.fields, (moment.astimezone(UTC) - after_minute).astimezone(zone)):
                if self.years is None or tick.year in self.years:
                    return tick.astimezone(UTC) + after_minute
                later = [year for year in self.years if year > tick.year]
                if not later:
                    return None
                return self.after(datetime(min(later) - 1, 12, 31, 23, 59, 59, tzinfo=zone), zone)
        except (OverflowError, ValueError):  # the end of the year 9999
            return None
        return None


#: What was expected where `cronsim` says what is bad.
_INVALID = {
    "Bad second": Phrase("a valid second"),
    "Bad minute": Phrase("a valid minute"),
    "Bad hour": Phrase("a valid hour"),
    "Bad day-of-month": Phrase("a valid day-of-month"),
    "Bad month": Phrase("a valid month"),
    "Bad day-of-week": Phrase("a valid day-of-week"),
}


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Cron:
    """Read a cron expression; raises `InvalidInput` with what was expected."""
    fields = _ABBREVIATIONS.get(text.strip().lower(), text[: _MAX_LENGTH + 1].upper()).split()
    if len(text) > _MAX_LENGTH or len(fields) not in (5, 6, 7):
        raise _unreadable(text, Phrase("5, 6 or 7 fields"))
    years = _years(fields.pop(), text) if len(fields) == 7 else None
    second = 0
    if len(fields) == 6:
        fields, second = _unix(fields, text)
    cron = Cron(fields=" ".join(fields), years=years, second=second)
    try:
        never = cron.after(datetime(2024, 1, 1, tzinfo=UTC), ZoneInfo("UTC")) is None and years is None
    except CronSimError as error:
        raise _unreadable(text, _INVALID.get(str(error), Phrase("valid fields"))) from None
    if never:
        raise _unreadable(text, Phrase("a day that exists"))
    return cron


def _unix(fields: list[str], text: str) -> tuple[list[str], int]:
    """Turn six Quartz fields into those of `cronsim`, which keeps daylight saving right for five, and one second."""
    seconds, *fields = ("*" + field[1:] if field.startswith("?") else field for field in fields)
    if "W" in fields[2].replace("LW", "") or "L-" in fields[2]:
        raise _unreadable(
            text, Phrase("a day such as '15', 'L' or 'LW' (days such as '15W' and 'L-3' are not supported)")
        )
    if not fields[4].startswith("*"):
        fields[4] = ",".join(day for part in fields[4].split(",") for day in _weekdays(part, text))
    if _SECOND.fullmatch(seconds):
        return fields, int(seconds)
    return [seconds, *fields], 0


def _weekdays(part: str, text: str) -> Iterator[str]:
    """Yield the weekdays of one part in numbers with Sunday as 0."""
    if part == "L":
        yield "6"
    elif found := _LAST_OR_NTH.fullmatch(part):
        yield f"{_weekday(found['day'], text)}{found['which']}"
    elif found := _WEEKDAY.fullmatch(part):
        first = _weekday(found["first"], text)
        open_end = 6 if found["step"] else first
        last = _weekday(found["last"], text) if found["last"] else open_end
        for offset in range(0, (last - first) % 7 + 1, int(found["step"] or 1)):
            yield str((first + offset) % 7)
    else:
        raise _unreadable(text, Phrase("a weekday such as 'MON-FRI', '2', '6L' or '6#3'"))


def _weekday(name: str, text: str) -> int:
    if name.isdigit():
        return int(name) - 1
    if name not in _WEEKDAYS:
        raise _unreadable(text, Phrase("a weekday such as 'MON'"))
    return _WEEKDAYS.index(name)


def _years(field: str, text: str) -> frozenset[int] | None:
    if field in ("*", "?"):
        return None
    years: set[int] = set()
    for part in field.split(","):
        found = _YEARS.fullmatch(part)
        if found is None:
            raise _unreadable(text, Phrase("years such as '2026', '2026-2028' or '2026,2028'"))
        years.update(range(int(found["first"]), int(found["last"] or found["first"]) + 1))
    return frozenset(years)


def _unreadable(text: str, expected: Phrase) -> errors.InvalidInput:
    return errors.InvalidInput(
        "Expected a cron expression with {expected}, but found '{text}'",
        expected=expected,
        text=text,
    )
