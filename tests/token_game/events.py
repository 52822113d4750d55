"""Events that are thrown, and those that catch them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.token_game.model import Node
from tests.token_game.state import Visit

if TYPE_CHECKING:
    from tests.token_game.game import Game


def leave_boundary(game: Game, visit: Visit, boundary: Node) -> None:
    """A boundary event happened."""
    scope = visit.parent
    assert scope is not None
    game.emit(scope, boundary)
    if boundary.interrupting:
        game.remove(visit)


def start_event_sub_process(game: Game, scope: Visit, start: Node) -> None:
    if start.interrupting:
        scope.interrupted = True
        game.clear(scope)
        game.waits = [wait for wait in game.waits if wait.visit is not scope or wait.catch.attached]
    scope.live += 1
    visit = game.visit(scope, scope.instance.process.nodes[start.scope])
    game.open(visit, start)


def throw(game: Game, scope: Visit, node: Node) -> None:
    """A token comes to a start, throw or end event."""
    event, flows = node.event, scope.instance.process.outgoing[node.id]
    kind = event.kind if event and node.kind != "startEvent" else ""
    if kind == "terminate":
        game.clear(scope)
        game.finish(scope)
    elif kind == "error":
        assert event is not None
        _throw_error(game, scope, event.name)
    elif kind == "link":
        assert event is not None
        target = next(each for each in scope.instance.process.inside(scope.level)
                      if each.kind == "intermediateCatchEvent" and each.event and each.event.kind == "link"
                      and each.event.name == event.name) if node.kind == "intermediateThrowEvent" else node
        game.emit(scope, target)
        game.used(scope)
    else:
        cleared = scope.cleared
        if kind == "signal" and event is not None:
            game.throw_signal(event.name)
        elif kind == "escalation" and event is not None:
            _escalate(game, scope, event.name)
        if scope.alive and scope.cleared == cleared:
            if flows:
                game.emit(scope, node)
            game.used(scope)


def _catchers(game: Game, scope: Visit, kind: str, code: str) -> Iterator[tuple[Visit, Node]]:
    """Yield who catches what a scope throws, from the inside out: a visit, and an event at or in it."""
    visit: Visit | None = scope
    inner: Visit | None = None
    while visit is not None:
        process = visit.instance.process
        handlers = [node for node in process.inside(visit.level) if node.by_event]
        if visit.role == "body" or visit.interrupted:
            handlers = []
        catches = [start for node in handlers if inner is None or inner.node is not node
                   for start in process.inside(node.id) if start.kind == "startEvent"]
        if visit.node is not None and (visit.parent is None or visit.parent.role != "body"):
            catches += process.boundaries.get(visit.node.id, [])
        for catch in catches:
            if catch.event and catch.event.kind == kind and catch.event.name in ("", code):
                yield visit, catch
        inner, visit = visit, visit.parent if visit.parent is not None else visit.instance.caller


def _throw_error(game: Game, scope: Visit, code: str) -> None:
    if _catch(game, scope, "error", code):
        return
    instance = scope.instance
    while instance.caller is not None:
        instance = instance.caller.instance
    instance.failure = ("error", code)
    game.cancel(instance)


def _escalate(game: Game, scope: Visit, code: str) -> None:
    _catch(game, scope, "escalation", code)


def _catch(game: Game, scope: Visit, kind: str, code: str) -> bool:
    """Let the nearest event that catches what was thrown have it; each caller on the way takes the results before."""
    visit, catch = next(_catchers(game, scope, kind, code), (None, None))
    instance = scope.instance
    while instance.caller is not None and (visit is None or instance is not visit.instance):
        game.take_results(instance)
        instance = instance.caller.instance
    if visit is None or catch is None:
        return False
    _caught(game, visit, catch)
    return True


def _caught(game: Game, visit: Visit, catch: Node) -> None:
    if catch.attached:
        leave_boundary(game, visit, catch)
    else:
        start_event_sub_process(game, visit, catch)
