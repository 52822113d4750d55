"""Rules on events: which triggers stand where, boundaries, links, compensation, and what an event needs to happen."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import (
    CATCH_EVENTS,
    EVENTS,
    SUB_PROCESSES,
    Document,
    Node,
    is_event_sub_process,
)
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule, to_execute
from casepath.engine.phrases import Phrase

PLAIN = "none"
#: The triggers that an event may have, by where it stands; the keys are phrases.
TRIGGERS = {
    "process start event": {PLAIN, "message", "timer", "conditional", "signal"},
    "sub-process start event": {PLAIN},
    "event sub-process start event": {"message", "timer", "escalation", "error", "compensate", "conditional", "signal"},
    "choreography start event": {PLAIN, "timer", "conditional", "signal"},
    "intermediate catch event": {"message", "timer", "conditional", "link", "signal"},
    "intermediate throw event": {PLAIN, "message", "escalation", "compensate", "link", "signal"},
    "boundary event": {"message", "timer", "escalation", "error", "cancel", "compensate", "conditional", "signal"},
    "end event": {PLAIN, "message", "error", "escalation", "cancel", "compensate", "signal", "terminate"},
    "choreography end event": {PLAIN, "terminate"},
}
PLACES = {
    "intermediateCatchEvent": "intermediate catch event",
    "intermediateThrowEvent": "intermediate throw event",
    "boundaryEvent": "boundary event",
    "endEvent": "end event",
}
CHOREOGRAPHIES = ("choreography", "subChoreography", "globalChoreographyTask")


def _place(document: Document, event: Node) -> str | None:
    scope = document.scope(event)
    if scope is not None and scope.tag in CHOREOGRAPHIES:
        return {"startEvent": "choreography start event", "endEvent": "choreography end event"}.get(event.tag)
    if event.tag != "startEvent":
        return PLACES.get(event.tag)
    if scope is None or scope.tag == "process":
        return "process start event"
    return "event sub-process start event" if is_event_sub_process(scope) else "sub-process start event"


@rule("event-trigger")
def event_trigger(document: Document) -> Iterator[Breach]:
    for event in document.all(*EVENTS - {"implicitThrowEvent"}):
        place = _place(document, event)
        if place is None or (not document.kinds(event) and event.texts("eventDefinitionRef")):
            continue
        for kind in document.kinds(event) or [PLAIN]:
            if kind not in TRIGGERS[place]:
                yield Breach(
                    event,
                    "Expected one of {allowed} as the trigger of a {place}, but found {kind}",
                    allowed=sorted(TRIGGERS[place]),
                    place=Phrase(place),
                    kind=kind,
                )


@rule("start-incoming")
def start_incoming(document: Document) -> Iterator[Breach]:
    for event in document.all("startEvent"):
        for flow in document.incoming(event):
            yield Breach(
                event,
                "Expected no flow into a start event, but found '{label}'; lead it to the element after it",
                label=flow.label,
            )


@rule("end-outgoing")
def end_outgoing(document: Document) -> Iterator[Breach]:
    for event in document.all("endEvent"):
        for flow in document.outgoing(event):
            yield Breach(
                event,
                "Expected no flow out of an end event, but found '{label}'; delete it or use a throw event",
                label=flow.label,
            )


@rule("event-flows", "letter")
def event_flows(document: Document) -> Iterator[Breach]:
    """Start and intermediate events lead on; what leads nowhere is an end event drawn wrong."""
    for event in document.all("startEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"):
        kinds = set(document.kinds(event))
        silent = (event.tag == "boundaryEvent" and "compensate" in kinds) or (
            event.tag == "intermediateThrowEvent" and "link" in kinds
        )
        if not document.outgoing(event) and not silent:
            yield Breach(
                event,
                "Expected a flow that leaves '{label}', but found none; connect it or make it an end event",
                label=event.label,
            )


@rule("event-unreached", "letter")
def event_unreached(document: Document) -> Iterator[Breach]:
    for event in document.all("endEvent", "intermediateCatchEvent", "intermediateThrowEvent"):
        catches_link = event.tag == "intermediateCatchEvent" and "link" in document.kinds(event)
        if not document.incoming(event) and not catches_link:
            yield Breach(
                event,
                "Expected a flow that leads to '{label}', but found none; connect it",
                label=event.label,
            )


@rule("boundary-event")
def boundary_event(document: Document) -> Iterator[Breach]:
    for event in document.all("boundaryEvent"):
        activity = document.resolve(event.get("attachedToRef")) if event.get("attachedToRef") else None
        kinds = set(document.kinds(event))
        for flow in document.incoming(event):
            yield Breach(
                event,
                "Expected no flow into a boundary event, but found '{label}'; it is triggered, never reached",
                label=flow.label,
            )
        if activity is not None and document.scope(activity) is not document.scope(event):
            yield Breach(
                event,
                "Expected the boundary event beside '{label}', but found it in another process or sub-process",
                label=activity.label,
            )
        if activity is not None and is_event_sub_process(activity):
            yield Breach(event, "Expected no boundary event on the event sub-process '{label}'", label=activity.label)
        if event.is_false("cancelActivity") and kinds & {"error", "cancel", "compensate"}:
            yield Breach(
                event,
                "Expected errors, cancellation and compensation to interrupt, but found cancelActivity='false'",
                None if kinds & {"error", "cancel"} else "letter",
            )
        if "cancel" in kinds and activity is not None and activity.tag != "transaction":
            yield Breach(
                event,
                "Expected a transaction below the cancel event, but found {tag} '{label}'",
                tag=activity.tag,
                label=activity.label,
            )


@rule("cancel-end")
def cancel_end(document: Document) -> Iterator[Breach]:
    for event in document.all("endEvent"):
        if "cancel" in document.kinds(event) and event.inside("transaction") is None:
            yield Breach(event, "Expected a cancel end event inside a transaction; make the sub-process a transaction")


@rule("event-sub-process")
def event_sub_process(document: Document) -> Iterator[Breach]:
    for node in document.all(*SUB_PROCESSES):
        if not is_event_sub_process(node):
            continue
        starts = node.all("startEvent")
        if len(starts) != 1:
            yield Breach(
                node,
                "Expected exactly one start event in an event sub-process, but found {count}",
                count=len(starts),
            )
        for start in starts:
            if start.is_false("isInterrupting") and {"error", "compensate"} & set(document.kinds(start)):
                yield Breach(
                    start,
                    "Expected errors and compensation to interrupt, but found isInterrupting='false'",
                    None if "error" in document.kinds(start) else "letter",
                )


@rule("link-events")
def link_events(document: Document) -> Iterator[Breach]:
    for event, found in document.linked.items():
        here = [catch for catch in found[:2] if document.scope(catch) is document.scope(event)]
        if len(found) != 1 or not here:
            yield Breach(
                event,
                "Expected one catching link event for '{label}' in the same process or sub-process, but found {found}",
                label=event.label,
                found=len(found) if here or not found else Phrase("it elsewhere"),
            )
        for flow in document.outgoing(event):
            yield _link_flow(event, flow)
    targets = {id(found): found for found in document.linked.values()}.values()
    reached = {catch for found in targets for catch in found}
    for event in document.all("intermediateCatchEvent"):
        if "link" not in document.kinds(event):
            continue
        if event not in reached:
            yield Breach(event, "Expected a throwing link that leads to this one, but found none")
        for flow in document.incoming(event):
            yield _link_flow(event, flow)


def _link_flow(event: Node, flow: Node) -> Breach:
    return Breach(event, "Expected no flow on this side of a link event, but found '{label}'", label=flow.label)


@rule("link-names")
def link_names(document: Document) -> Iterator[Breach]:
    """Links that refer to each other do so both ways."""
    for link in document.all("linkEventDefinition"):
        for tag, back in (("source", "target"), ("target", "source")):
            for text in link.texts(tag):
                other = document.resolve(text)
                if other is None or other.tag != "linkEventDefinition" or not other.texts(back):
                    continue
                if all(document.resolve(name) is not link for name in other.texts(back)):
                    yield Breach(
                        link,
                        "Expected links that name each other, but '{label}' names '{other_label}' and not the reverse",
                        label=link.label,
                        other_label=other.label,
                    )


@rule("compensation-handler")
def compensation_handler(document: Document) -> Iterator[Breach]:
    for event in document.all("boundaryEvent"):
        if "compensate" not in document.kinds(event):
            continue
        for flow in document.outgoing(event):
            yield Breach(
                event,
                "Expected an association to the compensation activity, but found the sequence flow '{label}'",
                label=flow.label,
            )
        targets = [node for node in document.associated.get(event, ()) if node.tag not in {"textAnnotation", "group"}]
        if len(targets) != 1 or not targets[0].is_true("isForCompensation"):
            yield Breach(
                event,
                "Expected an association to one activity marked isForCompensation, but found unmarked: {labels}",
                to_execute(document, event),
                labels=[node.label for node in targets],
            )


@rule("compensation-reach", "letter")
def compensation_reach(document: Document) -> Iterator[Breach]:
    """A throwing event compensates what is beside it; in an event sub-process, what is beside that."""
    for event in document.all("endEvent", "intermediateThrowEvent"):
        scope = document.scope(event)
        if scope is not None and is_event_sub_process(scope):
            scope = document.scope(scope)
        for definition in document.definitions(event):
            activity = document.resolve(definition.get("activityRef")) if definition.get("activityRef") else None
            if activity is not None and scope is not None and document.scope(activity) is not scope:
                yield Breach(
                    event,
                    "Expected to compensate an activity beside the event, but '{label}' is elsewhere",
                    label=activity.label,
                )


@rule("timer-definition")
def timer_definition(document: Document) -> Iterator[Breach]:
    for event in document.all(*EVENTS):
        for timer in document.definitions(event):
            if timer.tag != "timerEventDefinition":
                continue
            found = timer.all("timeDate", "timeDuration", "timeCycle")
            if len(found) > 1 or (not found and not document.is_drawing(event)):
                yield Breach(
                    event,
                    "Expected one of timeDate, timeDuration and timeCycle, but found {count}",
                    count=len(found),
                )


@rule("cycle-in-flow", "warning")
def cycle_in_flow(document: Document) -> Iterator[Breach]:
    for event in document.all("intermediateCatchEvent"):
        for timer in document.definitions(event):
            if timer.first("timeCycle") is not None and not document.is_drawing(event):
                yield Breach(
                    event,
                    "Expected a date or a duration in the flow, but found a cycle; it is due once, for the one token "
                    "that waits",
                )


@rule("event-reference")
def event_reference(document: Document) -> Iterator[Breach]:
    """What names no message or signal uses the name of the event; no error, surely not meant."""
    for event in document.all(*EVENTS - {"implicitThrowEvent"}):
        catching = event.tag in CATCH_EVENTS
        for definition in document.definitions(event):
            kind = definition.tag.removesuffix("EventDefinition")
            if kind not in {"message", "signal", "error", "escalation"} or definition.get(f"{kind}Ref"):
                continue
            if catching and kind in {"error", "escalation"}:
                continue  # catches all of them
            if any(name.startswith("camunda:") for name in definition.attributes):
                continue  # sent by a worker
            yield Breach(
                event,
                "Expected {kind}Ref on the {kind} event, but found none; choose the {kind}",
                by_the_letter(document, event),
                kind=kind,
            )


@rule("message-operation", "letter")
def message_operation(document: Document) -> Iterator[Breach]:
    for event in document.all(*EVENTS):
        for definition in document.definitions(event):
            if definition.tag != "messageEventDefinition" or document.is_drawing(event):
                continue
            operation = next((document.resolve(text) for text in definition.texts("operationRef") if text), None)
            if operation is None:
                yield Breach(event, "Expected operationRef on a message event of a process to execute, but found none")
            elif definition.get("messageRef") and document.resolve(definition.get("messageRef")) not in [
                document.resolve(text) for tag in ("inMessageRef", "outMessageRef") for text in operation.texts(tag)
            ]:
                yield Breach(
                    event,
                    "Expected the message of operation '{label}', but found '{message_ref}'",
                    label=operation.label,
                    message_ref=definition.get("messageRef"),
                )


@rule("code-missing")
def code_missing(document: Document) -> Iterator[Breach]:
    """Standard: whoever throws an error or escalation to be caught gives it a code; without one all are caught."""
    for event in document.all("endEvent", "intermediateThrowEvent", "startEvent", "boundaryEvent"):
        for definition in document.definitions(event):
            kind = definition.tag.removesuffix("EventDefinition")
            if kind not in {"error", "escalation"} or not definition.get(f"{kind}Ref"):
                continue
            target = document.resolve(definition.get(f"{kind}Ref"))
            if target is None or target.tag != kind or target.get(f"{kind}Code"):
                continue
            if event.tag in CATCH_EVENTS:
                yield Breach(
                    event,
                    "Expected {kind}Code on '{label}', but found none; the event catches every {kind}",
                    "warning",
                    kind=kind,
                    label=target.label,
                )
            else:
                yield Breach(
                    event,
                    "Expected {kind}Code on '{label}', but found none; give it a code",
                    by_the_letter(document, event),
                    kind=kind,
                    label=target.label,
                )
