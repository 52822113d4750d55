"""Files of a spreadsheet (CSV): written so that no cell does anything, and read as spreadsheets write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from flask import Response

from casepath.engine import errors
from casepath.web import headers

#: How a cell begins that a spreadsheet takes for a formula; those for Chinese read the wide signs alike.
FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
#: What separates cells, by the language of whoever saved the file.
SEPARATORS = ",;\t"
#: In which files are saved: what we write, and what spreadsheets for Chinese write by themselves.
CHINESE = "gb18030"
ENCODINGS = ("utf-8-sig", CHINESE)
#: The part of Chinese letters and signs that are everyday ones, in any text; names have others too.
COMMON = 0.8


def answer(name: str, rows: Iterable[Iterable[object]]) -> Response:
    """Return a file of this name to download."""
    # With the mark at the beginning spreadsheets take it for UTF-8.
    found = Response(written(rows).encode("utf-8-sig"), mimetype="text/csv")
    found.headers["Content-Disposition"] = headers.content_disposition(name)
    return found


def written(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as text."""
    text = io.StringIO()
    # Where spreadsheets separate cells by something else, a part of one must not become a cell of its own.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    for row in rows:
        writer.writerow(map(harmless, row))
    return text.getvalue()


def harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; one that looks as if it had been made so is marked too."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" '").startswith(FORMULAS) else cell


def read(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """
    Yield the rows of a file that are not empty, each behind the number of the line on which it ends.

    Raises `InvalidInput` where it is no such file.
    """
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
