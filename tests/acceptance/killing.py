"""
Kill servers and workers at random moments while people are busy, and see that nothing is lost or done twice.

    python -m tests.acceptance.killing --kills 1000 [--seed 1]                        SQLite, a server and a worker
    python -m tests.acceptance.killing --kills 1000 --postgresql --restarts 50        two of each, and the database too

Each is a child process: a server answers requests of people, a worker runs its loop, and one of them is killed without
warning. The next one begins with nothing but the database. What was answered is written down outside of it and has to
be there at the end. Everybody's time moves on by some hours with each kill, so that timers are due.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import mmap
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from flask import Flask
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from casepath import stories
from casepath.engine import database, deployments, history
from casepath.engine.database import values
from casepath.engine.database.models import (
    Attachment,
    ExternalTask,
    HistoryEvent,
    Incident,
    Job,
    ProcessInstance,
    Subscription,
    UserTask,
)
from casepath.engine.deployments import definitions
from casepath.engine.instances import user_tasks
from casepath.engine.people import authorization, identity
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.stories import Story
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import database as databases
from tests.acceptance.stage import RequestStage
from tests.acting import PROGRAM
from tests.applications import make_app

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
BEGIN = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
#: The longest time between two kills, in seconds, and how far the time of all moves on with each, in hours.
LIFE = 1.0
HOURS = 3
#: How long who has nothing to do rests, in seconds.
REST = 0.05
#: Process instances that are open at the same time.
BUSY = 12
#: Elements at which a token waits without a row of its own: for other tokens, or inside.
HERE_IS_NO_ROW = frozenset({"subProcess", "transaction", "adHocSubProcess", "callActivity", "parallelGateway",
                            "inclusiveGateway", "complexGateway"})  # fmt: skip

Known = dict[str, tuple[str, dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the children of a run have in common, beside the database: the time, and what people were answered."""

    folder: Path
    hours: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 8))

    @property
    def journal(self) -> Path:
        """One line for each answer: what was done, and to what."""
        return self.folder / "journal"

    def move(self, hours: int) -> None:
        """Let time pass for all."""
        self.hours[:] = (int.from_bytes(self.hours[:], "big") + hours).to_bytes(8, "big")

    def now(self) -> datetime:
        """Return what time it is for all, also for who has waited for others since it began."""
        return BEGIN + timedelta(hours=int.from_bytes(self.hours[:], "big"))


    def answered(self, what: str, which: str) -> None:
        """Write down that somebody has been told that it is done."""
        with self.journal.open("ab", buffering=0) as file:
            file.write(f"{what} {which}\n".encode())


@contextmanager
def server(url: str, folder: Path, *, is_cold: bool = True) -> Iterator[RequestStage]:
    """The pages and a worker on a database; a cold one has read no diagram yet."""
    if is_cold:
        definitions.forget()
    app: Flask = make_app(Settings(data_folder=folder, database_url=url, secret_key=SecretStr("secret")))
    sessions = database.sessions(app.extensions["database"])
    yield RequestStage(app, sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")))
    app.extensions["database"].dispose()


def prepare(url: str) -> None:
    """Make tables, deploy the processes, add the people."""
    pool = database.connect(url)
    database.upgrade(pool)
    sessions = database.sessions(pool)
    clock.set_to(BEGIN)
    with sessions.begin() as session:
        people = json.loads((PROCESSES / "shared" / "groups.json").read_text(encoding="utf-8"))
        identity.import_people(session, people, by=PROGRAM)
    for folder in stories.folders(PROCESSES):
        with sessions.begin() as session:
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by=PROGRAM)
    pool.dispose()


def known_answers() -> tuple[list[Story], Known]:
    """Return the stories that somebody begins with a form; and for each element who does it and with which values."""
    told = stories.read_all(PROCESSES)
    found = [story for story in told if not story.records and not story.begins_by_itself]
    answers: Known = {}
    for story in told:
        for step in story.steps:
            if "complete" in step:
                answers.setdefault(step["complete"], (step["by"], dict(step.get("variables", {}))))
    return found, answers


