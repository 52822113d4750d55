"""Rules on sequence flows: what they connect, where, under which conditions, and what lacks one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from casepath.engine.bpmn.validation.rules import Breach, Level, by_the_letter, rule
from casepath.engine.phrases import Phrase

#: Where a condition is no warning: behind a start event it is executed, behind this gateway nothing could ask it.
CONDITION_LEVELS: Mapping[str, Level] = {"startEvent": "letter", "eventBasedGateway": "error"}
CONDITIONAL_SOURCES = ACTIVITIES | CHOREOGRAPHY_ACTIVITIES | {"exclusiveGateway", "inclusiveGateway", "complexGateway"}


@rule("flow-end")
def flow_end(document: Document) -> Iterator[Breach]:
    for flow in document.flows:
        for end, node in ((Phrase("start"), document.source(flow)), (Phrase("end"), document.target(flow))):
            if node is None or (node.tag in FLOW_NODES and not is_event_sub_process(node)):
                continue
            kind = Phrase("event sub-process") if is_event_sub_process(node) else node.tag
            yield Breach(
                flow,
                "Expected an activity, event or gateway at the {end} of the flow, but found {kind} '{label}'",
                end=end,
                kind=kind,
                label=node.label,
            )


@rule("flow-crosses-scope")
def flow_crosses_scope(document: Document) -> Iterator[Breach]:
    for flow in document.flows:
        source, target = document.source(flow), document.target(flow)
        if source is None or target is None or not {source.tag, target.tag} <= FLOW_NODES:
            continue
        if document.scope(source) is not document.scope(target):
            yield Breach(
                flow,
                "Expected both ends in one process or sub-process, but '{label}' and '{target_label}' are in "
                "different ones; use a message flow between pools, events at sub-process borders",
                label=source.label,
                target_label=target.label,
            )


@rule("flow-immediate")
def flow_immediate(document: Document) -> Iterator[Breach]:
    for flow in document.flows:
        if flow.is_false("isImmediate") and not document.is_drawing(flow):
            yield Breach(
                flow,
                "Expected no isImmediate='false' in a process to execute; delete the attribute",
                by_the_letter(document, flow),
            )


@rule("condition-source")
def condition_source(document: Document) -> Iterator[Breach]:
    for flow in document.flows:
        source = document.source(flow)
        if flow.first("conditionExpression") is None or source is None or source.tag in CONDITIONAL_SOURCES:
            continue
        yield Breach(
            flow,
            "Expected no condition on a flow that leaves {tag} '{label}'; delete it, or decide with an exclusive "
            "gateway",
            CONDITION_LEVELS.get(source.tag, by_the_letter(document, flow)),
            tag=source.tag,
            label=source.label,
        )


@rule("condition-alone")
def condition_alone(document: Document) -> Iterator[Breach]:
    for node in document.all(*ACTIVITIES):
        outgoing = document.outgoing(node)
        if len(outgoing) == 1 and outgoing[0].first("conditionExpression") is not None:
            yield Breach(
                outgoing[0],
                "Expected another flow beside one with a condition, but found none; the path would end here when the "
                "condition is false",
                by_the_letter(document, node),
            )


@rule("default-flow")
def default_flow(document: Document) -> Iterator[Breach]:
    for node in document.nodes:
        flow = document.resolve(node.get("default")) if node.get("default") and node.tag in FLOW_NODES else None
        if flow is None or flow.tag != "sequenceFlow":
            continue
        if document.source(flow) is not node:
            yield Breach(
                node,
                "Expected the default flow to leave '{label}', but '{flow_label}' does not; choose an outgoing one",
                label=node.label,
                flow_label=flow.label,
            )
        elif flow.first("conditionExpression") is not None:
            yield Breach(
                flow,
                "Expected no condition on the default flow of '{label}'; delete the condition",
                by_the_letter(document, flow),
                label=node.label,
            )


@rule("flow-list")
def flow_list(document: Document) -> Iterator[Breach]:
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
                wrong = (stale or missing)[:5]
                yield Breach(
                    node,
                    "Expected the list of {tag} flows to agree with the diagram, but found a difference in {wrong}",
                    by_the_letter(document, node) if stale else "letter",
                    tag=tag,
                    wrong=wrong,
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
def flow_missing(document: Document) -> Iterator[Breach]:
    """Beside a start event nothing else begins by itself, beside an end event nothing else ends."""
    for scope in document.all(*SCOPES - {"adHocSubProcess"}):
        nodes = [child for child in scope.children if child.tag in FLOW_NODES]
        if any(node.tag == "startEvent" for node in nodes):
            for node in nodes:
                if not document.incoming(node) and not _starts_by_itself(document, node):
                    yield Breach(
                        node,
                        "Expected a sequence flow that leads to '{label}', but found none; it is never reached",
                        by_the_letter(document, node),
                        label=node.label,
                    )
        if any(node.tag == "endEvent" for node in nodes):
            for node in nodes:
                if not document.outgoing(node) and not _ends_by_itself(document, node):
                    yield Breach(
                        node,
                        "Expected a sequence flow that leaves '{label}', but found none; lead it to an end event",
                        "letter",
                        label=node.label,
                    )


@rule("start-without-end", "letter")
def start_without_end(document: Document) -> Iterator[Breach]:
    for scope in document.all(*SCOPES - {"adHocSubProcess"}):
        starts, ends = scope.first("startEvent"), scope.first("endEvent")
        if (starts is None) == (ends is None):
            continue
        yield Breach(
            scope,
            "Expected start and end events together in '{label}', but found no {lacking}",
            label=scope.label,
            lacking=Phrase("end event") if ends is None else Phrase("start event"),
        )


@rule("gateway-flows", "letter")
def gateway_flows(document: Document) -> Iterator[Breach]:
    for node in document.all(*GATEWAYS):
        if len(document.incoming(node)) < 2 and len(document.outgoing(node)) < 2:
            yield Breach(
                node,
                "Expected a gateway to split or to join, but found at most one flow on either side; delete it",
            )
