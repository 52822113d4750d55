"""Rules on lengths: what the tables of a running process could not keep is refused before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import FLOW_NODES, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, rule, to_execute

#: Characters, as the columns have them.
MAX_LENGTH = 255
#: What becomes a column as it stands; names of people and groups are a list with commas.
ATTRIBUTES = (
    "camunda:assignee",
    "camunda:candidateGroups",
    "camunda:candidateUsers",
    "camunda:formKey",
    "camunda:topic",
    "camunda:versionTag",
)
LISTS = frozenset({"camunda:candidateGroups", "camunda:candidateUsers"})
#: What is told apart by its id, and what by its name.
WITH_ID = (*FLOW_NODES, "process", "sequenceFlow")
WITH_NAME = ("message", "signal")


@rule("too-long")
def fits(document: Document) -> Iterator[Breach]:
    """Ids, names and attributes have room; what an expression gives is looked at when it is evaluated."""
    for node in document.nodes:
        for attribute, value in _kept(node):
            if len(value) > MAX_LENGTH and not value.lstrip().startswith(("${", "#{")):
                yield Breach(
                    node,
                    "At most {limit} characters have room as {attribute}, but this has {length}: shorten it",
                    to_execute(document, node),
                    limit=MAX_LENGTH,
                    attribute=attribute.removeprefix("camunda:"),
                    length=len(value),
                )


def _kept(node: Node) -> Iterator[tuple[str, str]]:
    if node.tag in WITH_ID:
        yield "id", node.id
    if node.tag in WITH_NAME:
        yield "name", node.get("name")
    for attribute in ATTRIBUTES:
        value = node.get(attribute)
        # An expression may have commas in it.
        parts = value.split(",") if attribute in LISTS and "{" not in value else [value]
        yield from ((attribute, part.strip()) for part in parts)
