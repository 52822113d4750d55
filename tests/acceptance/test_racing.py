"""Two processes do the same, or what excludes each other, at the same moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from casepath.engine.time import clock
from tests.acceptance import racing


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """The clock is real again afterwards."""
    yield
    clock.reset()


def test_races(database_url: str) -> None:
    with racing.course(database_url) as course:
        assert [problem for race in racing.RACES for problem in course.run(race)] == []
