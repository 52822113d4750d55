"""Tables as workbooks (XLSX): numbers, days and moments are such, texts are texts whatever they begin with."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from casepath.engine.papers.blocks import Paper, Table

#: What a workbook is sent as.
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Characters of one cell, and of the name of a sheet, as the format has room for.
MAX_CELL = 32_767
MAX_SHEET_NAME = 31
#: How cells of a type are shown.
_SHOWN = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm", "time": "hh:mm", "duration": "[h]:mm:ss"}
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number that is not shown as spreadsheets show any."""

    value: Decimal
    #: How, in their language: `0.00`, `0.0%`.
    shown: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a sheet."""

    label: str
    #: In letters, about.
    width: float = 14


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet: a line above it where there is something to say, the labels, the rows."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[object]]
    above: str = ""


class _Looks(NamedTuple):
    """The formats of the cells of a workbook."""

    head: Format
    text: Format
    #: That of what is shown so, in the language of spreadsheets.
    shown: Callable[[str], Format]


def workbook(sheets: Iterable[Sheet], *, zone: ZoneInfo, created_at: datetime, title: str = "") -> bytes:
    """
    Return sheets as one file: the same bytes for the same sheets; moments stand in it as clocks of the zone show them.

    What no sheet may be called is left out of its name; of two with one name the later gets a number.
    """
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "remove_timezone": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": title, "created": created_at.astimezone(zone).replace(tzinfo=None)})
    looks = _Looks(
        head=book.add_format({"bold": True, "text_wrap": True, "valign": "vcenter", "bottom": 1}),
        text=book.add_format({"text_wrap": True, "valign": "top"}),
        shown=functools.cache(lambda shown: book.add_format({"num_format": shown, "valign": "top"})),
    )
    taken: set[str] = set()
    for sheet in sheets:
        _write(book.add_worksheet(_name(sheet.name, taken)), sheet, looks, zone)
    book.close()
    return file.getvalue()


def _name(wanted: str, taken: set[str]) -> str:
    """Return a name that a sheet may have, and note that it is taken: large and small letters are the same there."""
    base = wanted.translate(_FORBIDDEN).strip("' ")[:MAX_SHEET_NAME].rstrip("' ") or "-"
    found, number = base, 2
    while found.lower() in taken:
        found = f"{base[: MAX_SHEET_NAME - 4]} {number}"
        number += 1
    taken.add(found.lower())
    return found


def sheet_of(paper: Paper) -> Sheet:
    """Return the first table of a paper that has a head; without such a one an empty sheet."""
    tables = (block for block in paper.blocks if isinstance(block, Table) and block.head)
    table = next(tables, Table(widths=(), head=(), rows=()))
    whole = sum(table.widths) or 1
    labels = [cell.text for cell in table.head[-1].cells] if table.head else []
    columns = [
        Column(label=label, width=max(8, round(130 * width / whole)))
        for label, width in zip(labels, table.widths, strict=False)
    ]
    rows = [[_typed(cell.value, cell.text) for cell in row.cells] for row in table.rows]
    return Sheet(name=paper.title, columns=columns, rows=rows)


def _typed(value: object, text: str) -> object:
    """Return a value that tables calculate with as it is, anything else as it is said."""
    is_reckoned = isinstance(value, int | float | Decimal | date | time | timedelta) and not isinstance(value, bool)
    return value if is_reckoned else text


def _write(page: Worksheet, sheet: Sheet, looks: _Looks, zone: ZoneInfo) -> None:
    top = 0
    if sheet.above:
        page.write_string(0, 0, sheet.above, looks.text)
        top = 1
    for number, column in enumerate(sheet.columns):
        page.set_column(number, number, column.width)
        page.write_string(top, number, column.label, looks.head)
    last = top
    for last, row in enumerate(sheet.rows, top + 1):
        for number, value in enumerate(row):
            _write_cell(page, last, number, value, looks, zone)
    page.freeze_panes(top + 1, 0)
    if sheet.columns:
        page.autofilter(top, 0, last, len(sheet.columns) - 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(top)


def _write_cell(page: Worksheet, row: int, number: int, value: object, looks: _Looks, zone: ZoneInfo) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, number, value)
    elif isinstance(value, int | float | Decimal):
        page.write_number(row, number, float(value), looks.text)
    elif isinstance(value, Number):
        page.write_number(row, number, float(value.value), looks.shown(value.shown))
    elif isinstance(value, datetime):
        local = value.astimezone(zone) if value.tzinfo else value
        page.write_datetime(row, number, local.replace(tzinfo=None), looks.shown(_SHOWN["datetime"]))
    elif isinstance(value, date):
        page.write_datetime(row, number, value, looks.shown(_SHOWN["date"]))
    elif isinstance(value, time):
        page.write_datetime(row, number, value.replace(tzinfo=None), looks.shown(_SHOWN["time"]))
    elif isinstance(value, timedelta):
        page.write_datetime(row, number, value, looks.shown(_SHOWN["duration"]))
    else:
        page.write_string(row, number, str(value)[:MAX_CELL], looks.text)
