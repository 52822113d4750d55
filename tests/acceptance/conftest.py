"""The dealership on a database of each kind, prepared once in a run and then copied, and its pages in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from pydantic import SecretStr
from sqlalchemy import delete

from casepath import demo, stories
from casepath.engine import database, deployments
from casepath.engine.database.models import Job
from casepath.engine.deployments import definitions
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import database as databases
from tests.acceptance.browsing import BrowserStage, serving
from tests.acceptance.matters import Matter
from tests.acting import PROGRAM
from tests.applications import make_app

PROCESSES = Path(__file__).resolve().parents[2] / "processes"


def prepare(url: str) -> None:
    """Add people and processes to an empty database, by the engine's own commands."""
    pool = database.connect(url)
    sessions = database.sessions(pool)
    # Who changes a password ends the sessions that began before it; the stories begin later.
    clock.set_to(datetime(2026, 1, 1, tzinfo=UTC))
    with sessions.begin() as session:
        demo.add_people(session, PROCESSES)
    for folder in stories.folders(PROCESSES):
        with sessions.begin() as session:
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by=PROGRAM)
    with sessions.begin() as session:
        # What begins by itself each month begins only in the stories about it (`RequestStage.wait_for`).
        session.execute(delete(Job).where(Job.kind == "start_timer"))
    clock.reset()
    pool.dispose()


@pytest.fixture(scope="session")
def dealership_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the dealership, to be copied."""
    path = tmp_path_factory.mktemp("dealership") / "casepath.db"
    prepare(databases.copy_file(sqlite_template, path))
    return path


@pytest.fixture
def dealership_on_sqlite(dealership_file: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database with the dealership, where nothing has happened yet."""
    definitions.forget()
    return databases.copy_file(dealership_file, tmp_path / "casepath.db")


@pytest.fixture
def dealership_on_postgresql(postgresql_server: databases.PostgresServer) -> str:
    """The URL of a PostgreSQL database with the dealership, where nothing has happened yet."""
    template = postgresql_server.template("casepath_dealership", prepare)
    definitions.forget()
    return postgresql_server.create(f"casepath_dealership_{databases.WORKER}", template=template)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def dealership_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with the dealership; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"dealership_on_{request.param}")
    return url


@pytest.fixture
def app(dealership_on_sqlite: str, tmp_path: Path) -> Iterator[Flask]:
    """The application with the dealership's processes and people."""
    made = make_app(
        Settings(data_folder=tmp_path / "kept", database_url=dealership_on_sqlite, secret_key=SecretStr("secret"))
    )
    clock.set_to(datetime(2026, 1, 1, tzinfo=UTC))
    yield made
    clock.reset()
    made.extensions["database"].dispose()


@pytest.fixture
def stage(app: Flask, page: Page) -> Iterator[BrowserStage]:
    """The pages in the browser, with a worker beside them."""
    sessions = database.sessions(app.extensions["database"])
    loop = Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai"))
    with serving(app) as address:
        yield BrowserStage(app, sessions, loop, page, address)


@pytest.fixture
def matter(dealership_url: str) -> Iterator[Matter]:
    """A matter that nobody has registered yet."""
    pool = database.connect(dealership_url)
    yield Matter(database.sessions(pool))
    clock.reset()
    pool.dispose()
