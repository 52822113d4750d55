"""
Files of spreadsheets, workbooks (XLSX) and CSV, read row by row.

What is read comes as the texts that somebody would type: a day by its date, a number digit by digit.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import openpyxl

from casepath.engine import errors

#: How a cell begins that a spreadsheet takes for a formula; those for Chinese read the wide signs alike.
FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
#: What separates cells, by the language of whoever saved the file.
SEPARATORS = ",;\t"
#: In which files are saved: what we write, and what spreadsheets for Chinese write by themselves.
CHINESE = "gb18030"
ENCODINGS = ("utf-8-sig", CHINESE)
#: The part of Chinese letters and signs that are everyday ones, in any text; names have others too.
COMMON = 0.8
#: How a workbook begins, as any ZIP file.
SIGNATURE = b"PK\x03\x04"
#: Bytes of all that is packed in one.
MAX_BYTES = 300_000_000


def read(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """
    Yield the rows that are not empty, each behind the number of its line; of a workbook those of the first sheet.

    Raises `InvalidInput` where it is no such file, or holds more than anybody would write.
    """
    return _workbook(content) if content.startswith(SIGNATURE) else _separated(content)


def harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; one that looks as if it had been made so is marked too."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" '").startswith(FORMULAS) else cell


def _workbook(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the first sheet, each behind its number."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > MAX_BYTES:
            raise ValueError(size)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_text(cell) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield number, cells
    # What the library stumbles over in a damaged file is whatever it meets.
    except Exception as error:
        raise errors.InvalidInput(
            "This file cannot be read as a workbook. Please save it as XLSX or CSV anew.", code="not-xlsx"
        ) from error


def _text(cell: Any) -> str:
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


def _separated(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file with separators, each behind the number of the line on which it ends."""
    text = _decoded(content)
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [_plain(cell) for cell in cells]
    except csv.Error as error:
        raise errors.InvalidInput(
            "This file cannot be read as CSV: line {line}, {found}. Please save it as CSV anew.",
            code="not-csv",
            line=reader.line_num,
            found=str(error),
        ) from None


def _decoded(content: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text and (encoding != CHINESE or _is_chinese(text)):
            return text
    raise errors.InvalidInput(
        "It is not sure how the texts of this file are to be read; please save it as CSV with the encoding UTF-8.",
        code="not-text",
    )


def _is_chinese(text: str) -> bool:
    """Tell whether what was read as Chinese is: accents of another encoding give rare characters, texts common ones."""
    wide = [character for character in text if not character.isascii()]
    common = sum(_is_common(character) for character in wide)
    return common >= COMMON * len(wide)


def _is_common(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _plain(cell: str) -> str:
    """Return a cell as it was before it was made harmless."""
    stripped = cell.strip()
    return stripped[1:] if stripped.startswith("'") and harmless(stripped[1:]) != stripped[1:] else stripped
