"""Rules on the shape of the file: elements, attributes, values and numbers as the metamodel has them; ids; URIs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casepath.engine.bpmn.validation import metamodel
from casepath.engine.bpmn.validation.document import Document, Node
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule, to_execute
from casepath.engine.phrases import Phrase

#: Widely left out by tools, and nothing depends on them.
FORGIVEN_ATTRIBUTES = frozenset(
    {
        ("definitions", "targetNamespace"),
        ("interface", "name"),
        ("linkEventDefinition", "name"),
        ("operation", "name"),
        ("relationship", "type"),
        ("resource", "name"),
    }
)
FORGIVEN_CHILDREN = frozenset(
    {
        ("callChoreography", "participantRef"),
        ("choreographyTask", "messageFlowRef"),
        ("choreographyTask", "participantRef"),
        ("correlationProperty", "correlationPropertyRetrievalExpression"),
        ("dataInputAssociation", "targetRef"),
        ("interface", "operation"),
        ("ioSpecification", "inputSet"),
        ("ioSpecification", "outputSet"),
        ("operation", "inMessageRef"),
        ("relationship", "source"),
        ("relationship", "target"),
        ("subChoreography", "participantRef"),
    }
)
FORGIVEN_VALUES = frozenset(
    {
        "associationDirection",
        "direction",
        "gatewayDirection",
        "isClosed",
        "itemKind",
        "loopType",
        "processType",
    }
)
#: Kinds of values that are no lists of them.
KINDS = {"integer": Phrase("a whole number"), "boolean": Phrase("`true` or `false`")}
URI_ATTRIBUTES = ("expressionLanguage", "typeLanguage", "language", "scriptLanguage", "method", "importType")
MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+*-]+(\s*;.*)?")
BROKEN_URI = re.compile(r"%(?![0-9A-Fa-f]{2})|[\s<>\"{}|\\^`]")


def _typed(document: Document) -> Iterator[tuple[Node, metamodel.Element]]:
    """Every BPMN element with what the metamodel says of it; nothing below free contents."""
    waiting = [(document.root, "definitions")]
    while waiting:
        node, contents = waiting.pop()
        known = metamodel.element("formalExpression" if contents == "expression" else contents)
        if known is None:
            continue
        yield node, known
        if contents in metamodel.FREE:
            continue
        for child in node.children:
            slot = known.slots.get(child.tag)
            if slot is not None:
                waiting.append((child, slot.contents or child.tag))


@rule("unknown-element")
def unknown_element(document: Document) -> Iterator[Breach]:
    for node, known in _typed(document):
        for child in node.children if node.tag not in metamodel.FREE else ():
            if child.tag.startswith("{}"):
                yield Breach(
                    child,
                    "Expected elements of BPMN 2.0, but found '{tag}' without a namespace; add its prefix",
                    tag=child.tag[2:],
                )
            if child.tag.startswith("{") or ":" in child.tag or child.tag in known.slots:
                continue
            if metamodel.element(child.tag) is None and child.tag not in metamodel.GROUPS:
                yield Breach(
                    child,
                    "Expected an element of BPMN 2.0, but found '{tag}'; delete it or correct its name",
                    tag=child.tag,
                )
            else:
                yield Breach(
                    child,
                    "Expected nothing like '{tag}' inside '{node_tag}'; move it to where BPMN allows it",
                    tag=child.tag,
                    node_tag=node.tag,
                )


@rule("foreign-element", "warning")
def foreign_element(document: Document) -> Iterator[Breach]:
    for node, _ in _typed(document):
        if node.tag in metamodel.FREE or node is document.root:
            continue
        for child in node.children:
            if ":" in child.tag and not child.tag.startswith("{}"):
                name = child.tag.rpartition("}")[2]
                yield Breach(
                    child,
                    "Expected '{name}' inside 'extensionElements'; here it has no effect, move it there",
                    name=name,
                )


@rule("unknown-attribute", "warning")
def unknown_attribute(document: Document) -> Iterator[Breach]:
    for node, known in _typed(document):
        for name in node.attributes:
            if name not in known.attributes and ":" not in name and not name.startswith("{"):
                yield Breach(
                    node,
                    "Expected only attributes that BPMN knows on '{tag}', but found '{name}'; it has no effect",
                    tag=node.tag,
                    name=name,
                )


@rule("attribute-value")
def attribute_value(document: Document) -> Iterator[Breach]:
    for node, known in _typed(document):
        for name, values in known.attributes.items():
            value = node.get(name)
            if name not in node.attributes or values == "text" or _is_value(value, values):
                continue
            yield Breach(
                node,
                "Expected {allowed} as '{name}' of '{tag}', but found '{value}'",
                by_the_letter(document, node) if name in FORGIVEN_VALUES else None,
                allowed=KINDS.get(values) or values.split("|"),
                name=name,
                tag=node.tag,
                value=value,
            )


def _is_value(value: str, values: str) -> bool:
    if values == "boolean":
        return value in {"true", "false", "1", "0"}
    if values == "integer":
        return re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII) is not None
    return value in values.split("|")


@rule("missing-attribute")
def missing_attribute(document: Document) -> Iterator[Breach]:
    for node, known in _typed(document):
        for name in sorted(known.required):
            if not node.get(name):
                yield Breach(
                    node,
                    "Expected the attribute '{name}' on '{tag}', but found none; add it",
                    by_the_letter(document, node) if (node.tag, name) in FORGIVEN_ATTRIBUTES else None,
                    name=name,
                    tag=node.tag,
                )


@rule("child-number")
def child_number(document: Document) -> Iterator[Breach]:
    for node, known in _typed(document):
        if node.tag in metamodel.FREE:
            continue
        for name, slot in known.children.items():
            if slot.least == 0 and slot.most is None:
                continue
            found = node.all(*slot.tags)
            if len(found) < slot.least:
                forgiven = (node.tag, name) in FORGIVEN_CHILDREN
                yield Breach(
                    node,
                    "Expected at least {least} '{name}' inside '{tag}', but found {count}; add it",
                    by_the_letter(document, node) if forgiven else to_execute(document, node),
                    least=slot.least,
                    name=name,
                    tag=node.tag,
                    count=len(found),
                )
            elif slot.most is not None and len(found) > slot.most:
                yield Breach(
                    found[slot.most],
                    "Expected at most {most} '{name}' inside '{tag}', but found {count}; delete the others",
                    by_the_letter(document, node) if name == "extensionElements" else None,
                    most=slot.most,
                    name=name,
                    tag=node.tag,
                    count=len(found),
                )


@rule("duplicate-id")
def duplicate_id(document: Document) -> Iterator[Breach]:
    for name, carriers in document.carriers.items():
        for node in carriers[1:]:
            yield Breach(
                node,
                "Expected '{name}' as the id of one element, but found it at line {line} too; give each its own id",
                name=name,
                line=carriers[0].line,
            )


@rule("id-form", "warning")
def id_form(document: Document) -> Iterator[Breach]:
    for name, carriers in document.carriers.items():
        if name and not re.search(r"[\s<>&\"']", name):
            continue
        yield Breach(carriers[0], "Expected an id without spaces and quotes, but found '{name}'; rename it", name=name)


@rule("mime-type")
def mime_type(document: Document) -> Iterator[Breach]:
    for node in document.all("documentation", "textAnnotation"):
        value = node.get("textFormat")
        if value and not MIME_TYPE.fullmatch(value):
            yield Breach(
                node,
                "Expected a MIME type such as text/plain as textFormat, but found '{value}'",
                by_the_letter(document, node),
                value=value,
            )


@rule("uri-form")
def uri_form(document: Document) -> Iterator[Breach]:
    for node in document.nodes:
        if ":" in node.tag or node.tag.startswith("{"):
            continue
        for name in URI_ATTRIBUTES:
            value = node.get(name)
            if value and BROKEN_URI.search(value):
                yield Breach(
                    node,
                    "Expected a URI as '{name}', but found '{value}'",
                    by_the_letter(document, node),
                    name=name,
                    value=value,
                )


@rule("property-place")
def property_place(document: Document) -> Iterator[Breach]:
    for node in document.root.all("property"):
        yield Breach(
            node,
            "Expected property {label} inside a process, activity or event, but found it at the top level",
            label=node.label,
        )


@rule("extension-understood")
def extension_understood(document: Document) -> Iterator[Breach]:
    for node in document.root.all("extension"):
        if node.is_true("mustUnderstand"):
            yield Breach(
                node,
                "Expected only extensions that may be ignored, but '{definition}' must be understood",
                definition=node.get("definition"),
            )


@rule("import")
def import_unresolved(document: Document) -> Iterator[Breach]:
    for node in document.root.all("import"):
        yield Breach(
            node,
            "Expected everything in this file, but found an import of '{location}'; it is not read",
            by_the_letter(document, node),
            location=node.get("location"),
        )
