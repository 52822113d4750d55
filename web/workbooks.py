"""
Workbooks of a spreadsheet (XLSX): written with days, times and numbers as such, and read with what their cells hold.

What is read comes as the texts that somebody would type: a day by its date, a number digit by digit.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import openpyxl
from flask import Response, g

from casepath.engine import errors, papers
from casepath.engine.papers import Column, Sheet
from casepath.engine.time import clock
from casepath.web import headers

#: How a workbook begins, as any ZIP file.
SIGNATURE = b"PK\x03\x04"
#: Bytes of all that is packed in one.
MAX_BYTES = 300_000_000
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


def read(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """
    Yield the rows of the first sheet that are not empty, each behind its number.

    Raises `InvalidInput` where it is no workbook, or holds more than anybody would write.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > MAX_BYTES:
            raise ValueError(size)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_typed(cell) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield number, cells
    # What the library stumbles over in a damaged file is whatever it meets.
    except Exception as error:
        raise errors.InvalidInput(
            "This file cannot be read as a workbook. Please save it as XLSX or CSV anew.", code="not-xlsx"
        ) from error


def _typed(cell: Any) -> str:
    """Return what a cell holds as somebody would type it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(timespec="minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat(timespec="minutes")
    if isinstance(cell, int | float):
        return f"{Decimal(repr(cell)).normalize():f}"
    return str(cell).strip()
