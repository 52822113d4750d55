"""Reads BPMN XML into processes of the token game; refuses what the game does not know."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from tests.token_game.model import ACTIVITIES, GATEWAYS, Event, Flow, Loop, Node, Process

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
_NODES = ACTIVITIES | GATEWAYS | {
    "startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"
}
_IGNORED = frozenset({
    "sequenceFlow", "laneSet", "incoming", "outgoing", "documentation", "extensionElements", "textAnnotation",
    "association", "group", "script", "multiInstanceLoopCharacteristics", "standardLoopCharacteristics",
})
_EVENTS = {
    "timerEventDefinition": "timer", "messageEventDefinition": "message", "signalEventDefinition": "signal",
    "errorEventDefinition": "error", "escalationEventDefinition": "escalation", "terminateEventDefinition": "terminate",
    "linkEventDefinition": "link",
}
#: Where an event definition names what it throws or catches: attribute, element, attribute there.
_REFERENCES = {
    "message": ("messageRef", "message", "name"), "signal": ("signalRef", "signal", "name"),
    "error": ("errorRef", "error", "errorCode"), "escalation": ("escalationRef", "escalation", "escalationCode"),
}


class Unknown(ValueError):
    """The game does not know this construct."""


def read(content: bytes) -> list[Process]:
    """Return the executable processes of a file; raises `Unknown`."""
    root = ElementTree.fromstring(content)
    processes = []
    for element in root.iterfind(f"{BPMN}process"):
        if element.get("isExecutable", "true") == "true":
            process = Process(id=_id(element))
            _Level(root, process).read(element, process.id)
            processes.append(process)
    return processes


class _Level:
    """Reads the nodes and flows of one process, level by level."""

    def __init__(self, root: ElementTree.Element, process: Process) -> None:
        self.root, self.process = root, process

    def read(self, element: ElementTree.Element, scope: str) -> None:
        for child in element:
            tag = _tag(child)
            if tag in _NODES:
                node = self.node(child, tag, scope)
                self.process.nodes[node.id] = node
                if tag == "subProcess":
                    self.read(child, node.id)
            elif tag == "sequenceFlow":
                self.process.flows.append(Flow(
                    id=child.get("id") or f"flow {len(self.process.flows)}", source=child.attrib["sourceRef"],
                    target=child.attrib["targetRef"], scope=scope, condition=_text(child, "conditionExpression"),
                ))
            elif tag not in _IGNORED and child.tag.startswith(BPMN):
                raise Unknown(f"{tag} {child.get('id')}")

    def node(self, element: ElementTree.Element, tag: str, scope: str) -> Node:
        node = Node(
            id=_id(element), kind=tag, scope=scope, name=element.get("name", ""),
            attached=element.get("attachedToRef", ""), default=element.get("default", ""),
            by_event=element.get("triggeredByEvent") == "true",
            script=_text(element, "script"), called=element.get("calledElement", ""),
            interrupting=element.get("cancelActivity", element.get("isInterrupting", "true")) == "true",
            event=self.event(element), loop=_loop(element),
        )
        if tag == "receiveTask":
            node.event = Event(kind="message", name=self.named(element, "message"))
        if element.get("completionQuantity", "1") != "1" or element.get("startQuantity", "1") != "1":
            raise Unknown(f"quantity of {node.id}")
        _read_extensions(element, node)
        return node

    def event(self, element: ElementTree.Element) -> Event | None:
        definitions = [child for child in element if _tag(child).endswith("EventDefinition")]
        for reference in element.iterfind(f"{BPMN}eventDefinitionRef"):
            definitions += [child for child in self.root.iter() if child.get("id") == (reference.text or "").strip()]
        if not definitions:
            return None
        tag = _tag(definitions[0])
        if len(definitions) > 1 or tag not in _EVENTS:
            raise Unknown(f"event {element.get('id')}")
        kind, definition = _EVENTS[tag], definitions[0]
        if kind == "timer":
            for timer in ("Duration", "Cycle", "Date"):
                if text := _text(definition, f"time{timer}"):
                    return Event(kind=kind, text=text, timer=timer.lower())
        if kind == "link":
            return Event(kind=kind, name=definition.get("name", ""))
        return Event(kind=kind, name=self.named(definition, kind) if kind in _REFERENCES else "")

    def named(self, element: ElementTree.Element, kind: str) -> str:
        attribute, tag, name = _REFERENCES[kind]
        reference = element.get(attribute, "").rpartition(":")[2]
        for target in self.root.iterfind(f"{BPMN}{tag}"):
            if target.get("id") == reference:
                return target.get(name) or target.get("name") or reference
        return reference


def _id(element: ElementTree.Element) -> str:
    return element.attrib["id"]


def _tag(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(BPMN)


def _text(element: ElementTree.Element, tag: str) -> str:
    return (element.findtext(f"{BPMN}{tag}") or "").strip()


def _loop(element: ElementTree.Element) -> Loop | None:
    standard = element.find(f"{BPMN}standardLoopCharacteristics")
    if standard is not None:
        maximum = standard.get("loopMaximum")
        return Loop(kind="standard", condition=_text(standard, "loopCondition"),
                    test_before=standard.get("testBefore") == "true", maximum=int(maximum) if maximum else None)
    multiple = element.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if multiple is None:
        return None
    if multiple.get("behavior", "All") not in ("All", "None"):
        raise Unknown(f"behavior of {element.get('id')}")
    return Loop(
        kind="sequential" if multiple.get("isSequential") == "true" else "parallel",
        cardinality=_text(multiple, "loopCardinality"), condition=_text(multiple, "completionCondition"),
        collection=multiple.get(f"{CAMUNDA}collection", ""), element=multiple.get(f"{CAMUNDA}elementVariable", ""),
    )


def _read_extensions(element: ElementTree.Element, node: Node) -> None:
    extensions = element.find(f"{BPMN}extensionElements")
    for child in () if extensions is None else extensions:
        tag = child.tag.removeprefix(CAMUNDA)
        if tag in ("in", "out"):
            mapped = node.given if tag == "in" else node.taken
            if child.get("variables") == "all":
                mapped.append(("*", "*"))
            elif "target" in child.attrib:
                mapped.append((child.get("source") or child.attrib["sourceExpression"], child.attrib["target"]))
        elif tag == "inputOutput":
            node.inputs += _parameters(child, "inputParameter")
            node.outputs += _parameters(child, "outputParameter")


def _parameters(element: ElementTree.Element, tag: str) -> Iterator[tuple[str, str]]:
    for parameter in element.iterfind(f"{CAMUNDA}{tag}"):
        yield parameter.attrib["name"], (parameter.text or "").strip()
