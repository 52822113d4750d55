"""A report in a file for spreadsheets: typed numbers with the digits of the page, in the words of whoever asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from casepath.engine import papers
from casepath.engine.papers import Column, Number, Sheet
from casepath.engine.queries.reports.figures import Key, Value
from casepath.engine.queries.reports.reckoning import Reckoning
from casepath.engine.reports import Figure, Period, Report, RowOf, Table
from casepath.engine.time import clock

Cell = str | Value | None


class Words(Protocol):
    """The words of a language for a report."""

    def named(self, of: Report | Figure | Table | RowOf) -> str:
        """Return what something of a declaration is called."""
        ...

    def key(self, report: Report, table: Table, key: Key) -> str:
        """Return what a row of a table is called."""
        ...

    def period(self, period: Period) -> str:
        """Return what a period is called."""
        ...

    def target(self, figure: Figure) -> str:
        """Return what a figure should be; empty where nobody said."""
        ...

    def shortened(self) -> str:
        """Say that a table leaves out what is rare."""
        ...

    def heading(self, name: str) -> str:
        """Return the heading `figure`, `part`, `whole` or `target` of a column, or `summary` of a sheet."""
        ...


def written(found: Reckoning, words: Words) -> bytes:
    """Return the file: the figures on the first sheet, and each table on one of its own."""
    sheets = [_sheet(words.heading("summary"), _summary(found, words))]
    for table in found.report.tables:
        above = words.shortened() if table.id in found.shortened else ""
        sheets.append(_sheet(words.named(table), _table(found, table, words), above))
    title = words.named(found.report)
    return papers.workbook(sheets, zone=clock.time_zone("UTC"), created_at=found.asked_at, title=title)


def _sheet(name: str, rows: Iterator[Sequence[Cell]], above: str = "") -> Sheet:
    """Return rows as a sheet, of which the first has the headings."""
    columns = [Column(label=str(label), width=14 if number else 36) for number, label in enumerate(next(rows))]
    return Sheet(name=name, columns=columns, rows=[[_typed(cell) for cell in row] for row in rows], above=above)


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


def _summary(found: Reckoning, words: Words) -> Iterator[Sequence[Cell]]:
    compared = found.compared.values()
    yield [words.heading("figure"), words.period(found.period), *(words.period(each.period) for each in compared),
           words.heading("target")]  # fmt: skip
    for figure in found.report.figures.values():
        if figure.is_shown:
            values = (each.values[figure.id] for each in (found, *compared))
            yield [words.named(figure), *values, words.target(figure)]


def _table(found: Reckoning, table: Table, words: Words) -> Iterator[Sequence[Cell]]:
    figures = [found.report.figures[name] for name in table.figures]
    rows = {how: _by_key(each, table) for how, each in found.compared.items()}
    first = table.figures[0]
    then = [f"{words.named(figures[0])} {words.period(each.period)}" for each in found.compared.values()]
    yield [words.named(table), *(words.named(figure) for figure in figures), *then]
    for row in found.tables[table.id]:
        before = [each.get(row.key, {}).get(first) for each in rows.values()]
        yield [words.key(found.report, table, row.key), *(row.values[name] for name in table.figures), *before]


def _by_key(found: Reckoning, table: Table) -> Mapping[Key, Mapping[str, Value]]:
    return {row.key: row.values for row in found.tables[table.id]}
