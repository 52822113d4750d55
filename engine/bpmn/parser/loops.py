"""Reading how an activity is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from casepath.engine.bpmn.model import Condition, EventDefinition, Loop
from casepath.engine.bpmn.parser.events import event_definition, event_definitions
from casepath.engine.bpmn.parser.markup import (
    BPMN,
    child_text,
    children,
    extension,
    extension_children,
    extensions,
    flag,
    reference,
    tag,
)
from casepath.engine.bpmn.parser.source import Source
from casepath.engine.expressions import compile_expression


def read_loop(source: Source, element: etree._Element) -> Loop | None:
    """Read how an activity is repeated."""
    compiler = source.compiler
    for child in children(element, "standardLoopCharacteristics"):
        maximum = child.get("loopMaximum")
        return Loop(
            kind="standard",
            test_before=flag(child.get("testBefore")),
            maximum=int(maximum) if maximum else None,
            condition=compiler.condition(child.find(BPMN + "loopCondition")),
        )
    for child in children(element, "multiInstanceLoopCharacteristics"):
        return read_instances(source, child, element)
    return None


def read_instances(source: Source, child: etree._Element, element: etree._Element) -> Loop:
    """Read how many instances there are and when they are done."""
    compiler = source.compiler
    cardinality = child.find(BPMN + "loopCardinality")
    collection = extension(child, "collection")
    element_variable = extension(child, "elementVariable")
    referred = child_text(child, "loopDataInputRef")
    if collection is None and referred:
        collection = source.data_source(element, reference(referred) or "")
    if element_variable is None:
        element_variable = item_name(child, "inputDataItem")
    output = child_text(child, "loopDataOutputRef")
    answers = answers_of(element)
    behavior: Any = (child.get("behavior") or "All").lower()
    return Loop(
        kind="sequential" if flag(child.get("isSequential")) else "parallel",
        cardinality=compiler.expression(child, "".join(cardinality.itertext()), bare=True)
        if cardinality is not None
        else None,
        collection=compiler.expression(child, collection, bare=True),
        element_variable=element_variable,
        output_collection=source.data_target(element, reference(output) or "") if output else answers,
        gathers_answers=not output and answers is not None,
        output_element=item_name(child, "outputDataItem"),
        completion=compiler.condition(child.find(BPMN + "completionCondition")),
        behavior=behavior,
        event=behavior_event(source, child, behavior),
        complex=tuple(complex_behaviors(source, child)),
    )


def answers_of(element: etree._Element) -> str | None:
    """
    Return the variable in which the answers of people are gathered where the diagram gathers them nowhere.

    Each is what one of them handed in, in the order of the rounds; None for an activity without form, or that maps what
    it gives by itself.
    """
    has_form = extension(element, "formKey") or extension(element, "formRef")
    maps = any(extension_children(holder, "outputParameter") for holder in extensions(element, "inputOutput"))
    if tag(element) != "userTask" or not element.get("id") or not has_form or maps:
        return None
    return f"{element.get('id')}_answers"


def item_name(element: etree._Element, name: str) -> str | None:
    """Return the variable that a data item stands for."""
    for item in children(element, name):
        return item.get("name") or item.get("id")
    return None


def behavior_event(source: Source, child: etree._Element, behavior: str) -> EventDefinition | None:
    """Return the event that the behaviours `none` and `one` throw."""
    ref = reference(child.get(f"{behavior}BehaviorEventRef"))
    referred = source.referred(ref)
    return event_definition(source, referred, referred) if referred is not None else None


def complex_behaviors(source: Source, child: etree._Element) -> Iterator[tuple[Condition, EventDefinition]]:
    """Yield when the behaviour `complex` throws what."""
    for entry in children(child, "complexBehaviorDefinition"):
        condition = source.compiler.condition(entry.find(BPMN + "condition"))
        for event in children(entry, "event"):
            for definition in event_definitions(source, event):
                yield condition or compile_expression("${true}"), definition