def act(stage: RequestStage, shared: Shared, chance: random.Random, told: list[Story], answers: Known) -> None:
    """Do one thing that people would do."""
    open_tasks = waiting_tasks(stage.sessions, answers)
    if count_open(stage.sessions) < BUSY and (not open_tasks or chance.random() < 0.3):
        story = chance.choice(told)
        address = f"/register/{story.process}"
        answer = stage.visitor(str(story.start["by"])).post(address, stories.as_typed(story.start.get("variables", {})))
        if answer.status_code == 303:
            shared.answered("started", unquote(answer.headers["Location"].rpartition("/")[2]))
    elif open_tasks:
        task_id, element_id = chance.choice(open_tasks)
        by, variables = answers[element_id]
        visitor = stage.visitor(doer(stage.sessions, task_id, by))
        visitor.post(f"/tasks/{task_id}/claim")
        answer = visitor.post(f"/tasks/{task_id}/complete", stories.as_typed(variables))
        if answer.status_code == 303:
            shared.answered("completed", str(task_id))


def waiting_tasks(sessions: sessionmaker[Session], answers: Known) -> list[tuple[int, str]]:
    """Return open user tasks that somebody knows how to do."""
    with sessions.begin() as session:
        rows = session.execute(select(UserTask.id, UserTask.element_id).where(UserTask.state == "created"))
        return [(row.id, row.element_id) for row in rows if row.element_id in answers]


def count_open(sessions: sessionmaker[Session]) -> int:
    """Return how many process instances are open."""
    with sessions.begin() as session:
        return session.scalar(select(func.count()).select_from(ProcessInstance).where(
            ProcessInstance.state == "active")) or 0  # fmt: skip


def live(url: str, shared: Shared, role: str, number: int, ready: int, told: list[Story], answers: Known) -> None:
    """Be a server or a worker until killed; says through the pipe `ready` that it has begun."""
    chance = random.Random(number)
    # Whoever is away is complained of; that is what this is about.
    logging.disable(logging.CRITICAL)
    clock.now = shared.now
    # Each second one has been at work for a while, so that kills strike the midst of steps as well as beginnings.
    with server(url, shared.folder, is_cold=number % 2 == 0) as stage:
        os.write(ready, b"!")
        while True:
            try:
                if role == "server":
                    act(stage, shared, chance, told, answers)
                elif not stage.loop.step():
                    time.sleep(REST)
            except DBAPIError:
                # The database is being restarted, or others have it.
                time.sleep(REST)


def doer(sessions: sessionmaker[Session], task_id: int, told: str) -> str:
    """Return who has a task or may claim it: whom the stories name, where it is his."""
    with sessions.begin() as session:
        whose = authorization.candidacy(user_tasks.get(session, task_id))
        if whose.assignee is not None:
            return whose.assignee
        candidates = whose.candidate_users | identity.members(session, whose.candidate_groups)
        return told if told in candidates or not candidates else min(candidates)


class Children:
    """The servers and workers that live now."""

    def __init__(self, url: str, shared: Shared, seed: int) -> None:
        self.url = url
        self.shared = shared
        self.numbers = itertools.count(seed * 100_000)
        self.alive: dict[int, str] = {}
        self.told, self.answers = known_answers()
        self._warm_up(random.Random(seed))

    def _warm_up(self, chance: random.Random) -> None:
        """Work here for a moment: what is read for it, those who begin have too."""
        clock.set_to(self.shared.now())
        with server(self.url, self.shared.folder) as stage:
            for _ in range(BUSY):
                act(stage, self.shared, chance, self.told, self.answers)
                stage.loop.rest()

    def begin(self, role: str) -> None:
        """Start one and wait until it has begun."""
        listening, ready = os.pipe()
        number = next(self.numbers)
        child = os.fork()
        if child == 0:
            try:
                live(self.url, self.shared, role, number, ready, self.told, self.answers)
            finally:
                traceback.print_exc()
                os._exit(1)
        self.alive[child] = role
        os.close(ready)
        os.read(listening, 1)
        os.close(listening)

    def kill(self, child: int) -> str:
        """Kill one and return what it was."""
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return self.alive.pop(child)


