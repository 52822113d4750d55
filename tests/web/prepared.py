"""
What many tests begin with, each made once in a process: a SQLite file to be copied for each test.

A stage is a fixture of `conftest.py` of the same name; a test that asks for several begins where all of them are done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments
from casepath.engine.instances import process_instances
from casepath.engine.people import identity
from casepath.engine.people.authorization import Person
from casepath.engine.queries import tasks
from tests import database as databases
from tests import factories
from tests.acting import PROGRAM
from tests.web import matters

Rows = sessionmaker[Session]

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


def add_people(rows: Rows) -> None:
    with rows.begin() as session:
        for key in ("sales", "service", "administrator"):
            factories.group(session, key)
        factories.group(session, "directors", sees_all=True)
        for username, groups in PEOPLE.items():
            factories.user(session, username, groups=groups)


def deploy_request(rows: Rows) -> str:
    with rows.begin() as session:
        deployments.deploy(session, deployments.read_folder(REQUEST), name="request", by=PROGRAM)
    return "request"


def start_request(rows: Rows) -> int:
    variables = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
    with rows.begin() as session:
        instance = process_instances.start(session, "request", variables, by="alice")
        return tasks.with_business_key(session, DIRECTOR, str(instance.business_key))[0].id


def deploy_matter(rows: Rows) -> None:
    with rows.begin() as session:
        deployments.deploy(session, deployments.read_folder(matters.FOLDER), name="matter", by=PROGRAM)
        identity.import_people(session, {}, by=PROGRAM)
        for username, group in (("auditor", "auditor"), ("operator", "operator")):
            identity.create_user(session, username, name=username.title(), groups=[group], by=PROGRAM)


#: Stage → what it follows, and what is done.
STAGES: dict[str, tuple[str, Callable[[Rows], Any]]] = {
    "rows": ("", add_people),
    "request_process": ("rows", deploy_request),
    "matter_process": ("rows", deploy_matter),
    "task_id": ("request_process", start_request),
    "matter": ("matter_process", matters.register),
}


@dataclass(frozen=True)
class Begun:
    """A database in which some stages are done."""

    file: Path
    #: Stage → what there is to ask for.
    found: dict[str, Any]


@dataclass
class Prepared:
    """The databases of this process, made when they are first asked for."""

    folder: Path
    template: Path
    _known: dict[tuple[str, ...], Begun] = field(default_factory=dict)

    def begun(self, fixtures: Collection[str]) -> Begun:
        """Return the one for a test with these fixtures; one that is another's of the same name follows nothing."""
        return self._begun(tuple(name for name, (before, _) in STAGES.items() if {name, before} <= {"", *fixtures}))

    def _begun(self, stages: tuple[str, ...]) -> Begun:
        if not stages:
            return Begun(self.template, {})
        if stages not in self._known:
            before, last = self._begun(stages[:-1]), stages[-1]
            file = self.folder / f"{'-'.join(stages)}.db"
            pool = database.connect(databases.copy_file(before.file, file))
            found = STAGES[last][1](database.sessions(pool))
            pool.dispose()
            self._known[stages] = Begun(file, {**before.found, last: found})
        return self._known[stages]
