"""Many people and workers at once: refusals, but no deadlock, no broken history, and nothing done twice or in vain."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, runtime
from casepath.engine.database.models import ActivityInstance, ExternalTask, Job, ProcessInstance, UserTask
from casepath.engine.instances import attachments, comments, external_tasks, jobs, process_instances, user_tasks
from casepath.engine.instances.external_tasks import Topic
from tests import diagrams, factories
from tests.acting import OPERATOR, PROGRAM

Sessions = sessionmaker[Session]
Command = Callable[[Session, random.Random, str], object]

#: A person and a worker side by side, again and again.
DIAGRAM = diagrams.process(
    '<startEvent id="Start"/><exclusiveGateway id="Again"/><parallelGateway id="Fork"/><parallelGateway id="Join"/>',
    '<userTask id="Contact" camunda:candidateGroups="service"/>',
    '<serviceTask id="Notify" camunda:type="external" camunda:topic="notify"/>',
    flow="Start > Again; Again > Fork; Fork > Contact; Fork > Notify; Contact > Join; Notify > Join; Join > Again",
)
PEOPLE = ("alice", "bob", "charlie")
KEYS = ("TS1", "TS2")


def work(session: Session, chance: random.Random, name: str, *, fails: bool = False) -> None:
    """Do as a worker does: fetch one, report."""
    topic = Topic(name="notify", lock_for=timedelta(seconds=5))
    for task in external_tasks.fetch_and_lock(session, [topic], worker_id=name, limit=1):
        if fails:
            external_tasks.fail(session, task.id, worker_id=name, message="x", retries=1)
        else:
            external_tasks.complete(session, task.id, worker_id=name)


def pause(session: Session, chance: random.Random, name: str) -> None:
    """Suspend an instance and let it go on."""
    instance_id = chance.choice(session.scalars(select(ProcessInstance.id)).all())
    process_instances.suspend(session, instance_id, by=OPERATOR, reason="wait")
    process_instances.resume(session, instance_id, by=OPERATOR, reason="go on")


def some_task(session: Session, chance: random.Random) -> int:
    """Return an open task, or one that nobody has where all wait for the worker."""
    return chance.choice(session.scalars(select(UserTask.id).where(UserTask.state == "created")).all() or [0])


COMMANDS: tuple[Command, ...] = (
    lambda session, chance, name: attachments.add(session, chance.choice(KEYS), name="a", content=b"x", by=name),
    lambda session, chance, name: comments.add(session, chance.choice(KEYS), "x", by=name),
    lambda session, chance, name: user_tasks.assign(session, some_task(session, chance), "bob", by=name),
    lambda session, chance, name: user_tasks.claim(session, some_task(session, chance), by=name),
    lambda session, chance, name: user_tasks.complete(session, some_task(session, chance), {}, by=name),
    lambda session, chance, name: user_tasks.delegate(session, some_task(session, chance), "alice", by=name),
    lambda session, chance, name: user_tasks.resolve(session, some_task(session, chance), by=name),
    lambda session, chance, name: user_tasks.save_draft(session, some_task(session, chance), {}, by=name),
    lambda session, chance, name: user_tasks.unclaim(session, some_task(session, chance), by=name),
    lambda session, chance, name: work(session, chance, name, fails=True),
    pause,
    work,
)


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_commands__many_at_once(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)
        factories.group(session, "service")
        for name in PEOPLE:
            factories.user(session, name, groups=["service"])
        for key in KEYS:
            process_instances.start(session, "p", {}, business_key=key, by=PROGRAM)

    def keep_busy(seed: int) -> int:
        chance = random.Random(seed)
        done = 0
        for _ in range(60):
            command, name = chance.choice(COMMANDS), chance.choice(PEOPLE)
            try:
                with transaction.begin() as session:
                    command(session, chance, name)
            except errors.EngineError:
                continue
            done += 1
        return done

    with ThreadPoolExecutor(5) as pool:
        done = list(pool.map(keep_busy, range(5)))

    assert min(done) > 0
    with transaction.begin() as session:
        assert list(history.verify_all(session)) == []


#: Two timers at once in each instance, then work.
TIMERS = diagrams.process(
    '<startEvent id="Start"/><parallelGateway id="Fork"/><parallelGateway id="Join"/><endEvent id="End"/>',
    f'<intermediateCatchEvent id="One">{diagrams.timer("PT1H")}</intermediateCatchEvent>',
    f'<intermediateCatchEvent id="Two">{diagrams.timer("PT1H")}</intermediateCatchEvent>',
    '<serviceTask id="Work" camunda:type="external" camunda:topic="work"/>',
    flow="Start > Fork; Fork > One; Fork > Two; One > Join; Two > Join; Join > Work; Work > End",
)
MANY = 20


@pytest.fixture
def due_timers(transaction: Sessions, clock: ModuleType) -> int:
    """Process instances with timers that are due; how many timers."""
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": TIMERS}, name="p", by=PROGRAM)
    with transaction.begin() as session:
        for _ in range(MANY):
            process_instances.start(session, "p", {}, by=PROGRAM)
    clock.set_to(clock.now())
    clock.move(timedelta(hours=1))
    return 2 * MANY


def count(transaction: Sessions, *conditions: ColumnElement[bool]) -> int:
    with transaction.begin() as session:
        return session.scalar(select(func.count()).where(*conditions)) or 0


def test_run_due__two_workers_execute_each_job_once(transaction: Sessions, due_timers: int) -> None:
    def work(_: int) -> int:
        tried = 0
        while count(transaction, Job.state == "waiting"):
            tried += jobs.run_due(transaction, 3)
        return tried

    with ThreadPoolExecutor(2) as pool:
        tried = list(pool.map(work, range(2)))

    # None was tried for nothing, and each was executed once.
    assert sum(tried) == due_timers
    fired = (ActivityInstance.element_id.in_(("One", "Two")), ActivityInstance.state == "completed")
    assert count(transaction, *fired) == due_timers
    assert count(transaction, ExternalTask.state == "created") == MANY


def test_fetch_and_lock__two_workers_do_each_task_once(transaction: Sessions, due_timers: int) -> None:
    while jobs.run_due(transaction):
        pass
    topic = Topic(name="work", lock_for=timedelta(minutes=5))

    def work(name: str) -> list[int]:
        done: list[int] = []
        while count(transaction, ExternalTask.state == "created"):
            with transaction.begin() as session:
                fetched = external_tasks.fetch_and_lock(session, [topic], worker_id=name, limit=3)
            for task in fetched:
                with transaction.begin() as session:
                    external_tasks.complete(session, task.id, worker_id=name)
                done.append(task.id)
        return done

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(work, ("first", "second"))

    assert len(first) + len(second) == len({*first, *second}) == MANY
    assert count(transaction, ProcessInstance.state == "completed") == MANY


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_run_due__passes_over_an_instance_that_somebody_moves(transaction: Sessions, due_timers: int) -> None:
    with transaction.begin() as session:
        moved = session.scalars(select(ProcessInstance.id).order_by(ProcessInstance.id)).first()
        assert moved is not None
        runtime.lock(session, moved)

        assert jobs.run_due(transaction, due_timers) == due_timers - 2

        assert count(transaction, Job.process_instance_id == moved) == 2
    assert jobs.run_due(transaction) == 2