def kill_often(
    url: str,
    shared: Shared,
    kills: int,
    seed: int,
    *,
    each: int = 1,
    life: float = LIFE,
    restart: Callable[[], None] | None = None,
    restarts: int = 0,
) -> None:
    """
    Let so many servers and workers live at a time, and kill one after the other; restart the database in between.

    Between two kills are at most `life` seconds.
    """
    chance = random.Random(seed)
    children = Children(url, shared, seed)
    for role in ("server", "worker") * each:
        children.begin(role)
    for kill in range(kills):
        time.sleep(chance.uniform(0.0, life))
        if restart is not None and kill * restarts // kills != (kill + 1) * restarts // kills:
            restart()
        role = children.kill(chance.choice(sorted(children.alive)))
        let_time_pass(url, shared)
        children.begin(role)
    for child in list(children.alive):
        children.kill(child)


def let_time_pass(url: str, shared: Shared) -> None:
    """Move everybody's time on while nobody is in the middle of a step: hours do not pass within one."""
    while True:
        pool = database.connect(url)
        try:
            with pool.begin() as connection:
                # On SQLite the transaction itself keeps all others out.
                if pool.dialect.name == "postgresql":
                    connection.exec_driver_sql("LOCK TABLE process_instances IN ACCESS EXCLUSIVE MODE")
                shared.move(HOURS)
        except DBAPIError:
            time.sleep(REST)
        else:
            return
        finally:
            pool.dispose()


def finish(url: str, shared: Shared) -> list[str]:
    """Let the last server do all that is left to be done now, and return everything that is wrong."""
    _, answers = known_answers()
    with server(url, shared.folder) as stage:
        # What a worker was killed with is free again when its lock has ended.
        shared.move(HOURS)
        clock.set_to(shared.now())
        stage.loop.rest()
        problems = check(stage.sessions) + missing(stage.sessions, shared)
        for task_id, element_id in waiting_tasks(stage.sessions, answers):
            by, variables = answers[element_id]
            visitor = stage.visitor(doer(stage.sessions, task_id, by))
            visitor.post(f"/tasks/{task_id}/claim")
            answer = visitor.post(f"/tasks/{task_id}/complete", stories.as_typed(variables))
            if answer.status_code not in (303, 404, 409, 422):
                problems.append(f"user task {task_id} ({element_id}) answers {answer.status_code}")
        stage.loop.rest()
        return problems + check(stage.sessions)


def missing(sessions: sessionmaker[Session], shared: Shared) -> list[str]:
    """Return what people were told is done, and is not there, or not once."""
    lines = shared.journal.read_text(encoding="utf-8").splitlines() if shared.journal.exists() else []
    problems = [f"answered more than once: {line}" for line, times in Counter(lines).items() if times > 1]
    with sessions.begin() as session:
        keys = Counter(session.scalars(select(ProcessInstance.business_key).where(ProcessInstance.parent_id.is_(None))))
        done = set(session.scalars(select(UserTask.id).where(UserTask.state == "completed")))
        archived = select(Attachment.process_instance_id, Attachment.name).where(Attachment.created_by.is_(None))
        problems += [
            f"file twice: {row}" for row, times in Counter(map(tuple, session.execute(archived))).items() if times > 1
        ]
    for line in lines:
        what, _, which = line.partition(" ")
        if (keys[which] != 1) if what == "started" else (int(which) not in done):
            problems.append(f"answered, but lost: {line}")
    return problems


