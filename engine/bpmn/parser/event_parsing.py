"""Event definitions and events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from lxml import etree

from casepath.engine.bpmn.elements.events import BoundaryEvent, CatchEvent, EndEvent, StartEvent, ThrowEvent
from casepath.engine.bpmn.model import EventDefinition, EventKind, VariableMapping
from casepath.engine.bpmn.parser.reading import BPMN, child_text, children, extension, extensions, flag, reference, tag
from casepath.engine.expressions import compile_expression

if TYPE_CHECKING:
    from casepath.engine.bpmn.elements.base import Node
    from casepath.engine.bpmn.parser.building import Builder

KINDS = frozenset(get_args(EventKind))
TIMERS = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}


def event_definitions(builder: Builder, element: etree._Element) -> list[EventDefinition]:
    """Return what an event element defines, in document order, those by reference included."""
    found = []
    for child in element:
        name = tag(child)
        if name == "eventDefinitionRef":
            referred = builder.document.by_id.get(reference(child.text) or "")
            if referred is not None:
                found.append(event_definition(builder, referred, element))
        elif name.endswith("EventDefinition"):
            found.append(event_definition(builder, child, element))
    return [definition for definition in found if definition is not None]


def event_definition(builder: Builder, element: etree._Element, event: etree._Element) -> EventDefinition | None:
    """Read one event definition; `event` is the element that has it."""
    kind: Any = tag(element).removesuffix("EventDefinition")
    if kind not in KINDS:
        return None
    compiler = builder.compiler
    match kind:
        case "timer":
            for name, timer in TIMERS.items():
                for child in children(element, name):
                    schedule = compiler.expression(child, "".join(child.itertext()))
                    return EventDefinition(kind="timer", timer=timer, schedule=schedule)  # type: ignore[arg-type]
            return None
        case "conditional":
            return EventDefinition(
                kind="conditional",
                condition=compiler.condition(element.find(BPMN + "condition")),
                watched=extension(element, "variableName"),
                watched_changes=frozenset(re.findall(r"\w+", extension(element, "variableEvents") or "")),
            )
        case "link":
            return EventDefinition(kind="link", name=literal(element.get("name") or event.get("name") or ""))
        case "message" | "signal":
            return named_definition(builder, kind, element, event)
        case "error" | "escalation":
            return coded_definition(builder, kind, element)
        case "compensate":
            return EventDefinition(
                kind="compensate",
                activity_ref=reference(element.get("activityRef")),
                wait_for_completion=flag(element.get("waitForCompletion"), True),
            )
    return EventDefinition(kind=kind)


def literal(text: str) -> Any:
    """Return an expression that gives a text as it stands."""
    return compile_expression(text)


def named_definition(builder: Builder, kind: Any, element: etree._Element, event: etree._Element) -> EventDefinition:
    """Read a message or signal: its name is that of what it refers to, else that of the event itself."""
    ref = reference(element.get(f"{kind}Ref") or child_text(element, f"{kind}Ref"))
    referred = builder.document.by_id.get(ref or "")
    text = (referred.get("name") if referred is not None else None) or ref or event.get("name") or event.get("id") or ""
    carried = [child for holder in (element, event) for child in extensions(holder, "in")]
    payload = tuple(mapping for child in carried if (mapping := builder.in_out(child)) is not None)
    associated = tuple(
        VariableMapping(target=target, source=compile_expression(f"${{{source}}}"))
        for source, target in builder.associations(event, "dataInputAssociation")
        if source.isidentifier()
    )
    everything = any(child.get("variables") == "all" for child in carried)
    return EventDefinition(
        kind=kind,
        name=builder.compiler.expression(event, text) or literal(""),
        payload=payload + associated,
        all_variables=everything,
        message_id=ref,
    )


def coded_definition(builder: Builder, kind: Any, element: etree._Element) -> EventDefinition:
    """Read an error or escalation: its code, or the name or id of what it refers to where that has no code."""
    ref = reference(element.get(f"{kind}Ref") or child_text(element, f"{kind}Ref"))
    referred = builder.document.by_id.get(ref or "")
    code, text = ref, None
    if referred is not None:
        text = builder.compiler.expression(referred, extension(referred, "errorMessage"))
        code = referred.get(f"{kind}Code") or referred.get("name") or ref
    return EventDefinition(
        kind=kind,
        code=code,
        code_variable=extension(element, f"{kind}CodeVariable"),
        message_variable=extension(element, "errorMessageVariable"),
        text=text,
    )


def configure_event(builder: Builder, node: Node, element: etree._Element) -> None:
    """Read what is particular to an event."""
    node.definitions = event_definitions(builder, element)
    if isinstance(node, (StartEvent, CatchEvent, BoundaryEvent)):
        node.parallel = flag(element.get("parallelMultiple"))
    if isinstance(node, StartEvent):
        node.interrupting = flag(element.get("isInterrupting"), True)
        node.form_key = extension(element, "formKey") or extension(element, "formRef")
    elif isinstance(node, BoundaryEvent):
        node.interrupting = flag(element.get("cancelActivity"), True)
    elif isinstance(node, (ThrowEvent, EndEvent)):
        node.late = any(definition.kind in ("signal", "message", "compensate") for definition in node.definitions)


def connect_links(builder: Builder) -> None:
    """Join each throwing link event with the catching one of the same name in the same container."""
    catching = {
        (node.container, definition.name.text): node
        for node in builder.spec.nodes.values()
        if isinstance(node, CatchEvent)
        for definition in node.catches("link")
        if definition.name is not None
    }
    for node in builder.spec.nodes.values():
        if isinstance(node, ThrowEvent):
            for definition in node.catches("link"):
                assert definition.name is not None
                target = catching.get((node.container, definition.name.text))
                if target is not None:
                    node.link_target = target
                    target.link_sources.append(node)
