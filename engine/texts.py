"""Texts that people and workers hand in: what a database can store, and how long they may be."""

from __future__ import annotations

from casepath.engine import errors
from casepath.engine.phrases import Phrase

#: Stands for what is no character.
REPLACEMENT = "\ufffd"


def checked(text: str, *, name: str, limit: int, required: bool = True) -> str:
    """
    Return a text without white space around it; raises `InvalidInput` where it is too long, empty or not storable.

    `name` says what the text is for, such as `a comment`; `limit` counts characters.
    """
    stripped = text.strip()
    if required and not stripped:
        raise errors.InvalidInput("Please write {name}; there is nothing yet.", code="text-missing", name=Phrase(name))
    return require(stripped, name=name, limit=limit)


def require(text: str, *, name: str, limit: int | None = None) -> str:
    """Return a text as it is; raises `InvalidInput` where it is too long or no database can store it."""
    if limit is not None and len(text) > limit:
        raise errors.InvalidInput(
            "At most {limit} characters are possible for {name}; yours has {length}.",
            code="text-too-long",
            name=Phrase(name),
            limit=limit,
            length=len(text),
        )
    if "\x00" in text or not (text.isascii() or text == storable(text)):
        raise errors.InvalidInput(
            "Please write {name} in ordinary characters; something in it is none.",
            code="text-not-unicode",
            name=Phrase(name),
        )
    return text


def storable(text: str, *, limit: int | None = None) -> str:
    """Return a text that every database can store, cut at `limit` characters."""
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def foreign_line(content: bytes) -> int | None:
    """Return the number of the first line of a file that is not UTF-8, from 1; a byte order mark is part of UTF-8."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return None
