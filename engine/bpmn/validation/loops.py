"""Rules on loops and multi-instance activities: how often, over what, until when."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import TASKS, Document, Node
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule, to_execute

THROWN = frozenset({"signal", "message", "escalation", "compensate"})
BEHAVIOR_EVENTS = {"None": "noneBehaviorEventRef", "One": "oneBehaviorEventRef"}


@rule("loop-maximum")
def loop_maximum(document: Document) -> Iterator[Problem]:
    for loop in document.all("standardLoopCharacteristics"):
        value = loop.get("loopMaximum")
        if re.fullmatch(r"-\d+|\+?0+", value):
            yield Problem(
                loop,
                f"Expected at least 1 as loopMaximum, but found {value}",
                f"loopMaximum 至少为 1，但实际为 {value}",
            )


@rule("loop-endless", "warning")
def loop_endless(document: Document) -> Iterator[Problem]:
    for loop in document.all("standardLoopCharacteristics"):
        if loop.first("loopCondition") is None and not loop.get("loopMaximum"):
            yield Problem(
                loop,
                "Expected loopCondition or loopMaximum, but found neither; the activity would repeat for ever",
                "应有 loopCondition 或 loopMaximum，但都没有；活动将无限重复",
                None if document.is_drawing(loop) else "error",
            )


@rule("multi-instance-source")
def multi_instance_source(document: Document) -> Iterator[Problem]:
    for loop in document.all("multiInstanceLoopCharacteristics"):
        sources = [name for name in ("loopCardinality", "loopDataInputRef") if loop.first(name) is not None] + [
            name for name in ("camunda:collection",) if loop.get(name)
        ]
        if not sources:
            yield Problem(
                loop,
                "Expected loopCardinality or a collection to say how many instances there are, but found neither",
                "应有 loopCardinality 或集合来确定实例数量，但都没有",
                to_execute(document, loop),
            )
        if {"loopCardinality", "loopDataInputRef"} <= set(sources):
            yield Problem(
                loop,
                "Expected either loopCardinality or loopDataInputRef, but found both; delete one",
                "loopCardinality 与 loopDataInputRef 只能有一个，但两者都有；请删除一个",
                by_the_letter(document, loop),
            )
        if loop.get("camunda:elementVariable") and not ({"loopDataInputRef", "camunda:collection"} & set(sources)):
            yield Problem(
                loop,
                "Expected a collection beside elementVariable, but found none",
                "elementVariable 需要同时指定集合（collection）",
                to_execute(document, loop),
            )


@rule("multi-instance-behavior")
def multi_instance_behavior(document: Document) -> Iterator[Problem]:
    for loop in document.all("multiInstanceLoopCharacteristics"):
        behavior = loop.get("behavior") or "All"
        complex_definitions = loop.all("complexBehaviorDefinition")
        if (behavior == "Complex") != bool(complex_definitions):
            yield Problem(
                loop,
                f"Expected complexBehaviorDefinition with behavior='Complex' and only then, but found "
                f"{len(complex_definitions)} with behavior='{behavior}'",
                f"complexBehaviorDefinition 只能且必须与 behavior='Complex' 一起使用，但 behavior='{behavior}' 时有 "
                f"{len(complex_definitions)} 个",
                to_execute(document, loop),
            )
        for value, name in BEHAVIOR_EVENTS.items():
            if behavior == value and not loop.get(name):
                yield Problem(
                    loop,
                    f"Expected {name} with behavior='{value}', but found none; name the event to throw",
                    f"behavior='{value}' 时需要 {name}；请指定要抛出的事件",
                    to_execute(document, loop),
                )
            elif behavior != value and loop.get(name):
                yield Problem(
                    loop,
                    f"Expected {name} only with behavior='{value}', but found it with behavior='{behavior}'",
                    f"{name} 只能与 behavior='{value}' 一起使用，但 behavior 为“{behavior}”",
                    "letter",
                )
        for definition in complex_definitions:
            event = definition.first("event")
            kinds = document.kinds(event) if event is not None else []
            if event is not None and (len(kinds) != 1 or kinds[0] not in THROWN):
                yield Problem(
                    loop,
                    "Expected one event that can be thrown in complexBehaviorDefinition, but found "
                    + (", ".join(kinds) or "none"),
                    "complexBehaviorDefinition 应恰好有一个可抛出的事件",
                    "letter",
                )


@rule("multi-instance-items", "letter")
def multi_instance_items(document: Document) -> Iterator[Problem]:
    """The collection is a collection, and one item of it fits the item variable."""
    for loop in document.all("multiInstanceLoopCharacteristics"):
        for reference, item_tag in (("loopDataInputRef", "inputDataItem"), ("loopDataOutputRef", "outputDataItem")):
            named = loop.first(reference)
            item = loop.first(item_tag)
            whole = document.resolve(named.text) if named is not None and named.text else None
            if named is None and item is not None and loop.first("loopCardinality") is None:
                yield Problem(
                    loop,
                    f"Expected {reference} beside {item_tag}, but found none",
                    f"{item_tag} 需要同时有 {reference}",
                )
            if whole is None:
                continue
            own = loop.parent.first("ioSpecification") if loop.parent is not None else None
            if loop.parent is not None and loop.parent.tag in TASKS and whole.parent is not own:
                yield Problem(
                    loop,
                    f"Expected an input or output of the task itself as {reference}, but found '{whole.label}'",
                    f"{reference} 应为任务自身的输入或输出，但实际为“{whole.label}”",
                )
            if not _is_collection(document, whole):
                yield Problem(
                    loop,
                    f"Expected a collection as {reference}, but '{whole.label}' is none",
                    f"{reference} 应为集合，但“{whole.label}”不是集合",
                )
            if item is not None:
                yield from _item_fits(document, loop, whole, item)


def _item_fits(document: Document, loop: Node, whole: Node, item: Node) -> Iterator[Problem]:
    of_whole, of_item = _definition(document, whole), _definition(document, item)
    if of_item is None or of_whole is None:
        return
    same = of_item.get("structureRef") == of_whole.get("structureRef")
    if not same or of_item.is_true("isCollection") or item.is_true("isCollection"):
        yield Problem(
            loop,
            f"Expected '{item.label}' to be one item of '{whole.label}', but its item definition does not fit",
            f"“{item.label}”应为“{whole.label}”中的一项，但其数据项定义不符",
        )


def _definition(document: Document, node: Node) -> Node | None:
    return document.resolve(node.get("itemSubjectRef")) if node.get("itemSubjectRef") else None


def _is_collection(document: Document, node: Node) -> bool:
    if node.tag == "dataObjectReference":
        node = document.resolve(node.get("dataObjectRef")) or node
    definition = _definition(document, node)
    return node.is_true("isCollection") or (definition is not None and definition.is_true("isCollection"))
