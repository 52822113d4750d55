"""
Random models, played on the engine and on the reference at the same time, and once more from their history.

Many more are played by `python -m tests.token_game --models 10000`.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.replaying import ReplayedWorld
from tests.token_game.covering import covering
from tests.token_game.tournament import play_all, summary
from tests.world import World


@pytest.mark.parametrize("part", [0, 1])
def test_models__on_sqlite(part: int) -> None:
    results = list(play_all(covering(range(210))[part::2], ReplayedWorld, restart=0.1))

    assert {result.verdict for result in results} <= {"same", "ambiguous"}, summary(results)


@pytest.mark.postgresql
def test_models__on_postgresql(postgresql_url: str) -> None:
    seeds = covering(range(1000, 1030), places=False)

    results = list(play_all(seeds, partial(World, postgresql_url), restart=0.1))

    assert {result.verdict for result in results} <= {"same", "ambiguous"}, summary(results)
