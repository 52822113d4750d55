"""The application on a fresh database, and people who use it: a stranger, a member, a director, an administrator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import make_server

from casepath.engine import database
from casepath.engine.people import identity
from casepath.settings import Settings
from tests import database as databases
from tests.acting import PROGRAM
from tests.applications import Shared, make_app
from tests.web import matters
from tests.web.populated import Populated, populate
from tests.web.prepared import Begun, Prepared
from tests.web.visitor import Visitor

PASSWORD = "quiet-river-42"

LogIn = Callable[[str], None]


@pytest.fixture(scope="session")
def populated(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Populated]:
    """A SQLite file with one of everything, to be copied, and what there is."""
    path = tmp_path_factory.mktemp("populated") / "casepath.db"
    pool = database.connect(databases.copy_file(sqlite_template, path))
    there = populate(database.sessions(pool))
    pool.dispose()
    return path, there


@pytest.fixture(scope="session")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """What many tests begin with."""
    return Prepared(tmp_path_factory.mktemp("prepared"), sqlite_template)


@pytest.fixture(autouse=True)
def begun(request: pytest.FixtureRequest, prepared: Prepared) -> Begun:
    """What this test begins with; made before a test moves the clock."""
    return prepared.begun(request.fixturenames)


@pytest.fixture
def sqlite_url(begun: Begun, tmp_path: Path) -> str:
    """A database in which is done what the test asks for."""
    return databases.copy_file(begun.file, tmp_path / "casepath.db")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """The application of this process; to make one takes as long as to show a page."""
    return Shared(tmp_path_factory.mktemp("shared"), secret_key=SecretStr("secret"))


@pytest.fixture
def own_app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application on a fresh database, for tests that add to it."""
    made = make_app(Settings(data_folder=tmp_path / "kept", database_url=sqlite_url, secret_key=SecretStr("secret")))
    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def app(request: pytest.FixtureRequest, shared: Shared, begun: Begun) -> Iterator[Flask]:
    """The application on a fresh database."""
    # A browser may still ask it for something when the next test has begun.
    if not {"address", "own_app"}.isdisjoint(request.fixturenames):
        yield request.getfixturevalue("own_app")
        return
    shared.begin(begun.file)
    yield shared.app
    shared.end()


@pytest.fixture
def rows(app: Flask) -> sessionmaker[Session]:
    """Transactions on the application's database, with people in it."""
    return database.sessions(app.extensions["database"])


@pytest.fixture
def visit(app: Flask, rows: sessionmaker[Session]) -> Callable[[str | None], Visitor]:
    """Make a visitor; None is somebody who is not logged in."""
    return lambda username: Visitor(app.test_client(), username)


@pytest.fixture
def alice(visit: Callable[[str | None], Visitor]) -> Visitor:
    """A member of the group `service`."""
    return visit("alice")


@pytest.fixture
def bob(visit: Callable[[str | None], Visitor]) -> Visitor:
    """Another member of the group `service`."""
    return visit("bob")


@pytest.fixture
def nobody(visit: Callable[[str | None], Visitor]) -> Visitor:
    """Somebody who is not logged in."""
    return visit(None)


@pytest.fixture
def request_process(rows: sessionmaker[Session], begun: Begun) -> str:
    """The key of a deployed process: a form to start it, a task of the group `service`, a task of the directors."""
    return str(begun.found["request_process"])


@pytest.fixture
def task_id(request_process: str, begun: Begun) -> int:
    """The open task of the group `service` in a request that Alice registered."""
    return int(begun.found["task_id"])


@pytest.fixture
def matter_process(rows: sessionmaker[Session]) -> None:
    """The process `matter` with its form and its table; an auditor and an operator beside the others."""


@pytest.fixture
def matter(matter_process: None, begun: Begun) -> matters.Matter:
    """A matter of Alice."""
    found: matters.Matter = begun.found["matter"]
    return found


@pytest.fixture
def address(app: Flask, rows: sessionmaker[Session]) -> Iterator[str]:
    """Where the application answers browsers."""
    with rows.begin() as session:
        for username in ("alice", "bob"):
            identity.set_password(session, username, PASSWORD, by=PROGRAM)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def log_in(page: Page, app: Flask, address: str) -> LogIn:
    """Come to the inbox as somebody who has logged in, which `test_kept_in_browser` and the stories do by its form."""

    def log_in(username: str) -> None:
        session = Visitor(app.test_client(), username).client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert session is not None
        page.context.add_cookies([{"name": session.key, "value": session.value, "url": address, "httpOnly": True}])
        page.goto(f"{address}/tasks/")
        expect(page).to_have_url(f"{address}/tasks/")

    return log_in
