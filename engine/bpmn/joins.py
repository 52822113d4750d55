"""Joins that can only be decided when all else has come to rest, and finding out that nothing can move any more."""

from __future__ import annotations

from casepath.engine.bpmn.elements.gateways import ComplexGateway, InclusiveGateway, ParallelGateway
from casepath.engine.bpmn.scopes import Scope
from casepath.engine.bpmn.tree import Token, TokenTree


def settle(workflow: TokenTree) -> bool:
    """Let one upstream join go on that no other token can reach any more; return whether anything changed."""
    if not workflow.spec.has_upstream_joins:
        return False
    for scope in list(workflow.scopes.values()):
        for token in scope.tokens():
            node = token.node
            joins = isinstance(node, InclusiveGateway) and len(node.incoming) > 1 and "joined" not in token.memo
            if joins and token.waits and _settle_at(workflow, scope, node, token):
                return True
    return any(_forget_resets(scope) for scope in list(workflow.scopes.values()))


def _settle_at(workflow: TokenTree, scope: Scope, node: InclusiveGateway, token: Token) -> bool:
    if isinstance(node, ComplexGateway):
        if node.bpmn_id in scope.memo.get("reset", {}) and node.reset(token):
            return True
        if node.activation is not None:
            return False
    arrived = workflow.arrivals(node, scope)
    if not node.is_activated(arrived, _elsewhere(scope, node)):
        return False
    workflow.merge(token, [tokens[0] for tokens in arrived.values()])
    token._ready()
    return True


def _elsewhere(scope: Scope, node: InclusiveGateway) -> list[str]:
    return [token.node.bpmn_id for token in scope.tokens() if token.node is not node]


def _forget_resets(scope: Scope) -> bool:
    """Reset complex gateways whose missing tokens can no longer arrive."""
    resets: dict[str, list[str]] = scope.memo.get("reset", {})
    tokens = scope.tokens()
    for element_id, missing in list(resets.items()):
        gateway = scope.task.workflow.spec.nodes[element_id] if tokens else None
        if isinstance(gateway, ComplexGateway):
            upstream = gateway.upstream()
            reachable = frozenset().union(*(upstream[flow] for flow in missing)) if missing else frozenset()
            if any(token.node.bpmn_id in reachable for token in tokens if token.node is not gateway):
                continue
        del resets[element_id]
        if not resets:
            del scope.memo["reset"]
        return True
    return False


def stuck(workflow: TokenTree) -> tuple[bool, bool]:
    """Whether nothing from outside could move the instance when this was last asked, and whether it is so now."""
    memo = workflow.root.memo
    before, now = memo.pop("stuck", False), workflow.outcome is None and is_stuck(workflow)
    if now:
        memo["stuck"] = True
    return before, now


def is_stuck(workflow: TokenTree) -> bool:
    """Whether all tokens wait for one another at joins, and no event can come that would change it."""
    for token in workflow.alive():
        contains = token.inner is not None and token.inner.count > 0
        if not contains and (token.failed or not _joins(token)):
            return False
        if any(
            event.definitions and event.catches("timer", "message", "signal", "conditional")
            for event in token.node.boundary
        ):
            return False
    listens = any(workflow.event_starts(scope) for scope in workflow.scopes.values())
    return bool(workflow.alive()) and not listens


def _joins(token: Token) -> bool:
    node = token.node
    if isinstance(node, (ParallelGateway, InclusiveGateway)):
        return token.waits and "continuation" not in token.memo
    return bool(token.memo.get("gathers"))
