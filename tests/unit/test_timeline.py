"""Every kind of event that the engine records is told in words, in the timeline and in its export."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from casepath.web.process_instances import sentences

ENGINE = Path(__file__).resolve().parents[2] / "engine"
KIND = re.compile(rf"({'|'.join(sentences.NOUNS)})\.[a-z_]+")


def recorded() -> set[str]:
    """What looks like the kind of an event of a process instance in the sources of the engine."""
    found: set[str] = set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
                found.add(node.value)
    return found


def test_every_kind_of_event_is_told() -> None:
    assert len(recorded()) > 40
    assert sorted(recorded() - sentences.SENTENCES.keys()) == []
    assert {kind.partition(".")[0] for kind in sentences.SENTENCES} == sentences.NOUNS.keys()
