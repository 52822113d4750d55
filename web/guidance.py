"""The guidance beside a form: Markdown of the deployment, as HTML that cannot carry scripts."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, g
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline.state_inline import Delimiter, StateInline
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from casepath.engine import forms
from casepath.engine.forms import Form
from casepath.engine.queries import deployed
from casepath.web import filters, languages, words

#: Longer texts are shown as far as this, in characters.
MAX_LENGTH = 100_000

# Raw HTML is shown as text, images are not loaded from elsewhere, links to scripts are refused by the library.
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=RendererHTML).enable("table")
_markdown.disable("image")
# A table that is too wide scrolls by itself, with the keyboard too.
_markdown.add_render_rule("table_open", lambda *_: '<div class="table-scroll" tabindex="0" role="group"><table>\n')
_markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")

#: What may mean something in Markdown.
_MARKS = string.punctuation
#: What stands for them in values, and means nothing anywhere: as many code points, which are no characters of any text.
_PLACES = "".join(map(chr, range(0xFDD0, 0xFDF0)))
_HIDDEN = str.maketrans(_MARKS, _PLACES, "") | dict.fromkeys(map(ord, _PLACES))
_WRITTEN = str.maketrans(_PLACES, _MARKS)
_IN_HTML = {ord(place): str(escape(mark)) for place, mark in zip(_PLACES, _MARKS, strict=True)}
#: Chinese, Japanese and Korean letters and the punctuation written with them, full-width forms included.
_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)


def _emphasis(state: StateInline, silent: bool) -> bool:
    """
    Take a run of `*` as opening or closing emphasis where no space sets words apart.

    CommonMark wants a space or punctuation beside a `*` that touches punctuation; in Chinese there is neither. So East
    Asian letters stand for a space there, and East Asian punctuation counts as a letter.
    """
    if silent or state.src[state.pos] != "*":
        return False
    end = state.pos
    while end < state.posMax and state.src[end] == "*":
        end += 1
    before = state.src[state.pos - 1] if state.pos else " "
    after = state.src[end] if end < state.posMax else " "
    length = end - state.pos
    can_open, can_close = _flanks(before, after), _flanks(after, before)
    for _ in range(length):
        state.push("text", "", 0).content = "*"
        token = len(state.tokens) - 1
        state.delimiters.append(
            Delimiter(marker=ord("*"), length=length, token=token, end=-1, open=can_open, close=can_close)
        )
    state.pos = end
    return True


def _flanks(outside: str, inside: str) -> bool:
    """Whether a run between these two characters belongs to the text on the side of `inside`."""
    if isWhiteSpace(ord(inside)):
        return False
    return not _is_punctuation(inside) or any(
        (isWhiteSpace(ord(outside)), _is_punctuation(outside), _EAST_ASIAN.match(outside))
    )


def _is_punctuation(character: str) -> bool:
    punctuation = isMdAsciiPunct(ord(character)) or isPunctChar(character)
    return punctuation and not _EAST_ASIAN.match(character)


def _address(url: str) -> str:
    """Return an address as browsers want it, and as it is checked: with the marks of values."""
    return normalizeLink(url.translate(_WRITTEN))


_markdown.inline.ruler.before("emphasis", "east_asian_emphasis", _emphasis)
_markdown.normalizeLink = _address  # type: ignore[method-assign]


def init_app(app: Flask) -> None:
    """Make the filter `markdown` known to templates."""
    app.jinja_env.filters["markdown"] = html


def of_element(
    session: Session,
    definition_id: int,
    element_id: str,
    form: Form | None,
    variables: Mapping[str, Any],
    texts: Mapping[str, Any] | None,
) -> str | None:
    """
    Return the guidance for an element as it reads for what is known, in the language of the reader, as Markdown.

    `texts` is what stands in the fields of its form, before `variables`.
    """
    known = forms.typed_values(form, variables, g.settings.zone, texts=texts) if form else variables
    return deployed.filled_guidance(
        session, definition_id, element_id, languages.chosen(), known, saying(session, definition_id)
    )


def of_form(
    session: Session, definition_id: int, form: Form, variables: Mapping[str, Any], texts: Mapping[str, Any] | None
) -> Callable[[str], str]:
    """Return what makes of a text of a form what it reads for the values, those in the fields (`texts`) first."""
    known = forms.typed_values(form, variables, g.settings.zone, texts=texts)
    say = saying(session, definition_id)
    return lambda text: deployed.filled(session, definition_id, text, known, say)


def saying(session: Session, definition_id: int) -> Callable[[str | None, Any], str]:
    """Return what writes the values of a process into Markdown, in the words of its forms."""
    told = functools.cache(lambda: words.of(session, [definition_id]))
    return lambda name, value: escaped(told().said(name, value) if name else filters.value(value))


def escaped(text: str) -> str:
    """Return a text as Markdown that says just that wherever it stands, in one line; only `html` shows it again."""
    return " ".join(text.split()).translate(_HIDDEN)


def html(text: str | bytes | None) -> Markup:
    """Return Markdown as HTML; bytes are read as UTF-8."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    return Markup(_markdown.render((text or "")[:MAX_LENGTH]).translate(_IN_HTML))  # noqa: S704 (the renderer escapes)
