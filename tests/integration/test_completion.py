"""Completing user tasks and external tasks in processes that run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import ExternalTask, Incident, UserTask, UserTaskCandidate
from casepath.engine.instances import external_tasks, incidents, process_instances, user_tasks
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.people.authorization import By
from tests import diagrams, factories
from tests.acting import ALICE, BOB, OLIVIA, OPERATOR

Sessions = sessionmaker[Session]

#: A person, then a worker; a business error of the worker is caught where it is `caught`.
DIAGRAM = diagrams.process(
    '<startEvent id="Start"/>',
    '<userTask id="Contact" name="联系客户" camunda:candidateGroups="service"/>',
    '<serviceTask id="Notify" camunda:type="external" camunda:topic="notify"/>',
    '<boundaryEvent id="Caught" attachedToRef="Notify"><errorEventDefinition errorRef="Refused"/></boundaryEvent>',
    '<userTask id="Done"/>',
    '<userTask id="Repair"/>',
    '<endEvent id="End"/>',
    flow="Start > Contact; Contact > Notify; Notify > Done; Done > End; Caught > Repair; Repair > End",
    root='<error id="Refused" name="Refused" errorCode="caught"/>',
)


@pytest.fixture
def definition_key(transaction: Sessions) -> str:
    """The diagram is deployed; Alice and Bob belong to the group that may do the first task."""
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=OLIVIA)
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        factories.user(session, "bob", groups=["service"])
    return "p"


def start(transaction: Sessions, key: str) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, key, {}, by=ALICE).id


def open_task(transaction: Sessions) -> UserTask:
    with transaction.begin() as session:
        return session.scalars(select(UserTask).where(UserTask.state == "created").order_by(UserTask.id.desc())).one()


def complete(transaction: Sessions, task_id: int, variables: dict[str, Any], by: By) -> user_tasks.Completed:
    with transaction.begin() as session:
        return user_tasks.complete(session, task_id, variables, by=by)


def fetch(transaction: Sessions) -> external_tasks.FetchedTask:
    topic = Topic(name="notify", lock_for=timedelta(minutes=1))
    with transaction.begin() as session:
        (task,) = external_tasks.fetch_and_lock(session, [topic], worker_id="w1", limit=10)
        return task


def events(transaction: Sessions, process_instance_id: int) -> list[history.EventView]:
    with transaction.begin() as session:
        assert history.verify(session, process_instance_id) == []
        return history.events(session, process_instance_id)


def test_complete__goes_on_to_the_next_wait_state(transaction: Sessions, definition_key: str) -> None:
    instance_id = start(transaction, definition_key)
    task = open_task(transaction)

    completed = complete(transaction, task.id, {"reached": True}, by=BOB)

    assert (completed.name, completed.process_instance_id) == ("联系客户", instance_id)
    with transaction.begin() as session:
        done = user_tasks.get(session, task.id)
        assert (done.state, done.assignee, done.draft) == ("completed", "bob", None)
        assert done.ended_at is not None
        assert session.scalars(select(UserTaskCandidate)).all() == []
    (event,) = (e for e in events(transaction, instance_id) if e.kind == "user_task.completed")
    assert (event.by, event.element_id, event.variables) == ("bob", "Contact", {"reached": True})
    assert fetch(transaction).variables["reached"] is True


def test_complete__twice(transaction: Sessions, definition_key: str) -> None:
    start(transaction, definition_key)
    task = open_task(transaction)
    complete(transaction, task.id, {}, by=ALICE)

    with pytest.raises(errors.InvalidState, match="alice has completed it"):
        complete(transaction, task.id, {}, by=BOB)


def test_complete__suspended(transaction: Sessions, definition_key: str) -> None:
    instance_id = start(transaction, definition_key)
    task = open_task(transaction)
    with transaction.begin() as session:
        process_instances.suspend(session, instance_id, by=OPERATOR, reason="wait")

    with pytest.raises(errors.InvalidState, match="the process is suspended"):
        complete(transaction, task.id, {}, by=ALICE)

    with transaction.begin() as session:
        process_instances.resume(session, instance_id, by=OPERATOR, reason="go on")
    complete(transaction, task.id, {}, by=ALICE)


def test_complete__values_that_nobody_can_store(transaction: Sessions, definition_key: str) -> None:
    """Nothing has happened then: the task is still there."""
    start(transaction, definition_key)
    task = open_task(transaction)

    with pytest.raises(errors.InvalidInput):
        complete(transaction, task.id, {"x": object()}, by=ALICE)

    complete(transaction, task.id, {}, by=ALICE)


@pytest.mark.parametrize("claimed", [False, True], ids=["free", "claimed"])
@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_complete__two_people_at_once(transaction: Sessions, definition_key: str, claimed: bool) -> None:
    """A hundred times, one of them is done and the other is told by whom."""
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            instance_id = start(transaction, definition_key)
            with transaction.begin() as session:
                waiting = select(UserTask.id).where(UserTask.process_instance_id == instance_id)
                task_id = session.scalars(waiting).one()
                if claimed:
                    user_tasks.claim(session, task_id, by=ALICE)
            outcomes = dict(race(transaction, pool, task_id, ("alice", "bob")))

            winners = [name for name, refusal in outcomes.items() if refusal is None]
            losers = [refusal for refusal in outcomes.values() if refusal is not None]
            assert len(winners) == len(losers) == 1
            assert losers[0].by == winners[0]
            assert [e.by for e in events(transaction, instance_id) if e.kind == "user_task.completed"] == winners


def race(
    transaction: Sessions, pool: ThreadPoolExecutor, task_id: int, people: tuple[str, str]
) -> list[tuple[str, errors.InvalidState | None]]:
    """Let two people complete a task at the same moment; return who was refused and why."""
    barrier = Barrier(2)

    def attempt(username: str) -> tuple[str, errors.InvalidState | None]:
        barrier.wait()
        try:
            complete(transaction, task_id, {"who": username}, by=username)
        except errors.InvalidState as refusal:
            return username, refusal
        return username, None

    return list(pool.map(attempt, people))


def report(transaction: Sessions, **options: Any) -> int:
    """Take the process to its external task, fetch it, and throw a business error."""
    complete(transaction, open_task(transaction).id, {}, by=ALICE)
    task = fetch(transaction)
    with transaction.begin() as session:
        external_tasks.throw_error(session, task.id, worker_id="w1", **options)
    return task.id


def test_complete_external_task__result_goes_into_the_process(transaction: Sessions, definition_key: str) -> None:
    instance_id = start(transaction, definition_key)
    complete(transaction, open_task(transaction).id, {}, by=ALICE)
    task = fetch(transaction)

    with transaction.begin() as session:
        external_tasks.complete(
            session, task.id, worker_id="w1", variables={"sent": 2}, local_variables={"server": "mx1"}
        )

    assert open_task(transaction).element_id == "Done"
    with transaction.begin() as session:
        assert process_instances.variables(session, instance_id) == {"sent": 2}
        with pytest.raises(errors.InvalidState, match="“completed”"):
            external_tasks.complete(session, task.id, worker_id="w1")
    (event,) = (e for e in events(transaction, instance_id) if e.kind == "external_task.completed")
    assert (event.by, event.element_id) == ("program:w1", "Notify")


def test_throw_error__caught(transaction: Sessions, definition_key: str) -> None:
    start(transaction, definition_key)

    task_id = report(transaction, error_code="caught", message="no address", variables={"why": "x"})

    assert open_task(transaction).element_id == "Repair"
    with transaction.begin() as session:
        assert external_tasks.get(session, task_id).state == "cancelled"


def test_throw_error__nothing_catches_it(transaction: Sessions, definition_key: str) -> None:
    """A person looks at the incident; tried again, a worker gets the work anew."""
    instance_id = start(transaction, definition_key)

    report(transaction, error_code="unheard of")

    with transaction.begin() as session:
        assert session.scalars(select(ExternalTask)).all() == []
        incident = session.scalars(select(Incident)).one()
        incidents.resolve(session, incident.id, by=OPERATOR)
    again = fetch(transaction)
    with transaction.begin() as session:
        external_tasks.complete(session, again.id, worker_id="w1")
    assert open_task(transaction).element_id == "Done"
    assert "incident.resolved" in [event.kind for event in events(transaction, instance_id)]


def test_fail__incident_resolved_by_hand(transaction: Sessions, definition_key: str) -> None:
    instance_id = start(transaction, definition_key)
    complete(transaction, open_task(transaction).id, {}, by=ALICE)
    task = fetch(transaction)
    with transaction.begin() as session:
        external_tasks.fail(session, task.id, worker_id="w1", message="no server", retries=0)

    with transaction.begin() as session:
        (incident,) = incidents.list_open(session, instance_id)
        incidents.resolve(session, incident.id, by=OPERATOR, retries=2)

    again = fetch(transaction)
    assert (again.id, again.retries) == (task.id, 2)
    kinds = [event.kind for event in events(transaction, instance_id)]
    assert kinds.count("incident.opened") == kinds.count("incident.resolved") == 1
