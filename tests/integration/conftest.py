"""What a test of the engine leaves behind is held against its history, and played again: it is complete, and true."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from sqlalchemy.orm import sessionmaker

from casepath.engine import history
from tests.replaying import assert_replays
from tests.world import World

#: Test modules that damage histories, or make up parts of them.
EXCEPT = frozenset({"test_history", "test_replay"})


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """
    After a test that has passed, verify its world, and play again all that it, or its SQLite database, tells.

    Tests without a world make rows by themselves.
    """
    result = yield
    found = pyfuncitem.funcargs.get("world", pyfuncitem.funcargs.get("transaction"))
    sessions = found.sessions if isinstance(found, World) else found
    if isinstance(sessions, sessionmaker) and pyfuncitem.module.__name__.rpartition(".")[2] not in EXCEPT:
        with sessions() as session:
            on_sqlite = session.get_bind().dialect.name == "sqlite"
            problems = [str(problem) for problem in history.verify_all(session) if isinstance(found, World)]
        assert problems == []
        if on_sqlite:
            assert_replays(sessions)
    return result
