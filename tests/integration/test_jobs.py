"""Timers, continuations and what happens when they fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import ActivityInstance, Incident, Job, UserTask
from casepath.engine.instances import incidents, jobs, process_instances, user_tasks
from casepath.engine.settings import ATTEMPTS
from tests import diagrams
from tests.acting import ALICE, OLIVIA, PROGRAM

Sessions = sessionmaker[Session]
BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_begin(clock: ModuleType) -> ModuleType:
    """The clock stands at a Monday morning."""
    clock.set_to(BEGIN)
    return clock


def run(transaction: Sessions, diagram: bytes, variables: dict[str, Any] | None = None) -> int:
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": diagram}, name="p", by=PROGRAM)
    with transaction.begin() as session:
        return process_instances.start(session, "p", variables or {}, by=ALICE).id


def visits(transaction: Sessions, element_id: str) -> int:
    with transaction.begin() as session:
        query = select(ActivityInstance).where(ActivityInstance.element_id == element_id)
        return len(session.scalars(query).all())


def bordered(timer: str, *, interrupting: bool) -> bytes:
    """A user task with a timer on its border."""
    cancels = str(interrupting).lower()
    return diagrams.process(
        '<startEvent id="Start"/><userTask id="A"/><userTask id="B"/><endEvent id="End"/>',
        f'<boundaryEvent id="Late" attachedToRef="A" cancelActivity="{cancels}">{timer}</boundaryEvent>',
        flow="Start > A; A > End; Late > B; B > End",
    )


def patient(waits: str) -> bytes:
    """The gateway that fails is tried again after these waits."""
    return FAILING.replace(
        b'<exclusiveGateway id="G" camunda:asyncBefore="true"/>',
        b'<exclusiveGateway id="G" camunda:asyncBefore="true"><extensionElements><camunda:failedJobRetryTimeCycle>'
        b"%b</camunda:failedJobRetryTimeCycle></extensionElements></exclusiveGateway>" % waits.encode(),
    )


def test_timer__not_due_yet(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("PT2H"), interrupting=True))

    at_begin.move(timedelta(hours=2, seconds=-1))

    assert jobs.run_due(transaction) == 0
    assert visits(transaction, "B") == 0


def test_timer__interrupts(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("PT2H"), interrupting=True))

    at_begin.move(timedelta(hours=2))
    jobs.run_due(transaction)

    with transaction.begin() as session:
        open_tasks = session.execute(select(UserTask.element_id, UserTask.state).order_by(UserTask.id)).all()
        assert [tuple(row) for row in open_tasks] == [("A", "cancelled"), ("B", "created")]
        assert session.scalars(select(Job)).all() == []


def test_timer__a_cycle_that_was_missed_fires_once(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("R/PT1H", "timeCycle"), interrupting=False))

    at_begin.move(timedelta(hours=48, minutes=30))
    while jobs.run_due(transaction):
        pass

    assert visits(transaction, "Late") == 1
    with transaction.begin() as session:
        assert jobs.next_due(session) == BEGIN + timedelta(hours=49)


def test_timer__fires_once(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("PT1H"), interrupting=False))
    at_begin.move(timedelta(hours=1))

    assert [jobs.run_due(transaction), jobs.run_due(transaction)] == [1, 0]
    assert visits(transaction, "B") == 1


def test_run_due__as_many_as_asked_for(
    transaction: Sessions, at_begin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TOGETHER", 2)
    for _ in range(4):
        run(transaction, bordered(diagrams.timer("PT1H"), interrupting=False))
    at_begin.move(timedelta(hours=1))

    assert [jobs.run_due(transaction, limit=3), jobs.run_due(transaction, limit=3)] == [3, 1]


def test_run_due__a_few_share_a_transaction_where_only_one_can_write(
    transaction: Sessions, at_begin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TOGETHER_SECONDS", 60)
    for _ in range(2):
        run(transaction, bordered(diagrams.timer("PT1H"), interrupting=False))
    at_begin.move(timedelta(hours=1))
    ended: list[object] = []
    event.listen(transaction.kw["bind"], "commit", ended.append)

    assert jobs.run_due(transaction) == 2
    # One finds nothing that starts an instance; the last one of PostgreSQL finds nothing more to move.
    assert len(ended) == (2 if transaction.kw["bind"].dialect.name == "sqlite" else 4)


def test_timer__goes_with_its_activity(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("PT2H"), interrupting=True))
    with transaction.begin() as session:
        user_tasks.complete(session, session.scalars(select(UserTask.id)).one(), {}, by=PROGRAM)

    at_begin.move(timedelta(days=1))

    assert jobs.run_due(transaction) == 0


def test_timer__waits_while_the_instance_is_suspended(transaction: Sessions, at_begin: ModuleType) -> None:
    instance = run(transaction, bordered(diagrams.timer("PT2H"), interrupting=True))
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=OLIVIA, reason="audit")
    at_begin.move(timedelta(hours=3))
    assert jobs.run_due(transaction) == 0

    with transaction.begin() as session:
        process_instances.resume(session, instance, by=OLIVIA, reason="done")

    assert jobs.run_due(transaction) == 1


FAILING = diagrams.process(
    '<startEvent id="Start"/><userTask id="A"/>'
    '<exclusiveGateway id="G" camunda:asyncBefore="true"/><endEvent id="End"/>',
    flow="Start > G; G > A [${missing == 1}]; G > End [${missing == 2}]; A > End",
)


def test_continuation__an_element_that_fails_becomes_an_incident(transaction: Sessions) -> None:
    instance = run(transaction, FAILING)

    jobs.run_due(transaction)

    with transaction.begin() as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.kind, incident.element_id, incident.state) == ("execution", "G", "open")
        assert "missing" in incident.message
        assert incident.phrase is not None
        assert str(incident.phrase) == incident.message
        process_instances.set_variables(session, instance, {"missing": 1}, by=OLIVIA, reason="forgotten")
        incidents.resolve(session, incident.id, by=OLIVIA)
    assert visits(transaction, "A") == 1


def test_resolve__twice(transaction: Sessions) -> None:
    instance = run(transaction, FAILING)
    jobs.run_due(transaction)
    with transaction.begin() as session:
        incident_id = session.scalars(select(Incident.id)).one()
        process_instances.set_variables(session, instance, {"missing": 2}, by=OLIVIA, reason="forgotten")
        incidents.resolve(session, incident_id, by=OLIVIA)

    with pytest.raises(errors.InvalidState, match="in state “resolved”"), transaction.begin() as session:
        incidents.resolve(session, incident_id, by=OLIVIA)


def test_fail__back_off_then_an_incident_then_retry(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("PT1H"), interrupting=False))
    at_begin.move(timedelta(hours=1))

    for _ in range(ATTEMPTS):
        with transaction.begin() as session:
            jobs.fail(session, session.scalars(select(Job.id)).one(), "the disk is full", "")
        at_begin.move(timedelta(hours=1))

    assert jobs.run_due(transaction) == 0
    with transaction.begin() as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.kind, incident.message) == ("job", "the disk is full")
        incidents.resolve(session, incident.id, by=OLIVIA)
    assert jobs.run_due(transaction) == 1
    assert visits(transaction, "B") == 1


def test_fail__waits_twice_as_long_each_time(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("PT1H"), interrupting=False))
    waits = []
    for _ in range(2):
        with transaction.begin() as session:
            due_at = jobs.next_due(session)
            assert due_at is not None
            at_begin.set_to(due_at)
            jobs.fail(session, session.scalars(select(Job.id)).one(), "the disk is full", "")
            waits.append((jobs.next_due(session) or due_at) - due_at)

    assert waits == [timedelta(seconds=10), timedelta(seconds=20)]


def test_fail__is_written_down_and_retry_settles_it(transaction: Sessions, at_begin: ModuleType) -> None:
    instance = run(transaction, bordered(diagrams.timer("PT1H"), interrupting=False))
    at_begin.move(timedelta(hours=1))
    with transaction.begin() as session:
        job_id = session.scalars(select(Job.id)).one()
        for _ in range(3):
            jobs.fail(session, job_id, "the disk is full", "")

    with transaction.begin() as session:
        with pytest.raises(errors.NotFound):
            jobs.retry(session, 999, by=OLIVIA)
        jobs.retry(session, job_id, by=OLIVIA)
        incident = session.scalars(select(Incident)).one()
        assert (incident.state, incident.resolved_by, incident.resolved_at) == ("resolved", "olivia", at_begin.now())
        opened, resolved = history.events(session, instance)[-2:]
        assert (opened.kind, opened.element_id, opened.facts) == ("incident.opened", "Late", {"job": "timer"})
        assert (resolved.kind, resolved.element_id, resolved.by) == ("incident.resolved", "Late", "olivia")
        assert session.scalars(select(Job.id).where(Job.due_at <= at_begin.now())).all() == [job_id]
        with pytest.raises(errors.InvalidState, match="retry"):
            jobs.retry(session, job_id, by=OLIVIA)


def test_timer__of_a_cycle_has_all_attempts_again_each_time(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, bordered(diagrams.timer("R/PT1H", "timeCycle"), interrupting=False))
    at_begin.move(timedelta(hours=1))
    with transaction.begin() as session:
        jobs.fail(session, session.scalars(select(Job.id)).one(), "the disk is full", "")
    at_begin.move(timedelta(minutes=1))

    jobs.run_due(transaction)

    with transaction.begin() as session:
        assert session.scalars(select(Job.retries)).all() == [3]


def test_start_timer__starts_an_instance_each_time(transaction: Sessions, at_begin: ModuleType) -> None:
    diagram = diagrams.process(
        f'<startEvent id="Clock">{diagrams.timer("R/PT1H", "timeCycle")}</startEvent><userTask id="A"/>',
        flow="Clock > A",
    )
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": diagram}, name="p", by=PROGRAM)

    for _ in range(2):
        at_begin.move(timedelta(hours=1))
        jobs.run_due(transaction)

    assert visits(transaction, "A") == 2


def test_continuation__tried_again_after_the_waits_of_the_diagram(transaction: Sessions, at_begin: ModuleType) -> None:
    instance = run(transaction, patient("R2/PT10M"))
    jobs.run_due(transaction)
    with transaction.begin() as session:
        assert jobs.next_due(session) == BEGIN + timedelta(minutes=10)
        assert session.scalars(select(Incident)).all() == []
        process_instances.set_variables(session, instance, {"missing": 1}, by=OLIVIA, reason="forgotten")

    at_begin.move(timedelta(minutes=10))
    jobs.run_due(transaction)

    assert visits(transaction, "A") == 1


def test_continuation__no_attempts_left(transaction: Sessions, at_begin: ModuleType) -> None:
    run(transaction, patient("PT1M,PT5M"))

    for _ in range(3):
        at_begin.move(timedelta(minutes=5))
        jobs.run_due(transaction)

    with transaction.begin() as session:
        assert session.scalars(select(Incident.element_id)).all() == ["G"]
        assert jobs.next_due(session) is None
