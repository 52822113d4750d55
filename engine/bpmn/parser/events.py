"""Reading event definitions and events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_args

from lxml import etree
from SpiffWorkflow.bpmn.parser.event_parsers import EventDefinitionParser
from SpiffWorkflow.bpmn.specs.event_definitions import MultipleEventDefinition, NoneEventDefinition

from casepath.engine.bpmn.elements.event_definitions import THROWN
from casepath.engine.bpmn.elements.events import Awaited, BoundaryEvent, CatchEvent, StartEvent, Thrower
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.model import EventDefinition, EventKind, VariableMapping
from casepath.engine.bpmn.parser.elements import ElementParser
from casepath.engine.bpmn.parser.markup import BPMN, child_text, children, extension, extensions, flag, reference, tag
from casepath.engine.bpmn.parser.source import Source
from casepath.engine.expressions import Expression, compile_expression

KINDS = frozenset(get_args(EventKind))
CATCHING = frozenset({"boundaryEvent", "startEvent"})
TIMERS = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}


# -- definitions -------------------------------------------------------------------------------------------------------


def event_definitions(source: Source, element: etree._Element) -> list[EventDefinition]:
    """Return what an event element defines, in document order, those by reference included."""
    found: list[etree._Element | None] = []
    for child in element:
        if tag(child) == "eventDefinitionRef":
            found.append(source.referred(child.text))
        elif tag(child).endswith("EventDefinition"):
            found.append(child)
    read = (event_definition(source, definition, element) for definition in found if definition is not None)
    return [definition for definition in read if definition is not None]


def event_definition(source: Source, element: etree._Element, event: etree._Element) -> EventDefinition | None:
    """Read one event definition; `event` is the element that has it."""
    kind: Any = tag(element).removesuffix("EventDefinition")
    if kind not in KINDS:
        return None
    match kind:
        case "timer":
            return timer_definition(source, element)
        case "conditional":
            return EventDefinition(
                kind="conditional",
                condition=source.compiler.condition(element.find(BPMN + "condition")),
                watched=extension(element, "variableName"),
                watched_changes=frozenset(re.findall(r"\w+", extension(element, "variableEvents") or "")),
            )
        case "link":
            return EventDefinition(
                kind="link",
                name=literal(element.get("name") or event.get("name") or ""),
                link_id=element.get("id"),
                link_targets=tuple(reference(child.text) or "" for child in children(element, "target")),
            )
        case "message" | "signal":
            return named_definition(source, kind, element, event)
        case "error" | "escalation":
            return coded_definition(source, kind, element, event)
        case "compensate":
            return EventDefinition(
                kind="compensate",
                activity_ref=reference(element.get("activityRef")),
                wait_for_completion=flag(element.get("waitForCompletion"), True),
            )
    return EventDefinition(kind=kind)


def literal(text: str) -> Expression:
    """Return an expression that gives a text as it stands."""
    return compile_expression(text)


def timer_definition(source: Source, element: etree._Element) -> EventDefinition | None:
    """Read a timer: a date, a duration or a cycle; None where the diagram gives none."""
    for name, timer in TIMERS.items():
        for child in children(element, name):
            schedule = source.compiler.expression(child, "".join(child.itertext()))
            return EventDefinition(kind="timer", timer=timer, schedule=schedule)  # type: ignore[arg-type]
    return None


def named_definition(
    source: Source, kind: EventKind, element: etree._Element, event: etree._Element
) -> EventDefinition:
    """Read a message or signal: its name is that of what it refers to, else that of the event itself."""
    ref = reference(element.get(f"{kind}Ref") or child_text(element, f"{kind}Ref"))
    referred = source.referred(ref)
    text = (referred.get("name") if referred is not None else None) or ref or event.get("name") or event.get("id") or ""
    return THROWN[kind](
        kind=kind,
        name=source.compiler.expression(event, text) or literal(""),
        message_id=ref,
        **carried(source, element, event),
    )


def carried(source: Source, element: etree._Element, event: etree._Element) -> dict[str, Any]:
    """Read what a thrown event carries: its mappings, and what is associated with it."""
    given = [child for holder in (element, event) for child in extensions(holder, "in")]
    payload = tuple(mapping for child in given if (mapping := source.in_out(child)) is not None)
    associated = tuple(
        VariableMapping(target=target, source=compile_expression(f"${{{variable}}}"))
        for variable, target in source.associations(event, "dataInputAssociation")
        if variable.isidentifier()
    )
    return {
        "payload": payload + associated,
        "all_variables": any(child.get("variables") == "all" for child in given),
    }


def coded_definition(
    source: Source, kind: EventKind, element: etree._Element, event: etree._Element
) -> EventDefinition:
    """
    Read an error or escalation: the code of what it refers to; the text itself is the code where it refers to nothing.

    What has no code is thrown under its name or id, and caught as any code.
    """
    ref = (element.get(f"{kind}Ref") or child_text(element, f"{kind}Ref") or "").strip() or None
    referred = source.referred(ref)
    code, text = ref, None
    if referred is not None and tag(referred) == kind:
        text = source.compiler.expression(referred, extension(referred, "errorMessage"))
        called = None if tag(event) in CATCHING else referred.get("name") or referred.get("id")
        code = referred.get(f"{kind}Code") or called
    return THROWN[kind](
        kind=kind,
        code=code,
        code_variable=extension(element, f"{kind}CodeVariable"),
        message_variable=extension(element, "errorMessageVariable"),
        text=text,
        **(carried(source, element, event) if tag(event) not in CATCHING else {}),
    )


# -- events ------------------------------------------------------------------------------------------------------------


class EventParser(ElementParser, EventDefinitionParser):
    """Reads an event: SpiffWorkflow makes it with a definition to throw or to catch."""

    def create_task(self) -> Element:
        """Return the event."""
        self.definitions = event_definitions(self.source, self.node)
        task: Element = self._create_task(self.to_spiffworkflow(), self.cancels())
        return task

    def to_spiffworkflow(self) -> Any:
        """Return what the event has for SpiffWorkflow: all that it throws, or the one wait for all that it catches."""
        if issubclass(self.spec_class, Thrower):
            return MultipleEventDefinition([each for each in self.definitions if each.kind in THROWN])
        return Awaited() if issubclass(self.spec_class, CatchEvent) else NoneEventDefinition()

    def cancels(self) -> bool | None:
        """Return whether an event on a border ends the activity; None for other events."""
        return flag(self.node.get("cancelActivity"), True) if issubclass(self.spec_class, BoundaryEvent) else None

    def read(self) -> None:
        """Read what is particular to an event."""
        super().read()
        task = self.task
        task.definitions = self.definitions
        task.parallel = flag(self.node.get("parallelMultiple"))
        if isinstance(task, StartEvent):
            task.interrupting = flag(self.node.get("isInterrupting"), True)
            task.form_key = extension(self.node, "formKey") or extension(self.node, "formRef")
            task.initiator = extension(self.node, "initiator")
        elif isinstance(task, BoundaryEvent):
            task.interrupting = task.cancel_activity
        elif isinstance(task, Thrower):
            task.late = bool(task.catches("signal", "message", "compensate"))


def connect_links(nodes: Iterable[Element]) -> None:
    """Join each throwing link event with the catching one in its container that it names, else of the same name."""
    nodes = list(nodes)
    links = [(node, link) for node in nodes if isinstance(node, CatchEvent) for link in node.catches("link")]
    named = {(node.container, link.link_id): node for node, link in links if link.link_id is not None}
    catching = {(node.container, link.name.text): node for node, link in links if link.name is not None}
    for node in nodes:
        if isinstance(node, Thrower):
            for definition in node.catches("link"):
                assert definition.name is not None
                ids = [(node.container, name) for name in definition.link_targets]
                target = next((named[each] for each in ids if each in named), None)
                target = target or catching.get((node.container, definition.name.text))
                if target is not None:
                    node.link_target = target
                    target.link_sources.append(node)
