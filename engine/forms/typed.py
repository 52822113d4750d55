"""
What was typed into a field, as the value that its type gives: a text, a number, a date, a boolean, a list.

`read` refuses what is none, `check` what the rules of the field do not allow. Programs hand in values themselves, which
are read the same way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import regex

from casepath.engine import errors
from casepath.engine.forms.definition import CHOICES, DEFAULT_MAX_LENGTH, MANY_CHOICES, TEXTS, Component
from casepath.engine.time import clock

#: Seconds for one regular expression of a form.
PATTERN_TIMEOUT = 0.2
#: Years in which the dates of a business lie; a year typed with too few digits does not.
YEARS = range(1900, 2200)

_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,10})?|\.\d{1,10})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?")
_OFFSET = re.compile(r"(?<=:\d\d)(Z|[+-](0\d|1[0-4]):[0-5]\d)$")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]+\.[^\s@.]{2,}")
#: One number with its extension and a word on whose it is.
_PHONE = re.compile(r"\+?[\d\s()./-]{5,30}((转|分机|ext\.?|x|[#*])\s?\d{1,6})?\s?(\([^()\d]{1,20}\))?", re.IGNORECASE)
_BETWEEN_PHONES = re.compile(r"[、,;]|或")


def read(field: Component, given: Any, zone: ZoneInfo) -> Any:
    """Return the value of what was typed; nothing is null, an empty list or false. Raises `InvalidInput`."""
    if field.type in MANY_CHOICES:
        return _choices(field, given if isinstance(given, list | tuple) else [given])
    if isinstance(given, list | tuple):
        if len(given) > 1:
            raise errors.InvalidInput(
                "Please choose one of the options; {count} have arrived.",
                code="several-options", count=len(given),
            )
        given = given[0] if given else ""
    if given is None:
        given = ""
    if field.type in TEXTS:
        return _text(field, given)
    if field.type == "checkbox":
        return given if isinstance(given, bool) else _checkbox(narrow(given))
    if isinstance(given, str) and not narrow(given):
        return None
    if field.type in CHOICES:
        return _choices(field, [given])[0]
    return _number(field, given) if field.type == "number" else _moment(field, given, zone)


def check(field: Component, value: Any, zone: ZoneInfo) -> None:
    """Raise `InvalidInput` for a value that was read and that the rules of its field do not allow."""
    if field.required and is_empty(value):
        raise errors.InvalidInput("Please fill this in.", code="required")
    if value is None:
        return
    if field.type in TEXTS:
        _check_text(field, value)
    elif field.type == "number":
        _check_number(field, Decimal(value))
    elif field.type == "datetime" and field.not_past:
        _check_not_past(value, zone)


def is_empty(value: object) -> bool:
    """Tell whether nothing was entered: what a field that has to be filled in must not be."""
    return value is None or value is False or value == []


def _check_text(field: Component, text: str) -> None:
    limit = field.max_length or DEFAULT_MAX_LENGTH[field.type]
    if len(text) > limit:
        raise errors.InvalidInput(
            "At most {limit} characters are possible; you wrote {length}.",
            code="too-long", limit=limit, length=len(text),
        )
    if field.min_length is not None and len(text) < field.min_length:
        raise errors.InvalidInput(
            "At least {limit} characters are needed; you wrote {length}.",
            code="too-short", limit=field.min_length, length=len(text),
        )
    if field.pattern is not None and not _matches(field.pattern, text):
        raise errors.InvalidInput(
            "This does not have the expected form ({expected}); you wrote “{found}”.",
            code="pattern", expected=field.pattern, found=text,
        )
    if field.validation_type == "email" and not _EMAIL.fullmatch(text):
        raise errors.InvalidInput(
            "Please write an e-mail address, such as name@example.com; you wrote “{found}”.",
            code="not-an-email", found=text,
        )
    if field.validation_type == "phone" and not _are_phones(text):
        raise errors.InvalidInput(
            "Please write a telephone number, such as 138 0000 0000; you wrote “{found}”.",
            code="not-a-phone", found=text,
        )


def _are_phones(text: str) -> bool:
    """Tell whether a text is one telephone number or several."""
    numbers = [each.strip() for each in _BETWEEN_PHONES.split(text)]
    return all(_PHONE.fullmatch(each) and sum(map(str.isdigit, each)) >= 5 for each in numbers)


def _check_number(field: Component, number: Decimal) -> None:
    if field.min is not None and number < field.min:
        raise errors.InvalidInput(
            "At least {limit} is needed; you wrote {found}.",
            code="too-small", limit=field.min, found=number,
        )
    if field.max is not None and number > field.max:
        raise errors.InvalidInput(
            "At most {limit} is possible; you wrote {found}.",
            code="too-large", limit=field.max, found=number,
        )
    if field.decimal_digits is not None and number != round(number, field.decimal_digits):
        raise errors.InvalidInput(
            "At most {limit} digits behind the decimal point are possible; you wrote {found}.",
            code="too-many-digits", limit=field.decimal_digits, found=number,
        )


def _check_not_past(value: date | time, zone: ZoneInfo) -> None:
    day = value.astimezone(zone).date() if isinstance(value, datetime) else value
    if isinstance(day, date) and day < clock.now().astimezone(zone).date():
        raise errors.InvalidInput(
            "Please choose today or a later day; {found} has passed.",
            code="past", found=day.isoformat(),
        )


def narrow(given: object) -> str:
    """Return what was typed, with wide characters as narrow ones; of a value its text."""
    return unicodedata.normalize("NFKC", given if isinstance(given, str) else written(given)).strip()


def written(value: object) -> str:
    """Return the text of a value as it is read back: numbers digit by digit."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _choices(field: Component, given: Sequence[Any]) -> list[str]:
    # Options are texts, also those that look like numbers.
    chosen = {item if isinstance(item, str) else str(item) for item in given if item not in (None, "")}
    if unknown := sorted(chosen - set(field.values)):
        raise errors.InvalidInput(
            "Please choose one of the options; “{found}” is none of them.",
            code="not-an-option", found=unknown[0],
        )
    return [option for option in field.values if option in chosen]


