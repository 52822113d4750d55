"""The registry of rules: each has a name, a level, and one pure function over a document that yields what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from casepath.engine.bpmn.validation.document import Document, Node
from casepath.engine.phrases import Phrase

#: `letter`: an error where the file claims the letter of the standard, else nothing. See `is_by_the_letter`.
Level = Literal["error", "warning", "letter"]


class Breach:
    """One place that breaks a rule: what is wrong there, and what to do."""

    __slots__ = ("level", "node", "phrase")

    def __init__(self, node: Node, text: str, level: Level | None = None, /, **facts: object) -> None:
        self.node = node
        self.phrase = Phrase(text, **facts)
        #: Where it differs from the level of the rule.
        self.level = level


Check = Callable[[Document], Iterator[Breach]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check."""

    code: str
    level: Level
    check: Check


RULES: list[Rule] = []


def rule(code: str, level: Level = "error") -> Callable[[Check], Check]:
    """Register a check under a stable name."""

    def register(check: Check) -> Check:
        RULES.append(Rule(code, level, check))
        return check

    return register


def by_the_letter(document: Document, node: Node) -> Level | None:
    """For demands that only the standard makes, no engine in use: an error where the file claims the letter of it."""
    return None if is_by_the_letter(document, node) else "warning"


def is_by_the_letter(document: Document, node: Node) -> bool:
    """Whether the file claims the letter of the standard, and the node's process, if any, is to be executed."""
    return document.formal and (document.process(node) is None or document.is_executable(node))


def to_execute(document: Document, node: Node) -> Level | None:
    """For what matters only when the process runs: a warning where it is only a drawing."""
    return "warning" if document.is_drawing(node) else None
