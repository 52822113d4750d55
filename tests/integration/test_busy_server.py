"""A server that people keep busy with writing: nobody waits for long, and an administrator can always step in."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from casepath.engine import database, deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from casepath.engine.people import identity, passwords
from tests.acting import PROGRAM
from tests.servers import PASSWORD, STARTS_WITHIN, Browser, serving

REQUEST = Path(__file__).resolve().parents[1] / "web" / "request"
#: People who write all the time, each as soon as the last answer is there.
WRITERS = 4
#: As the server has it.
HASHER = passwords._hasher


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of an empty SQLite database; in PostgreSQL those who write different rows do not wait for each other."""
    return f"sqlite:///{tmp_path / 'casepath.db'}"


@pytest.fixture
def environment(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of an installation with three matters, an administrator, and people who write."""
    # A hash that is not as the server makes it is made anew at the log-in, which writes.
    monkeypatch.setattr(passwords, "_hasher", HASHER)
    pool = database.connect(url)
    database.upgrade(pool)
    definitions.forget()
    with database.sessions(pool).begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "ada", name="Ada", groups=["administrator"], password=PASSWORD, by=PROGRAM)
        for number in range(WRITERS):
            identity.create_user(session, f"user{number}", name="U", password=PASSWORD, by=PROGRAM)
        for key in ("service", "directors"):
            identity.add_group(session, key, name=key.title(), by=PROGRAM)
        deployments.deploy(session, deployments.read_folder(REQUEST), name="request", by=PROGRAM)
        for _ in range(3):
            variables = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
            process_instances.start(session, "request", variables, by=PROGRAM)
    pool.dispose()
    settings = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), "CASEPATH_DATABASE_URL": url}
    return {**os.environ, "PYTHONUNBUFFERED": "1", **settings}


@contextmanager
def writing(address: str) -> Iterator[list[float]]:
    """Have people write; give how long each of their forms took, in seconds."""
    over, took, failures = threading.Event(), list[float](), list[BaseException]()

    def write(number: int) -> None:
        browser = Browser(address)
        try:
            browser.log_in(f"user{number}")
            while not over.is_set():
                begun = time.monotonic()
                browser.send("/language", language="en", next="/healthz")
                took.append(time.monotonic() - begun)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    while len(took) < 5 * WRITERS and not failures:
        time.sleep(0.05)
    yield took
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []


def timed(action: Callable[[], object]) -> float:
    """How long something takes, in seconds."""
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def test_busy__an_administrator_logs_in_and_suspends(environment: dict[str, str]) -> None:
    def suspend() -> None:
        words = ["instances", "suspend", "1", "3", "--by", "ada", "--reason", "stop"]
        done = subprocess.run(
            [sys.executable, "-m", "casepath", *words],
            env=environment, capture_output=True, text=True, timeout=STARTS_WITHIN, check=False,
        )  # fmt: skip
        assert done.stdout == "process instance 1: suspended\nprocess instance 3: suspended\n"

    with serving(environment) as (address, _), writing(address) as took:
        browser = Browser(address)
        login = timed(lambda: browser.log_in("ada"))
        command = timed(suspend)
        written = sorted(took)

    print(f"log-in {login:.2f} s, command {command:.2f} s, {len(written)} forms, longest {written[-1]:.2f} s")
    # No writer waits for a second, but a machine under load may stand still for a while.
    assert written[len(written) * 95 // 100] < 1
    assert login < 5


def test_locked__an_administrator_logs_in_all_the_same(environment: dict[str, str], url: str) -> None:
    """To log in as ever writes nothing, so that it waits for nobody who writes."""
    with serving(environment) as (address, _):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            page = Browser(address).log_in("ada")

    assert "Ada" in page
