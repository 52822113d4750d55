"""Records in files for spreadsheets: all of a register, in the reader's language, and back again in either language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.entries import KEY
from casepath.engine.phrases import Phrase
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers import spreadsheets
from casepath.web import languages, phrases, workbooks
from casepath.web.languages import gettext
from casepath.web.registers.wording import Wording

#: Stands for a heading that nobody knows.
UNKNOWN = ".unknown"
#: What stands between several values of one cell.
BETWEEN = "; "


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


def headed(words: Wording, content: bytes) -> tuple[list[str], list[str]]:
    """
    Return the headings of a file, and the field that each means: `KEY` and empty ones are among them.

    Raises `InvalidInput` where it is no file of a spreadsheet, or has headings that nobody knows.
    """
    _, headings = next(spreadsheets.read(content), (0, []))
    return headings, _named(words, headings)


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


def reason(words: Wording, reasons: Sequence[tuple[str, Phrase]]) -> str:
    """Say why a row was refused, each field by its name."""
    said = [(words.label(field) if field else "", phrases.told(phrase)) for field, phrase in reasons]
    pairs = (gettext("%(label)s: %(value)s", label=label, value=text) if label else text for label, text in said)
    return gettext("; ").join(pairs)
