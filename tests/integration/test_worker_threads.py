"""A worker's threads: what hangs keeps nothing else waiting, what fails or dies goes on, and all stop when asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType

import pytest
import sqlalchemy
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments
from casepath.engine.database.models import ActivityInstance, ExternalTask, Job, UserTask
from casepath.engine.instances import process_instances
from casepath.engine.queries import mails
from casepath.workers import DEFAULT_LOCK, Handler, Mail, Result, Surroundings, Work
from casepath.workers import loop as loops
from casepath.workers.loop import Loop, repeat
from casepath.workers.topics import LONGEST, SLOTS
from tests import diagrams, factories, mailbox
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]
#: How long a test waits for what should happen, in seconds; machines under load are slow.
PATIENCE = 30.0


def deploy(transaction: Sessions, key: str, topic: str) -> None:
    """Deploy a process with a service task, and beside it a timer of one second."""
    work = (
        f'<serviceTask id="Work" camunda:type="external" camunda:topic="{topic}"><extensionElements>'
        '<camunda:inputOutput><camunda:inputParameter name="recipients">carol</camunda:inputParameter>'
        '<camunda:inputParameter name="subject">x</camunda:inputParameter>'
        "</camunda:inputOutput></extensionElements></serviceTask>"
    )
    content = diagrams.process(
        '<startEvent id="Start"/><parallelGateway id="Fork"/><userTask id="Done"/><userTask id="Late"/>',
        f'<intermediateCatchEvent id="Timer">{diagrams.timer("PT1S")}</intermediateCatchEvent>',
        work,
        flow="Start > Fork; Fork > Work; Fork > Timer; Work > Done; Timer > Late",
        key=key,
    )
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": content}, name=key, by=PROGRAM)


def start(transaction: Sessions, key: str) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, key, {}, by=PROGRAM).id


def is_open(transaction: Sessions, instance: int, element_id: str) -> bool:
    """Whether a user task waits."""
    with transaction.begin() as session:
        query = select(UserTask.id).where(UserTask.process_instance_id == instance, UserTask.element_id == element_id)
        return session.scalar(query) is not None


def until(condition: Callable[[], object]) -> bool:
    """Wait until something holds; whether it does in the end."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        threading.Event().wait(0.05)
    return bool(condition())


def loop_of(transaction: Sessions, mail: Mail | None = None, **handlers: Handler) -> Loop:
    return Loop(Surroundings(sessions=transaction, mail=mail), handlers=handlers or None, worker_id="w1")


