"""The dealership on a database of each kind: prepared once in a run by the engine's own commands, then copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from casepath import stories
from casepath.engine import database, deployments
from casepath.engine.deployments import definitions
from casepath.engine.people import identity
from tests import database as databases
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"


def prepare(url: str) -> None:
    """Add people and processes to an empty database."""
    pool = database.connect(url)
    sessions = database.sessions(pool)
    with sessions.begin() as session:
        people = json.loads((PROCESSES / "shared" / "groups.json").read_text(encoding="utf-8"))
        identity.import_people(session, people, by=PROGRAM)
    for folder in stories.folders(PROCESSES):
        with sessions.begin() as session:
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by=PROGRAM)
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
