"""
The engine behind the interface that conformance runs use: any number of processes, one clock, one database.

After every call the engine is at rest: jobs that are due have run, and work for workers that no model describes further
has been completed. The clock is that of the whole process and stands still in between; each call sets it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Row, Select, bindparam, exists, select
from sqlalchemy.orm import Session

from casepath.engine import database, deployments, errors, settings
from casepath.engine.database.models import ExternalTask, Incident, Job, ProcessInstance, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import external_tasks, jobs, messages, process_instances, user_tasks
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.people.authorization import Program
from casepath.engine.time import clock
from tests import adapter
from tests import database as databases
from tests.adapter import Files, NotOpen, NotWaiting, OpenTask, Refused, Variables

#: Who does everything.
ACTOR = Program("world")
BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)

_INSTANCE_COLUMNS = (ProcessInstance.id, ProcessInstance.root_id, ProcessInstance.ended_at, ProcessInstance.end_reason)
_INSTANCE = select(*_INSTANCE_COLUMNS).where(ProcessInstance.id == bindparam("instance"))
#: Not those that were called: they count as their caller's.
_INSTANCES = (
    select(ProcessInstance.id, ProcessInstance.definition_key)
    .where(ProcessInstance.parent_id.is_(None))
    .order_by(ProcessInstance.id)
)
_STATES = select(ProcessInstance.tokens, ProcessInstance.variables).where(
    ProcessInstance.root_id == bindparam("instance"), ProcessInstance.ended_at.is_(None)
)
_OPEN_TASK = select(UserTask.id).where(UserTask.id == bindparam("task"), UserTask.state == "created")
_OPEN_TASKS = (
    select(UserTask.id, UserTask.element_id, UserTask.name)
    .join(ProcessInstance, ProcessInstance.id == UserTask.process_instance_id)
    .where(ProcessInstance.root_id == bindparam("instance"), UserTask.state == "created")
    .order_by(UserTask.id)
)
#: Tokens that wait for one another are no failure of the model's work, nor is a message that it sends to nobody.
_OPEN_INCIDENTS = (
    select(Incident.message)
    .join(ProcessInstance, ProcessInstance.id == Incident.process_instance_id)
    .where(
        ProcessInstance.root_id == bindparam("instance"),
        Incident.state == "open",
        Incident.kind != "stuck",
        ~exists().where(Job.id == Incident.job_id, Job.kind == "message"),
    )
    .order_by(Incident.id)
)
_TOPICS = select(ExternalTask.topic).where(ExternalTask.state == "created").distinct().order_by(ExternalTask.topic)


class World(adapter.World):
    """
    The engine on a database; everything that was in the database before is removed.

    Without a URL it is a SQLite file in a temporary folder.
    """

    language = "camunda"
    script_format: str | None = "python"
    own_variables: frozenset[str] = frozenset()

    def __init__(self, database_url: str = "") -> None:
        self._folder = "" if database_url else tempfile.mkdtemp(prefix="casepath-world-")
        self._url = database_url or databases.copy_file(_template(), Path(self._folder) / "casepath.db")
        if database_url:
            _clear(database_url)
        self._now = BEGIN
        settings.current.python_scripts = True
        definitions.forget()
        self._connect()

    def deploy(self, files: Files) -> None:
        """Deploy files together; raises `Refused` with every finding."""
        try:
            with self._transaction() as session:
                deployments.deploy(session, dict(files), name="world", by=ACTOR)
        except errors.DeploymentRefused as error:
            raise Refused(str(error)) from error
        self._rest()

    def start(self, process_id: str, variables: Variables, business_key: str | None = None) -> int:
        """Start an instance of the newest version; returns its id."""
        with self._transaction() as session:
            instance = process_instances.start(
                session, process_id, dict(variables), business_key=business_key, by=ACTOR
            )
            number = instance.id
        self._rest()
        return number

    def open_tasks(self, instance: Hashable) -> list[OpenTask]:
        """Open user tasks of an instance and of those it called, oldest first."""
        return [(row.id, row.element_id, row.name) for row in self._read(_OPEN_TASKS, instance=instance)]

    def complete(self, task_id: Hashable, variables: Variables) -> None:
        """Complete a user task; raises `NotOpen`."""
        if not isinstance(task_id, int):
            raise NotOpen(f"Expected the id of a user task, but found {task_id!r}")
        if not self._read(_OPEN_TASK, task=task_id):
            raise NotOpen(f"Expected the id of an open user task, but found {task_id}")
        with self._transaction() as session:
            user_tasks.complete(session, task_id, dict(variables), by=ACTOR)
        self._rest()

    def message(self, name: str, key: str | None, variables: Variables) -> int:
        """Deliver a message; returns the id of the instance that got it, raises `NotWaiting`."""
        try:
            with self._transaction() as session:
                number = messages.correlate(session, name, business_key=key, variables=dict(variables), by=ACTOR)
                root = process_instances.get(session, number).root_id
        except errors.NotWaiting as error:
            raise NotWaiting(str(error)) from error
        self._rest()
        return root or number

    def signal(self, name: str, variables: Variables) -> None:
        """Tell all who wait for a signal, and start what it starts."""
        with self._transaction() as session:
            messages.signal(session, name, dict(variables), by=ACTOR)
        self._rest()

    def advance(self, seconds: float) -> None:
        """Move the clock from due time to due time, so that every timer fires at its own."""
        until = self._now + timedelta(seconds=seconds)
        while True:
            with self._transaction(read_only=True) as session:
                due = jobs.next_due(session)
            if due is None or due > until:
                break
            before, self._now = self._now, max(due, self._now)
            if not self._rest() and before == self._now:
                break
        self._now = until
        self._rest()

    def ended(self, instance: Hashable) -> bool:
        """Whether an instance is over."""
        return self._row(instance).ended_at is not None

    def variables(self, instance: Hashable) -> dict[str, object]:
        """Variables of the process scope, also after the end."""
        with self._transaction(read_only=True) as session:
            return process_instances.variables(session, self._row(instance).id)

    def restart(self) -> None:
        """Drop all that is in memory, and connect again."""
        self._engine.dispose()
        definitions.forget()
        self._connect()

    def instances(self) -> list[tuple[int, str]]:
        """All instances that nobody called, oldest first, with the ids of their processes."""
        return [(row.id, row.definition_key) for row in self._read(_INSTANCES)]

    def cancel(self, instance: Hashable) -> None:
        """End a running instance."""
        number = self._row(instance).id
        with self._transaction() as session:
            process_instances.cancel(session, number, by=ACTOR, reason="cancelled by the world")
        self._rest()

    def set_variables(self, instance: Hashable, variables: Variables) -> None:
        """Set variables of a running instance."""
        number = self._row(instance).id
        with self._transaction() as session:
            process_instances.set_variables(session, number, dict(variables), by=ACTOR, reason="set by the world")
        self._rest()

    def failure(self, instance: Hashable) -> tuple[str, str] | None:
        """None, or why an instance was aborted or is stuck."""
        row = self._row(instance)
        if (row.end_reason or "").startswith("error:"):
            return ("error", (row.end_reason or "").removeprefix("error:"))
        incidents = self._read(_OPEN_INCIDENTS, instance=row.root_id)
        return ("incident", incidents[0].message) if incidents else None

    def script_function(self, name: str, function: Callable[..., object]) -> bool:
        """Scripts run in a sandbox: they call nothing."""
        return False

    def state_size(self, instance: Hashable) -> int | None:
        """Bytes of the stored state of a running instance and those it called, variables included."""
        rows = self._read(_STATES, instance=instance)
        return sum(len(row.tokens.encode()) + len(row.variables.encode()) for row in rows)

    def close(self) -> None:
        """Let go of the database, and of the clock."""
        self._engine.dispose()
        clock.reset()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> None:
        self._engine = database.connect(self._url)
        self.sessions = database.sessions(self._engine)
        self._reading = database.sessions(self._engine, read_only=True)

    @contextmanager
    def _transaction(self, *, read_only: bool = False) -> Iterator[Session]:
        clock.set_to(self._now)
        with (self._reading if read_only else self.sessions).begin() as session:
            yield session

    def _read(self, statement: Select[*tuple[Any, ...]], **parameters: object) -> Sequence[Row[*tuple[Any, ...]]]:
        with self._engine.connect().execution_options(casepath_read_only=True) as connection:
            return connection.execute(statement, parameters).all()

    def _row(self, instance: Hashable) -> Row[*tuple[Any, ...]]:
        rows = self._read(_INSTANCE, instance=instance) if isinstance(instance, int) else ()
        if not rows:
            raise LookupError(f"Expected the id of a process instance, but found {instance!r}")
        return rows[0]

    def _rest(self) -> bool:
        """Run what runs by itself until nothing is left; returns whether there was anything."""
        clock.set_to(self._now)
        moved = False
        while jobs.run_due(self.sessions) or self._complete_external_tasks():
            moved = True
        return moved

    def _complete_external_tasks(self) -> bool:
        """Do the work of all workers there might be: nothing."""
        wanted = [Topic(name=row.topic, lock_for=timedelta(minutes=1)) for row in self._read(_TOPICS)]
        if not wanted:
            return False
        with self._transaction() as session:
            # One by one: what is completed may end the others.
            fetched = external_tasks.fetch_and_lock(session, wanted, worker_id=ACTOR.name, limit=1)
            for task in fetched:
                external_tasks.complete(session, task.id, worker_id=ACTOR.name)
        return bool(fetched)


@cache
def _template() -> Path:
    """A SQLite file with all tables and no rows."""
    path = Path(tempfile.mkdtemp(prefix="casepath-world-")) / "template.db"
    databases.create_tables(f"sqlite:///{path}")
    return path


def _clear(url: str) -> None:
    """Give a database all tables and no rows."""
    connected = database.connect(url)
    try:
        if not sqlalchemy.inspect(connected).has_table(ProcessInstance.__tablename__):
            database.upgrade(connected)
        elif connected.dialect.name == "postgresql":
            databases.empty(url)
        else:
            with connected.begin() as connection:
                connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
                for table in reversed(database.Base.metadata.sorted_tables):
                    connection.execute(table.delete())
    finally:
        connected.dispose()
