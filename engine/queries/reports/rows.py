"""What stands in the files of a report, in the words of whoever asks: the figures, and the rows of each table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from casepath.engine.queries.reports.figures import Key, Value
from casepath.engine.queries.reports.reckoning import Reckoning
from casepath.engine.reports import Figure, Period, Report, RowOf, Table

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

    def unit(self, figure: Figure) -> str:
        """Return what stands behind a number; empty for plain ones."""
        ...

    def target(self, figure: Figure) -> str:
        """Return what a figure should be; empty where nobody said."""
        ...

    def shortened(self) -> str:
        """Say that a table leaves out what is rare."""
        ...

    def heading(self, name: str) -> str:
        """Return the heading `figure` or `target` of a column, `summary` of a sheet, or `asked` of a moment."""
        ...


def summary(found: Reckoning, words: Words) -> Iterator[Sequence[Cell]]:
    """Yield the headings, and a row for each figure that is shown."""
    compared = found.compared.values()
    yield [words.heading("figure"), words.period(found.period), *(words.period(each.period) for each in compared),
           words.heading("target")]  # fmt: skip
    for figure in found.report.figures.values():
        if figure.is_shown:
            values = (each.values[figure.id] for each in (found, *compared))
            yield [words.named(figure), *values, words.target(figure)]


def of_table(found: Reckoning, table: Table, words: Words) -> Iterator[Sequence[Cell]]:
    """Yield the headings, and the rows of a table."""
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
