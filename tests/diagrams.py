"""Small diagrams for tests: elements as they stand in the file, flows as text."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_SPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="http://example.org/tests"'
)
ERROR = '<error id="e" errorCode="E1"/><error id="f" errorCode="F1"/>'
MESSAGE = '<message id="m" name="order"/><message id="n" name="cancel"/>'
SIGNAL = '<signal id="s" name="alarm"/>'
ESCALATION = '<escalation id="x" escalationCode="X1"/>'
SIGNALLED = '<signalEventDefinition signalRef="s"/>'
COMPENSATE = "<compensateEventDefinition/>"
_FLOW = re.compile(r"\s*(?P<source>\w+)\s*>\s*(?P<target>\w+)\s*(?:\[(?P<condition>.*)\])?\s*")


def flows(text: str) -> str:
    """Return the XML of sequence flows: `A > B` or `A > B [${condition}]`, one a line or with `;` between."""
    parts = []
    for number, line in enumerate(filter(str.strip, re.split(r"[;\n]", text))):
        match = _FLOW.fullmatch(line)
        if match is None:
            raise ValueError(f"Expected a flow such as 'A > B', but found {line!r}")
        source, target, condition = match.group("source", "target", "condition")
        inner = f"<conditionExpression>{escape(condition)}</conditionExpression>" if condition else ""
        key = f"{source}_{target}_{number}" if condition else f"{source}_{target}"
        parts.append(f'<sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>')
    return "".join(parts)


def process(*elements: str, flow: str = "", key: str = "p", root: str = "") -> bytes:
    """Return a file with one process; `root` stands beside it: messages, signals, errors, other processes."""
    return definitions(root, f'<process id="{key}" isExecutable="true">{"".join(elements)}{flows(flow)}</process>')


def definitions(*parts: str) -> bytes:
    """Return a file of processes, messages and the like."""
    return f'<definitions id="d" {_SPACES}>{"".join(parts)}</definitions>'.encode()


def nodes(text: str) -> str:
    """Return elements: `userTask A B` is two user tasks, separated by `;` from other kinds."""
    parts = []
    for group in filter(None, (group.strip() for group in text.split(";"))):
        kind, *keys = group.split()
        parts += [f'<{kind} id="{key}" name="{key}"/>' for key in keys]
    return "".join(parts)


def container(key: str, *elements: str, flow: str = "", kind: str = "subProcess", **attributes: str) -> str:
    """Return a sub-process."""
    more = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f'<{kind} id="{key}"{more}>{"".join(elements)}{flows(flow)}</{kind}>'


def service(key: str, topic: str, **inputs: str) -> str:
    """Return a service task of a topic, with input parameters."""
    parameters = "".join(
        f'<camunda:inputParameter name="{name}">{text}</camunda:inputParameter>' for name, text in inputs.items()
    )
    return (
        f'<serviceTask id="{key}" camunda:type="external" camunda:topic="{topic}"><extensionElements>'
        f"<camunda:inputOutput>{parameters}</camunda:inputOutput></extensionElements></serviceTask>"
    )


def script(key: str, text: str) -> str:
    """Return a script task in Python."""
    return f'<scriptTask id="{key}" scriptFormat="python"><script>{escape(text)}</script></scriptTask>'


def timer(text: str, kind: str = "timeDuration") -> str:
    """Return a timer event definition."""
    return f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"


def end(key: str, event: str) -> str:
    """Return an end event."""
    return f'<endEvent id="{key}">{event}</endEvent>'


def throw(key: str, event: str) -> str:
    """Return an intermediate throw event."""
    return f'<intermediateThrowEvent id="{key}">{event}</intermediateThrowEvent>'


def catch(key: str, event: str) -> str:
    """Return an intermediate catch event."""
    return f'<intermediateCatchEvent id="{key}">{event}</intermediateCatchEvent>'


def border(key: str, at: str, event: str, *, interrupting: bool = True) -> str:
    """Return an event at the border of an activity."""
    cancels = "" if interrupting else ' cancelActivity="false"'
    return f'<boundaryEvent id="{key}" attachedToRef="{at}"{cancels}>{event}</boundaryEvent>'


def handler(key: str, event: str, *elements: str, flow: str, interrupting: bool = True) -> str:
    """Return an event sub-process whose start event is `key` with `_start`."""
    interrupts = "" if interrupting else ' isInterrupting="false"'
    start = f'<startEvent id="{key}_start"{interrupts}>{event}</startEvent>'
    return container(key, start, *elements, flow=flow, triggeredByEvent="true")


def error(reference: str = "") -> str:
    """Return an error event definition, without a reference for any error."""
    return f'<errorEventDefinition errorRef="{reference}"/>' if reference else "<errorEventDefinition/>"


def escalation(reference: str = "x") -> str:
    """Return an escalation event definition."""
    return f'<escalationEventDefinition escalationRef="{reference}"/>'


def message(reference: str = "m") -> str:
    """Return a message event definition."""
    return f'<messageEventDefinition messageRef="{reference}"/>'


def condition(text: str) -> str:
    """Return a conditional event definition."""
    return f"<conditionalEventDefinition><condition>{text}</condition></conditionalEventDefinition>"


def compensable(key: str, *, note: str = "undone") -> str:
    """A task with a handler that notes its name."""
    undo = script(f"{key}_undo", f"{note} = {note} + ['{key}']")
    return (
        nodes(f"task {key}") + undo.replace("<scriptTask", '<scriptTask isForCompensation="true"')
        + border(f"{key}_at", key, COMPENSATE)
        + f'<association id="{key}_to" sourceRef="{key}_at" targetRef="{key}_undo" associationDirection="One"/>'
    )
