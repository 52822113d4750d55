"""The server is killed without warning: nothing is lost, nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import clock
from tests.acceptance import killing

KILLS = 12


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """The clock is real again afterwards."""
    yield
    clock.reset()


def test_kill__at_random_moments(sqlite_url: str, tmp_path: Path) -> None:
    killing.prepare(sqlite_url)

    killing.kill_often(sqlite_url, tmp_path, KILLS, seed=7)

    assert killing.finish(sqlite_url, tmp_path, KILLS) == []
