"""What a test of the engine leaves behind is played again: history is complete enough to rebuild it."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from sqlalchemy.orm import sessionmaker

from tests.replaying import assert_replays
from tests.world import World

#: Test modules that damage histories, or make up parts of them.
EXCEPT = frozenset({"test_history", "test_replay"})


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """After a test that has passed, play again all that its world, or its SQLite database, tells."""
    result = yield
    found = pyfuncitem.funcargs.get("world", pyfuncitem.funcargs.get("transaction"))
    sessions = found.sessions if isinstance(found, World) else found
    if isinstance(sessions, sessionmaker) and pyfuncitem.module.__name__.rpartition(".")[2] not in EXCEPT:
        with sessions() as session:
            on_sqlite = session.get_bind().dialect.name == "sqlite"
        if on_sqlite:
            assert_replays(sessions)
    return result
