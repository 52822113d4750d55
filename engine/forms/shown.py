"""
What stands in a field for a value: the inverse of `typed`.

What the input of a field cannot hold, a map in a number or an answer that is no option any more, is told beside it and
stays as it is until something else is entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from casepath.engine import errors
from casepath.engine.forms import typed
from casepath.engine.forms.definition import CHOICES, MANY_CHOICES, Component

Texts = str | list[str]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A value in its field."""

    #: As a browser sends it back when nobody touches it: a list where many may be chosen.
    texts: Texts
    #: Whether that is all of the value.
    is_whole: bool = True


_NOTHING = Shown(texts="", is_whole=False)


def show(field: Component, value: Any, zone: ZoneInfo) -> Shown:
    """Return what stands in a field for a value; moments as the clocks of a zone show them."""
    if field.type in MANY_CHOICES:
        return _options(field, value)
    if isinstance(value, list | tuple) and len(value) <= 1:
        value = value[0] if value else None
    if value is None:
        return Shown(texts="")
    if field.type == "checkbox":
        return Shown(texts="true" if value is True else "", is_whole=isinstance(value, bool))
    text = _text(value)
    if text is None:
        return _NOTHING
    if field.type in CHOICES:
        return Shown(texts=text) if text in field.values else _NOTHING
    return _input(field, value, text, zone)


def is_untouched(texts: Texts, given: Any) -> bool:
    """Tell whether what arrives is what stood in the field; browsers end lines in their own way and drop spaces."""
    if isinstance(texts, list):
        chosen = given if isinstance(given, list | tuple) else [given] if given else []
        return set(texts) == set(map(str, chosen))
    if isinstance(given, list | tuple):
        given = given[0] if len(given) == 1 else None if given else ""
    return isinstance(given, str) and _plain(given) == _plain(texts)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _input(field: Component, value: Any, text: str, zone: ZoneInfo) -> Shown:
    """Return what stands in an input for one text: nothing but what is read back."""
    is_whole = True
    try:
        if field.type == "datetime":
            text, is_whole = _moment(field, value, zone)
        elif field.type == "number":
            text = typed.narrow(text)
        typed.read(field, text, zone)
    except (errors.InvalidInput, OverflowError):
        return _NOTHING
    return Shown(texts=text, is_whole=is_whole)


def _options(field: Component, value: Any) -> Shown:
    items: Sequence[Any] = value if isinstance(value, list | tuple) else [] if value is None else [value]
    texts = [_text(item) for item in items]
    return Shown(
        texts=[option for option in field.values if option in texts],
        is_whole=all(text in field.values for text in texts),
    )


def _text(value: Any) -> str | None:
    """Return a value as text, numbers digit by digit; None for what is no single one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return typed.written(value) if isinstance(value, str | int | float | Decimal | date | time) else None


def _moment(field: Component, value: Any, zone: ZoneInfo) -> tuple[str, bool]:
    """Return a moment as browsers write it, seconds only where there are some, and whether that is all of it."""
    if isinstance(value, datetime) and field.subtype == "date":
        return value.astimezone(zone).date().isoformat(), False
    read = typed.read(field, value, zone)
    if isinstance(read, datetime):
        read = read.astimezone(zone)
    elif not isinstance(read, time):
        return read.isoformat() if read else "", True
    return read.replace(tzinfo=None).isoformat(timespec="seconds" if read.second else "minutes"), True
