"""Pieces of a file that have no effect, and of which nobody is warned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from casepath.engine import errors
from tests.effects import pieces, reading
from tests.effects.pieces import Piece
from tests.effects.reading import Outcome


def pieces_of(path: Path, content: bytes) -> Iterator[Piece]:
    """Yield what can be taken out of a file."""
    if path.suffix == ".form":
        return pieces.of_form(content)
    return pieces.of_xml(content, reading.of(path, content).drawings)


def silent(path: Path, content: bytes, chosen: Iterable[Piece] | None = None) -> Iterator[Piece]:
    """
    Yield the pieces of a file, or the chosen ones, that have no effect and of which nobody is warned.

    What is refused has no effect at all, which its author is told.
    """
    whole = reading.of(path, content)
    if whole.made is None:
        return
    for piece in pieces_of(path, content) if chosen is None else chosen:
        if all(is_same(whole, reading.of(path, other)) for other in piece.others) and not is_told(whole, piece):
            yield piece


def is_same(whole: Outcome, other: Outcome) -> bool:
    """Whether two files come to the same."""
    return whole.told == other.told and whole.made == other.made


def is_told(whole: Outcome, piece: Piece) -> bool:
    """Whether there is a warning of a piece, or of what it is in, that counts for others like it too."""
    near = [each for each in whole.findings if each.element_id in piece.owners or " at line " in each.element_id]
    if "functionDefinition" in piece.around and any(each.code == "external-function" for each in near):
        # It is never executed, with all that is in it.
        return True
    told = {str(name).removeprefix("camunda:") for each in near for name in names(each)}
    return not told.isdisjoint({piece.name, *piece.around})


def names(finding: errors.Finding) -> Iterable[object]:
    """Return the names in a finding of what has no effect."""
    found = finding.phrase.facts.get("names", ())
    return found if isinstance(found, list | tuple) else ()
