"""What the database promises to processes that share it."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy

from casepath.engine import database
from casepath.engine.database import connection, schema
from tests.database import WORKER, PostgresServer


def test_alone__others_wait_until_one_has_left(engine_database: sqlalchemy.Engine) -> None:
    happened: list[str] = []
    asked = threading.Event()

    def other() -> None:
        asked.set()
        with database.alone(engine_database):
            happened.append("the other is in")

    with database.alone(engine_database):
        thread = threading.Thread(target=other)
        thread.start()
        asked.wait()
        happened.append("one leaves")
    thread.join()

    assert happened == ["one leaves", "the other is in"]


def test_connect__folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    database.connect(f"sqlite:///{tmp_path / 'new' / 'casepath.db'}").dispose()

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_connect__what_is_committed_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets up no tests has it so."""
    *shipped, hasty = connection.PRAGMAS
    assert hasty == "synchronous=OFF"
    monkeypatch.setattr(connection, "PRAGMAS", shipped)
    pool = database.connect(f"sqlite:///{tmp_path / 'casepath.db'}")

    with pool.connect() as connected:
        assert connected.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "expected FULL"
        assert connected.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    pool.dispose()


def test_alone__left_with_an_error(engine_database: sqlalchemy.Engine) -> None:
    with pytest.raises(ZeroDivisionError), database.alone(engine_database):
        raise ZeroDivisionError

    with database.alone(engine_database):
        pass


@pytest.mark.postgresql
def test_upgrade__by_several_that_start_together(postgresql_server: PostgresServer) -> None:
    url = postgresql_server.create(f"casepath_upgraded_{WORKER}", template="template0")
    failures: list[BaseException] = []
    gate = threading.Barrier(3)

    def upgrade() -> None:
        pool = database.connect(url)
        gate.wait()
        try:
            schema.upgrade(pool)
        except sqlalchemy.exc.SQLAlchemyError as error:
            failures.append(error)
        pool.dispose()

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
