"""The application on a fresh database, and people who use it: a stranger, a member, a director, an administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from engine import database
from tests import factories
from tests.web.visitor import Visitor
from web import create_app
from web.settings import Settings

#: User name → groups. `stranger` may log in and belongs to nothing that has work to do.
PEOPLE = {
    "stranger": ["sales"],
    "alice": ["service"],
    "bob": ["service"],
    "director": ["directors"],
    "administrator": ["administrator"],
}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a fresh database with the people of `PEOPLE`."""
    made = create_app(Settings(data_folder=tmp_path / "kept", database_url=sqlite_url, secret_key="secret"))
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
