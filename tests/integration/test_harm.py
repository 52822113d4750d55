"""One process instance is one: whatever it does, all others go on in time, and who operates the engine sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, settings
from casepath.engine.database.models import Incident, Job, ProcessInstance, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import jobs, process_instances, user_tasks
from casepath.engine.queries import operations
from casepath.workers import Result, Surroundings, Work
from casepath.workers.loop import Loop
from tests import diagrams, harm
from tests.acting import ALICE, OLIVIA, PROGRAM

Sessions = sessionmaker[Session]
BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
HEALTHY = 20

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch, clock: ModuleType) -> None:
    """Steps may take a fifth of a second and few moves only, so that the test does not take long."""
    clock.set_to(BEGIN)
    monkeypatch.setattr(settings.current, "step_moves", 500)
    monkeypatch.setattr(settings.current, "step_seconds", 0.2)
    monkeypatch.setattr(settings.current, "step_characters", 1_000_000)


def deploy(transaction: Sessions, content: bytes, key: str) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, {f"{key}.bpmn": content}, name=key, by=PROGRAM)


def start_healthy(transaction: Sessions) -> list[int]:
    """Start instances that wait for an hour, then for a worker, then for a person."""
    content = diagrams.process(
        '<startEvent id="Start"/><userTask id="Task"/>', diagrams.catch("Hour", diagrams.timer("PT1H")),
        '<serviceTask id="Work" camunda:type="external" camunda:topic="outside"/>',
        flow="Start > Hour; Hour > Work; Work > Task", key="healthy",
    )  # fmt: skip
    deploy(transaction, content, "healthy")
    with transaction.begin() as session:
        return [process_instances.start(session, "healthy", {}, by=ALICE).id for _ in range(HEALTHY)]


def worker(transaction: Sessions) -> Loop:
    """Return a worker that has just been started."""
    definitions.forget()
    return Loop(Surroundings(sessions=transaction), handlers={"outside": outside}, worker_id="w")


def outside(_work: Work) -> Result:
    return Result()


def incidents(transaction: Sessions) -> Counter[int | None]:
    """Return how many open incidents each instance has, with those that it called."""
    query = select(ProcessInstance.root_id).join(Incident, Incident.process_instance_id == ProcessInstance.id)
    with transaction.begin() as session:
        return Counter(session.scalars(query.where(Incident.state == "open")))


def finished(transaction: Sessions, instances: list[int]) -> bool:
    """Complete the task that each instance should have now, and tell whether all have come to their ends."""
    with transaction.begin() as session:
        open_tasks = select(UserTask.id).where(UserTask.process_instance_id.in_(instances), UserTask.state == "created")
        for task in session.scalars(open_tasks).all():
            user_tasks.complete(session, task, {}, by=PROGRAM)
    with transaction.begin() as session:
        states = session.scalars(select(ProcessInstance.state).where(ProcessInstance.id.in_(instances))).all()
    return states == ["completed"] * HEALTHY


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_starts_what_harms_is_refused(transaction: Sessions, clock: ModuleType) -> None:
    healthy = start_healthy(transaction)
    stopped: dict[str, str] = {}

    for name, (_, content) in harm.HARMS.items():
        deploy(transaction, content, name)
        try:
            with transaction.begin() as session:
                started = process_instances.start(session, "p", harm.VARIABLES, by=ALICE).id
        except errors.OverBudget:
            stopped[name] = "step"
        else:
            stopped[name] = "element" if incidents(transaction)[started] == 1 else "not at all"
    clock.move(timedelta(hours=1))
    worker(transaction).rest()

    assert stopped == {name: at for name, (at, _) in harm.HARMS.items()}
    assert finished(transaction, healthy)


@pytest.mark.parametrize(
    ("way", "database_url"),
    [(harm.later, "sqlite"), pytest.param(harm.reported, "postgresql", marks=pytest.mark.postgresql)],
    indirect=["database_url"],
)
def test_what_harms_on_its_own_is_an_incident(
    transaction: Sessions, clock: ModuleType, way: Callable[[bytes], bytes]
) -> None:
    healthy = start_healthy(transaction)
    started: dict[str, int] = {}
    for name, (_, content) in harm.HARMS.items():
        deploy(transaction, way(content), name)
        with transaction.begin() as session:
            started[name] = process_instances.start(session, "p", harm.VARIABLES, by=ALICE).id

    clock.move(timedelta(hours=1))
    worker(transaction).rest()

    assert finished(transaction, healthy)
    assert {name: incidents(transaction)[number] for name, number in started.items()} == dict.fromkeys(started, 1)
    with transaction.begin() as session:
        shown, _ = operations.incidents(session, limit=2 * len(started))
        assert len(shown) == len(started)
        assert all(each.phrase and each.place.element_id for each in shown)

    # Neither time nor a worker that is started anew has it tried again.
    clock.move(timedelta(days=3))
    before = incidents(transaction)
    worker(transaction).rest()

    assert incidents(transaction) == before
    with transaction.begin() as session:
        assert session.scalars(select(Job.retries).where(Job.state == "waiting")).all() == []


def test_a_job_over_budget_can_be_tried_again_with_a_larger_budget(
    transaction: Sessions, clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(transaction, harm.later(harm.after(harm.feel("Work", harm.LONG), "Work")), "p")
    with transaction.begin() as session:
        process_instances.start(session, "p", {}, by=ALICE)
    monkeypatch.setattr(settings.current, "step_seconds", 0.0001)
    assert jobs.run_due(transaction) == 1
    with transaction.begin() as session:
        failed = session.scalars(select(Job)).one()
        assert (failed.state, failed.retries) == ("failed", 0)

    monkeypatch.setattr(settings.current, "step_seconds", 60)
    with transaction.begin() as session:
        jobs.retry(session, failed.id, by=OLIVIA)
    clock.move(timedelta(seconds=1))
    assert jobs.run_due(transaction) == 1

    with transaction.begin() as session:
        assert session.scalars(select(ProcessInstance.state)).all() == ["completed"]
        assert session.scalars(select(Incident.state)).all() == ["resolved"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_goes_on_for_ever_in_small_steps_leaves_others_their_turn(
    transaction: Sessions, clock: ModuleType
) -> None:
    healthy = start_healthy(transaction)
    deploy(transaction, harm.circle('<task id="Task" camunda:asyncBefore="true"/>', "Task"), "p")
    with transaction.begin() as session:
        for _ in range(5):
            process_instances.start(session, "p", {}, by=ALICE)

    clock.move(timedelta(hours=1))
    for _ in range(2):
        worker(transaction).step()

    assert finished(transaction, healthy)


@pytest.mark.parametrize(
    ("setting", "limit", "code"), [("step_moves", 5, "never-waits"), ("step_characters", 3, "step-too-large")]
)
def test_the_limits_of_a_step_are_exact(
    transaction: Sessions, monkeypatch: pytest.MonkeyPatch, setting: str, limit: int, code: str
) -> None:
    """Five elements begin, and three characters are set."""
    content = diagrams.process(
        '<startEvent id="Start"/><task id="A"/><task id="B"/><task id="C"/><userTask id="D"/>',
        flow="Start > A; A > B; B > C; C > D",
    )
    deploy(transaction, content, "p")

    def start() -> None:
        with transaction.begin() as session:
            process_instances.start(session, "p", {"a": "ab", "b": "c"}, by=ALICE)

    with monkeypatch.context() as patched:
        patched.setattr(settings.current, setting, limit)
        start()
        patched.setattr(settings.current, setting, limit - 1)
        with pytest.raises(errors.OverBudget) as refused:
            start()

    assert refused.value.code == code
    with transaction.begin() as session:
        assert len(session.scalars(select(ProcessInstance)).all()) == 1
