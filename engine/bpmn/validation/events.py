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
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule, to_execute

PLAIN = "none"
#: The triggers that an event may have, by where it stands.
TRIGGERS = {
    "process start": {PLAIN, "message", "timer", "conditional", "signal"},
    "sub-process start": {PLAIN},
    "event sub-process start": {"message", "timer", "escalation", "error", "compensate", "conditional", "signal"},
    "choreography start": {PLAIN, "timer", "conditional", "signal"},
    "intermediate catch": {"message", "timer", "conditional", "link", "signal"},
    "intermediate throw": {PLAIN, "message", "escalation", "compensate", "link", "signal"},
    "boundary": {"message", "timer", "escalation", "error", "cancel", "compensate", "conditional", "signal"},
    "end": {PLAIN, "message", "error", "escalation", "cancel", "compensate", "signal", "terminate"},
    "choreography end": {PLAIN, "terminate"},
}
PLACES_ZH = {
    "process start": "流程的开始事件",
    "sub-process start": "子流程的开始事件",
    "event sub-process start": "事件子流程的开始事件",
    "choreography start": "编排的开始事件",
    "intermediate catch": "中间捕获事件",
    "intermediate throw": "中间抛出事件",
    "boundary": "边界事件",
    "end": "结束事件",
    "choreography end": "编排的结束事件",
}
PLACES = {
    "intermediateCatchEvent": "intermediate catch",
    "intermediateThrowEvent": "intermediate throw",
    "boundaryEvent": "boundary",
    "endEvent": "end",
}
CHOREOGRAPHIES = ("choreography", "subChoreography", "globalChoreographyTask")


def _place(document: Document, event: Node) -> str | None:
    scope = document.scope(event)
    if scope is not None and scope.tag in CHOREOGRAPHIES:
        return {"startEvent": "choreography start", "endEvent": "choreography end"}.get(event.tag)
    if event.tag != "startEvent":
        return PLACES.get(event.tag)
    if scope is None or scope.tag == "process":
        return "process start"
    return "event sub-process start" if is_event_sub_process(scope) else "sub-process start"


@rule("event-trigger")
def event_trigger(document: Document) -> Iterator[Problem]:
    for event in document.all(*EVENTS - {"implicitThrowEvent"}):
        place = _place(document, event)
        if place is None or (not document.kinds(event) and event.texts("eventDefinitionRef")):
            continue
        for kind in document.kinds(event) or [PLAIN]:
            if kind not in TRIGGERS[place]:
                allowed = ", ".join(sorted(TRIGGERS[place]))
                yield Problem(
                    event,
                    f"Expected one of {allowed} as the trigger of a {place} event, but found {kind}",
                    f"{PLACES_ZH[place]}的触发类型应为 {allowed} 之一，但实际为 {kind}",
                )


@rule("start-incoming")
def start_incoming(document: Document) -> Iterator[Problem]:
    for event in document.all("startEvent"):
        for flow in document.incoming(event):
            yield Problem(
                event,
                f"Expected no flow into a start event, but found '{flow.label}'; lead it to the element after it",
                f"开始事件不应有流入的顺序流，但发现了“{flow.label}”；请连接到其后的元素",
            )


@rule("end-outgoing")
def end_outgoing(document: Document) -> Iterator[Problem]:
    for event in document.all("endEvent"):
        for flow in document.outgoing(event):
            yield Problem(
                event,
                f"Expected no flow out of an end event, but found '{flow.label}'; delete it or use a throw event",
                f"结束事件不应有流出的顺序流，但发现了“{flow.label}”；请删除或改用抛出事件",
            )


@rule("event-flows", "letter")
def event_flows(document: Document) -> Iterator[Problem]:
    """Start and intermediate events lead on; what leads nowhere is an end event drawn wrong."""
    for event in document.all("startEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"):
        kinds = set(document.kinds(event))
        silent = (event.tag == "boundaryEvent" and "compensate" in kinds) or (
            event.tag == "intermediateThrowEvent" and "link" in kinds
        )
        if not document.outgoing(event) and not silent:
            yield Problem(
                event,
                f"Expected a flow that leaves '{event.label}', but found none; connect it or make it an end event",
                f"“{event.label}”没有流出的顺序流；请连接，或改为结束事件",
            )


@rule("event-unreached", "letter")
def event_unreached(document: Document) -> Iterator[Problem]:
    for event in document.all("endEvent", "intermediateCatchEvent", "intermediateThrowEvent"):
        catches_link = event.tag == "intermediateCatchEvent" and "link" in document.kinds(event)
        if not document.incoming(event) and not catches_link:
            yield Problem(
                event,
                f"Expected a flow that leads to '{event.label}', but found none; connect it",
                f"没有顺序流通向“{event.label}”；请连接",
            )


