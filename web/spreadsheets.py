"""Files for spreadsheets (CSV): written so that no cell does anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from flask import Response

from casepath.engine.registers.spreadsheets import harmless
from casepath.web import headers


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