def check(sessions: sessionmaker[Session]) -> list[str]:
    """Return what is lost, done twice, stuck, or not as the history says."""
    with sessions.begin() as session:
        problems = [str(problem) for problem in history.verify_all(session)]
        problems += [f"incident: {text}" for text in session.scalars(select(Incident.message))]
        problems += done_twice(session)
        for instance in session.scalars(select(ProcessInstance).where(ProcessInstance.state == "active")):
            problems += waits_for_nothing(session, instance)
        return problems


def done_twice(session: Session) -> Iterator[str]:
    """Yield work that the history has completed other than once."""
    for table, kind in ((UserTask, "user_task.completed"), (ExternalTask, "external_task.completed")):
        events = (
            select(HistoryEvent.process_instance_id, HistoryEvent.activity_instance, func.count().label("times"))
            .where(HistoryEvent.kind == kind)
            .group_by(HistoryEvent.process_instance_id, HistoryEvent.activity_instance)
        )
        told = {(row[0], row[1]): row.times for row in session.execute(events)}
        rows = select(table.process_instance_id, table.activity_instance).where(table.state == "completed")
        done = {(row[0], row[1]) for row in session.execute(rows)}
        for key in done | told.keys():
            if told.get(key) != 1 or key not in done:
                yield f"{kind} of {key}: told {told.get(key, 0)} times, {'done' if key in done else 'not done'}"


def waits_for_nothing(session: Session, instance: ProcessInstance) -> Iterator[str]:
    """Yield tokens that wait for something that has no row, and rows whose token is gone."""
    stored: Any = values.loads(instance.tokens)
    spec = definitions.process(session, instance.definition_id)
    alive = {token[0]: spec.nodes[token[1]] for token in stored["t"]}
    rows: set[int] = {0}
    for table in (UserTask, ExternalTask):
        query = select(table.activity_instance).where(
            table.process_instance_id == instance.id, table.ended_at.is_(None)
        )
        rows.update(session.scalars(query))
    for other in (Job, Subscription):
        waits = select(other.activity_instance).where(other.process_instance_id == instance.id)
        rows.update(number for number in session.scalars(waits) if number is not None)
    # Of a loop the rounds have rows, its body has none.
    looping = {node.bpmn_id for number, node in alive.items() if number in rows}
    for number, node in alive.items():
        listens = node.element_type in HERE_IS_NO_ROW or node.catches("conditional") or node.bpmn_id in looping
        if number not in rows and not listens:
            yield f"token {number} of instance {instance.id} stands at {node.bpmn_id} and waits for nothing"
    for number in rows - alive.keys() - {0}:
        yield f"something waits in instance {instance.id} for activity instance {number}, which is gone"


def main() -> None:
    """Run it with the numbers of the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--postgresql", action="store_true")
    options.add_argument("--restarts", type=int, default=0, help="of the database server, with --postgresql")
    chosen = options.parse_args()
    postgres = databases.PostgresServer() if chosen.postgresql else None
    with tempfile.TemporaryDirectory() as name:
        shared = Shared(folder=Path(name))
        file = f"sqlite:///{shared.folder / 'casepath.db'}"
        url = postgres.create("killing", template="template1") if postgres else file
        prepare(url)
        begun = time.monotonic()
        kill_often(url, shared, chosen.kills, chosen.seed, each=2 if postgres else 1,
                   restart=postgres.restart if postgres else None, restarts=chosen.restarts)  # fmt: skip
        problems = finish(url, shared)
        pool = database.connect(url)
        with database.sessions(pool).begin() as session:
            instances = session.scalar(select(func.count()).select_from(ProcessInstance))
            events = session.scalar(select(func.count()).select_from(HistoryEvent))
        pool.dispose()
        answers = len(shared.journal.read_text(encoding="utf-8").splitlines())
        took = time.monotonic() - begun
        print(f"{chosen.kills} kills, {chosen.restarts} restarts of the database in {took:.0f} s: {answers} answers, "
              f"{instances} process instances, {events} events, {len(problems)} problems")  # fmt: skip
        for problem in problems:
            print(f"  {problem}")
    if postgres:
        postgres.stop()
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
