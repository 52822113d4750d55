"""The guidance beside a form: Markdown of the deployment, as HTML that cannot carry scripts."""

from __future__ import annotations

import re

from flask import Flask
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markupsafe import Markup

#: Longer texts are shown as far as this, in characters.
MAX_LENGTH = 100_000

# Raw HTML is shown as text, images are not loaded from elsewhere, links to scripts are refused by the library.
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=RendererHTML).enable("table")
_markdown.disable("image")

# Markdown wants a space behind bold text that ends in punctuation, Chinese has none: the punctuation moves out.
_BOLD_BEFORE_CHINESE = re.compile(r"(?<=\w)([:;,.!?：；，。！？、]+)\*\*(?=[\u3400-\u9fff])")


def init_app(app: Flask) -> None:
    """Make the filter `markdown` known to templates."""
    app.jinja_env.filters["markdown"] = html


def html(text: str | bytes | None) -> Markup:
    """Return Markdown as HTML; bytes are read as UTF-8."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    readable = _BOLD_BEFORE_CHINESE.sub(r"**\1", (text or "")[:MAX_LENGTH])
    return Markup(_markdown.render(readable))  # noqa: S704 (the renderer escapes)
