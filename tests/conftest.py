"""What every test may ask for: a database of each kind, a clock that is moved by hand, a browser."""

from __future__ import annotations

import dataclasses
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import argon2
import pytest
import sqlalchemy
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, settings
from casepath.engine.bpmn import scripts
from casepath.engine.database import connection
from casepath.engine.deployments import definitions, deployment
from casepath.engine.people import passwords
from casepath.engine.time import clock as engine_clock
from tests import chromium, deploying, outside
from tests import database as databases

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

#: How long a browser test waits for what should be there, in milliseconds; machines under load are slow.
PATIENCE = 20_000
# The processes that tests start, and those of xdist, find compiled what one of them has compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need what this machine has not."""
    marks = set(outside.missing())
    left_out = [item for item in items if any(mark.name in marks for mark in item.iter_markers())]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Never look again for garbage among what has been imported, and less often among what tests make."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 10)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out."""
    for mark in outside.missing():
        terminalreporter.line(f"Left out: tests marked '{mark}': there is {outside.NEEDS[mark]}.", yellow=True)


@pytest.fixture(scope="session", autouse=True)
def hasty_sqlite() -> Iterator[None]:
    """SQLite waits for no disk: nothing here has to survive a power failure, and each commit would take 2 ms."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "PRAGMAS", (*connection.PRAGMAS, "synchronous=OFF"))
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """What SQLAlchemy has compiled for a connection pool serves all later ones to databases of the same kind."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "connect", databases.connect)
        yield


@pytest.fixture(scope="session", autouse=True)
def upgraded_once() -> Iterator[None]:
    """An empty file of SQLite is upgraded once; tests of the revisions call `schema.upgrade`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "upgrade", databases.upgrade)
        yield


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """A file that is deployed again, as most tests deploy one that others do, is not parsed and checked again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deployment, "_read", deploying.Remembered(deployment._read))
        yield


@pytest.fixture(scope="session", autouse=True)
def hasty_hashes() -> Iterator[None]:
    """Passwords are hashed in no time; `tests/unit/test_passwords.py` has the hashes that users have."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """What a test sets, as each application does that it makes, holds for no other test."""
    before = dataclasses.asdict(settings.current)
    yield
    for name, value in before.items():
        setattr(settings.current, name, value)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("template") / "casepath.db"
    databases.create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> databases.PostgresServer:
    """The PostgreSQL server of this test run."""
    return databases.PostgresServer()


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: databases.PostgresServer) -> str:
    """The URL of this process's PostgreSQL database; it has all tables, and the rows of the last test."""
    return postgresql_server.create(f"casepath_{databases.WORKER}")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database."""
    return databases.copy_file(sqlite_template, tmp_path / "casepath.db")


@pytest.fixture
def postgresql_url(postgresql_database: str) -> str:
    """The URL of a fresh PostgreSQL database."""
    databases.empty(postgresql_database)
    return postgresql_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """
    The URL of a fresh database with all tables; the test runs once on each kind.

    One kind is enough for a test marked with `@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)`.
    """
    url: str = request.getfixturevalue(f"{request.param}_url")
    # What was read from the last test's database does not belong to this one, whose ids count from 1 again.
    definitions.forget()
    return url


@pytest.fixture
def engine_database(database_url: str) -> Iterator[sqlalchemy.Engine]:
    """The connection pool of the database."""
    connected = database.connect(database_url)
    yield connected
    connected.dispose()


@pytest.fixture
def transaction(engine_database: sqlalchemy.Engine) -> sessionmaker[Session]:
    """What entry points open their transaction with: `with transaction.begin() as session:`."""
    return database.sessions(engine_database)


@pytest.fixture
def clock() -> Iterator[ModuleType]:
    """The engine's clock, to be moved with `move(timedelta)` or `set_to(datetime)`; real time afterwards."""
    yield engine_clock
    engine_clock.reset()


@pytest.fixture(scope="session", autouse=True)
def patient_scripts() -> Iterator[None]:
    """A script, and the step it is in, may take longer than usual: a machine that runs tests may stand still."""
    before, scripts.usual = scripts.usual, scripts.Limits(seconds=30)
    with pytest.MonkeyPatch.context() as patched:
        # Whatever an application sets that a test makes; a test that sets seconds itself has them.
        patched.setattr(settings.Settings, "seconds_of_step", lambda own, **_: own.step_seconds or 10)
        yield
    scripts.usual = before


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import expect, sync_playwright

    path = chromium.find()
    assert path is not None, "Tests that ask for a browser are marked with it, and left out where there is none"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path,
            # A container lacks the user namespaces of the sandbox, a large /dev/shm and a graphics card.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def browser_context(browser: Browser) -> BrowserContext:
    """
    What the pages of all tests have in common, which is their cookies: `page` removes them.

    A test that changes more of it, such as the clock of the pages, has one of its own, for which it overrides this.
    """
    return new_context(browser)


def new_context(browser: Browser) -> BrowserContext:
    """Somebody's browser, in zh-CN."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture
def page(browser_context: BrowserContext) -> Iterator[Page]:
    """
    A page in zh-CN; the test fails when a script on it fails or the Content-Security-Policy stops something.

    To open another context for it, with a process of its own, would take most of a second.
    """
    opened = browser_context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on(
        "console",
        lambda message: failures.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield opened
    for each in browser_context.pages:
        each.close()
    browser_context.clear_cookies()
    assert failures == []
