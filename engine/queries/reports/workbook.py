"""A report in a file for spreadsheets: typed numbers with the digits of the page, in the words of whoever asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from casepath.engine import papers
from casepath.engine.papers import Column, Number, Sheet
from casepath.engine.queries.reports import rows
from casepath.engine.queries.reports.figures import Value
from casepath.engine.queries.reports.reckoning import Reckoning
from casepath.engine.queries.reports.rows import Cell, Words
from casepath.engine.reports import Figure
from casepath.engine.time import clock


def written(found: Reckoning, words: Words) -> bytes:
    """Return the file: the figures on the first sheet, and each table on one of its own."""
    sheets = [_sheet(words.heading("summary"), rows.summary(found, words))]
    for table in found.report.tables:
        above = words.shortened() if table.id in found.shortened else ""
        sheets.append(_sheet(words.named(table), rows.of_table(found, table, words), above))
    title = words.named(found.report)
    return papers.workbook(sheets, zone=clock.time_zone("UTC"), created_at=found.asked_at, title=title)


def _sheet(name: str, told: Iterator[Sequence[Cell]], above: str = "") -> Sheet:
    """Return rows as a sheet, of which the first has the headings."""
    columns = [Column(label=str(label), width=14 if number else 36) for number, label in enumerate(next(told))]
    return Sheet(name=name, columns=columns, rows=[[_typed(cell) for cell in row] for row in told], above=above)


def _typed(cell: Cell) -> object:
    if not isinstance(cell, Value):
        return cell
    if cell.value is None:
        return None
    return Number(value=cell.value / 100 if cell.figure.is_percent else cell.value, shown=number_format(cell.figure))


def number_format(figure: Figure) -> str:
    """Return how a spreadsheet shows a figure: with its decimals, and a share as so many of a hundred."""
    digits = "0" + ("." + "0" * figure.decimals if figure.decimals else "")
    return f"{digits}%" if figure.is_percent else digits
