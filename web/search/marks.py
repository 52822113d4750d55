"""Which part of a text is what somebody looked for, whatever its spelling."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from casepath.engine.database import terms

#: Characters that are shown before and behind the first place in a long text.
BEFORE, BEHIND = 12, 60


def places(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where words stand in a text, as beginnings and ends, in order, none within another."""
    read = [(letter, index) for index, character in enumerate(text) for letter in terms.compact(character)]
    letters = "".join(letter for letter, _ in read)
    found = set()
    for word in words:
        start = letters.find(word) if word else -1
        while start >= 0:
            found.add((read[start][1], read[start + len(word) - 1][1] + 1))
            start = letters.find(word, start + len(word))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def marked(text: str, words: Sequence[str]) -> Markup:
    """Return a text in HTML, with what was looked for between `<mark>` and `</mark>`."""
    parts, last = [], 0
    for start, end in places(text, words):
        parts += [escape(text[last:start]), Markup("<mark>"), escape(text[start:end]), Markup("</mark>")]
        last = end
    return Markup().join([*parts, escape(text[last:])])


def excerpt(text: str, words: Sequence[str]) -> Markup | None:
    """Return the neighbourhood of the first place in HTML, marked; None where there is no place."""
    found = places(text, words)
    if not found:
        return None
    start, end = max(found[0][0] - BEFORE, 0), min(found[0][1] + BEHIND, len(text))
    # What is shorter than the sign that something is left out is not left out.
    start, end = (0 if start <= 1 else start), (len(text) if end >= len(text) - 1 else end)
    shown = marked(" ".join(text[start:end].split()), words)
    return escape("…" if start else "") + shown + escape("…" if end < len(text) else "")
