"""Prose by words: Chinese by character, all else by word; lines that are the same are told only around what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from casepath.engine.deployments.comparison.values import Piece

TOKENS = re.compile(r"[A-Za-z0-9_'’-]+|\s+|.", re.DOTALL)
#: Lines told before and behind what differs.
AROUND = 2
#: Characters that stay between two changes and are told with them: nobody reads two changes around a comma.
CRUMBS = 1


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """Return a text as what stayed, went and came."""
    olds, news = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Piece] = []
    for kind, i, j, k, m in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        if kind == "equal":
            found += _context(olds[i:j], is_first=i == 0, is_last=j == len(olds))
        else:
            found += _words("".join(olds[i:j]), "".join(news[k:m]))
    return tuple(_joined(found))


def _context(lines: list[str], *, is_first: bool, is_last: bool) -> Iterator[Piece]:
    head = 0 if is_first else AROUND
    tail = 0 if is_last else AROUND
    if len(lines) <= head + tail + 1:
        yield Piece("same", "".join(lines))
        return
    yield Piece("same", "".join(lines[:head]))
    yield Piece("skipped", str(len(lines) - head - tail))
    yield Piece("same", "".join(lines[len(lines) - tail :]))


def _words(before: str, after: str) -> Iterator[Piece]:
    olds, news = TOKENS.findall(before), TOKENS.findall(after)
    blocks = SequenceMatcher(None, olds, news, autojunk=False).get_opcodes()
    removed = added = ""
    for number, (kind, i, j, k, m) in enumerate(blocks):
        words = "".join(olds[i:j])
        is_crumb = 0 < number < len(blocks) - 1 and len(words.strip()) <= CRUMBS and "\n" not in words
        if kind == "equal" and not is_crumb:
            yield from _turned(removed, added)
            removed = added = ""
            yield Piece("same", words)
        else:
            removed += words
            added += "".join(news[k:m])
    yield from _turned(removed, added)


def _turned(removed: str, added: str) -> Iterator[Piece]:
    if removed:
        yield Piece("removed", removed)
    if added:
        yield Piece("added", added)


def _joined(found: list[Piece]) -> Iterator[Piece]:
    """Yield pieces, those of one kind that follow each other as one."""
    last: Piece | None = None
    for piece in found:
        if not piece.text:
            continue
        if last is not None and last.kind == piece.kind != "skipped":
            last = Piece(piece.kind, last.text + piece.text)
        else:
            if last is not None:
                yield last
            last = piece
    if last is not None:
        yield last
