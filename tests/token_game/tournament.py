"""Many models, one after another, on worlds that are used for some and then left."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context

from tests.token_game.models import generate
from tests.token_game.play import Playable, Unsound, play

#: Models that are played in one world, and games of one model.
MODELS_PER_WORLD = 50
GAMES = 2


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one model was played."""

    seed: int
    size: int
    actions: int
    #: same, different, ambiguous or unsound
    verdict: str
    difference: str = ""
    last_actions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name the model and what was different."""
        return (f"model {self.seed} ({self.size} nodes): {self.difference}\n"
                f"    after {self.actions} actions, the last: {'; '.join(self.last_actions)}")


def play_one(seed: int, world: Playable, *, restart: float) -> Result:
    """Play the games of one model; ends with the first that is different."""
    model = generate(seed)
    actions = 0
    verdict = "same"
    for game in range(GAMES):
        try:
            outcome = play(model, world, game=game, restart=restart)
        except Unsound as error:
            return Result(seed=seed, size=model.size, actions=actions, verdict="unsound", difference=str(error))
        actions += len(outcome.actions)
        if outcome.ambiguous:
            verdict = "ambiguous"
        elif outcome.difference:
            return Result(seed=seed, size=model.size, actions=len(outcome.actions), verdict="different",
                          difference=outcome.difference, last_actions=tuple(outcome.actions[-3:]))
    return Result(seed=seed, size=model.size, actions=actions, verdict=verdict)


def play_all(seeds: Iterable[int], make: Callable[[], Playable], *, restart: float) -> Iterator[Result]:
    """Play models one after another."""
    world, played = None, 0
    try:
        for seed in seeds:
            if world is None or played % MODELS_PER_WORLD == 0:
                if world is not None:
                    world.close()
                world = make()
            played += 1
            yield play_one(seed, world, restart=restart)
    finally:
        if world is not None:
            world.close()


def play_in_processes(seeds: list[int], world: str, *, restart: float, jobs: int) -> Iterator[Result]:
    """Play models in several processes; `world` is `module:Class`."""
    batches = [seeds[at:at + MODELS_PER_WORLD] for at in range(0, len(seeds), MODELS_PER_WORLD)]
    if jobs == 1:
        for batch in batches:
            yield from _play_batch((batch, world, restart))
        return
    with get_context("spawn").Pool(jobs) as pool:
        for results in pool.imap_unordered(_play_batch, [(batch, world, restart) for batch in batches]):
            yield from results


def summary(results: Iterable[Result]) -> str:
    """Count the verdicts; name what was different, smallest model first."""
    found = sorted(results, key=lambda result: result.size)
    counts = Counter(result.verdict for result in found)
    lines = [str(result) for result in found if result.verdict in ("different", "unsound")]
    lines.append(f"{len(found)} models, {sum(result.actions for result in found)} actions: "
                 + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return "\n".join(lines)


def _play_batch(batch: tuple[list[int], str, float]) -> list[Result]:
    seeds, name, restart = batch
    module, _, cls = name.partition(":")
    make = getattr(importlib.import_module(module), cls)
    return list(play_all(seeds, make, restart=restart))
