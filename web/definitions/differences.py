"""What is another in two versions, in the words of the reader: elements by their names, properties before and after."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors, forms
from casepath.engine.deployments import comparison
from casepath.engine.deployments.comparison import Compared, Difference, Piece, Step
from casepath.engine.people import identity
from casepath.engine.time import timers
from casepath.web import filters, languages, phrases, words
from casepath.web.definitions import properties
from casepath.web.forms import Field
from casepath.web.forms import fields as form_fields
from casepath.web.languages import gettext

#: From how many characters on a text is told by its words, not as a whole.
LONG = 30
DURATION = re.compile(r"P(?=.)(\d+[YMWD])*(T(\d+[HMS])+)?")
#: What most deadlines are made of.
WORKING = re.compile(r"\$\{\s*(workingDays\((?P<days>\d+)\)|workingTime\(['\"](?P<hours>P[\dDTHMS]+)['\"]\))\s*\}")
#: The sign of each kind of difference, told beside its colour.
SIGNS = {"added": "+", "removed": "−", "changed": "≠", "moved": "↔"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One property before and after, as people read it."""

    label: str
    before: str | None
    after: str | None
    is_layout: bool = False
    #: The words of a long text; empty where both are told as a whole.
    pieces: Sequence[Piece] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An element, row, field or value that is not as it was."""

    #: On the page, from 1; also on the diagrams.
    number: int
    kind: str
    sign: str
    title: str
    type: str
    #: In the newer version, and in the older one.
    id: str
    was: str
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table before and after; the same in both where nothing changed."""

    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a decision table."""

    #: `added`, `removed`, `changed`, `moved` or `same`.
    kind: str
    before: int | None
    after: int | None
    cells: Sequence[Cell]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A decision table of both versions."""

    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A file that is not the same in both versions."""

    name: str
    kind: str
    state: str
    title: str
    entries: Sequence[Entry] = ()
    tables: Sequence[Table] = ()
    pieces: Sequence[Piece] = ()
    #: The fields of a form before and after, each with what became of it.
    forms: tuple[Sequence[tuple[str, Field]], Sequence[tuple[str, Field]]] | None = None
    unreadable: str = ""

    @property
    def is_layout(self) -> bool:
        """Whether nothing but places differ in it."""
        return bool(self.entries) and all(each.kind == "moved" for each in self.entries) and not self.pieces


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that differs."""

    #: The diagram that is drawn; None where nothing in it differs.
    diagram: Changed | None
    files: Sequence[Changed]
    #: How many differences there are of each kind.
    counts: Mapping[str, int] = field(default_factory=dict)


