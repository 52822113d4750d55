"""The server is killed without warning: nothing is lost, nothing is done twice, and all is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casepath.engine import database
from casepath.engine.time import clock
from tests.acceptance import killing
from tests.replaying import assert_replays

KILLS = 12
#: The longest time between two, in seconds.
LIFE = 0.5


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """The clock is real again afterwards."""
    yield
    clock.reset()


def test_kill__at_random_moments(dealership_on_sqlite: str, tmp_path: Path) -> None:
    shared = killing.Shared(folder=tmp_path)

    killing.kill_often(dealership_on_sqlite, shared, KILLS, seed=7, life=LIFE)

    assert killing.finish(dealership_on_sqlite, shared) == []
    pool = database.connect(dealership_on_sqlite)
    assert assert_replays(database.sessions(pool)) > 0
    pool.dispose()
