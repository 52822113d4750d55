"""
What somebody filled into a form, turned into typed values, with everything that is wrong at once.

Pages hand in texts as they were typed; programs may hand in the values themselves: numbers, booleans, dates, times.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import regex

from casepath.engine import errors
from casepath.engine.forms.definition import (
    CHOICES,
    DEFAULT_MAX_LENGTH,
    MANY_CHOICES,
    TEXTS,
    Component,
    Form,
    condition,
)
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
_PHONE = re.compile(r"\+?[\d\s()./-]{5,30}")

Submitted = Mapping[str, Any]


def validate(
    form: Form,
    submitted: Submitted,
    zone: ZoneInfo,
    *,
    variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """
    Return the variables that were submitted with a form: text, number, date, boolean or list by the type of the field.

    What is left empty is null, an empty list or false. What is hidden, by what was typed or by `variables`, and what is
    read-only is not taken. Raises `InvalidVariables` with everything that is wrong, fields that the form does not have
    among it.
    """
    typed, refusals = _typed(form, submitted, zone)
    concealed = _hidden(form, {**(variables or {}), **typed})
    accepted: dict[str, Any] = {}
    wrong = []
    for field in form.fields:
        if field.key in concealed or field.readonly:
            continue
        refusal = refusals.get(field.key)
        if refusal is None and field.required and _is_empty(typed[field.key]):
            refusal = errors.InvalidInput("Please fill this in.", code="required")
        if refusal is None:
            accepted[field.key] = typed[field.key]
        else:
            refusal.field = field.key
            wrong.append(refusal)
    wrong += [_unknown(key) for key in sorted(set(submitted) - {field.key for field in form.fields})]
    if wrong:
        raise errors.InvalidVariables(wrong)
    return accepted


def _unknown(key: str) -> errors.InvalidInput:
    refusal = errors.InvalidInput("The form has no field “{found}”.", code="unknown-field", found=key)
    refusal.field = key[:100]
    return refusal


def _is_empty(value: object) -> bool:
    return value is None or value is False or value == []


def hidden(form: Form, present: Mapping[str, Any], zone: ZoneInfo | None = None) -> frozenset[str]:
    """
    Return the keys and ids of the components that conditions hide.

    `present` are variables, or texts as they were typed; what was typed and cannot be read counts as nothing.
    """
    texts = {field.key: present[field.key] for field in form.fields if _is_typed(present.get(field.key))}
    typed, _ = _typed(form, texts, zone or ZoneInfo("UTC"))
    return _hidden(form, {**present, **{key: typed.get(key) for key in texts}})


def _is_typed(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _typed(form: Form, submitted: Submitted, zone: ZoneInfo) -> tuple[dict[str, Any], dict[str, errors.InvalidInput]]:
    typed: dict[str, Any] = {}
    refusals: dict[str, errors.InvalidInput] = {}
    for field in form.fields:
        try:
            typed[field.key] = _value(field, submitted.get(field.key, ""), zone)
        except errors.InvalidInput as refusal:
            refusals[field.key] = refusal
    return typed, refusals


def _hidden(form: Form, known: Mapping[str, Any]) -> frozenset[str]:
    """Conditions see nothing in what is hidden itself, so they are asked again until nothing changes."""
    conditional = [component for component in form.every if component.hidden_if]
    concealed: frozenset[str] = frozenset()
    for _ in range(len(conditional) + 1):
        visible = {key: value for key, value in known.items() if key not in concealed}
        before, concealed = concealed, frozenset(
            name for component in conditional if _is_hidden(component, visible) for name in component.names
        )
        if concealed == before:
            break
    return concealed


def _is_hidden(component: Component, known: Mapping[str, Any]) -> bool:
    return any(condition(text).evaluate(known) is True for text in component.hidden_if)


def _value(field: Component, given: Any, zone: ZoneInfo) -> Any:
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
        return given if isinstance(given, bool) else _checkbox(_typed_text(given))
    if isinstance(given, str) and not _typed_text(given):
        return None
    if field.type in CHOICES:
        return _choices(field, [given])[0]
    return _number(field, given) if field.type == "number" else _moment(field, given, zone)


def _typed_text(given: object) -> str:
    """Return what was typed, with wide characters as narrow ones; of a value its text."""
    return unicodedata.normalize("NFKC", given if isinstance(given, str) else _shown(given)).strip()


def _shown(value: object) -> str:
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
        raise errors.InvalidInput("Please write a text; you wrote “{found}”.", code="not-a-text", found=_shown(given))
    text = given.replace("\r\n", "\n").replace("\r", "\n").strip()
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
    if field.validation_type == "phone" and not (_PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= 5):
        raise errors.InvalidInput(
            "Please write a telephone number, such as 138 0000 0000; you wrote “{found}”.",
            code="not-a-phone", found=text,
        )
    return text


def _matches(pattern: str, text: str) -> bool:
    try:
        return regex.search(pattern, text, timeout=PATTERN_TIMEOUT) is not None
    except TimeoutError:
        return False


def _number(field: Component, given: object) -> int | Decimal | str:
    text = f"{given:f}" if isinstance(given, Decimal) else _typed_text(given)
    if isinstance(given, bool) or not _NUMBER.fullmatch(text):
        raise errors.InvalidInput(
            "Please write a number, such as 12.5; you wrote “{found}”.",
            code="not-a-number", found=text,
        )
    number = Decimal(text)
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
    if field.as_text:
        return f"{number:f}"
    integral = number == number.to_integral_value() and not field.decimal_digits
    return int(number) if integral else number


def _moment(field: Component, given: object, zone: ZoneInfo) -> date | time | datetime:
    if field.subtype == "time":
        return given if isinstance(given, time) else _time(_typed_text(given))
    if field.subtype == "date":
        day = _date(_typed_text(given))
        _require_not_past(field, day, zone)
        return day
    moment = given if isinstance(given, datetime) and given.tzinfo else _datetime(_typed_text(given), zone)
    _require_not_past(field, moment.astimezone(zone).date(), zone)
    return moment


def _require_not_past(field: Component, day: date, zone: ZoneInfo) -> None:
    if field.not_past and day < clock.now().astimezone(zone).date():
        raise errors.InvalidInput(
            "Please choose today or a later day; {found} has passed.",
            code="past", found=day.isoformat(),
        )


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
