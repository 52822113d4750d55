"""
Kill the server at random moments while people and workers are busy, and see that nothing is lost or done twice.

    python -m tests.acceptance.killing --kills 200 [--seed 1] [--database URL]

The server is a child process: it answers requests, runs the workers' loop, and is killed without warning. The next one
begins with nothing but the database. Everybody's time moves on by some hours with each start, so that timers are due.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath import stories
from casepath.engine import database, deployments, history
from casepath.engine.database import values
from casepath.engine.database.models import (
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
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acceptance.stage import RequestStage
from tests.acting import PROGRAM
from tests.applications import make_app

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
BEGIN = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
#: How long a server lives at most once it answers, in seconds.
LIFE = 1.0
#: Process instances that are open at the same time.
BUSY = 12
#: Elements at which a token waits without a row of its own: for other tokens, or inside.
HERE_IS_NO_ROW = frozenset({"subProcess", "transaction", "adHocSubProcess", "callActivity", "parallelGateway",
                            "inclusiveGateway", "complexGateway"})  # fmt: skip

Known = dict[str, tuple[str, dict[str, Any]]]


@contextmanager
def server(url: str, folder: Path) -> Iterator[RequestStage]:
    """The pages and a worker on a database."""
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


def known_answers() -> tuple[list[stories.Story], Known]:
    """Return the stories, and for each element who does it and with which values."""
    found = stories.read_all(PROCESSES)
    answers: Known = {}
    for story in found:
        for step in story.steps:
            if "complete" in step:
                answers.setdefault(step["complete"], (step["by"], dict(step.get("variables", {}))))
    return found, answers


def work(stage: RequestStage, chance: random.Random, told: list[stories.Story], answers: Known) -> bool:
    """Do one thing that people or workers would do; return False when nobody can do anything."""
    open_tasks = waiting_tasks(stage.sessions, answers)
    moves = ["work", "complete"] if open_tasks else ["work"]
    if count_open(stage.sessions) < BUSY:
        moves.append("start")
    match chance.choice(moves):
        case "start":
            story = chance.choice(told)
            stage.visitor(str(story.start["by"])).post(
                f"/register/{story.process}", stories.as_typed(story.start.get("variables", {}))
            )
        case "complete":
            task_id, element_id = chance.choice(open_tasks)
            by, variables = answers[element_id]
            visitor = stage.visitor(doer(stage.sessions, task_id, by))
            visitor.post(f"/tasks/{task_id}/claim")
            visitor.post(f"/tasks/{task_id}/complete", stories.as_typed(variables))
        case "work":
            return stage.loop.step() or bool(open_tasks)
    return True


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


def live(url: str, folder: Path, start: int, seed: int, ready: int, told: list[stories.Story], answers: Known) -> None:
    """Be a server until killed; says through the pipe `ready` that it answers."""
    clock.set_to(BEGIN + timedelta(hours=3 * start))
    chance = random.Random(seed * 1000 + start)
    with server(url, folder) as stage:
        os.write(ready, b"!")
        while True:
            work(stage, chance, told, answers)


def doer(sessions: sessionmaker[Session], task_id: int, told: str) -> str:
    """Return who has a task or may claim it: whom the stories name, where it is his."""
    with sessions.begin() as session:
        whose = authorization.candidacy(user_tasks.get(session, task_id))
        if whose.assignee is not None:
            return whose.assignee
        candidates = whose.candidate_users | identity.members(session, whose.candidate_groups)
        return told if told in candidates or not candidates else min(candidates)


def kill_often(url: str, folder: Path, kills: int, seed: int) -> None:
    """Start a server and kill it, again and again, each at another moment."""
    chance = random.Random(seed)
    told, answers = known_answers()
    for start in range(kills):
        listening, ready = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                live(url, folder, start, seed, ready, told, answers)
            finally:
                traceback.print_exc()
                os._exit(1)
        os.close(ready)
        os.read(listening, 1)
        os.close(listening)
        time.sleep(chance.uniform(0.0, LIFE))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def finish(url: str, folder: Path, kills: int) -> list[str]:
    """Let the last server do all that is left to be done now, and return everything that is wrong."""
    clock.set_to(BEGIN + timedelta(hours=3 * kills))
    _, answers = known_answers()
    with server(url, folder) as stage:
        stage.loop.rest()
        problems = check(stage.sessions)
        for task_id, element_id in waiting_tasks(stage.sessions, answers):
            by, variables = answers[element_id]
            visitor = stage.visitor(doer(stage.sessions, task_id, by))
            visitor.post(f"/tasks/{task_id}/claim")
            answer = visitor.post(f"/tasks/{task_id}/complete", stories.as_typed(variables))
            if answer.status_code not in (303, 404, 409, 422):
                problems.append(f"user task {task_id} ({element_id}) answers {answer.status_code}")
        stage.loop.rest()
        return problems + check(stage.sessions)


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
    options.add_argument("--database", default="")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = chosen.database or f"sqlite:///{folder / 'casepath.db'}"
        prepare(url)
        begun = time.monotonic()
        kill_often(url, folder, chosen.kills, chosen.seed)
        problems = finish(url, folder, chosen.kills)
        pool = database.connect(url)
        with database.sessions(pool).begin() as session:
            instances = session.scalar(select(func.count()).select_from(ProcessInstance))
            events = session.scalar(select(func.count()).select_from(HistoryEvent))
        print(f"{chosen.kills} kills in {time.monotonic() - begun:.0f} s, {instances} process instances, "
              f"{events} events, {len(problems)} problems")  # fmt: skip
        for problem in problems:
            print(f"  {problem}")


if __name__ == "__main__":
    main()
