"""Workbooks of a spreadsheet (XLSX): written with days, times and numbers as such."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from flask import Response, g

from casepath.engine import papers
from casepath.engine.papers import Column, Sheet
from casepath.engine.time import clock
from casepath.web import headers

#: Rows of a list that one file holds.
MAX_ROWS = 10_000

Row_co = TypeVar("Row_co", covariant=True)
Key_co = TypeVar("Key_co", covariant=True)
Read = TypeVar("Read")
After = TypeVar("After")


class Page(Protocol[Row_co, Key_co]):
    """One page of a list."""

    @property
    def rows(self) -> Sequence[Row_co]: ...

    @property
    def next(self) -> Key_co | None:
        """Where the next page begins; None on the last one."""
        ...


def page_by_page(read: Callable[[After | None], Page[Read, After]]) -> Iterator[Sequence[Read]]:
    """Yield the rows of a list, of which `read` returns the page that begins at a key, as far as a file reaches."""
    left, after = MAX_ROWS, None
    while left > 0:
        page = read(after)
        yield page.rows[:left]
        left, after = left - len(page.rows), page.next
        if after is None:
            return


def typed(value: object, said: Callable[[Any], str]) -> object:
    """Return a value for a cell: days, moments and numbers as such, others as `said`."""
    if isinstance(value, date | time | int | float | Decimal) and not isinstance(value, bool):
        return value
    return said(value)


def answer(name: str, rows: Iterable[Iterable[object]]) -> Response:
    """Return a workbook of this name to download; the first of its rows has the headings."""
    found = map(list, rows)
    columns = [Column(label=str(heading)) for heading in next(found)]
    sheet = Sheet(name=name, columns=columns, rows=found)
    content = papers.workbook([sheet], zone=g.settings.zone, created_at=clock.now(), title=name)
    answered = Response(content, mimetype=papers.XLSX)
    answered.headers["Content-Disposition"] = headers.content_disposition(f"{name}.xlsx")
    return answered