@contextmanager
def running(loop: Loop) -> Iterator[threading.Thread]:
    """Run a loop until it is left."""
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    yield thread
    loop.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What handlers wait for; open when the test is over, so that no thread stays behind."""
    opened = threading.Event()
    yield opened
    opened.set()


def test_timer__is_not_late_while_a_mail_server_is_silent(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.user(session, "carol").email = "carol@dealer.test"
    deploy(transaction, "p", "notify")
    with mailbox.open_silent_server() as port:
        loop = loop_of(transaction, Mail(host="127.0.0.1", port=port, encryption="none", sender="a@b.test"))
        with running(loop):
            instances = [start(transaction, "p") for _ in range(SLOTS + 1)]
            # Nobody waits for the mails: neither what follows the tasks nor the timers.
            assert until(lambda: all(is_open(transaction, instance, "Done") for instance in instances))
            assert until(lambda: all(is_open(transaction, instance, "Late") for instance in instances))
            with transaction.begin() as session:
                assert set(mails.counts(session).items()) > {("waiting", len(instances)), ("sent", 0)}
    with transaction.begin() as session:
        waited = session.scalars(select(ActivityInstance).where(ActivityInstance.element_id == "Timer")).all()
        lateness = [each.ended_at - each.started_at - timedelta(seconds=1) for each in waited if each.ended_at]
    # One second, and what a machine under load needs.
    assert max(lateness) < timedelta(seconds=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_worker__waits_for_nobody_who_writes_while_there_is_nothing_to_do(
    database_url: str, engine_database: sqlalchemy.Engine
) -> None:
    """Where one can write at a time, to look whether there is anything would keep all others waiting each second."""
    impatient = database.sessions(database.connect(database_url, patience=0.05))
    loop = loop_of(impatient, Mail(host="127.0.0.1", port=9, encryption="none", sender="a@b.test"))
    with database.sessions(engine_database).begin() as writing:
        writing.execute(select(Job))
        with pytest.raises(OperationalError), impatient.begin() as waiting:
            waiting.execute(select(Job))

        rests = [loop.run_jobs(), loop.send_mails(), loop.send_through_channels(), loop.start_batches()]
        assert rests == [loops.REST] * 4
        assert loop.tell_news() == loops.NEWS_EVERY
        assert loop.topics.begin() is False
    impatient.kw["bind"].dispose()


def test_topics__a_handler_that_hangs_costs_its_slot_only(transaction: Sessions, gate: threading.Event) -> None:
    deploy(transaction, "p", "work")
    hanging = start(transaction, "p")

    def work(task: Work) -> Result:
        if task.task.process_instance_id == hanging:
            gate.wait(PATIENCE)
        return Result()

    with running(loop_of(transaction, work=work)):
        others = [start(transaction, "p") for _ in range(3)]
        assert until(lambda: all(is_open(transaction, instance, "Done") for instance in others))
        assert not is_open(transaction, hanging, "Done")
        gate.set()
        assert until(lambda: is_open(transaction, hanging, "Done"))


def test_topics__a_handler_that_ends_its_thread_frees_its_slot(transaction: Sessions) -> None:
    deploy(transaction, "p", "work")
    ending = [start(transaction, "p") for _ in range(SLOTS)]

    def work(task: Work) -> Result:
        if task.task.process_instance_id in ending:
            raise SystemExit
        return Result()

    with running(loop_of(transaction, work=work)):
        other = start(transaction, "p")
        assert until(lambda: is_open(transaction, other, "Done"))


def test_topics__locks_are_extended_while_a_handler_runs(
    transaction: Sessions, clock: ModuleType, gate: threading.Event
) -> None:
    deploy(transaction, "p", "work")
    start(transaction, "p")

    def work(_: Work) -> Result:
        gate.wait(PATIENCE)
        return Result()

    def locked_for() -> timedelta:
        with transaction.begin() as session:
            until: timedelta = session.scalars(select(ExternalTask.locked_until)).one() - clock.now()
            return until

    topics = loop_of(transaction, work=work).topics
    clock.set_to(clock.now())
    assert topics.begin()
    clock.move(DEFAULT_LOCK * 0.6)
    topics.extend_locks()
    assert locked_for() == DEFAULT_LOCK

    clock.move(LONGEST)
    topics.extend_locks()
    assert locked_for() == DEFAULT_LOCK - LONGEST
    gate.set()
    topics.finish(PATIENCE)
    assert not topics.running


def test_loop__finishes_what_it_does_when_it_is_stopped(transaction: Sessions, gate: threading.Event) -> None:
    deploy(transaction, "p", "work")
    instance = start(transaction, "p")
    begun = threading.Event()

    def work(_: Work) -> Result:
        begun.set()
        gate.wait(PATIENCE)
        return Result()

    loop = loop_of(transaction, work=work)
    with running(loop):
        assert begun.wait(PATIENCE)
        loop.stop()
        gate.set()

    assert is_open(transaction, instance, "Done")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_loop__a_thread_that_has_ended_is_begun_again(
    transaction: Sessions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []

    def next_due(_session: Session) -> None:
        ended.append(1)
        if len(ended) == 1:
            raise SystemExit

    monkeypatch.setattr("casepath.workers.loop.jobs.next_due", next_due)
    with running(loop_of(transaction)):
        assert until(lambda: len(ended) > 1)

    assert "the thread of the jobs has ended; it is begun again" in caplog.text


def test_loop__a_job_is_executed_when_it_is_due(transaction: Sessions, clock: ModuleType) -> None:
    deploy(transaction, "p", "work")
    clock.set_to(clock.now())
    start(transaction, "p")
    loop = loop_of(transaction)

    assert loop.run_jobs() == pytest.approx(1.0)
    clock.move(timedelta(seconds=0.75))
    assert loop.run_jobs() == pytest.approx(0.25)
    clock.move(timedelta(seconds=0.25))
    assert loop.run_jobs() == 0
    assert loop.run_jobs() == loops.REST
    with transaction.begin() as session:
        assert session.scalars(select(Job)).all() == []


class Waits(threading.Event):
    """Notes how long it is waited for, and is set after so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        if len(self.waited) == self.times:
            self.set()
        return self.is_set()


def test_repeat__goes_on_after_any_error_and_waits_longer_each_time(caplog: pytest.LogCaptureFixture) -> None:
    failures: list[Exception | None] = [
        OperationalError("SELECT 1", {}, OSError("the database is away")),
        *[ValueError("a fault of ours")] * 6,
        None,
        ValueError("once more"),
    ]

    def step() -> float:
        error = failures.pop(0)
        if error is not None:
            raise error
        return 0.25

    stopping = Waits(len(failures))
    repeat(step, stopping)

    assert stopping.waited == [1, 2, 4, 8, 16, 30, 30, 0.25, 1]
    assert "the database is away" in caplog.text
