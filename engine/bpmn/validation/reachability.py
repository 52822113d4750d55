"""Warnings that need the graph: what is never reached or never ends, joins that wait for ever; in linear time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from casepath.engine.bpmn.validation.document import FLOW_NODES, PROCESS_SCOPES, Document, Node, is_event_sub_process
from casepath.engine.bpmn.validation.rules import Breach, rule

Graph = Mapping[Node, list[Node]]


def _graph(document: Document, scope: Node) -> tuple[list[Node], Graph]:
    """The flow nodes of one scope with their successors: along flows, to boundary events, handlers and links."""
    nodes = [child for child in scope.children if child.tag in FLOW_NODES]
    inside = set(nodes)
    successors: dict[Node, list[Node]] = defaultdict(list)
    for node in nodes:
        targets = [target for flow in document.outgoing(node) if (target := document.target(flow)) is not None]
        caught, handlers = document.linked.get(node, [])[:1], document.associated.get(node, [])
        for target in chain(targets, document.boundaries.get(node, []), caught, handlers):
            if target in inside:
                successors[node].append(target)
    return nodes, successors


def _reached(starts: Iterable[Node], successors: Graph) -> set[Node]:
    seen = set(starts)
    waiting = list(seen)
    while waiting:
        for node in successors.get(waiting.pop(), ()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def _reversed(nodes: list[Node], successors: Graph) -> Graph:
    back: dict[Node, list[Node]] = defaultdict(list)
    for node in nodes:
        for target in successors.get(node, ()):
            back[target].append(node)
    return back


@rule("never-reached", "warning")
def never_reached(document: Document) -> Iterator[Breach]:
    """Elements behind others that nothing leads to; `flow-missing` names the first of them."""
    for scope in document.all(*PROCESS_SCOPES - {"adHocSubProcess"}):
        nodes, successors = _graph(document, scope)
        starts = [
            node
            for node in nodes
            if node.tag == "startEvent"
            or is_event_sub_process(node)
            or node.is_true("instantiate")
            or node.is_true("isForCompensation")
        ]
        if not starts:
            continue
        reached = _reached(starts, successors)
        for node in nodes:
            if node not in reached and document.incoming(node):
                yield Breach(
                    node,
                    "Expected a path from a start event to '{label}', but found none; it is never reached",
                    label=node.label,
                )


@rule("never-ends", "warning")
def never_ends(document: Document) -> Iterator[Breach]:
    for scope in document.all(*PROCESS_SCOPES - {"adHocSubProcess"}):
        nodes, successors = _graph(document, scope)
        ends = [node for node in nodes if not successors.get(node)]
        closing = _reached(ends, _reversed(nodes, successors))
        trapped = [node for node in nodes if node not in closing]
        if trapped:
            loop = _loop(trapped[0], successors)
            yield Breach(
                loop[0],
                "Expected a way out of the loop {names}, but found none; add a flow that leaves it",
                names=[node.label for node in loop[:5]],
            )


def _loop(start: Node, successors: Graph) -> list[Node]:
    """The loop that a walk gets into from a node without a way to an end."""
    walked: dict[Node, None] = {}
    node = start
    while node not in walked:
        walked[node] = None
        node = successors[node][0]
    path = list(walked)
    return path[path.index(node) :]


@rule("join-deadlock", "warning")
def join_deadlock(document: Document) -> Iterator[Breach]:
    """A parallel join that waits for branches of which an exclusive split takes only one."""
    for scope in document.all(*PROCESS_SCOPES - {"adHocSubProcess"}):
        nodes, successors = _graph(document, scope)
        for split in nodes:
            if split.tag not in {"exclusiveGateway", "eventBasedGateway"} or len(document.outgoing(split)) < 2:
                continue
            met: dict[Node, int] = defaultdict(int)
            for flow in document.outgoing(split):
                join = _next_junction(document, successors, document.target(flow))
                if join is not None:
                    met[join] += 1
            for join, number in met.items():
                if join.tag == "parallelGateway" and number > 1 and len(document.incoming(join)) > 1:
                    yield Breach(
                        join,
                        "Expected all branches to arrive here, but '{label}' takes only one of {number}; join with an "
                        "exclusive gateway",
                        label=split.label,
                        number=number,
                    )


def _next_junction(document: Document, successors: Graph, node: Node | None) -> Node | None:
    """Follow a branch along nodes with one way in and out; the first node with more is where it meets others."""
    seen: set[Node] = set()
    while node is not None and node not in seen:
        seen.add(node)
        if len(document.incoming(node)) > 1:
            return node
        following = successors.get(node, [])
        if len(following) != 1:
            return None
        node = following[0]
    return None
