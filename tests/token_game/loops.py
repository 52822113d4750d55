"""Loops: multi-instance activities, parallel and sequential, and standard loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.token_game import expressions
from tests.token_game.model import Node
from tests.token_game.state import Visit

if TYPE_CHECKING:
    from tests.token_game.game import Game


def begin(game: Game, body: Visit, node: Node) -> None:
    loop = node.loop
    assert loop is not None
    if loop.kind == "standard":
        if loop.test_before and not _goes_on(game, body, node):
            game.complete_visit(body)
        else:
            _begin_round(game, body, node)
        return
    if loop.collection:
        members = game.value(body, loop.collection)
        if not isinstance(members, list):
            raise expressions.Unreadable(f"Expected a list, but found {members!r}")
        body.members = members
        body.wanted = len(members)
    else:
        cardinality = game.value(body, loop.cardinality)
        if not isinstance(cardinality, int) or cardinality < 0:
            raise expressions.Unreadable(f"Expected a number of instances, but found {cardinality!r}")
        body.wanted = cardinality
    body.variables["nrOfInstances"] = body.wanted
    _count(game, body)
    if body.wanted == 0:
        game.complete_visit(body)
    for _ in range(body.wanted if loop.kind == "parallel" else min(body.wanted, 1)):
        if body.alive:
            _begin_round(game, body, node)


def _begin_round(game: Game, body: Visit, node: Node) -> None:
    loop = node.loop
    assert loop is not None
    item = game.visit(body, node)
    body.live += 1
    item.variables["loopCounter"] = body.begun
    if body.members is not None and loop.element:
        item.variables[loop.element] = body.members[body.begun]
    body.begun += 1
    _count(game, body)
    game.perform(item, node)


def end_round(game: Game, body: Visit, item: Visit) -> None:
    node = item.node
    assert node is not None
    assert node.loop is not None
    body.done += 1
    game.remove(item)
    _count(game, body)
    if node.loop.kind == "standard":
        enough = not _goes_on(game, body, node)
    else:
        enough = bool(node.loop.condition) and bool(game.value(item, node.loop.condition))
        enough = enough or body.done == body.wanted
    if enough:
        game.complete_visit(body)
    elif node.loop.kind != "parallel":
        _begin_round(game, body, node)


def _goes_on(game: Game, body: Visit, node: Node) -> bool:
    assert node.loop is not None
    if node.loop.maximum is not None and body.done >= node.loop.maximum:
        return False
    return not node.loop.condition or bool(game.value(body, node.loop.condition))


def _count(game: Game, body: Visit) -> None:
    if body.node is not None and body.node.loop is not None and body.node.loop.kind != "standard":
        body.variables["nrOfActiveInstances"] = body.live
        body.variables["nrOfCompletedInstances"] = body.done
