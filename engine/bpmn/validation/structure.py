"""Rules on the shape of the file: elements, attributes, values and numbers as the metamodel has them; ids; URIs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casepath.engine.bpmn.validation import metamodel
from casepath.engine.bpmn.validation.document import Document, Node
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule, to_execute

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
def unknown_element(document: Document) -> Iterator[Problem]:
    for node, known in _typed(document):
        for child in node.children if node.tag not in metamodel.FREE else ():
            if child.tag.startswith("{}"):
                yield Problem(
                    child,
                    f"Expected elements of BPMN 2.0, but found '{child.tag[2:]}' without a namespace; add its prefix",
                    f"应为 BPMN 2.0 元素，但“{child.tag[2:]}”没有命名空间；请补充前缀",
                )
            if child.tag.startswith("{") or ":" in child.tag or child.tag in known.slots:
                continue
            if metamodel.element(child.tag) is None and child.tag not in metamodel.GROUPS:
                yield Problem(
                    child,
                    f"Expected an element of BPMN 2.0, but found '{child.tag}'; delete it or correct its name",
                    f"应为 BPMN 2.0 元素，但发现了“{child.tag}”；请删除或更正名称",
                )
            else:
                yield Problem(
                    child,
                    f"Expected nothing like '{child.tag}' inside '{node.tag}'; move it to where BPMN allows it",
                    f"“{node.tag}”中不允许出现“{child.tag}”；请将其移到 BPMN 允许的位置",
                )


@rule("foreign-element", "warning")
def foreign_element(document: Document) -> Iterator[Problem]:
    for node, _ in _typed(document):
        if node.tag in metamodel.FREE or node is document.root:
            continue
        for child in node.children:
            if ":" in child.tag and not child.tag.startswith("{}"):
                name = child.tag.rpartition("}")[2]
                yield Problem(
                    child,
                    f"Expected '{name}' inside 'extensionElements'; here it has no effect, move it there",
                    f"“{name}”应放在“extensionElements”中；在此处不起作用，请移动",
                )


@rule("unknown-attribute", "warning")
def unknown_attribute(document: Document) -> Iterator[Problem]:
    for node, known in _typed(document):
        for name in node.attributes:
            if name not in known.attributes and ":" not in name and not name.startswith("{"):
                yield Problem(
                    node,
                    f"Expected only attributes that BPMN knows on '{node.tag}', but found '{name}'; it has no effect",
                    f"“{node.tag}”上只能使用 BPMN 定义的属性，但发现了“{name}”；该属性不起作用",
                )


@rule("attribute-value")
def attribute_value(document: Document) -> Iterator[Problem]:
    for node, known in _typed(document):
        for name, values in known.attributes.items():
            value = node.get(name)
            if name not in node.attributes or values == "text" or _is_value(value, values):
                continue
            allowed = {"integer": "a whole number", "boolean": "true or false"}.get(values, values.replace("|", ", "))
            allowed_zh = {"integer": "整数", "boolean": "true 或 false"}.get(values, values.replace("|", "、"))
            yield Problem(
                node,
                f"Expected {allowed} as '{name}' of '{node.tag}', but found '{value}'",
                f"“{node.tag}”的“{name}”应为 {allowed_zh}，但实际为“{value}”",
                by_the_letter(document, node) if name in FORGIVEN_VALUES else None,
            )


def _is_value(value: str, values: str) -> bool:
    if values == "boolean":
        return value in {"true", "false", "1", "0"}
    if values == "integer":
        return re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII) is not None
    return value in values.split("|")


@rule("missing-attribute")
def missing_attribute(document: Document) -> Iterator[Problem]:
    for node, known in _typed(document):
        for name in sorted(known.required):
            if not node.get(name):
                yield Problem(
                    node,
                    f"Expected the attribute '{name}' on '{node.tag}', but found none; add it",
                    f"“{node.tag}”缺少属性“{name}”；请补充",
                    by_the_letter(document, node) if (node.tag, name) in FORGIVEN_ATTRIBUTES else None,
                )


@rule("child-number")
def child_number(document: Document) -> Iterator[Problem]:
    for node, known in _typed(document):
        if node.tag in metamodel.FREE:
            continue
        for name, slot in known.children.items():
            if slot.least == 0 and slot.most is None:
                continue
            found = node.all(*slot.tags)
            if len(found) < slot.least:
                forgiven = (node.tag, name) in FORGIVEN_CHILDREN
                yield Problem(
                    node,
                    f"Expected at least {slot.least} '{name}' inside '{node.tag}', but found {len(found)}; add it",
                    f"“{node.tag}”中至少需要 {slot.least} 个“{name}”，但实际有 {len(found)} 个；请补充",
                    by_the_letter(document, node) if forgiven else to_execute(document, node),
                )
            elif slot.most is not None and len(found) > slot.most:
                yield Problem(
                    found[slot.most],
                    f"Expected at most {slot.most} '{name}' inside '{node.tag}', but found {len(found)}; "
                    "delete the others",
                    f"“{node.tag}”中最多允许 {slot.most} 个“{name}”，但实际有 {len(found)} 个；请删除多余的",
                )


@rule("duplicate-id")
def duplicate_id(document: Document) -> Iterator[Problem]:
    for name, carriers in document.carriers.items():
        for node in carriers[1:]:
            yield Problem(
                node,
                f"Expected '{name}' as the id of one element, but found it at line {carriers[0].line} too; "
                "give each its own id",
                f"标识“{name}”只能用于一个元素，但第 {carriers[0].line} 行也使用了它；请为每个元素指定不同的标识",
            )


@rule("id-form", "warning")
def id_form(document: Document) -> Iterator[Problem]:
    for name, carriers in document.carriers.items():
        if name and not re.search(r"[\s<>&\"']", name):
            continue
        yield Problem(
            carriers[0],
            f"Expected an id without spaces and quotes, but found '{name}'; rename it",
            f"标识不能包含空格或引号，但实际为“{name}”；请重命名",
        )


@rule("mime-type")
def mime_type(document: Document) -> Iterator[Problem]:
    for node in document.all("documentation", "textAnnotation"):
        value = node.get("textFormat")
        if value and not MIME_TYPE.fullmatch(value):
            yield Problem(
                node,
                f"Expected a MIME type such as text/plain as textFormat, but found '{value}'",
                f"textFormat 应为 MIME 类型（如 text/plain），但实际为“{value}”",
                by_the_letter(document, node),
            )


@rule("uri-form")
def uri_form(document: Document) -> Iterator[Problem]:
    for node in document.nodes:
        if ":" in node.tag or node.tag.startswith("{"):
            continue
        for name in URI_ATTRIBUTES:
            value = node.get(name)
            if value and BROKEN_URI.search(value):
                yield Problem(
                    node,
                    f"Expected a URI as '{name}', but found '{value}'",
                    f"“{name}”应为 URI，但实际为“{value}”",
                    by_the_letter(document, node),
                )


@rule("property-place")
def property_place(document: Document) -> Iterator[Problem]:
    for node in document.root.all("property"):
        yield Problem(
            node,
            f"Expected property {node.label} inside a process, activity or event, but found it at the top level",
            f"属性 {node.label} 应放在流程、活动或事件中，但它位于顶层",
        )


@rule("extension-understood")
def extension_understood(document: Document) -> Iterator[Problem]:
    for node in document.root.all("extension"):
        if node.is_true("mustUnderstand"):
            yield Problem(
                node,
                f"Expected only extensions that may be ignored, but '{node.get('definition')}' must be understood",
                f"扩展“{node.get('definition')}”要求必须理解，但本引擎不识别",
            )


@rule("import")
def import_unresolved(document: Document) -> Iterator[Problem]:
    for node in document.root.all("import"):
        yield Problem(
            node,
            f"Expected everything in this file, but found an import of '{node.get('location')}'; it is not read",
            f"所有内容应在本文件中，但发现了对“{node.get('location')}”的导入；不会读取它",
            by_the_letter(document, node),
        )
