"""What stands on a paper: headings, paragraphs, tables, and the runs of text in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from casepath.engine.papers.language import CHINESE, PaperLanguage


@dataclass(frozen=True, kw_only=True)
class Run:
    """Some text of one look."""

    text: str
    strong: bool = False
    #: What is said by the text, where it is a value; tables for calculating keep its type. And what it is called.
    value: object = None
    name: str = ""


#: One line of text in up to three parts: at the left, in the middle or at the right where there are two, at the right.
Line = tuple[tuple[Run, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A title (level 1) in the middle, or a heading of a part."""

    level: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """One line, broken where it is too long."""

    line: Line


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table."""

    lines: tuple[Line, ...]
    #: Columns that it takes.
    span: int = 1
    #: Whether it says what stands beside or below it.
    is_label: bool = False
    #: `left`, `center` or `right`.
    align: str = "left"

    @property
    def text(self) -> str:
        """All that stands in it."""
        return "\n".join(" ".join(said(part) for part in line if part) for line in self.lines)

    @property
    def value(self) -> object:
        """The value that is all it holds, where it is one; else None."""
        runs = [run for line in self.lines for part in line for run in part if run.text.strip()]
        return runs[0].value if len(runs) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; the head stands again on each page."""

    #: How wide the columns are, as parts of the whole.
    widths: tuple[float, ...]
    head: tuple[Row, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A dashed line, along which a paper may be cut."""


@dataclass(frozen=True, kw_only=True)
class PageBreak:
    """What follows stands on a new page."""


Block = Heading | Paragraph | Table | Rule | PageBreak


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Something to be printed."""

    title: str
    blocks: tuple[Block, ...]
    made_at: datetime
    #: What is written on each copy, such as who gets it; without any there is one, with nothing written on it.
    copies: tuple[str, ...] = ()
    #: Above and below each page; the number of the page stands at the end of the foot.
    head: Line = ()
    foot: Line = ()
    landscape: bool = False
    language: PaperLanguage = CHINESE

    @property
    def runs(self) -> Iterator[Run]:
        """Every run of it, once."""
        for line in (self.head, self.foot):
            yield from _of_line(line)
        for block in self.blocks:
            if isinstance(block, Heading):
                yield from block.runs
            elif isinstance(block, Paragraph):
                yield from _of_line(block.line)
            elif isinstance(block, Table):
                for row in (*block.head, *block.rows):
                    for cell in row.cells:
                        for line in cell.lines:
                            yield from _of_line(line)


def said(runs: tuple[Run, ...]) -> str:
    """Return the text of runs."""
    return "".join(run.text for run in runs)


def _of_line(line: Line) -> Iterator[Run]:
    for part in line:
        yield from part
