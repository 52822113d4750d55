"""Cells of files, as people write them in either language: what a form would send for the field that each is for."""

from __future__ import annotations

import re
from datetime import date

from casepath.engine import papers
from casepath.engine.forms import MANY_CHOICES, Component

_BETWEEN = re.compile(r"\s*[;；\n]\s*")
#: How spreadsheets write a day.
_DAY = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
#: What is written for a tick.
TICKED = frozenset({"true", "1", "x", "✓", *(each.yes.casefold() for each in papers.LANGUAGES.values())})
UNTICKED = frozenset({"false", "0", "", *(each.no.casefold() for each in papers.LANGUAGES.values())})


def submitted(field: Component, cell: str) -> str | list[str]:
    """Return what a cell says as a form would send it; what is none of it stays as it is, and the form refuses it."""
    if field.type in MANY_CHOICES:
        return [_value(field, part) for part in _BETWEEN.split(cell) if part]
    if field.type == "checkbox":
        said = cell.casefold()
        return "true" if said in TICKED else "" if said in UNTICKED else cell
    if field.type == "datetime" and (day := _DAY.fullmatch(cell)):
        return _day(*map(int, day.groups())) or cell
    return _value(field, cell)


def _value(field: Component, text: str) -> str:
    called = {label: option.value for option in field.options for label in (option.label.text, option.label.english)}
    return text if not text or text in field.values else called.get(text, text)


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""
