"""Rules on gateways: their direction, and what an event-based gateway may wait for."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import GATEWAYS, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule

WAITS = {"message", "timer", "conditional", "signal"}


@rule("gateway-direction")
def gateway_direction(document: Document) -> Iterator[Breach]:
    for node in document.all(*GATEWAYS):
        incoming, outgoing = len(document.incoming(node)), len(document.outgoing(node))
        wrong = {
            "Converging": outgoing > 1,
            "Diverging": incoming > 1,
            "Mixed": incoming < 2 or outgoing < 2,
        }.get(node.get("gatewayDirection"), False)
        if wrong:
            yield Breach(
                node,
                "Expected flows that fit gatewayDirection='{gateway_direction}', but found {incoming} incoming and "
                "{outgoing} outgoing; correct the attribute or delete it",
                by_the_letter(document, node),
                gateway_direction=node.get("gatewayDirection"),
                incoming=incoming,
                outgoing=outgoing,
            )


@rule("event-gateway")
def event_gateway(document: Document) -> Iterator[Breach]:
    for node in document.all("eventBasedGateway"):
        outgoing = document.outgoing(node)
        if len(outgoing) < 2 or node.get("gatewayDirection") == "Converging":
            yield Breach(
                node,
                "Expected an event-based gateway to lead to two events or more, but found {count}",
                by_the_letter(document, node),
                count=len(outgoing),
            )
        if node.is_true("instantiate"):
            for flow in document.incoming(node):
                yield Breach(
                    node,
                    "Expected no flow into a gateway that starts the process, but found '{label}'",
                    label=flow.label,
                )
        elif node.get("eventGatewayType") == "Parallel":
            yield Breach(node, "Expected eventGatewayType='Parallel' only together with instantiate='true'")


@rule("event-gateway-target")
def event_gateway_target(document: Document) -> Iterator[Breach]:
    for node in document.all("eventBasedGateway"):
        targets = [target for flow in document.outgoing(node) if (target := document.target(flow)) is not None]
        for target in targets:
            if not _waits(document, target):
                yield Breach(
                    target,
                    "Expected a message, timer, conditional or signal catch event or a receive task after the "
                    "event-based gateway '{label}', but found {tag}",
                    label=node.label,
                    tag=target.tag,
                )
            if len(document.incoming(target)) > 1:
                yield Breach(
                    target,
                    "Expected only the flow from event-based gateway '{label}', but found others too",
                    by_the_letter(document, node),
                    label=node.label,
                )
            if target.tag == "receiveTask" and document.boundaries.get(target):
                yield Breach(
                    target,
                    "Expected no boundary event on a receive task after the event-based gateway '{label}'",
                    by_the_letter(document, node),
                    label=node.label,
                )
            if node.is_true("instantiate") and "message" not in _kinds(document, target):
                yield Breach(
                    target,
                    "Expected messages only after a gateway that starts the process",
                    by_the_letter(document, node),
                )
        yield from _mixed_messages(document, node, targets)


def _mixed_messages(document: Document, node: Node, targets: list[Node]) -> Iterator[Breach]:
    receives = any(target.tag == "receiveTask" for target in targets)
    catches = any(target.tag != "receiveTask" and "message" in document.kinds(target) for target in targets)
    if receives and catches:
        yield Breach(
            node,
            "Expected either receive tasks or message events after the gateway, but found both; use one kind",
            by_the_letter(document, node),
        )


def _waits(document: Document, target: Node) -> bool:
    if target.tag == "receiveTask":
        return True
    kinds = set(document.kinds(target))
    return target.tag == "intermediateCatchEvent" and kinds <= WAITS


def _kinds(document: Document, target: Node) -> set[str]:
    return {"message"} if target.tag == "receiveTask" else set(document.kinds(target))


@rule("gateway-condition")
def gateway_condition(document: Document) -> Iterator[Breach]:
    for node in document.all("exclusiveGateway", "inclusiveGateway"):
        outgoing = document.outgoing(node)
        if len(outgoing) < 2 or document.is_drawing(node):
            continue
        default = document.resolve(node.get("default")) if node.get("default") else None
        for flow in outgoing:
            if flow.first("conditionExpression") is None and flow is not default:
                yield Breach(
                    flow,
                    "Expected a condition, or the mark as default, on each flow that leaves '{label}'",
                    None if node.tag == "exclusiveGateway" else by_the_letter(document, node),
                    label=node.label,
                )
