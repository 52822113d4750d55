"""Few models that have what many have: every kind of element, in every kind of place where one of the many has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.token_game.model import Node, Process
from tests.token_game.models import Model, generate

Kind = tuple[object, ...]


def covering(seeds: Iterable[int], *, places: bool = True) -> list[int]:
    """
    Return the seeds of some of these models that have every kind of all of them, small models first.

    Without `places` it does not matter where an element stands.
    """
    models = [generate(seed) for seed in seeds]
    kinds = {model.seed: {kind for kind in kinds_of(model) if places or len(kind) == 1} for model in models}
    left, chosen = set[Kind]().union(*kinds.values()), list[int]()
    while left:
        # What all models are played with anyhow takes as long as three nodes.
        best = max(models, key=lambda model: len(kinds[model.seed] & left) / (model.size + 3))
        chosen.append(best.seed)
        left -= kinds[best.seed]
    return chosen


def kinds_of(model: Model) -> Iterator[Kind]:
    """Yield the kinds of elements as they are, and more roughly with what each stands in and what it is attached to."""
    for number, process in enumerate(model.processes):
        for node in process.nodes.values():
            event = (bool(node.event.name), node.event.timer) if node.event else None
            loop = (bool(node.loop.cardinality), bool(node.loop.condition)) if node.loop else None
            yield ((sort(node), event, loop, bool(node.inputs), bool(node.default)),)
            yield sort(node), "in", place(node.scope, process) or ("called" if number else "started")
            if node.attached:
                yield sort(node), "at", place(node.attached, process)


def place(element: str, process: Process) -> Kind | None:
    """Return the kind of an element; None for the process."""
    return sort(process.nodes[element]) if element in process.nodes else None


def sort(node: Node) -> Kind:
    """Return what an element is, what it catches or throws, and how often it runs."""
    return node.kind, node.event and node.event.kind, node.loop and node.loop.kind, node.interrupting
