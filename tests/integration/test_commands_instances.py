"""`casepath instances`: process instances listed, held still and let go, beside a server that is busy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from click.testing import CliRunner, Result

from casepath.commands import main
from casepath.engine import database, deployments, history
from casepath.engine.database import connection as connections
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from tests import factories
from tests.acting import PROGRAM

REQUEST = Path(__file__).resolve().parents[1] / "web" / "request"
VARIABLES = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}

Run = Callable[..., Result]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with three process instances."""
    address = f"sqlite:///{tmp_path / 'casepath.db'}"
    pool = database.connect(address)
    database.upgrade(pool)
    definitions.forget()
    with database.sessions(pool).begin() as session:
        factories.group(session, "operator")
        for username in ("olivia", "oscar"):
            factories.user(session, username, groups=["operator"])
        deployments.deploy(session, deployments.read_folder(REQUEST), name="request", by=PROGRAM)
        for number in range(1, 4):
            process_instances.start(session, "request", VARIABLES, business_key=f"R-{number}", by=PROGRAM)
    pool.dispose()
    definitions.forget()
    return address


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """Call the command."""

    def run(*words: object) -> Result:
        settings = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), "CASEPATH_DATABASE_URL": url}
        return CliRunner().invoke(main, ["instances", *map(str, words)], env=settings)

    return run


def test_list__newest_first(run: Run) -> None:
    lines = run("list", "--limit", 2).output.splitlines()

    assert [line.split("\t")[:4] for line in lines] == [
        ["3", "R-3", "request v1", "active"],
        ["2", "R-2", "request v1", "active"],
    ]


def test_list__of_a_state_and_a_process(run: Run) -> None:
    run("suspend", 2, "--by", "olivia", "--reason", "x")

    assert [line.split("\t")[0] for line in run("list", "--state", "suspended").output.splitlines()] == ["2"]
    assert run("list", "--process", "other").output == ""


def test_suspend_and_resume__stand_in_the_history(run: Run, url: str) -> None:
    suspended = run("suspend", 1, 3, "--by", "olivia", "--reason", "系统维护")
    resumed = run("resume", 1, "--by", "oscar", "--reason", "维护结束")

    assert suspended.output == "process instance 1: suspended\nprocess instance 3: suspended\n"
    assert resumed.output == "process instance 1: resumed\n"
    pool = database.connect(url)
    with database.sessions(pool).begin() as session:
        told = [(event.kind, event.by, event.facts) for event in history.events(session, 1)[-2:]]
        assert told == [
            ("process_instance.suspended", "olivia", {"reason": "系统维护"}),
            ("process_instance.resumed", "oscar", {"reason": "维护结束"}),
        ]
        assert list(history.verify_all(session)) == []
    pool.dispose()


def test_suspend__says_which_were_refused_and_does_the_others(run: Run) -> None:
    run("suspend", 1, "--by", "olivia", "--reason", "x")

    result = run("suspend", 1, 99, 2, "--by", "olivia", "--reason", "x")

    assert result.exit_code == 1
    assert "process instance 1: It is not possible to suspend process instance 1: it is suspended" in result.output
    assert "process instance 99: There is no process instance “99”" in result.output
    assert "process instance 2: suspended" in result.output


@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_suspend__asks_who_and_why(run: Run, missing: str) -> None:
    given = {"--by": "olivia", "--reason": "x"}
    del given[missing]

    result = run("suspend", 1, *(word for pair in given.items() for word in pair))

    assert result.exit_code == 2
    assert missing in result.output


def test_suspend__beside_somebody_who_writes_all_the_time(run: Run, url: str) -> None:
    stop = Event()

    def write() -> int:
        pool = database.connect(url)
        count = 0
        while not stop.is_set():
            with database.sessions(pool).begin() as session:
                process_instances.set_variables(session, 3, {"loss": count}, by=PROGRAM, reason="x")
            count += 1
        pool.dispose()
        return count

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        result = run("suspend", 1, 2, "--by", "olivia", "--reason", "x")
        stop.set()
        assert writing.result() > 0

    assert result.output == "process instance 1: suspended\nprocess instance 2: suspended\n"


def test_suspend__database_that_somebody_keeps(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LOCK_TIMEOUT", 0.1)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as keeper:
        keeper.execute("BEGIN IMMEDIATE")
        result = run("suspend", 1, "--by", "olivia", "--reason", "x")

    assert result.exit_code == 1
    assert "process instance 1: Expected to suspend it within " in result.output
    assert "but the database was busy; try again" in result.output
