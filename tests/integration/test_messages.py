"""Messages and signals: who gets them, and what they start."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import ProcessInstance, Subscription, UserTask
from casepath.engine.instances import jobs, messages, process_instances
from tests import diagrams

Sessions = sessionmaker[Session]

ROOT = '<message id="M" name="paid"/><signal id="S" name="alarm"/>'
WAITING = diagrams.process(
    '<startEvent id="Start"/>',
    '<intermediateCatchEvent id="Wait"><messageEventDefinition messageRef="M"/></intermediateCatchEvent>',
    '<userTask id="A"/>',
    flow="Start > Wait; Wait > A",
    key="waiting",
    root=ROOT,
)
SENDING = diagrams.process(
    '<startEvent id="Start"/>',
    '<intermediateThrowEvent id="Send"><messageEventDefinition messageRef="M"/></intermediateThrowEvent>',
    '<endEvent id="End"/>',
    flow="Start > Send; Send > End",
    key="sending",
    root=ROOT,
)
STARTED = diagrams.process(
    '<startEvent id="Start"><messageEventDefinition messageRef="M"/></startEvent><userTask id="A"/>',
    flow="Start > A",
    key="started",
    root=ROOT,
)
LISTENING = diagrams.process(
    '<startEvent id="Start"/><userTask id="A"/><userTask id="B"/>',
    '<boundaryEvent id="Heard" attachedToRef="A" cancelActivity="false"><signalEventDefinition signalRef="S"/>'
    "</boundaryEvent>",
    flow="Start > A; Heard > B",
    key="listening",
    root=ROOT,
)


def deploy(transaction: Sessions, *contents: bytes) -> None:
    with transaction.begin() as session:
        files = {f"{number}.bpmn": content for number, content in enumerate(contents)}
        deployments.deploy(session, files, name="test", by=None)


def start(transaction: Sessions, key: str, business_key: str | None = None, **variables: object) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, key, variables, business_key=business_key, by="alice").id


def open_tasks(transaction: Sessions) -> list[tuple[int, str]]:
    with transaction.begin() as session:
        query = select(UserTask.process_instance_id, UserTask.element_id).order_by(UserTask.id)
        return [(row[0], row[1]) for row in session.execute(query)]


def test_correlate__by_business_key(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")
    second = start(transaction, "waiting", "K2")

    with transaction.begin() as session:
        got = messages.correlate(session, "paid", business_key="K2", variables={"amount": 3}, by="bob")

    assert got == second
    assert open_tasks(transaction) == [(second, "A")]
    with transaction.begin() as session:
        assert process_instances.variables(session, second) == {"amount": 3}


def test_correlate__by_variables(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", order=1)
    second = start(transaction, "waiting", order=2)

    with transaction.begin() as session:
        assert messages.correlate(session, "paid", correlation={"order": 2}, by="bob") == second


def test_correlate__nobody_waits(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")

    with pytest.raises(errors.NotWaiting, match="business key 'K9'"), transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K9", by="bob")


def test_correlate__once_is_enough(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K1", by="bob")

    with pytest.raises(errors.NotWaiting), transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K1", by="bob")


def test_correlate__a_suspended_instance_does_not_get_it(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    instance = start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by="olivia", reason="audit")

    with pytest.raises(errors.NotWaiting), transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K1", by="bob")


def test_correlate__starts_an_instance(transaction: Sessions) -> None:
    deploy(transaction, STARTED)

    with transaction.begin() as session:
        got = messages.correlate(session, "paid", business_key="K1", variables={"amount": 3}, by="bob")

    assert open_tasks(transaction) == [(got, "A")]
    with transaction.begin() as session:
        assert process_instances.get(session, got).business_key == "K1"


def test_send__to_the_instance_with_the_same_business_key(transaction: Sessions) -> None:
    deploy(transaction, WAITING, SENDING)
    start(transaction, "waiting", "K1")
    second = start(transaction, "waiting", "K2")

    start(transaction, "sending", "K2")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(second, "A")]


def test_send__nobody_waits(transaction: Sessions) -> None:
    deploy(transaction, SENDING)
    instance = start(transaction, "sending", "K1")

    jobs.run_due(transaction)

    with transaction.begin() as session:
        assert process_instances.get(session, instance).state == "completed"
        assert jobs.count_waiting(session) == 0


def test_signal__all_who_listen_hear_it_and_go_on_listening(transaction: Sessions) -> None:
    deploy(transaction, LISTENING)
    first, second = start(transaction, "listening"), start(transaction, "listening")

    for _ in range(2):
        with transaction.begin() as session:
            messages.signal(session, "alarm", {}, by="bob")

    assert sorted(open_tasks(transaction)) == sorted([(first, "A"), (second, "A")] + [(first, "B"), (second, "B")] * 2)
    with transaction.begin() as session:
        assert len(session.scalars(select(Subscription)).all()) == 2


def test_signal__nobody_listens(transaction: Sessions) -> None:
    with transaction.begin() as session:
        messages.signal(session, "alarm", {}, by="bob")
        assert session.scalars(select(ProcessInstance)).all() == []
