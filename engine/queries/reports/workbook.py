"""A report in a file for spreadsheets: typed numbers with the digits of the page, in the words of whoever asks."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Protocol

import xlsxwriter

from casepath.engine.queries.reports.figures import Key, Value
from casepath.engine.queries.reports.reckoning import Reckoning
from casepath.engine.reports import Figure, Period, Report, RowOf, Table

#: Characters of the name of a sheet, and those that none may have.
MAX_TITLE = 31
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))

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

    def heading(self, name: str) -> str:
        """Return the heading `figure`, `part`, `whole` or `target` of a column, or `summary` of a sheet."""
        ...


def written(found: Reckoning, words: Words) -> bytes:
    """Return the file: the figures on the first sheet, and each table on one of its own."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    # The same figures make the same file.
    book.set_properties({"title": words.named(found.report), "created": found.asked_at.astimezone(UTC)})
    formats: dict[str, object] = {"head": book.add_format({"bold": True, "bottom": 1})}
    taken: set[str] = set()
    sheets = [(words.heading("summary"), list(_summary(found, words)))]
    sheets += [(words.named(table), list(_table(found, table, words))) for table in found.report.tables]
    for title, rows in sheets:
        sheet = book.add_worksheet(_title(title, taken))
        sheet.set_column(0, 0, 36)
        sheet.set_column(1, 12, 14)
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, Value) and cell.value is not None:
                    pattern = number_format(cell.figure)
                    if pattern not in formats:
                        formats[pattern] = book.add_format({"num_format": pattern})
                    number = cell.value / 100 if cell.figure.is_percent else cell.value
                    sheet.write_number(place, column, float(number), formats[pattern])
                elif isinstance(cell, str):
                    sheet.write_string(place, column, cell, formats["head"] if place == 0 else None)
    book.close()
    return file.getvalue()


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


def _title(title: str, taken: set[str]) -> str:
    base = title.translate(FORBIDDEN).strip()[:MAX_TITLE] or "-"
    found, number = base, 2
    while found.lower() in taken:
        found = f"{base[: MAX_TITLE - 3]} {number}"
        number += 1
    taken.add(found.lower())
    return found
