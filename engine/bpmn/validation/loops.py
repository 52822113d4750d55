"""Rules on loops and multi-instance activities: how often, over what, until when."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import TASKS, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule, to_execute

THROWN = frozenset({"signal", "message", "escalation", "compensate"})
BEHAVIOR_EVENTS = {"None": "noneBehaviorEventRef", "One": "oneBehaviorEventRef"}


@rule("loop-maximum")
def loop_maximum(document: Document) -> Iterator[Breach]:
    for loop in document.all("standardLoopCharacteristics"):
        value = loop.get("loopMaximum")
        if re.fullmatch(r"-\d+|\+?0+", value):
            yield Breach(loop, "Expected at least 1 as loopMaximum, but found {value}", value=value)


@rule("loop-endless", "warning")
def loop_endless(document: Document) -> Iterator[Breach]:
    for loop in document.all("standardLoopCharacteristics"):
        if loop.first("loopCondition") is None and not loop.get("loopMaximum"):
            yield Breach(
                loop,
                "Expected loopCondition or loopMaximum, but found neither; the activity would repeat for ever",
                None if document.is_drawing(loop) else "error",
            )


@rule("multi-instance-source")
def multi_instance_source(document: Document) -> Iterator[Breach]:
    for loop in document.all("multiInstanceLoopCharacteristics"):
        sources = [name for name in ("loopCardinality", "loopDataInputRef") if loop.first(name) is not None] + [
            name for name in ("camunda:collection",) if loop.get(name)
        ]
        if not sources:
            yield Breach(
                loop,
                "Expected loopCardinality or a collection to say how many instances there are, but found neither",
                to_execute(document, loop),
            )
        if {"loopCardinality", "loopDataInputRef"} <= set(sources):
            yield Breach(
                loop,
                "Expected either loopCardinality or loopDataInputRef, but found both; delete one",
                by_the_letter(document, loop),
            )
        if loop.get("camunda:elementVariable") and not ({"loopDataInputRef", "camunda:collection"} & set(sources)):
            yield Breach(
                loop,
                "Expected a collection beside elementVariable, but found none",
                to_execute(document, loop),
            )


@rule("multi-instance-answers", "warning")
def multi_instance_answers(document: Document) -> Iterator[Breach]:
    for loop in document.all("multiInstanceLoopCharacteristics"):
        task = loop.parent
        if task is None or task.tag != "userTask" or not (task.get("camunda:formKey") or task.get("camunda:formRef")):
            continue
        if loop.first("loopDataOutputRef") is None and not task.all("camunda:outputParameter"):
            yield Breach(
                loop,
                "Expected the answers to be gathered by loopDataOutputRef or an output parameter, but found neither; "
                "each replaces the one before, and {variable} has them all in the end",
                variable=f"{task.id}_answers",
            )


@rule("multi-instance-behavior")
def multi_instance_behavior(document: Document) -> Iterator[Breach]:
    for loop in document.all("multiInstanceLoopCharacteristics"):
        behavior = loop.get("behavior") or "All"
        complex_definitions = loop.all("complexBehaviorDefinition")
        if (behavior == "Complex") != bool(complex_definitions):
            yield Breach(
                loop,
                "Expected complexBehaviorDefinition with behavior='Complex' and only then, but found {count} with "
                "behavior='{behavior}'",
                to_execute(document, loop),
                count=len(complex_definitions),
                behavior=behavior,
            )
        for value, name in BEHAVIOR_EVENTS.items():
            if behavior == value and not loop.get(name):
                yield Breach(
                    loop,
                    "Expected {name} with behavior='{value}', but found none; name the event to throw",
                    to_execute(document, loop),
                    name=name,
                    value=value,
                )
            elif behavior != value and loop.get(name):
                yield Breach(
                    loop,
                    "Expected {name} only with behavior='{value}', but found it with behavior='{behavior}'",
                    "letter",
                    name=name,
                    value=value,
                    behavior=behavior,
                )
        for definition in complex_definitions:
            event = definition.first("event")
            kinds = document.kinds(event) if event is not None else []
            if event is not None and (len(kinds) != 1 or kinds[0] not in THROWN):
                yield Breach(
                    loop,
                    "Expected one event that can be thrown in complexBehaviorDefinition, but found {kinds}",
                    "letter",
                    kinds=kinds,
                )


@rule("multi-instance-items", "letter")
def multi_instance_items(document: Document) -> Iterator[Breach]:
    """The collection is a collection, and one item of it fits the item variable."""
    for loop in document.all("multiInstanceLoopCharacteristics"):
        for reference, item_tag in (("loopDataInputRef", "inputDataItem"), ("loopDataOutputRef", "outputDataItem")):
            named = loop.first(reference)
            item = loop.first(item_tag)
            whole = document.resolve(named.text) if named is not None and named.text else None
            if named is None and item is not None and loop.first("loopCardinality") is None:
                yield Breach(
                    loop,
                    "Expected {reference} beside {item_tag}, but found none",
                    reference=reference,
                    item_tag=item_tag,
                )
            if whole is None:
                continue
            own = loop.parent.first("ioSpecification") if loop.parent is not None else None
            if loop.parent is not None and loop.parent.tag in TASKS and whole.parent is not own:
                yield Breach(
                    loop,
                    "Expected an input or output of the task itself as {reference}, but found '{label}'",
                    reference=reference,
                    label=whole.label,
                )
            if not _is_collection(document, whole):
                yield Breach(
                    loop,
                    "Expected a collection as {reference}, but '{label}' is none",
                    reference=reference,
                    label=whole.label,
                )
            if item is not None:
                yield from _item_fits(document, loop, whole, item)


def _item_fits(document: Document, loop: Node, whole: Node, item: Node) -> Iterator[Breach]:
    of_whole, of_item = _definition(document, whole), _definition(document, item)
    if of_item is None or of_whole is None:
        return
    same = of_item.get("structureRef") == of_whole.get("structureRef")
    if not same or of_item.is_true("isCollection") or item.is_true("isCollection"):
        yield Breach(
            loop,
            "Expected '{label}' to be one item of '{whole_label}', but its item definition does not fit",
            label=item.label,
            whole_label=whole.label,
        )


def _definition(document: Document, node: Node) -> Node | None:
    return document.resolve(node.get("itemSubjectRef")) if node.get("itemSubjectRef") else None


def _is_collection(document: Document, node: Node) -> bool:
    if node.tag == "dataObjectReference":
        node = document.resolve(node.get("dataObjectRef")) or node
    definition = _definition(document, node)
    return node.is_true("isCollection") or (definition is not None and definition.is_true("isCollection"))
