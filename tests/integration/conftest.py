"""What a test of the engine leaves behind is held against its history, and played again: it is complete, and true."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from zlib import crc32

import pytest
from sqlalchemy.orm import sessionmaker

from casepath.engine import history
from tests.replaying import assert_replays
from tests.world import World

FOLDER = Path(__file__).parent
#: Of the values of a test's other parameters so many go together with one on PostgreSQL.
IN_TURN = 3
#: Test modules that damage histories, or make up parts of them.
EXCEPT = frozenset({"test_history", "test_replay"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leave every test on both kinds of database, and all values of its other parameters on SQLite.

    On PostgreSQL it has every third of them, in turn: what the values change is hardly ever in the database. A test
    that says by itself what it has on PostgreSQL, which is less than on SQLite, keeps that.
    """
    tests: dict[str, dict[object, list[pytest.Item]]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(FOLDER) and hasattr(item, "callspec"):
            kinds = tests.setdefault(item.nodeid.partition("[")[0], {})
            kinds.setdefault(item.callspec.params.get("database_url"), []).append(item)
    left_out = [
        item
        for name, kinds in tests.items()
        if len(twins := kinds.get("postgresql", [])) == len(kinds.get("sqlite", []))
        for number, item in enumerate(twins)
        if (number - crc32(name.encode())) % min(IN_TURN, len(twins))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


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
