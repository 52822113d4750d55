"""Rules on sequence flows: what they connect, where, under which conditions, and what lacks one."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import (
    ACTIVITIES,
    CHOREOGRAPHY_ACTIVITIES,
    EVENTS,
    FLOW_NODES,
    GATEWAYS,
    SCOPES,
    Document,
    Node,
    is_event_sub_process,
)
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule

CONDITIONAL_SOURCES = ACTIVITIES | CHOREOGRAPHY_ACTIVITIES | {"exclusiveGateway", "inclusiveGateway", "complexGateway"}


@rule("flow-end")
def flow_end(document: Document) -> Iterator[Problem]:
    for flow in document.flows:
        for end, end_zh, node in (("start", "起点", document.source(flow)), ("end", "终点", document.target(flow))):
            if node is None or (node.tag in FLOW_NODES and not is_event_sub_process(node)):
                continue
            kind = "event sub-process" if is_event_sub_process(node) else node.tag
            yield Problem(
                flow,
                f"Expected an activity, event or gateway at the {end} of the flow, but found {kind} '{node.label}'",
                f"顺序流的{end_zh}应为活动、事件或网关，但“{node.label}”是 {kind}",
            )


@rule("flow-crosses-scope")
def flow_crosses_scope(document: Document) -> Iterator[Problem]:
    for flow in document.flows:
        source, target = document.source(flow), document.target(flow)
        if source is None or target is None or not {source.tag, target.tag} <= FLOW_NODES:
            continue
        if document.scope(source) is not document.scope(target):
            yield Problem(
                flow,
                f"Expected both ends in one process or sub-process, but '{source.label}' and '{target.label}' are in "
                "different ones; use a message flow between pools, events at sub-process borders",
                f"顺序流两端应在同一流程或子流程中，但“{source.label}”与“{target.label}”不在同一个；"
                "泳池之间请用消息流，子流程边界请用事件",
            )


@rule("flow-immediate")
def flow_immediate(document: Document) -> Iterator[Problem]:
    for flow in document.flows:
        if flow.is_false("isImmediate") and not document.is_drawing(flow):
            yield Problem(
                flow,
                "Expected no isImmediate='false' in a process to execute; delete the attribute",
                "可执行流程中不允许 isImmediate='false'；请删除该属性",
                by_the_letter(document, flow),
            )


@rule("condition-source")
def condition_source(document: Document) -> Iterator[Problem]:
    for flow in document.flows:
        source = document.source(flow)
        if flow.first("conditionExpression") is None or source is None or source.tag in CONDITIONAL_SOURCES:
            continue
        yield Problem(
            flow,
            f"Expected no condition on a flow that leaves {source.tag} '{source.label}'; "
            "delete it, or decide with an exclusive gateway",
            f"从 {source.tag}“{source.label}”出发的顺序流不应有条件；请删除条件，或使用排他网关",
            None if source.tag in {"startEvent", "eventBasedGateway"} else by_the_letter(document, flow),
        )


@rule("condition-alone")
def condition_alone(document: Document) -> Iterator[Problem]:
    for node in document.all(*ACTIVITIES):
        outgoing = document.outgoing(node)
        if len(outgoing) == 1 and outgoing[0].first("conditionExpression") is not None:
            yield Problem(
                outgoing[0],
                "Expected another flow beside one with a condition, but found none; "
                "the path would end here when the condition is false",
                "带条件的顺序流旁边应有其他顺序流，但没有；条件不成立时流程将在此中断",
                by_the_letter(document, node),
            )


@rule("default-flow")
def default_flow(document: Document) -> Iterator[Problem]:
    for node in document.nodes:
        flow = document.resolve(node.get("default")) if node.get("default") and node.tag in FLOW_NODES else None
        if flow is None or flow.tag != "sequenceFlow":
            continue
        if document.source(flow) is not node:
            yield Problem(
                node,
                f"Expected the default flow to leave '{node.label}', but '{flow.label}' does not; "
                "choose an outgoing one",
                f"默认顺序流应从“{node.label}”出发，但“{flow.label}”不是；请选择一条流出的顺序流",
            )
        elif flow.first("conditionExpression") is not None:
            yield Problem(
                flow,
                f"Expected no condition on the default flow of '{node.label}'; delete the condition",
                f"“{node.label}”的默认顺序流不应有条件；请删除条件",
                by_the_letter(document, flow),
            )


@rule("flow-list")
def flow_list(document: Document) -> Iterator[Problem]:
    """Nodes may list their flows; where a file does so, the lists and the flows should agree."""
    listing = any(True for _ in document.all("incoming", "outgoing"))
    if not listing:
        return
    for node in document.all(*FLOW_NODES):
        for tag, flows in (("incoming", document.incoming(node)), ("outgoing", document.outgoing(node))):
            listed = {document.resolve(text): text for text in node.texts(tag) if text}
            stale = [listed[flow] for flow in listed.keys() - set(flows)]
            missing = [flow.label for flow in flows if flow not in listed]
            if stale or missing:
                wrong = ", ".join((stale or missing)[:5])
                yield Problem(
                    node,
                    f"Expected the list of {tag} flows to agree with the flows of the diagram, but '{wrong}' differs",
                    f"{tag} 列表应与图中的顺序流一致，但“{wrong}”不一致",
                    by_the_letter(document, node) if stale else "letter",
                )


def _starts_by_itself(document: Document, node: Node) -> bool:
    if node.tag in {"startEvent", "boundaryEvent"} or is_event_sub_process(node) or node.is_true("isForCompensation"):
        return True
    if node.tag in {"receiveTask", "eventBasedGateway"} and node.is_true("instantiate"):
        return True
    return node.tag == "intermediateCatchEvent" and "link" in document.kinds(node)


def _ends_by_itself(document: Document, node: Node) -> bool:
    if node.tag == "endEvent" or is_event_sub_process(node) or node.is_true("isForCompensation"):
        return True
    return node.tag in EVENTS and bool({"link", "compensate"} & set(document.kinds(node)))


@rule("flow-missing")
def flow_missing(document: Document) -> Iterator[Problem]:
    """Beside a start event nothing else begins by itself, beside an end event nothing else ends."""
    for scope in document.all(*SCOPES - {"adHocSubProcess"}):
        nodes = [child for child in scope.children if child.tag in FLOW_NODES]
        if any(node.tag == "startEvent" for node in nodes):
            for node in nodes:
                if not document.incoming(node) and not _starts_by_itself(document, node):
                    yield Problem(
                        node,
                        f"Expected a sequence flow that leads to '{node.label}', but found none; it is never reached",
                        f"没有顺序流通向“{node.label}”；它永远不会执行，请连接",
                        by_the_letter(document, node),
                    )
        if any(node.tag == "endEvent" for node in nodes):
            for node in nodes:
                if not document.outgoing(node) and not _ends_by_itself(document, node):
                    yield Problem(
                        node,
                        f"Expected a sequence flow that leaves '{node.label}', but found none; lead it to an end event",
                        f"没有顺序流从“{node.label}”出发；请连接到结束事件",
                        "letter",
                    )


@rule("start-without-end", "letter")
def start_without_end(document: Document) -> Iterator[Problem]:
    for scope in document.all(*SCOPES - {"adHocSubProcess"}):
        starts, ends = scope.first("startEvent"), scope.first("endEvent")
        if (starts is None) == (ends is None):
            continue
        lacking, lacking_zh = ("end", "结束") if ends is None else ("start", "开始")
        yield Problem(
            scope,
            f"Expected start and end events together in '{scope.label}', but found no {lacking} event",
            f"“{scope.label}”应同时有开始事件和结束事件，但没有{lacking_zh}事件",
        )


@rule("gateway-flows", "letter")
def gateway_flows(document: Document) -> Iterator[Problem]:
    for node in document.all(*GATEWAYS):
        if len(document.incoming(node)) < 2 and len(document.outgoing(node)) < 2:
            yield Problem(
                node,
                "Expected a gateway to split or to join, but found at most one flow on either side; delete it",
                "网关应分流或汇合，但两侧最多只有一条顺序流；请删除该网关",
            )
