"""When an inclusive join may fire: the rule of the standard (BPMN 2.0, table 13.3) on paths of sequence flows."""

from __future__ import annotations

from collections.abc import Iterable

from tests.token_game.model import Flow, Node, Process


def may_fire(process: Process, join: Node, marked: list[Flow], places: Iterable[str]) -> bool:
    """
    Return whether no token elsewhere has still to be waited for.

    `places` are where the other tokens of the level are: nodes, or flows whose tokens wait at a join. A token is waited
    for when a path leads from it to an incoming flow without a token, unless one leads to an incoming flow that has
    one; paths do not visit the join.
    """
    empty = {flow.id for flow in process.incoming[join.id]} - {flow.id for flow in marked}
    full = {flow.id for flow in marked}
    flows = {flow.id: flow for flow in process.flows}
    for place in places:
        if place in flows and flows[place].target == join.id:
            continue
        first = [flows[place].target] if place in flows else [place]
        reached = _flows_from(process, first, join.id)
        if reached & empty and not reached & full:
            return False
    return True


def _flows_from(process: Process, nodes: list[str], join: str) -> set[str]:
    """Ids of the flows on paths from the nodes that do not go through the join."""
    seen: set[str] = set()
    reached: set[str] = set()
    while nodes:
        node = nodes.pop()
        if node in seen or node == join:
            continue
        seen.add(node)
        for flow in process.outgoing[node]:
            reached.add(flow.id)
            nodes.append(flow.target)
        nodes += _links_of(process, node)
    return reached


def _links_of(process: Process, node_id: str) -> list[str]:
    """A link throws to the catch of the same name."""
    node = process.nodes[node_id]
    if node.kind != "intermediateThrowEvent" or node.event is None or node.event.kind != "link":
        return []
    catches = (other for other in process.inside(node.scope) if other.kind == "intermediateCatchEvent" and other.event)
    return [other.id for other in catches if other.event == node.event]