@rule("boundary-event")
def boundary_event(document: Document) -> Iterator[Problem]:
    for event in document.all("boundaryEvent"):
        activity = document.resolve(event.get("attachedToRef")) if event.get("attachedToRef") else None
        kinds = set(document.kinds(event))
        for flow in document.incoming(event):
            yield Problem(
                event,
                f"Expected no flow into a boundary event, but found '{flow.label}'; it is triggered, never reached",
                f"边界事件不应有流入的顺序流，但发现了“{flow.label}”；它只能被触发",
            )
        if activity is not None and document.scope(activity) is not document.scope(event):
            yield Problem(
                event,
                f"Expected the boundary event beside '{activity.label}', but found it in another process or "
                "sub-process",
                f"边界事件应与“{activity.label}”在同一层级，但它位于其他流程或子流程中",
            )
        if activity is not None and is_event_sub_process(activity):
            yield Problem(
                event,
                f"Expected no boundary event on the event sub-process '{activity.label}'",
                f"事件子流程“{activity.label}”上不允许有边界事件",
            )
        if event.is_false("cancelActivity") and kinds & {"error", "cancel", "compensate"}:
            yield Problem(
                event,
                "Expected errors, cancellation and compensation to interrupt, but found cancelActivity='false'",
                "错误、取消和补偿边界事件必须是中断型，但发现了 cancelActivity='false'",
                None if kinds & {"error", "cancel"} else "letter",
            )
        if "cancel" in kinds and activity is not None and activity.tag != "transaction":
            yield Problem(
                event,
                f"Expected a transaction below the cancel event, but found {activity.tag} '{activity.label}'",
                f"取消边界事件只能附加在事务上，但“{activity.label}”是 {activity.tag}",
            )


@rule("cancel-end")
def cancel_end(document: Document) -> Iterator[Problem]:
    for event in document.all("endEvent"):
        if "cancel" in document.kinds(event) and event.inside("transaction") is None:
            yield Problem(
                event,
                "Expected a cancel end event inside a transaction; make the sub-process a transaction",
                "取消结束事件只能位于事务中；请将子流程改为事务",
            )


@rule("event-sub-process")
def event_sub_process(document: Document) -> Iterator[Problem]:
    for node in document.all(*SUB_PROCESSES):
        if not is_event_sub_process(node):
            continue
        starts = node.all("startEvent")
        if len(starts) != 1:
            yield Problem(
                node,
                f"Expected exactly one start event in an event sub-process, but found {len(starts)}",
                f"事件子流程应恰好有一个开始事件，但实际有 {len(starts)} 个",
            )
        for start in starts:
            if start.is_false("isInterrupting") and {"error", "compensate"} & set(document.kinds(start)):
                yield Problem(
                    start,
                    "Expected errors and compensation to interrupt, but found isInterrupting='false'",
                    "错误和补偿开始事件必须是中断型，但发现了 isInterrupting='false'",
                    None if "error" in document.kinds(start) else "letter",
                )


@rule("link-events")
def link_events(document: Document) -> Iterator[Problem]:
    for event, found in document.linked.items():
        here = [catch for catch in found[:2] if document.scope(catch) is document.scope(event)]
        if len(found) != 1 or not here:
            yield Problem(
                event,
                f"Expected one catching link event for '{event.label}' in the same process or sub-process, "
                f"but found {len(found) if here or not found else 'it elsewhere'}",
                f"“{event.label}”在同一流程或子流程中应恰好对应一个链接捕获事件",
            )
        for flow in document.outgoing(event):
            yield _link_flow(event, flow)
    targets = {id(found): found for found in document.linked.values()}.values()
    reached = {catch for found in targets for catch in found}
    for event in document.all("intermediateCatchEvent"):
        if "link" not in document.kinds(event):
            continue
        if event not in reached:
            yield Problem(
                event,
                "Expected a throwing link that leads to this one, but found none",
                "没有通向此链接捕获事件的链接抛出事件",
            )
        for flow in document.incoming(event):
            yield _link_flow(event, flow)


def _link_flow(event: Node, flow: Node) -> Problem:
    return Problem(
        event,
        f"Expected no flow on this side of a link event, but found '{flow.label}'",
        f"链接事件的这一侧不应有顺序流，但发现了“{flow.label}”",
    )


@rule("link-names")
def link_names(document: Document) -> Iterator[Problem]:
    """Links that refer to each other do so both ways."""
    for link in document.all("linkEventDefinition"):
        for tag, back in (("source", "target"), ("target", "source")):
            for text in link.texts(tag):
                other = document.resolve(text)
                if other is None or other.tag != "linkEventDefinition" or not other.texts(back):
                    continue
                if all(document.resolve(name) is not link for name in other.texts(back)):
                    yield Problem(
                        link,
                        f"Expected links that name each other, but '{link.label}' names '{other.label}' "
                        "and not the reverse",
                        f"链接事件应互相引用，但“{link.label}”引用了“{other.label}”，反之则没有",
                    )


