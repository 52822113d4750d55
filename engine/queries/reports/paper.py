"""A report to be printed: the numbers of the page and of the workbook, with their digits and units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from casepath.engine.papers import Block, Heading, Paper, PaperLanguage, Paragraph, Row, Run, Table
from casepath.engine.papers import Cell as Printed
from casepath.engine.queries.reports import rows
from casepath.engine.queries.reports.reckoning import Reckoning
from casepath.engine.queries.reports.rows import Cell, Words

#: How wide the first column is, where each other one has 1.
FIRST = 3.0


def printed(found: Reckoning, words: Words, *, zone: ZoneInfo, language: PaperLanguage) -> Paper:
    """Return a report as a paper: its figures, and each table below its name."""
    title = f"{words.named(found.report)} {words.period(found.period)}"
    blocks: list[Block] = [Heading(level=1, runs=(Run(text=title),)), _table(rows.summary(found, words), words)]
    for table in found.report.tables:
        blocks.append(Heading(level=2, runs=(Run(text=words.named(table)),)))
        if table.id in found.shortened:
            blocks.append(Paragraph(line=((Run(text=words.shortened()),),)))
        blocks.append(_table(rows.of_table(found, table, words), words))
    asked = f"{words.heading('asked')} {language.said(found.asked_at, zone, {})}"
    return Paper(
        title=title, blocks=tuple(blocks), made_at=found.asked_at, foot=((Run(text=asked),),), language=language
    )


def _table(told: Iterator[Sequence[Cell]], words: Words) -> Table:
    head = _row(next(told), words, is_label=True)
    body = tuple(_row(each, words) for each in told)
    return Table(widths=(FIRST, *(1.0 for _ in head.cells[1:])), head=(head,), rows=body)


def _row(told: Sequence[Cell], words: Words, *, is_label: bool = False) -> Row:
    cells = (
        Printed(
            lines=(((Run(text=_text(cell, words)),),),),
            is_label=is_label or number == 0,
            align="right" if number else "left",
        )
        for number, cell in enumerate(told)
    )
    return Row(cells=tuple(cells))


def _text(cell: Cell, words: Words) -> str:
    """Return a number with the digits of its figure and its unit; a dash where nothing can be said."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if cell.value is None:
        return "–"
    unit = words.unit(cell.figure)
    return f"{cell.value:,.{cell.figure.decimals}f}{f' {unit}' if unit else ''}"
