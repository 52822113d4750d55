"""What a diagram names and does not hold itself: forms, decisions, other processes, topics and people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from casepath.engine import errors
from casepath.engine.bpmn.validation.document import Document, Node
from casepath.engine.phrases import Phrase

#: Attributes by the kind of what they name; people are listed, with commas between them.
KINDS: Mapping[str, str] = {
    "calledElement": "process",
    "camunda:assignee": "user",
    "camunda:candidateStarterUsers": "user",
    "camunda:candidateUsers": "user",
    "camunda:decisionRef": "decision",
    "camunda:formKey": "form",
    "camunda:formRef": "form",
    "camunda:topic": "topic",
}
_WORDS: Mapping[str, Phrase] = {
    "decision": Phrase("a decision"),
    "form": Phrase("a form"),
    "process": Phrase("a process"),
    "topic": Phrase("a topic that is served"),
    "user": Phrase("a user"),
}


def check(document: Document, file: str, known: Mapping[str, Collection[str]]) -> list[errors.Finding]:
    """
    Return a warning for everything named that is not among `known`, keys by kind; expressions name nothing yet.

    Nothing is said of a kind that is not among them: nobody knows whom there is.
    """
    return [
        errors.Finding(
            level="warning",
            code=f"unknown-{kind}",
            file=file,
            element_id=node.label,
            name=node.name,
            line=node.line,
            phrase=Phrase("Expected {kind} that is there, but nobody has '{key}'", kind=_WORDS[kind], key=key),
        )
        for node, kind, key in _mentions(document)
        if key not in known.get(kind, (key,))
    ]


def form_name(key: str) -> str:
    """Return the key of a form without prefixes such as `camunda-forms:deployment:` and without its file's ending."""
    return PurePosixPath(key.rpartition(":")[2]).name.removesuffix(".form").removesuffix(".json")


def _mentions(document: Document) -> Iterator[tuple[Node, str, str]]:
    for node in document.nodes:
        for attribute, kind in KINDS.items():
            text = node.get(attribute)
            if not text or "{" in text or not document.is_executable(node):
                continue
            if kind == "process":
                if document.resolve(text) is None:
                    yield node, kind, text.rpartition(":")[2]
            elif kind == "form":
                yield node, kind, form_name(text)
            else:
                for key in text.split(",") if kind == "user" else [text]:
                    yield node, kind, key.strip()