@rule("compensation-handler")
def compensation_handler(document: Document) -> Iterator[Problem]:
    for event in document.all("boundaryEvent"):
        if "compensate" not in document.kinds(event):
            continue
        for flow in document.outgoing(event):
            yield Problem(
                event,
                f"Expected an association to the compensation activity, but found the sequence flow '{flow.label}'",
                f"补偿边界事件应通过关联连接补偿活动，但发现了顺序流“{flow.label}”",
            )
        targets = [node for node in document.associated.get(event, ()) if node.tag not in {"textAnnotation", "group"}]
        if len(targets) != 1 or not targets[0].is_true("isForCompensation"):
            yield Problem(
                event,
                "Expected an association to one activity marked isForCompensation, but found "
                + (", ".join(f"'{node.label}' without the mark" for node in targets) or "none"),
                "补偿边界事件应关联一个标记为 isForCompensation 的活动，但没有找到",
                to_execute(document, event),
            )


@rule("compensation-reach", "letter")
def compensation_reach(document: Document) -> Iterator[Problem]:
    """A throwing event compensates what is beside it; in an event sub-process, what is beside that."""
    for event in document.all("endEvent", "intermediateThrowEvent"):
        scope = document.scope(event)
        if scope is not None and is_event_sub_process(scope):
            scope = document.scope(scope)
        for definition in document.definitions(event):
            activity = document.resolve(definition.get("activityRef")) if definition.get("activityRef") else None
            if activity is not None and scope is not None and document.scope(activity) is not scope:
                yield Problem(
                    event,
                    f"Expected to compensate an activity beside the event, but '{activity.label}' is elsewhere",
                    f"补偿的活动应与该事件在同一层级，但“{activity.label}”在别处",
                )


@rule("timer-definition")
def timer_definition(document: Document) -> Iterator[Problem]:
    for event in document.all(*EVENTS):
        for timer in document.definitions(event):
            if timer.tag != "timerEventDefinition":
                continue
            found = timer.all("timeDate", "timeDuration", "timeCycle")
            if len(found) > 1 or (not found and not document.is_drawing(event)):
                yield Problem(
                    event,
                    f"Expected one of timeDate, timeDuration and timeCycle, but found {len(found)}",
                    f"定时器应恰好有 timeDate、timeDuration、timeCycle 之一，但实际有 {len(found)} 个",
                )


@rule("event-reference")
def event_reference(document: Document) -> Iterator[Problem]:
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
            yield Problem(
                event,
                f"Expected {kind}Ref on the {kind} event, but found none; choose the {kind}",
                f"{kind} 事件缺少 {kind}Ref；请选择对应的定义",
                by_the_letter(document, event),
            )


@rule("message-operation", "letter")
def message_operation(document: Document) -> Iterator[Problem]:
    for event in document.all(*EVENTS):
        for definition in document.definitions(event):
            if definition.tag != "messageEventDefinition" or document.is_drawing(event):
                continue
            operation = next((document.resolve(text) for text in definition.texts("operationRef") if text), None)
            if operation is None:
                yield Problem(
                    event,
                    "Expected operationRef on a message event of a process to execute, but found none",
                    "可执行流程的消息事件需要 operationRef，但没有找到",
                )
            elif definition.get("messageRef") and document.resolve(definition.get("messageRef")) not in [
                document.resolve(text) for tag in ("inMessageRef", "outMessageRef") for text in operation.texts(tag)
            ]:
                yield Problem(
                    event,
                    f"Expected the message of operation '{operation.label}', but found "
                    f"'{definition.get('messageRef')}'",
                    f"消息应与操作“{operation.label}”的消息一致，但实际为“{definition.get('messageRef')}”",
                )


@rule("code-missing")
def code_missing(document: Document) -> Iterator[Problem]:
    """Standard: whoever throws an error or escalation to be caught gives it a code."""
    for event in document.all("endEvent", "intermediateThrowEvent"):
        for definition in document.definitions(event):
            kind = definition.tag.removesuffix("EventDefinition")
            if kind not in {"error", "escalation"} or not definition.get(f"{kind}Ref"):
                continue
            target = document.resolve(definition.get(f"{kind}Ref"))
            if target is not None and not target.get(f"{kind}Code"):
                yield Problem(
                    event,
                    f"Expected {kind}Code on '{target.label}', but found none; give it a code",
                    f"“{target.label}”缺少 {kind}Code；请填写代码",
                    by_the_letter(document, event),
                )
