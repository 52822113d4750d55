"""Telephone numbers as links by which a telephone calls them."""

from __future__ import annotations

import re

from flask import Flask
from markupsafe import Markup, escape

#: One number; what stands between two, an extension or a word on whose it is are not part of it.
NUMBER = re.compile(r"[+(]?\d[\d\s().-]{3,28}\d")


def init_app(app: Flask) -> None:
    """Make the filter `dialled` known to templates."""
    app.jinja_env.filters["dialled"] = dialled


def dialled(text: str) -> Markup:
    """Return a text with a link around each telephone number in it."""
    said, end = Markup(), 0
    for found in NUMBER.finditer(text):
        digits = re.sub(r"[^+\d]", "", found.group())
        said += escape(text[end : found.start()])
        said += Markup('<a class="phone" href="tel:{}">{}</a>').format(digits, found.group())
        end = found.end()
    return said + escape(text[end:])
