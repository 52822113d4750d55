"""People who work beside clients that do harm; `tests.acceptance.loading` does it with more of them, for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance import loading
from tests.database import WORKER, PostgresServer

#: Who works sees what others do to all: each does five things, one after the other, while they attack.
PEOPLE = 4


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'casepath.db'}"
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    return server.create(f"casepath_loading_{WORKER}", template="template0")


def test_people_notice_nothing(url: str, tmp_path: Path) -> None:
    outcome = loading.load(url, tmp_path, idle=300, seconds=5, people=PEOPLE, share=0.1)

    print(outcome)
    assert outcome.problems() == []
    assert len(outcome.told.took) >= 5 * PEOPLE
