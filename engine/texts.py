"""Texts that people and workers hand in: what a database can store, and how long they may be."""

from __future__ import annotations

from casepath.engine import errors

#: Stands for what is no character.
REPLACEMENT = "\ufffd"


def checked(text: str, *, name: str, limit: int, required: bool = True) -> str:
    """
    Return a text without white space around it; raises `InvalidInput` where it is too long, empty or not storable.

    `name` says in the message what the text is for, `limit` counts characters.
    """
    stripped = text.strip()
    if required and not stripped:
        raise errors.InvalidEntry("text-missing", name=name)
    if len(stripped) > limit:
        raise errors.InvalidEntry("text-too-long", name=name, limit=limit, length=len(stripped))
    if stripped != storable(stripped):
        raise errors.InvalidEntry("text-not-unicode", name=name)
    return stripped


def storable(text: str, *, limit: int | None = None) -> str:
    """Return a text that every database can store, cut at `limit` characters."""
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
