"""What stands in PDFs, read back by another program than wrote them."""

from __future__ import annotations

import re

import pypdfium2

_BLANK = re.compile("[\\s\u200b]+")


def pages(content: bytes) -> list[str]:
    """The text of each page, in the order in which it stands there."""
    document = pypdfium2.PdfDocument(content)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def text(content: bytes) -> str:
    """The text of all pages."""
    return "\n".join(pages(content))


def bare(told: str) -> str:
    """A text without blanks: lines are broken, and Chinese set apart from Latin, as the page has it."""
    return _BLANK.sub("", told)