def _checkbox(text: str) -> bool:
    if text not in {"", "false", "true", "on", "1", "0"}:
        raise errors.InvalidInput("Please tick it or not; “{found}” has arrived.", code="not-a-choice", found=text)
    return text in {"true", "on", "1"}


def _text(field: Component, given: object) -> str | None:
    if not isinstance(given, str):
        raise errors.InvalidInput("Please write a text; you wrote “{found}”.", code="not-a-text", found=written(given))
    text = given.replace("\r\n", "\n").replace("\r", "\n").strip()
    if field.validation_type == "phone":
        text = narrow(text)
    if not text:
        return None
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text if character not in "\n\t"):
        raise errors.InvalidInput(
            "Please write ordinary characters; there are control characters in it.",
            code="control-characters",
        )
    if "\n" in text and field.type == "textfield":
        raise errors.InvalidInput(
            "Please write one line; there are {count}.",
            code="several-lines", count=text.count("\n") + 1,
        )
    return text


def _matches(pattern: str, text: str) -> bool:
    try:
        return regex.search(pattern, text, timeout=PATTERN_TIMEOUT) is not None
    except TimeoutError:
        return False


def _number(field: Component, given: object) -> int | Decimal | str:
    text = narrow(given)
    if isinstance(given, bool) or not _NUMBER.fullmatch(text):
        raise errors.InvalidInput(
            "Please write a number, such as 12.5; you wrote “{found}”.",
            code="not-a-number", found=text,
        )
    number = Decimal(text)
    if field.as_text:
        return f"{number:f}"
    integral = number == number.to_integral_value() and not field.decimal_digits
    return int(number) if integral else number


def _moment(field: Component, given: object, zone: ZoneInfo) -> date | time | datetime:
    if field.subtype == "time":
        return given if isinstance(given, time) else _time(narrow(given))
    if field.subtype == "date":
        return _date(narrow(given))
    return given if isinstance(given, datetime) and given.tzinfo else _datetime(narrow(given), zone)


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise errors.InvalidInput(
            "Please write a date, such as 2026-10-01; you wrote “{found}”.",
            code="not-a-date", found=text,
        )
    return day


def _time(text: str) -> time:
    try:
        if _TIME.fullmatch(text):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise errors.InvalidInput(
        "Please write a time, such as 14:30; you wrote “{found}”.",
        code="not-a-time", found=text,
    )


def _datetime(text: str, zone: ZoneInfo) -> datetime:
    """Read a local date and time, or one that says how far it is from UTC, as programs write it."""
    offset = _OFFSET.search(text)
    day, separator, clock_time = (text[: offset.start()] if offset else text).replace(" ", "T", 1).partition("T")
    if not separator:
        raise errors.InvalidInput(
            "Please write a date and a time, such as 2026-10-01 14:30; you wrote “{found}”.",
            code="not-a-moment", found=text,
        )
    where = zone if offset is None else datetime.strptime(offset[0], "%z").tzinfo
    return datetime.combine(_date(day), _time(clock_time), tzinfo=where)
