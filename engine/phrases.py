"""
What the engine says: English words with gaps, and the facts that fill them.

The English text stands once, where the reason is. Its translations have it as their key, so whoever tells a phrase in
another language looks its text up and fills in the same facts. A text without facts is taken to the letter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: Characters of one fact; what was found may be a book.
MAX_FACT = 200


class Phrase:
    """English words with gaps such as `{limit}`, and what fills them: values, lists of values, other phrases."""

    __slots__ = ("facts", "text")

    def __init__(self, text: str, /, **facts: object) -> None:
        self.text = text
        self.facts: Mapping[str, object] = facts

    def __str__(self) -> str:
        return self.told(str, lambda _, fact: str(fact))

    def __repr__(self) -> str:
        return f"Phrase({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phrase) and (self.text, self.facts) == (other.text, other.facts)

    def __hash__(self) -> int:
        return hash(str(self))

    def told(self, translated: Callable[[str], str], shown: Callable[[str, object], str]) -> str:
        """Return the phrase in a language: what `translated` makes of texts, and `shown` of a named fact."""

        def filled(name: str, fact: object) -> str:
            if isinstance(fact, Phrase):
                return fact.told(translated, shown)
            if isinstance(fact, Sequence) and not isinstance(fact, str | bytes):
                listed = translated(LIST_SEPARATOR).join(filled(name, member) for member in fact)
                return shortened(listed) if fact else translated(NOTHING)
            return shortened(shown(name, fact))

        words = translated(self.text)
        if not self.facts:
            return words
        return words.format_map({name: filled(name, fact) for name, fact in self.facts.items()})


class Size(int):
    """A fact that is a number of bytes."""

    def __str__(self) -> str:
        return f"{int(self)} bytes"


def as_json(phrase: Phrase) -> dict[str, Any]:
    """Return a phrase as it is stored, so that it can be told in any language later."""
    return {"text": phrase.text, "facts": {name: _stored(fact) for name, fact in phrase.facts.items()}}


def from_json(stored: object) -> Phrase | None:
    """Return a stored phrase; None for anything else, such as what a worker reports."""
    match stored:
        case {"text": str(text), "facts": dict(facts)}:
            return Phrase(text, **{name: _read(fact) for name, fact in facts.items()})
    return None


def dumps(phrase: Phrase) -> str:
    """Return a phrase as a text to store."""
    return json.dumps(as_json(phrase), ensure_ascii=False)


def loads(text: str | None) -> Phrase | None:
    """Return the phrase that a text holds; None for any other text."""
    if not text or not text.startswith('{"text":'):
        return None
    try:
        return from_json(json.loads(text))
    except (RecursionError, ValueError):
        return None


def _stored(fact: object) -> Any:
    if isinstance(fact, Phrase):
        return as_json(fact)
    if isinstance(fact, Size):
        return {"bytes": int(fact)}
    if isinstance(fact, Sequence) and not isinstance(fact, str | bytes):
        return [_stored(member) for member in fact]
    return fact if isinstance(fact, int) else shortened(str(fact))


def _read(fact: Any) -> object:
    if isinstance(fact, list):
        return [_read(member) for member in fact]
    if isinstance(fact, dict):
        return Size(fact["bytes"]) if "bytes" in fact else from_json(fact)
    return fact


#: Between the members of a list, and instead of an empty one.
LIST_SEPARATOR = ", "
NOTHING = "none"


def shortened(text: str, limit: int = MAX_FACT) -> str:
    """Return a text that fits into a sentence."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
