"""
Random models, played on the engine and on the reference at the same time, and once more from their history.

Many more are played by `python -m tests.token_game --models 10000`.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.replaying import ReplayedWorld
from tests.token_game.tournament import play_all, summary
from tests.world import World


@pytest.mark.parametrize("first", [0, 70, 140])
def test_models__on_sqlite(first: int) -> None:
    results = list(play_all(range(first, first + 70), ReplayedWorld, restart=0.1))

    assert {result.verdict for result in results} <= {"same", "ambiguous"}, summary(results)


@pytest.mark.postgresql
def test_models__on_postgresql(postgresql_url: str) -> None:
    results = list(play_all(range(1000, 1030), partial(World, postgresql_url), restart=0.1))

    assert {result.verdict for result in results} <= {"same", "ambiguous"}, summary(results)
