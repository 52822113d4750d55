"""Records in files for spreadsheets: all of a register, in the reader's language, and back again in either language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.entries import KEY
from casepath.engine.forms import MANY_CHOICES, Component
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers.imports import Row
from casepath.web import languages, phrases, spreadsheets, workbooks
from casepath.web.languages import gettext
from casepath.web.registers.wording import Wording

#: Rows of one file: a thousand take a second.
MAX_ROWS = 50_000
#: Stands for a heading that nobody knows.
UNKNOWN = ".unknown"
#: What stands between several values of one cell.
BETWEEN = "; "
_BETWEEN = re.compile(r"\s*[;；\n]\s*")
#: How spreadsheets write a day.
_DAY = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
#: What is written for a tick, beside its words in either language.
TICKED, UNTICKED = frozenset({"true", "1", "x", "✓"}), frozenset({"false", "0", ""})


def columns(words: Wording) -> list[str]:
    """Return what the columns of a file hold: the number of a record where records have one, and its fields."""
    own = [field.key for field in words.form.fields]
    return own if words.declared.key_field is not None else [KEY, *own]


def table(
    session: Session, words: Wording, narrowed: Filters, cell: Callable[[Wording, str, Any], object]
) -> Iterator[list[object]]:
    """Yield a row of headings, and one for each record, its values as `said` or `typed` has them."""
    held = columns(words)
    labels = [words.label(name) for name in held]
    # What is called the same is told apart by its own name.
    yield [label if labels.count(label) == 1 else name for name, label in zip(held, labels, strict=True)]
    for row in lists.every(session, words.declared, narrowed):
        yield [row.key if name == KEY else cell(words, name, row.values.get(name)) for name in held]


def typed(words: Wording, name: str, value: Any) -> object:
    """Return a value for a workbook: days, moments and numbers as such, everything else as people read it."""
    return workbooks.typed(value, lambda each: said(words, name, each))


def said(words: Wording, name: str, value: Any) -> str:
    """Return a value as people read it."""
    if isinstance(value, list | tuple):
        return BETWEEN.join(words.said(name, item) for item in value)
    return words.said(name, value)


def rows(words: Wording, content: bytes) -> Iterator[tuple[Row, list[str]]]:
    """
    Yield what a file has, row by row, with the cells as they stand in it; first its headings, as a row of line 0.

    Raises `InvalidInput` where it is no such file, has headings that nobody knows, or too many rows.
    """
    is_workbook = content.startswith(workbooks.SIGNATURE)
    found = workbooks.read(content) if is_workbook else spreadsheets.read(content)
    _, headings = next(found, (0, []))
    names = _named(words, headings)
    yield Row(line=0, submitted={}), headings
    fields = {field.key: field for field in words.form.fields}
    for count, (line, cells) in enumerate(found, 1):
        if count > MAX_ROWS:
            raise errors.InvalidInput(
                "At most {limit} rows can be taken at once; this file has more. Please take it in several parts.",
                code="too-many-rows",
                limit=MAX_ROWS,
            )
        if any(cells[len(names) :]):
            text = "Line {line} has more cells than the first row has headings."
            raise errors.InvalidInput(text, code="too-many-cells", line=line)
        padded = [*cells, *[""] * (len(names) - len(cells))]
        written = dict(zip(names, padded, strict=False))
        written.pop("", None)
        key = written.pop(KEY, "")
        submitted = {name: _typed(fields[name], cell) for name, cell in written.items()}
        yield Row(line=line, key=key, submitted=submitted), cells


def _named(words: Wording, headings: Sequence[str]) -> list[str]:
    """Return the column that each heading means; empty for the reasons of refused rows, which say nothing."""
    known = {name.casefold(): name for name in columns(words)}
    for field in reversed(words.form.fields):
        known |= {label.casefold(): field.key for label in (field.label.text, field.label.english) if label}
    if KEY in columns(words):
        known |= {label.casefold(): KEY for label in languages.in_each("Number")}
    reasons = {label.casefold(): "" for label in languages.in_each("Reason")}
    names = [(reasons | known).get(heading.casefold(), UNKNOWN) for heading in headings]
    unknown = [heading for heading, name in zip(headings, names, strict=True) if name == UNKNOWN]
    if not any(names) or unknown or len(set(names)) < len(names):
        raise errors.InvalidInput(
            "Expected a first row of headings such as {expected}, each once, but found {found}.",
            code="headings",
            expected=[words.label(name) for name in columns(words)],
            found=unknown or list(headings),
        )
    return names


def _typed(field: Component, cell: str) -> str | list[str]:
    """Return what a cell says as a form would send it."""
    if field.type in MANY_CHOICES:
        return [_value(field, part) for part in _BETWEEN.split(cell) if part]
    if field.type == "checkbox":
        return _tick(cell)
    if field.type == "datetime" and (day := _DAY.fullmatch(cell)):
        return _day(*map(int, day.groups())) or cell
    return _value(field, cell)


def _value(field: Component, text: str) -> str:
    called = {label: option.value for option in field.options for label in (option.label.text, option.label.english)}
    return text if not text or text in field.values else called.get(text, text)


def _tick(cell: str) -> str:
    said = cell.casefold()
    if said in TICKED or said in {text.casefold() for text in languages.in_each("Yes")}:
        return "true"
    return "" if said in UNTICKED or said in {text.casefold() for text in languages.in_each("No")} else cell


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def reason(words: Wording, refusal: errors.EngineError) -> str:
    """Say why a row was refused, each field by its name."""
    if not isinstance(refusal, errors.InvalidVariables):
        return phrases.sentence(refusal)
    said = [(words.label(error.field) if error.field else "", phrases.told(error.phrase)) for error in refusal.errors]
    pairs = (gettext("%(label)s: %(value)s", label=label, value=text) if label else text for label, text in said)
    return gettext("; ").join(pairs)
