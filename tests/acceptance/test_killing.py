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


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """The clock is real again afterwards."""
    yield
    clock.reset()


def test_kill__at_random_moments(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'casepath.db'}"
    shared = killing.Shared(folder=tmp_path)
    killing.prepare(url)

    killing.kill_often(url, shared, KILLS, seed=7)

    assert killing.finish(url, shared) == []
    pool = database.connect(url)
    assert assert_replays(database.sessions(pool)) > 0
    pool.dispose()
