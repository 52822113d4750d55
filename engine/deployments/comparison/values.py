"""What is told of two versions, as values that another process can send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from casepath.engine import phrases
from casepath.engine.phrases import Phrase


class Step(NamedTuple):
    """One step inwards to a part: what it is, and which one where there are several."""

    label: str
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One property of something, before and after."""

    path: tuple[Step, ...]
    #: None where there was none; empty where it was there and says nothing.
    before: str | None
    after: str | None
    #: Whether it is only how something is drawn.
    layout: bool = False


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something with an identity that is not as it was."""

    #: `added`, `removed`, `changed`, or `moved` where nothing but its place is another.
    kind: str
    #: As the newer version has it; that of before where it was removed.
    id: str
    #: What it is: the element of BPMN or DMN, `field` or `form`, `entry` of other files.
    type: str
    #: What it is called before and after; of rows their numbers from 1.
    names: tuple[str, str]
    #: The id of before, where it was another.
    was: str
    #: The ids between which it leads, of flows.
    ends: tuple[str, str] = ("", "")
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """What it is called now, else what it was."""
        return self.names[1] or self.names[0]


class Piece(NamedTuple):
    """Some words of a text: `same`, `removed`, `added`, or `skipped` for lines that are the same and not told."""

    kind: str
    text: str


class Cell(NamedTuple):
    """A cell of a table before and after; None where its row or column was not there."""

    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a decision table, with its numbers from 1 before and after."""

    before: int | None
    after: int | None
    cells: tuple[Cell, ...]
    #: Whether it stands elsewhere among those that stayed.
    moved: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A decision table of both versions: all columns and rows of the newer one, then those that went."""

    #: The element that it is in.
    id: str
    #: Of each column its id, what it is (`input`, `output`, `annotation`), and what it reads or gives.
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A file of two versions that is not the same in both."""

    name: str
    #: `diagram`, `decisions`, `form`, `text`, `entries`, or `other`.
    kind: str
    #: `added`, `removed` or `changed`.
    state: str
    differences: tuple[Difference, ...] = ()
    #: What elements are called, by their ids; those of before where they went.
    names: Mapping[str, str] = field(default_factory=dict)
    #: The tables in which something differs.
    tables: tuple[Table, ...] = ()
    #: The words of a text.
    pieces: tuple[Piece, ...] = ()
    #: Why one of the two cannot be read.
    unreadable: Phrase | None = None


def written(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return what was compared as plain JSON."""
    return [
        {**asdict(each), "unreadable": phrases.as_json(each.unreadable) if each.unreadable else None}
        for each in compared
    ]


def read(found: Sequence[Mapping[str, Any]]) -> list[Compared]:
    """Return what `written` made JSON of."""
    return [
        Compared(
            name=each["name"],
            kind=each["kind"],
            state=each["state"],
            differences=tuple(map(_difference, each["differences"])),
            names=each["names"],
            tables=tuple(map(_table, each["tables"])),
            pieces=tuple(Piece(*piece) for piece in each["pieces"]),
            unreadable=phrases.from_json(each["unreadable"]),
        )
        for each in found
    ]


def _difference(found: Mapping[str, Any]) -> Difference:
    names, ends = tuple(found["names"]), tuple(found["ends"])
    return Difference(**{**found, "names": names, "ends": ends, "changes": tuple(map(_change, found["changes"]))})


def _change(found: Mapping[str, Any]) -> Change:
    return Change(**{**found, "path": tuple(Step(*step) for step in found["path"])})


def _table(found: Mapping[str, Any]) -> Table:
    rows = (Row(**{**row, "cells": tuple(Cell(*cell) for cell in row["cells"])}) for row in found["rows"])
    return Table(id=found["id"], columns=tuple(tuple(column) for column in found["columns"]), rows=tuple(rows))
