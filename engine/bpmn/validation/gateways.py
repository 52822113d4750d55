"""Rules on gateways: their direction, and what an event-based gateway may wait for."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import GATEWAYS, Document, Node
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule

WAITS = {"message", "timer", "conditional", "signal"}


@rule("gateway-direction")
def gateway_direction(document: Document) -> Iterator[Problem]:
    for node in document.all(*GATEWAYS):
        incoming, outgoing = len(document.incoming(node)), len(document.outgoing(node))
        wrong = {
            "Converging": outgoing > 1,
            "Diverging": incoming > 1,
            "Mixed": incoming < 2 or outgoing < 2,
        }.get(node.get("gatewayDirection"), False)
        if wrong:
            yield Problem(
                node,
                f"Expected flows that fit gatewayDirection='{node.get('gatewayDirection')}', but found {incoming} "
                f"incoming and {outgoing} outgoing; correct the attribute or delete it",
                f"顺序流应与 gatewayDirection='{node.get('gatewayDirection')}' 相符，"
                f"但有 {incoming} 条流入、{outgoing} 条流出；请更正或删除该属性",
                by_the_letter(document, node),
            )


@rule("event-gateway")
def event_gateway(document: Document) -> Iterator[Problem]:
    for node in document.all("eventBasedGateway"):
        outgoing = document.outgoing(node)
        if len(outgoing) < 2 or node.get("gatewayDirection") == "Converging":
            yield Problem(
                node,
                f"Expected an event-based gateway to lead to two events or more, but found {len(outgoing)}",
                f"事件网关应通向两个或更多事件，但实际有 {len(outgoing)} 个",
                by_the_letter(document, node),
            )
        if node.is_true("instantiate"):
            for flow in document.incoming(node):
                yield Problem(
                    node,
                    f"Expected no flow into a gateway that starts the process, but found '{flow.label}'",
                    f"启动流程的事件网关不应有流入的顺序流，但发现了“{flow.label}”",
                )
        elif node.get("eventGatewayType") == "Parallel":
            yield Problem(
                node,
                "Expected eventGatewayType='Parallel' only together with instantiate='true'",
                "eventGatewayType='Parallel' 只能与 instantiate='true' 一起使用",
            )


@rule("event-gateway-target")
def event_gateway_target(document: Document) -> Iterator[Problem]:
    for node in document.all("eventBasedGateway"):
        targets = [target for flow in document.outgoing(node) if (target := document.target(flow)) is not None]
        for target in targets:
            if not _waits(document, target):
                yield Problem(
                    target,
                    f"Expected a message, timer, conditional or signal catch event or a receive task after the "
                    f"event-based gateway '{node.label}', but found {target.tag}",
                    f"事件网关“{node.label}”之后应为消息、定时、条件或信号捕获事件或接收任务，但实际为 {target.tag}",
                )
            if len(document.incoming(target)) > 1:
                yield Problem(
                    target,
                    f"Expected only the flow from event-based gateway '{node.label}', but found others too",
                    f"除事件网关“{node.label}”外，不应有其他顺序流通向此元素",
                    by_the_letter(document, node),
                )
            if target.tag == "receiveTask" and document.boundaries.get(target):
                yield Problem(
                    target,
                    f"Expected no boundary event on a receive task after the event-based gateway '{node.label}'",
                    f"事件网关“{node.label}”之后的接收任务不应有边界事件",
                    by_the_letter(document, node),
                )
            if node.is_true("instantiate") and "message" not in _kinds(document, target):
                yield Problem(
                    target,
                    "Expected messages only after a gateway that starts the process",
                    "启动流程的事件网关之后只能是消息事件",
                    by_the_letter(document, node),
                )
        yield from _mixed_messages(document, node, targets)


def _mixed_messages(document: Document, node: Node, targets: list[Node]) -> Iterator[Problem]:
    receives = any(target.tag == "receiveTask" for target in targets)
    catches = any(target.tag != "receiveTask" and "message" in document.kinds(target) for target in targets)
    if receives and catches:
        yield Problem(
            node,
            "Expected either receive tasks or message events after the gateway, but found both; use one kind",
            "事件网关之后应统一使用接收任务或消息事件，但两者都有；请只用一种",
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
def gateway_condition(document: Document) -> Iterator[Problem]:
    for node in document.all("exclusiveGateway", "inclusiveGateway"):
        outgoing = document.outgoing(node)
        if len(outgoing) < 2 or not document.is_executable(node):
            continue
        default = document.resolve(node.get("default")) if node.get("default") else None
        for flow in outgoing:
            if flow.first("conditionExpression") is None and flow is not default:
                yield Problem(
                    flow,
                    f"Expected a condition, or the mark as default, on each flow that leaves '{node.label}'",
                    f"从“{node.label}”出发的每条顺序流都应有条件或标为默认",
                    by_the_letter(document, node),
                )
