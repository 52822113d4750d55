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

from casepath.engine import database, deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from casepath.engine.people import identity
from casepath.engine.people.authorization import Person
from casepath.engine.queries import tasks
from casepath.settings import Settings
from tests import database as databases
from tests import factories
from tests.acting import PROGRAM
from tests.applications import make_app
from tests.web import matters
from tests.web.populated import Populated, populate
from tests.web.visitor import Visitor

#: User name → groups. `stranger` may log in and belongs to nothing that has work to do.
PEOPLE = {
    "stranger": ["sales"],
    "alice": ["service"],
    "bob": ["service"],
    "director": ["directors"],
    "administrator": ["administrator"],
}
DIRECTOR = Person(username="director", sees_all=True)
REQUEST = Path(__file__).parent / "request"
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


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a fresh database with the people of `PEOPLE`."""
    made = make_app(Settings(data_folder=tmp_path / "kept", database_url=sqlite_url, secret_key=SecretStr("secret")))
    made.testing = False
    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def rows(app: Flask) -> sessionmaker[Session]:
    """Transactions on the application's database, with people in it."""
    made = database.sessions(app.extensions["database"])
    with made.begin() as session:
        for key in ("sales", "service", "administrator"):
            factories.group(session, key)
        factories.group(session, "directors", sees_all=True)
        for username, groups in PEOPLE.items():
            factories.user(session, username, groups=groups)
    return made


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
def request_process(rows: sessionmaker[Session]) -> str:
    """The key of a deployed process: a form to start it, a task of the group `service`, a task of the directors."""
    definitions.forget()
    with rows.begin() as session:
        deployments.deploy(session, deployments.read_folder(REQUEST), name="request", by=PROGRAM)
    return "request"


@pytest.fixture
def task_id(rows: sessionmaker[Session], request_process: str) -> int:
    """The open task of the group `service` in a request that Alice registered."""
    variables = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
    with rows.begin() as session:
        instance = process_instances.start(session, request_process, variables, by="alice")
        return tasks.with_business_key(session, DIRECTOR, str(instance.business_key))[0].id


@pytest.fixture
def matter_process(rows: sessionmaker[Session]) -> None:
    """The process `matter` with its form and its table; an auditor and an operator beside the others."""
    definitions.forget()
    with rows.begin() as session:
        deployments.deploy(session, deployments.read_folder(matters.FOLDER), name="matter", by=PROGRAM)
        identity.import_people(session, {}, by=PROGRAM)
        for username, group in (("auditor", "auditor"), ("operator", "operator")):
            identity.create_user(session, username, name=username.title(), groups=[group], by=PROGRAM)


@pytest.fixture
def matter(rows: sessionmaker[Session], matter_process: None) -> matters.Matter:
    """A matter of Alice."""
    return matters.register(rows)


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
def log_in(page: Page, address: str) -> LogIn:
    """Log in on the page as somebody."""

    def log_in(username: str) -> None:
        page.goto(f"{address}/login")
        page.get_by_label("用户名").fill(username)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page).to_have_url(f"{address}/tasks/")

    return log_in
