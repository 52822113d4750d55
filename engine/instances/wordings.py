"""What people are told: as it was written, and in other languages beside it; each reads it in his own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from casepath.engine.database import values

#: Subject and text by language, as they are stored.
Stored = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What people are told, in one language."""

    subject: str
    text: str = ""


def stored(translated: Mapping[str, Wording]) -> dict[str, list[str]]:
    """Return other languages as an event tells them."""
    return {language: [said.subject, said.text] for language, said in translated.items()}


def dumps(translated: Mapping[str, Wording]) -> str | None:
    """Return other languages as a row keeps them; None where there are none."""
    return values.dumps(stored(translated)) if translated else None


def loads(text: str | None) -> dict[str, list[str]]:
    """Return the other languages of a row."""
    return json.loads(text) if text else {}


def told(own: Wording, others: Stored, language: str) -> Wording:
    """Return what is said to a reader of a language: in it where there are words in it, else as it was written."""
    subject, text = others.get(language, (own.subject, own.text))
    return Wording(subject=subject, text=text)
