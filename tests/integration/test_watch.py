"""Signs of life of workers, what waits for them, and the alarm that rings once where nothing moves."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Notification, User, WorkerThread
from casepath.engine.instances import process_instances, signs
from casepath.engine.people import identity
from casepath.engine.queries import notices, watch
from casepath.engine.settings import current
from casepath.engine.time import clock as engine_clock
from casepath.workers import Result, Surroundings, Work
from casepath.workers import loop as loops
from casepath.workers.loop import SIGN_EVERY, Loop
from casepath.workers.watch import Watch
from tests import diagrams, factories
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]


@pytest.fixture(autouse=True)
def standing_clock(clock: ModuleType) -> ModuleType:
    """The clock stands still until it is moved."""
    clock.set_to(clock.now())
    return clock


def deploy(transaction: Sessions, *, timer: str = "PT1S") -> None:
    """Deploy a process with work for the topic `print`, and beside it a timer."""
    content = diagrams.process(
        '<startEvent id="Start"/><parallelGateway id="Fork"/><userTask id="Done"/><userTask id="Late"/>',
        f'<intermediateCatchEvent id="Timer">{diagrams.timer(timer)}</intermediateCatchEvent>',
        '<serviceTask id="Work" camunda:type="external" camunda:topic="print"/>',
        flow="Start > Fork; Fork > Work; Fork > Timer; Work > Done; Timer > Late",
        key="p",
    )
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": content}, name="p", by=PROGRAM)


def start(transaction: Sessions) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, "p", {}, by=PROGRAM).id


def sign(transaction: Sessions, name: str, *, worker_id: str = "house/1", topics: tuple[str, ...] = ()) -> None:
    """Give the sign of life of a thread."""
    with transaction.begin() as session:
        signs.give(session, worker_id, name, began_at=engine_clock.now(), topics=topics)


def look(transaction: Sessions) -> watch.Watch:
    with transaction.begin() as session:
        return watch.look(session)


def keys(transaction: Sessions) -> list[str]:
    with transaction.begin() as session:
        return [each.key for each in watch.standstills(session)]


def test_look__without_a_worker(transaction: Sessions) -> None:
    assert [(each.key, each.since) for each in look(transaction).standstills] == [
        ("silent:jobs", None),
        ("silent:topics", None),
    ]


def test_look__with_living_workers(transaction: Sessions, clock: ModuleType) -> None:
    sign(transaction, "jobs")
    sign(transaction, "topics", topics=("print", "notify"))
    clock.move(current.silent_after)

    found = look(transaction)

    assert found.standstills == []
    assert [(each.host, each.process, each.name, each.topics, each.is_silent) for each in found.threads] == [
        ("house", "1", "jobs", [], False),
        ("house", "1", "topics", ["notify", "print"], False),
    ]


def test_look__a_kind_of_thread_that_is_silent_everywhere(transaction: Sessions, clock: ModuleType) -> None:
    for worker_id in ("house/1", "house/2"):
        sign(transaction, "jobs", worker_id=worker_id)
        sign(transaction, "topics", worker_id=worker_id)
    clock.move(current.silent_after + timedelta(seconds=1))
    sign(transaction, "topics")

    assert keys(transaction) == ["silent:jobs"]
    sign(transaction, "jobs", worker_id="house/2")
    assert keys(transaction) == []
    assert {(each.process, each.name): each.is_silent for each in look(transaction).threads} == {
        ("1", "topics"): False, ("2", "jobs"): False, ("1", "jobs"): True, ("2", "topics"): True,
    }  # fmt: skip


def test_look__a_worker_that_was_stopped_is_not_silent(transaction: Sessions, clock: ModuleType) -> None:
    sign(transaction, "jobs")
    with transaction.begin() as session:
        signs.end(session, "house/1")
    clock.move(current.silent_after + timedelta(seconds=1))

    (thread,) = look(transaction).threads

    assert thread.ended_at is not None
    assert not thread.is_silent


def test_give__forgets_who_has_been_gone_for_long(transaction: Sessions, clock: ModuleType) -> None:
    sign(transaction, "jobs")
    clock.move(signs.REMEMBERED + timedelta(seconds=1))
    sign(transaction, "jobs", worker_id="house/2")

    with transaction.begin() as session:
        assert session.scalars(select(WorkerThread.worker_id)).all() == ["house/2"]


def test_look__a_job_that_nobody_executes(transaction: Sessions, clock: ModuleType) -> None:
    deploy(transaction)
    start(transaction)
    due = clock.now() + timedelta(seconds=1)
    clock.move(current.late_after + timedelta(seconds=1))
    sign(transaction, "jobs")
    sign(transaction, "topics")
    assert look(transaction).oldest_due == due
    assert keys(transaction) == []

    clock.move(timedelta(seconds=1))

    assert keys(transaction) == ["late"]


def test_look__what_is_suspended_is_not_late(transaction: Sessions, clock: ModuleType) -> None:
    deploy(transaction)
    instance = start(transaction)
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=PROGRAM, reason="wait")
    clock.move(timedelta(days=1))

    found = look(transaction)

    assert (found.oldest_due, found.topics) == (None, [])


def test_look__external_tasks_by_topic(transaction: Sessions, clock: ModuleType) -> None:
    deploy(transaction)
    since = clock.now()
    start(transaction)
    clock.move(timedelta(minutes=1))
    start(transaction)
    sign(transaction, "topics", topics=("notify",))
    (topic,) = look(transaction).topics
    assert (topic.name, topic.waiting, topic.since, topic.is_served) == ("print", 2, since, False)

    sign(transaction, "topics", topics=("print",))

    assert look(transaction).topics[0].is_served


def test_loop__gives_signs_of_life_and_signs_off(transaction: Sessions, clock: ModuleType) -> None:
    deploy(transaction)
    start(transaction)
    done = threading.Event()

    def work(_: Work) -> Result:
        done.set()
        return Result()

    loop = Loop(Surroundings(sessions=transaction), handlers={"print": work}, worker_id="house/1")
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    assert done.wait(30)
    loop.stop()
    thread.join(30)

    found = {each.name: each for each in look(transaction).threads}
    assert found["topics"].topics == ["print"]
    assert found["topics"].began_at == clock.now()
    assert all(each.ended_at is not None for each in found.values())


def test_loop__a_sign_every_few_seconds_only(transaction: Sessions, clock: ModuleType) -> None:
    loop = Loop(Surroundings(sessions=transaction), handlers={}, worker_id="house/1")
    loop.signs["jobs"] = loops.Sign(restarts=2)
    began = clock.now()

    def seen() -> timedelta:
        loop.living("jobs", lambda: 0)
        (thread,) = look(transaction).threads
        return timedelta(seconds=(thread.seen_at - began).total_seconds())

    assert seen() == timedelta(0)
    clock.move(SIGN_EVERY - timedelta(seconds=1))
    assert seen() == timedelta(0)
    clock.move(timedelta(seconds=1))
    assert seen() == SIGN_EVERY
    (thread,) = look(transaction).threads
    assert (thread.restarts, thread.began_at) == (2, began)


def test_watch__tells_administrators_once_in_their_language(
    transaction: Sessions, clock: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for username, language in (("ada", "en"), ("wang", "zh_CN")):
            factories.user(session, username, groups=["administrator"]).language = language
        factories.user(session, "bob")
    sign(transaction, "topics")
    watching = Watch(Surroundings(sessions=transaction, time_zone="UTC"))

    def told() -> list[tuple[str, str]]:
        watching.step()
        with transaction.begin() as session:
            rows = session.scalars(select(Notification).order_by(Notification.id)).all()
            languages = {user.username: user.language for user in session.scalars(select(User))}
            return [(row.username, notices.said(row, languages[row.username]).subject) for row in rows]

    # It was begun just now, and so may the workers.
    assert told() == []
    clock.move(current.silent_after + timedelta(seconds=1))
    sign(transaction, "topics")
    once = [
        ("ada", "No worker executes timers and continuations; the last one did: never"),
        ("wang", "没有工作者处理定时器和后续步骤（最近一次：从未）"),
    ]
    assert told() == once
    assert told() == once
    assert "nothing moves: No worker executes timers" in caplog.text

    sign(transaction, "jobs")
    assert told() == once
    clock.move(current.silent_after + timedelta(seconds=1))
    sign(transaction, "topics")
    assert [username for username, _ in told()] == ["ada", "wang", "ada", "wang"]