class Reader:
    """Tells what was compared to somebody."""

    def __init__(self, session: Session, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
        self._files = before, after
        self._translated = {**self.texts(before), **self.texts(after)}
        self._groups = {each.key: (each.name, each.name_en or each.name) for each in identity.groups(session)}
        self._words = words.of(session)
        self._number = self._shown = 0
        self._names: dict[str, str] = {}

    @staticmethod
    def texts(files: Mapping[str, bytes]) -> dict[str, str]:
        """Return what elements are called in the language of the reader, where that is not their own."""
        language = languages.of_names()
        try:
            found: Any = json.loads(files.get(f"texts.{language}.json", b"{}") if language else b"{}")
        except (ValueError, RecursionError):
            return {}
        texts = found.items() if isinstance(found, dict) else ()
        return {str(key): text for key, text in texts if isinstance(text, str)}

    def told(self, compared: Sequence[Compared], diagram: str) -> Told:
        """Return what differs, `diagram` being the file that is drawn."""
        for each in compared:
            self._names |= each.names
        files = [self._file(each) for each in sorted(compared, key=lambda each: each.name != diagram)]
        counts = dict.fromkeys(SIGNS, 0)
        for found in files:
            for kind in [entry.kind for entry in found.entries] or [found.state]:
                counts[kind] += 1
        drawn = next((each for each in files if each.name == diagram), None)
        return Told(diagram=drawn, files=[each for each in files if each is not drawn], counts=counts)

    def _file(self, compared: Compared) -> Changed:
        order = [each for each in compared.differences if each.type != "definitions" and each.kind != "moved"]
        order += [each for each in compared.differences if each.type != "definitions" and each.kind == "moved"]
        order += [each for each in compared.differences if each.type == "definitions"]
        return Changed(
            name=compared.name,
            kind=compared.kind,
            state=compared.state,
            title=self._title_of_file(compared.name),
            entries=[self._entry(each) for each in order],
            tables=[self._table(each) for each in compared.tables],
            pieces=compared.pieces,
            forms=self._forms(compared) if compared.kind == "form" and not compared.unreadable else None,
            unreadable=phrases.told(compared.unreadable) if compared.unreadable else "",
        )

    def _title_of_file(self, name: str) -> str:
        """Return what a file is of: the element that guidance is for, else its name."""
        stem = name.rpartition("/")[2].partition(".")[0]
        return self._named(stem) if name.startswith("guidance/") else ""

    def _entry(self, difference: Difference) -> Entry:
        self._number += 1
        is_whole = difference.kind in ("added", "removed")
        lines = [
            self._line(each.path, each.before, each.after, each.layout)
            for each in difference.changes
            # What came or went is called by its name already.
            if not (is_whole and each.path[-1].label in properties.SAID_BY_TITLE)
        ]
        return Entry(
            number=self._number,
            kind=difference.kind,
            sign=SIGNS[difference.kind],
            title=self._title(difference),
            type=str(properties.TYPES.get(difference.type, "" if difference.type == "entry" else difference.type)),
            id=difference.id,
            was=difference.was,
            lines=lines,
        )

    def _title(self, difference: Difference) -> str:
        if difference.type == "rule":
            numbers = [each for each in difference.names if each]
            return gettext("Row %(number)s", number=" → ".join(dict.fromkeys(numbers)))
        if difference.type == "entry":
            return difference.name
        if named := self._named(difference.id, difference.name):
            return named
        if all(difference.ends):
            return " → ".join(self._named(each) or each for each in difference.ends)
        return difference.id

    def _named(self, key: str, name: str = "") -> str:
        return self._translated.get(key) or name or self._names.get(key, "")

    def _line(self, path: Sequence[Step], before: str | None, after: str | None, is_layout: bool) -> Line:
        label = properties.label([step._replace(key=self._named(step.key) or step.key) for step in path])
        last = next((step.label for step in reversed(path) if step.label in properties.MEANT), path[-1].label)
        both = before is not None and after is not None
        pieces: Sequence[Piece] = ()
        if both and not is_layout and max(len(before or ""), len(after or "")) > LONG and last not in properties.MEANT:
            pieces = comparison.pieces(before or "", after or "")
        said = [None if each is None else self._said(last, each) for each in (before, after)]
        return Line(label=label, before=said[0], after=said[1], is_layout=is_layout, pieces=pieces)

    def _said(self, label: str, value: str) -> str:
        """Return a value of a property as people read it."""
        match properties.MEANT.get(label):
            case "element":
                return gettext(", ").join(self._named(each) or each for each in value.split(" · "))
            case "groups":
                return gettext(", ").join(self._group(each.strip()) for each in value.split(","))
            case "type":
                return str(properties.TYPES.get(value, value))
        if value in ("true", "false") and label not in properties.WRITTEN:
            return filters.value(value == "true")
        if DURATION.fullmatch(value) and (span := _span(value)):
            return gettext("%(span)s (%(written)s)", span=filters.duration(span), written=value)
        if found := WORKING.fullmatch(value):
            days, hours = found["days"], found["hours"]
            if days:
                return gettext("%(count)s working days", count=days)
            return gettext("%(span)s of working time", span=filters.duration(_span(hours) or timedelta()))
        return value

    def _group(self, key: str) -> str:
        return filters.group_name(key, self._groups) if key in self._groups else key

    # -- tables and forms ----------------------------------------------------------------------------------------------

    def _table(self, table: comparison.Table) -> Table:
        return Table(
            title=self._named(table.id) or table.id,
            columns=[(self._named(key) or reads or key, kind) for key, kind, reads in table.columns],
            rows=[self._row(table, row) for row in table.rows],
        )

    def _row(self, table: comparison.Table, row: comparison.Row) -> Row:
        kind = "same"
        if row.before is None or row.after is None:
            kind = "added" if row.before is None else "removed"
        elif any(cell.before != cell.after for cell in row.cells):
            kind = "changed"
        elif row.moved:
            kind = "moved"
        cells = [
            Cell(before=self._cell(reads, cell.before), after=self._cell(reads, cell.after))
            for (_, _, reads), cell in zip(table.columns, row.cells, strict=True)
        ]
        return Row(kind=kind, before=row.before, after=row.after, cells=cells)

    def _cell(self, variable: str, source: str | None) -> str | None:
        return None if source is None else words.cell(self._words, variable, source).text

    def _forms(self, compared: Compared) -> tuple[Sequence[tuple[str, Field]], Sequence[tuple[str, Field]]] | None:
        if compared.state != "changed":
            return None
        differences = compared.differences
        kinds = {each.was: each.kind for each in differences}, {each.id: each.kind for each in differences}
        try:
            both = [forms.read(json.loads(files[compared.name])) for files in self._files]
        except (AttributeError, TypeError, ValueError, KeyError, errors.EngineError):
            # Deployed before forms were checked as they are now; its fields are told one by one.
            return None
        before, after = (
            [(_kind(each, kinds[side]), self._own(each)) for each in form_fields(form, every=True)]
            for side, form in enumerate(both)
        )
        return before, after

    def _own(self, shown: Field) -> Field:
        """Return a field with names of its own: several forms stand on one page."""
        self._shown += 1
        own = f"{self._shown}-"
        children = [self._own(each) for each in shown.children]
        return replace(shown, id=f"{own}{shown.id}", key=f"{own}{shown.key}" if shown.key else "", children=children)


def _kind(shown: Field, kinds: Mapping[str, str]) -> str:
    """Return what became of a field; of a group also what became of what is in it."""
    own = kinds.get(shown.id, "")
    return own or next(("changed" for each in shown.children if _kind(each, kinds)), "")


def _span(value: str) -> timedelta | None:
    try:
        return timers.span(value)
    except errors.EngineError:
        return None
