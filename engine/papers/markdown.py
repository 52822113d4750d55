"""
The text of a paper, in the part of Markdown that fits on paper:

    # Title            in the middle                ## Heading
    Unit -> Number     the rest at the right        - - -   a line to cut along
    === page ===       a new page                   **Text** is a label

    |--|-----|--|      columns, as wide as their dashes are many; `:--`, `:--:` and `--:` move what is in them
    | **Label** | a value || **Label** | … |
                       a cell takes one more column for each further `|` behind it; `<br>` begins a new line in it

Rows before the line of dashes are the head of the table. `\\` takes the meaning from the sign behind it. Values are
marks in the text, put in when it has been read: nothing that they hold is markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from casepath.engine.papers.blocks import Block, Cell, Heading, Line, PageBreak, Paragraph, Row, Rule, Run, Table

#: Around the number of a value; what a template itself has of them is dropped.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_HEADING = re.compile(r"(#{1,3})\s+(.+)")
_DASHES = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_RULE = re.compile(r"-\s-\s-[\s-]*")
_PAGE = re.compile(r"={3,}.*")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
#: Where escaped signs wait until the text has been read.
_ASIDE = 0xE100
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_WHOLE = re.compile(r"\*\*((?:(?!\*\*).)+)\*\*")
_BREAK = re.compile(r"<br\s*/?>")
_ARROW = "->"
#: Columns of a table.
MAX_COLUMNS = 24
#: Text, value and name of each.
Values = list[tuple[str, object, str]]


def mark(values: Values, text: str, value: object, name: str = "") -> str:
    """Keep a value with its text, and return what stands for it until the text has been read."""
    values.append((text, value, name))
    return f"{_OPEN}{len(values) - 1}{_CLOSE}"


def plain(text: str) -> str:
    """Return a text of a template without signs that only marks have."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def read(text: str, values: Sequence[tuple[str, object, str]] = ()) -> tuple[Block, ...]:
    """Return the blocks of a text with its values."""
    return tuple(_Reader(values).blocks(text))


def read_line(text: str, values: Sequence[tuple[str, object, str]] = ()) -> Line:
    """Return one line with its values."""
    return _Reader(values).line(_aside(text).replace("\n", " ").strip())


class _Reader:
    def __init__(self, values: Sequence[tuple[str, object, str]]) -> None:
        self._values = values

    def blocks(self, text: str) -> Iterator[Block]:
        table: list[str] = []
        for line in [*_aside(text).splitlines(), ""]:
            stripped = line.strip()
            if stripped.startswith("|"):
                table.append(stripped)
                continue
            if table:
                yield self._table(table)
                table = []
            if not stripped:
                continue
            if heading := _HEADING.fullmatch(stripped):
                yield Heading(level=len(heading[1]), runs=self._runs(heading[2]))
            elif _PAGE.fullmatch(stripped):
                yield PageBreak()
            elif _RULE.fullmatch(stripped):
                yield Rule()
            else:
                yield Paragraph(line=self.line(stripped))

    def line(self, text: str) -> Line:
        return tuple(self._runs(part.strip()) for part in text.split(_ARROW, 2))

    def _table(self, lines: Sequence[str]) -> Table:
        at = next((number for number, line in enumerate(lines) if _DASHES.fullmatch(line)), None)
        dashes = lines[at].strip("|").split("|")[:MAX_COLUMNS] if at is not None else []
        aligns = [_align(cell.strip()) for cell in dashes]
        head = [self._row(line, aligns, is_head=True) for line in lines[:at]] if at is not None else []
        rows = [self._row(line, aligns) for line in lines[0 if at is None else at + 1 :] if not _DASHES.fullmatch(line)]
        wide = max([len(dashes), *(sum(cell.span for cell in row.cells) for row in (*head, *rows))])
        widths = [float(cell.count("-")) for cell in dashes]
        widths += [sum(widths) / len(widths) if widths else 1.0] * (wide - len(widths))
        return Table(
            widths=tuple(widths),
            head=tuple(_filled_up(row, wide) for row in head),
            rows=tuple(_filled_up(row, wide) for row in rows),
        )

    def _row(self, line: str, aligns: Sequence[str], *, is_head: bool = False) -> Row:
        cells: list[Cell] = []
        parts = line.removeprefix("|").split("|")
        for part in parts[:-1] if parts[-1].strip() == "" else parts:
            at = sum(cell.span for cell in cells)
            if at >= MAX_COLUMNS:
                break
            if part == "" and cells:
                last = cells[-1]
                cells[-1] = Cell(lines=last.lines, span=last.span + 1, is_label=last.is_label, align=last.align)
            else:
                cells.append(self._cell(part.strip(), aligns[at] if at < len(aligns) else "", is_head))
        return Row(cells=tuple(cells))

    def _cell(self, text: str, align: str, is_head: bool) -> Cell:
        pieces = [piece.strip() for piece in _BREAK.split(text)]
        strong = [found[1] if (found := _WHOLE.fullmatch(piece)) else None for piece in pieces]
        is_label = is_head or all(strong)
        lines = tuple(self.line(inner or piece) for inner, piece in zip(strong, pieces, strict=True))
        return Cell(lines=lines, is_label=is_label, align=align or ("center" if is_label else "left"))

    def _runs(self, text: str) -> tuple[Run, ...]:
        runs: list[Run] = []
        for number, part in enumerate(_STRONG.split(text)):
            for place, piece in enumerate(_MARK.split(part)):
                if place % 2:
                    said, value, name = self._values[int(piece)]
                    runs.append(Run(text=said, strong=bool(number % 2), value=value, name=name))
                elif piece:
                    runs.append(Run(text=_back(piece), strong=bool(number % 2)))
        return tuple(runs)


def _aside(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(_ASIDE + ord(found[1])), text)


def _back(text: str) -> str:
    return "".join(chr(ord(each) - _ASIDE) if _ASIDE <= ord(each) < _ASIDE + 128 else each for each in text)


def _align(dashes: str) -> str:
    """Return where the cells of a column are said to stand; empty where nothing is said."""
    if dashes.endswith(":"):
        return "center" if dashes.startswith(":") else "right"
    return "left" if dashes.startswith(":") else ""


def _filled_up(row: Row, wide: int) -> Row:
    """Return a row in which the last cell reaches the end of the table."""
    missing = wide - sum(cell.span for cell in row.cells)
    if missing <= 0 or not row.cells:
        return row
    last = row.cells[-1]
    longer = Cell(lines=last.lines, span=last.span + missing, is_label=last.is_label, align=last.align)
    return Row(cells=(*row.cells[:-1], longer))
