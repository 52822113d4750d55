"""What comes for a process instance that is suspended waits until it goes on; only people are told to come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import ExternalTask, Incident, Job, ProcessInstance, UserTask
from casepath.engine.instances import external_tasks, incidents, jobs, messages, process_instances, user_tasks
from casepath.engine.instances.external_tasks import Topic
from tests import diagrams
from tests.acting import OLIVIA, OPERATOR, PROGRAM

Sessions = sessionmaker[Session]

TOPICS = ("Completed", "Thrown", "Uncaught", "Failed")
#: One branch for each kind of thing that comes; what follows it is a user task of its name in small letters.
DIAGRAM = diagrams.process(
    '<startEvent id="Start"/><parallelGateway id="All"/>',
    diagrams.catch("Message", diagrams.message()),
    diagrams.catch("Signal", diagrams.SIGNALLED),
    diagrams.catch("Timer", diagrams.timer("PT1H")),
    *(f'<serviceTask id="{key}" camunda:type="external" camunda:topic="{key}"/>'
      for key in TOPICS),
    diagrams.border("Caught", "Thrown", diagrams.error("e")),
    diagrams.border("Interrupted", "Completed", diagrams.message("n")),
    diagrams.nodes("userTask Form form message signal timer completed thrown uncaught failed caught interrupted"),
    flow="Start > All;" + ";".join(
        f"All > {key}; {key} > {key.lower()}"
        for key in ("Form", "Message", "Signal", "Timer", *TOPICS)
    ) + ";Caught > caught; Interrupted > interrupted",
    root=diagrams.MESSAGE + diagrams.SIGNAL + diagrams.ERROR,
)  # fmt: skip
#: Where the instance stands before anything comes.
BEFORE = {"Form"}
BEGIN = datetime(2026, 11, 2, 1, tzinfo=UTC)

Instance = int


@pytest.fixture
def instance(transaction: Sessions, clock: ModuleType) -> Instance:
    """A suspended instance at whose external tasks a worker has begun."""
    clock.set_to(BEGIN)
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)
        started = process_instances.start(session, "p", {}, business_key="K", by=PROGRAM).id
        topics = [Topic(name=key, lock_for=timedelta(minutes=1)) for key in TOPICS]
        assert len(external_tasks.fetch_and_lock(session, topics, worker_id="w1", limit=10)) == 4
    switch(transaction, started, process_instances.suspend)
    return started


def switch(transaction: Sessions, instance: Instance, to: Callable[..., None]) -> None:
    with transaction.begin() as session:
        to(session, instance, by=OLIVIA, reason="audit")


def report(transaction: Sessions, element_id: str, told: Callable[..., None], **options: Any) -> None:
    """The worker reports of the task at an element."""
    with transaction.begin() as session:
        task = session.scalars(select(ExternalTask.id).where(ExternalTask.element_id == element_id)).one()
        told(session, task, worker_id="w1", **options)


def send(transaction: Sessions, name: str) -> None:
    with transaction.begin() as session:
        messages.correlate(session, name, business_key="K", variables={"message": 1}, by=PROGRAM)


def signal(transaction: Sessions) -> None:
    with transaction.begin() as session:
        messages.signal(session, "alarm", {"signal": 1}, by=PROGRAM)


#: What comes, and the user task to which it leads.
COMES: Mapping[str, tuple[Callable[[Sessions], None], str]] = {
    "message": (lambda transaction: send(transaction, "order"), "message"),
    "signal": (signal, "signal"),
    "timer": (lambda transaction: None, "timer"),
    "report": (lambda transaction: report(transaction, "Completed", external_tasks.complete,
                                          variables={"completed": 1}), "completed"),
    "error": (lambda transaction: report(transaction, "Thrown", external_tasks.throw_error, error_code="E1",
                                         variables={"caught": 1}), "caught"),
}  # fmt: skip


def open_at(transaction: Sessions) -> set[str]:
    with transaction.begin() as session:
        return set(session.scalars(select(UserTask.element_id).where(UserTask.state == "created")))


def state(transaction: Sessions, element_id: str) -> str:
    with transaction.begin() as session:
        return session.scalars(select(ExternalTask.state).where(ExternalTask.element_id == element_id)).one()


@pytest.mark.parametrize("kind", COMES)
def test_what_comes_waits_until_the_instance_goes_on(
    transaction: Sessions, clock: ModuleType, instance: Instance, kind: str
) -> None:
    come, after = COMES[kind]
    come(transaction)
    clock.move(timedelta(hours=2))
    jobs.run_due(transaction)
    assert open_at(transaction) == BEFORE

    switch(transaction, instance, process_instances.resume)
    jobs.run_due(transaction)

    assert open_at(transaction) == BEFORE | {"timer", after}
    with transaction.begin() as session:
        assert history.verify(session, instance) == []
        expected = {} if kind == "timer" else {after: 1}
        assert process_instances.variables(session, instance) == expected
        assert session.scalars(select(Job)).all() == []


def test_a_report_tells_who_made_it_and_counts_once(
    transaction: Sessions, clock: ModuleType, instance: Instance
) -> None:
    written: list[str] = []
    report(transaction, "Completed", external_tasks.complete, also=lambda _: written.append("mail"))
    for told, options in ((external_tasks.complete, {}), (external_tasks.throw_error, {"error_code": "E1"}),
                          (external_tasks.fail, {"message": "x", "retries": 1})):  # fmt: skip
        with pytest.raises(errors.InvalidState, match="“completed”"):
            report(transaction, "Completed", told, **options)
    clock.move(timedelta(hours=2))
    switch(transaction, instance, process_instances.resume)
    with transaction.begin() as session:
        # It is no longer there to be fetched, though nobody has executed the job yet.
        topic = Topic(name="Completed", lock_for=timedelta(minutes=1))
        assert external_tasks.fetch_and_lock(session, [topic], worker_id="w2", limit=10) == []
    jobs.run_due(transaction)

    assert written == ["mail"]
    assert state(transaction, "Completed") == "completed"
    with transaction.begin() as session:
        (told_of,) = (each for each in history.events(session, instance) if each.kind == "external_task.completed")
    assert (told_of.by, told_of.at) == ("program:w1", clock.now())


def test_a_failure_is_noted_at_once_and_tried_again_later(
    transaction: Sessions, clock: ModuleType, instance: Instance
) -> None:
    report(transaction, "Failed", external_tasks.fail, message="away", retries=2)
    assert state(transaction, "Failed") == "created"
    topic = Topic(name="Failed", lock_for=timedelta(minutes=1))
    for going_on in (False, True):
        if going_on:
            switch(transaction, instance, process_instances.resume)
        with transaction.begin() as session:
            fetched = external_tasks.fetch_and_lock(session, [topic], worker_id="w2", limit=10)
            assert len(fetched) == going_on


def test_an_error_that_nothing_catches_is_an_incident_when_the_instance_goes_on(
    transaction: Sessions, instance: Instance
) -> None:
    report(transaction, "Uncaught", external_tasks.throw_error, error_code="unheard of")
    with transaction.begin() as session:
        assert session.scalars(select(Incident)).all() == []
    switch(transaction, instance, process_instances.resume)
    jobs.run_due(transaction)

    with transaction.begin() as session:
        incidents.resolve(session, session.scalars(select(Incident.id)).one(), by=OPERATOR)
    with transaction.begin() as session:
        again = external_tasks.fetch_and_lock(
            session, [Topic(name="Uncaught", lock_for=timedelta(minutes=1))], worker_id="w2", limit=1
        )
        external_tasks.complete(session, again[0].id, worker_id="w2")
    assert open_at(transaction) == BEFORE | {"uncaught"}


@pytest.mark.parametrize("way", ["interrupted", "modified", "cancelled"])
def test_a_report_goes_with_its_activity(transaction: Sessions, instance: Instance, way: str) -> None:
    """What came first counts: the activity of which a worker reported has ended before the report is taken up."""
    if way == "interrupted":
        send(transaction, "cancel")
    report(transaction, "Completed", external_tasks.complete)
    with transaction.begin() as session:
        if way == "modified":
            at = session.scalars(select(ExternalTask).where(ExternalTask.element_id == "Completed")).one()
            cancel = process_instances.CancelActivity(activity_instance=at.activity_instance)
            process_instances.modify(session, instance, [cancel], by=OLIVIA, reason="x")
        elif way == "cancelled":
            process_instances.cancel(session, instance, by=OLIVIA, reason="x")
    if way != "cancelled":
        switch(transaction, instance, process_instances.resume)
    jobs.run_due(transaction)

    assert "completed" not in open_at(transaction)
    with transaction.begin() as session:
        assert session.scalars(select(Job.kind).where(Job.kind == "continuation")).all() == []
        assert session.scalars(select(Incident)).all() == []
        ended = session.get_one(ProcessInstance, instance).ended_at is not None
    assert ended is (way == "cancelled")


def test_people_are_told_that_it_is_suspended(transaction: Sessions, instance: Instance) -> None:
    with transaction.begin() as session, pytest.raises(errors.InvalidState, match="the process is suspended"):
        user_tasks.complete(session, user_tasks.open_of(session, "K", "Form"), {}, by=PROGRAM)
    assert open_at(transaction) == BEFORE
