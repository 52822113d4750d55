"""The dealership's processes and people behind real pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from pydantic import SecretStr

from casepath import demo, stories
from casepath.engine import database, deployments
from casepath.engine.deployments import definitions
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.web import create_app
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acceptance.browsing import BrowserStage, serving
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application with the dealership's processes and people."""
    definitions.forget()
    # Who changes a password ends the sessions that began before it; the stories begin later.
    clock.set_to(datetime(2026, 1, 1, tzinfo=UTC))
    made = create_app(Settings(data_folder=tmp_path / "kept", database_url=sqlite_url, secret_key=SecretStr("secret")))
    sessions = database.sessions(made.extensions["database"])
    with sessions.begin() as session:
        demo.add_people(session, PROCESSES)
    for folder in stories.folders(PROCESSES):
        with sessions.begin() as session:
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by=PROGRAM)
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
