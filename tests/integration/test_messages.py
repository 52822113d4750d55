"""Messages and signals: who gets them, and what they start."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from unittest import mock

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, runtime
from casepath.engine.database import correlation, statements
from casepath.engine.database.models import CorrelationValue, Incident, ProcessInstance, Subscription, UserTask
from casepath.engine.instances import incidents, jobs, messages, process_instances
from tests import diagrams
from tests.acting import ALICE, OLIVIA, PROGRAM

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
        deployments.deploy(session, files, name="test", by=PROGRAM)


def start(transaction: Sessions, key: str, business_key: str | None = None, **variables: object) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, key, variables, business_key=business_key, by=ALICE).id


def open_tasks(transaction: Sessions) -> list[tuple[int, str]]:
    with transaction.begin() as session:
        query = select(UserTask.process_instance_id, UserTask.element_id).order_by(UserTask.id)
        return [(row[0], row[1]) for row in session.execute(query)]


def test_correlate__by_business_key(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")
    second = start(transaction, "waiting", "K2")

    with transaction.begin() as session:
        got = messages.correlate(session, "paid", business_key="K2", variables={"amount": 3}, by=PROGRAM)

    assert got == second
    assert open_tasks(transaction) == [(second, "A")]
    with transaction.begin() as session:
        assert process_instances.variables(session, second) == {"amount": 3}


def test_correlate__by_variables(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", order=1)
    second = start(transaction, "waiting", order=2)
    third = start(transaction, "waiting", "K3", order=1)

    with transaction.begin() as session:
        assert messages.correlate(session, "paid", correlation={"order": 2}, by=PROGRAM) == second
        # Of two with this value it is the one with the key.
        assert messages.correlate(session, "paid", business_key="K3", correlation={"order": 1}, by=PROGRAM) == third


def test_correlate__nobody_waits(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")

    with pytest.raises(errors.NotWaiting, match="K9 does not wait for"), transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K9", by=PROGRAM)


def test_correlate__once_is_enough(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K1", by=PROGRAM)

    with pytest.raises(errors.NotWaiting), transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K1", by=PROGRAM)


def test_correlate__several_wait(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    first, second = start(transaction, "waiting", "K1"), start(transaction, "waiting", "K2")

    with pytest.raises(errors.SeveralWaiting) as refusal, transaction.begin() as session:
        messages.correlate(session, "paid", by=PROGRAM)

    assert refusal.value.found == (f"{first} (K1)", f"{second} (K2)")
    assert open_tasks(transaction) == []


def test_correlate__several_wait_more_than_are_named(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    for _ in range(6):
        start(transaction, "waiting", "K1")

    with pytest.raises(errors.SeveralWaiting, match="…") as refusal, transaction.begin() as session:
        messages.correlate(session, "paid", business_key="K1", by=PROGRAM)

    assert len(refusal.value.found) == 5


def test_correlate__starts_several_processes(transaction: Sessions) -> None:
    deploy(transaction, STARTED, STARTED.replace(b'"started"', b'"another"'))

    with pytest.raises(errors.SeveralWaiting, match="started, another"), transaction.begin() as session:
        messages.correlate(session, "paid", by=PROGRAM)


VALUES: list[object] = [
    *(True, 1, "1", Decimal("1.10"), "1.1", None, "null", "", "收到"),
    *(date(2026, 3, 2), datetime(2026, 3, 2, 8, tzinfo=UTC), time(8), timedelta(hours=1)),
]


def test_correlate__by_a_value_of_each_type(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    waiting = [start(transaction, "waiting", order=value) for value in VALUES]

    for number, value in zip(waiting, VALUES, strict=True):
        with transaction.begin() as session:
            assert messages.correlate(session, "paid", correlation={"order": value}, by=PROGRAM) == number


def test_correlate__by_several_variables_as_they_are_now(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    first = start(transaction, "waiting", order=1, place="here")
    second = start(transaction, "waiting", order=1, place="here")
    with transaction.begin() as session:
        process_instances.set_variables(session, second, {"place": "there"}, by=OLIVIA, reason="moved")

    for number, place in ((second, "there"), (first, "here")):
        with transaction.begin() as session:
            found = messages.correlate(session, "paid", correlation={"order": 1, "place": place}, by=PROGRAM)
        assert found == number


@pytest.mark.parametrize("faster", ["the variable", "the instance"])
def test_correlate__somebody_is_faster(transaction: Sessions, faster: str) -> None:
    deploy(transaction, WAITING)
    number, lock = start(transaction, "waiting", order=1), runtime.Belonging.lock

    def locked_later(belonging: runtime.Belonging, session: Session, row_id: int) -> object:
        if faster == "the variable":
            process_instances.set_variables(session, number, {"order": 2}, by=PROGRAM, reason="a mistake")
        else:
            process_instances.cancel(session, number, by=PROGRAM, reason="a mistake")
        return lock(belonging, session, row_id)

    with (
        transaction.begin() as session,
        mock.patch.object(runtime.Belonging, "lock", locked_later),
        pytest.raises(errors.NotWaiting),
    ):
        messages.correlate(session, "paid", correlation={"order": 1}, by=PROGRAM)


@pytest.mark.parametrize("value", [[1], {"a": 1}, "x" * (correlation.MAX_LENGTH + 1)])
def test_correlate__by_what_is_not_compared(transaction: Sessions, value: object) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", order=value)

    with pytest.raises(errors.InvalidInput, match="correlate 'order'"), transaction.begin() as session:
        messages.correlate(session, "paid", correlation={"order": value}, by=PROGRAM)


LOCAL = diagrams.process(
    '<startEvent id="Start"/>',
    '<receiveTask id="Wait" messageRef="M"><multiInstanceLoopCharacteristics camunda:collection="${orders}" '
    'camunda:elementVariable="order"/></receiveTask>',
    '<userTask id="A"/>',
    flow="Start > Wait; Wait > A",
    key="local",
    root=ROOT,
)


def test_correlate__by_a_variable_of_one_of_several_activities(transaction: Sessions) -> None:
    deploy(transaction, LOCAL)
    instance = start(transaction, "local", orders=["a", "b"], order="outer")

    with pytest.raises(errors.NotWaiting), transaction.begin() as session:
        messages.correlate(session, "paid", correlation={"order": "outer"}, by=PROGRAM)
    for order in ("b", "a"):
        with transaction.begin() as session:
            assert messages.correlate(session, "paid", correlation={"order": order}, by=PROGRAM) == instance

    assert open_tasks(transaction) == [(instance, "A")]
    with transaction.begin() as session:
        assert session.scalars(select(CorrelationValue)).all() == []


def test_correlate__a_suspended_instance_gets_it_when_it_goes_on(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    instance = start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=OLIVIA, reason="audit")
    with transaction.begin() as session:
        assert messages.correlate(session, "paid", business_key="K1", variables={"amount": 3}, by=PROGRAM) == instance
    assert jobs.run_due(transaction) == 0

    with transaction.begin() as session:
        process_instances.resume(session, instance, by=OLIVIA, reason="done")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(instance, "A")]
    with transaction.begin() as session:
        assert process_instances.variables(session, instance) == {"amount": 3}
        received = [event.by for event in history.events(session, instance) if event.kind == "message.received"]
        assert received == [PROGRAM.signature]


def test_correlate__twice_to_a_suspended_instance(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    instance = start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=OLIVIA, reason="audit")
        messages.correlate(session, "paid", business_key="K1", by=PROGRAM)
        messages.correlate(session, "paid", business_key="K1", by=PROGRAM)
        process_instances.resume(session, instance, by=OLIVIA, reason="done")

    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(instance, "A")]
    with transaction.begin() as session:
        assert session.scalars(select(Incident.message)).one() == "K1 does not wait for “paid”."


def test_correlate__to_a_suspended_instance_that_is_cancelled(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    instance = start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=OLIVIA, reason="audit")
        messages.correlate(session, "paid", business_key="K1", by=PROGRAM)
        process_instances.cancel(session, instance, by=OLIVIA, reason="no longer wanted")

    jobs.run_due(transaction)

    with transaction.begin() as session:
        assert session.scalars(select(Incident)).all() == []
        assert jobs.next_due(session) is None


def test_signal__a_suspended_instance_hears_it_when_it_goes_on(transaction: Sessions) -> None:
    deploy(transaction, LISTENING)
    instance = start(transaction, "listening")
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=OLIVIA, reason="audit")
        messages.signal(session, "alarm", {}, by=PROGRAM)
        process_instances.resume(session, instance, by=OLIVIA, reason="done")

    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(instance, "A"), (instance, "B")]


def test_correlate__starts_an_instance(transaction: Sessions) -> None:
    deploy(transaction, STARTED)

    with transaction.begin() as session:
        got = messages.correlate(session, "paid", business_key="K1", variables={"amount": 3}, by=PROGRAM)

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


def test_deliver__finds_and_reads_its_receiver_once(transaction: Sessions) -> None:
    deploy(transaction, WAITING)
    start(transaction, "waiting", "K1")
    executed = mock.Mock(wraps=statements.execute)

    with transaction.begin() as session, mock.patch.object(statements, "execute", executed):
        messages.deliver(session, "paid", business_key="K1", correlation={}, variables={})
        locks = session.get_bind().dialect.name == "postgresql"

    texts = [text for _connection, text, *_more in (call.args for call in executed.call_args_list)]
    asked = [text for text in texts if text.startswith("SELECT")]
    assert [text.endswith("FOR UPDATE") for text in asked] == ([False, True, False] if locks else [False, False])


def test_send__a_suspended_instance_gets_it_when_it_goes_on(transaction: Sessions) -> None:
    deploy(transaction, WAITING, SENDING)
    waiting = start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        process_instances.suspend(session, waiting, by=OLIVIA, reason="audit")
    start(transaction, "sending", "K1")
    jobs.run_due(transaction)
    assert open_tasks(transaction) == []

    with transaction.begin() as session:
        process_instances.resume(session, waiting, by=OLIVIA, reason="done")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(waiting, "A")]


def test_send__to_one_without_a_business_key(transaction: Sessions) -> None:
    deploy(transaction, WAITING, SENDING)
    start(transaction, "waiting", "K1")
    second = start(transaction, "waiting")

    start(transaction, "sending", "K2")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(second, "A")]


def test_send__by_one_without_a_business_key(transaction: Sessions) -> None:
    deploy(transaction, WAITING, SENDING)
    first = start(transaction, "waiting", "K1")

    start(transaction, "sending")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(first, "A")]


def test_send__starts_a_matter_with_a_number_of_its_own(transaction: Sessions) -> None:
    numbers = '<camunda:property name="businessKeyFormat" value="N-{number}"/>'
    numbered = f"<extensionElements><camunda:properties>{numbers}</camunda:properties></extensionElements>"
    deploy(transaction, STARTED.replace(b"<startEvent", numbered.encode() + b"<startEvent", 1), SENDING)

    start(transaction, "sending", "K1")
    jobs.run_due(transaction)

    ((started, _),) = open_tasks(transaction)
    with transaction.begin() as session:
        assert process_instances.get(session, started).business_key == "N-1"


def test_send__nobody_waits(transaction: Sessions) -> None:
    deploy(transaction, SENDING, WAITING)
    instance = start(transaction, "sending", "K1")

    jobs.run_due(transaction)

    with transaction.begin() as session:
        assert process_instances.get(session, instance).state == "completed"
        incident = session.scalars(select(Incident)).one()
        assert (incident.kind, incident.process_instance_id, incident.element_id) == ("job", instance, "Send")
        assert incident.message == "K1 does not wait for “paid”."
    receiver = start(transaction, "waiting", "K1")
    with transaction.begin() as session:
        incidents.resolve(session, incident.id, by=OLIVIA)
    jobs.run_due(transaction)
    assert open_tasks(transaction) == [(receiver, "A")]


def test_send__several_wait(transaction: Sessions) -> None:
    deploy(transaction, SENDING, WAITING)
    first, second = start(transaction, "waiting", "K1"), start(transaction, "waiting", "K1")
    start(transaction, "sending", "K1")

    jobs.run_due(transaction)

    assert open_tasks(transaction) == []
    with transaction.begin() as session:
        assert f"{first} (K1), {second} (K1)" in session.scalars(select(Incident.message)).one()


def conversation(key: str, paths: str, *elements: str, flow: str, subscribes: str = "") -> bytes:
    """A process of a collaboration whose message is correlated by order and place."""
    properties = "".join(
        f'<correlationProperty id="{name}"><correlationPropertyRetrievalExpression messageRef="M">'
        f"<messagePath>{name}</messagePath></correlationPropertyRetrievalExpression></correlationProperty>"
        for name in paths.split()
    )
    refs = "".join(f"<correlationPropertyRef>{name}</correlationPropertyRef>" for name in paths.split())
    bindings = "".join(
        f'<correlationPropertyBinding correlationPropertyRef="{name}"><dataPath>{name}</dataPath>'
        "</correlationPropertyBinding>"
        for name in subscribes.split()
    )
    subscription = f'<correlationSubscription correlationKeyRef="Key">{bindings}</correlationSubscription>'
    root = (
        f'{ROOT}{properties}<collaboration id="Both"><participant id="One" processRef="{key}"/>'
        '<participant id="Two"/><conversation id="Talk"><participantRef>One</participantRef>'
        f'<participantRef>Two</participantRef><correlationKey id="Key">{refs}</correlationKey></conversation>'
        "</collaboration>"
    )
    return diagrams.process(*elements, subscription if subscribes else "", flow=flow, key=key, root=root)


ASKING = conversation(
    "asking",
    "order place",
    '<startEvent id="Start"/>',
    '<intermediateThrowEvent id="Send"><messageEventDefinition messageRef="M"/></intermediateThrowEvent>',
    '<endEvent id="End"/>',
    flow="Start > Send; Send > End",
)
ANSWERING = conversation(
    "answering",
    "order place",
    '<startEvent id="Start"/>',
    '<receiveTask id="Wait" messageRef="M"/><userTask id="A"/>',
    flow="Start > Wait; Wait > A",
    subscribes="order place",
)


def test_send__by_the_correlation_of_the_diagrams(transaction: Sessions) -> None:
    deploy(transaction, ASKING, ANSWERING)
    start(transaction, "answering", order=1, place="there")
    start(transaction, "answering", order=True, place="here")
    start(transaction, "answering", order="1", place="here")
    wanted = start(transaction, "answering", order=Decimal("1.0"), place="here")

    start(transaction, "asking", order=1, place="here")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(wanted, "A")]


@pytest.mark.parametrize("of_message", ["M", "N"])
def test_send__to_one_that_wants_only_some_of_the_correlation(transaction: Sessions, of_message: str) -> None:
    # Whether the message has a place or another one does: it is not asked for.
    place = f'messageRef="{of_message}"><messagePath>place'.encode()
    asking = ASKING.replace(b'<message id="M"', b'<message id="N" name="asked"/><message id="M"')
    asking = asking.replace(b'messageRef="M"><messagePath>place', place)
    answering = conversation(
        "answering",
        "order",
        '<startEvent id="Start"/>',
        '<receiveTask id="Wait" messageRef="M"/><userTask id="A"/>',
        flow="Start > Wait; Wait > A",
        subscribes="order",
    )
    deploy(transaction, asking, answering)
    wanted = start(transaction, "answering", order=1)
    start(transaction, "answering", order=2)

    start(transaction, "asking", order=1, place="here")
    jobs.run_due(transaction)

    assert open_tasks(transaction) == [(wanted, "A")]


def test_signal__all_who_listen_hear_it_and_go_on_listening(transaction: Sessions) -> None:
    deploy(transaction, LISTENING)
    first, second = start(transaction, "listening"), start(transaction, "listening")

    for _ in range(2):
        with transaction.begin() as session:
            messages.signal(session, "alarm", {}, by=PROGRAM)

    assert sorted(open_tasks(transaction)) == sorted([(first, "A"), (second, "A")] + [(first, "B"), (second, "B")] * 2)
    with transaction.begin() as session:
        assert len(session.scalars(select(Subscription)).all()) == 2


ENDS_AT_THE_FIRST = diagrams.process(
    '<startEvent id="Start"/><parallelGateway id="All"/><userTask id="A"/>',
    diagrams.catch("First", diagrams.SIGNALLED),
    diagrams.catch("Second", diagrams.SIGNALLED),
    '<endEvent id="End"><terminateEventDefinition/></endEvent>',
    flow="Start > All; All > First; All > Second; First > End; Second > A",
    key="ending", root=diagrams.SIGNAL,
)  # fmt: skip
INTERRUPTS_ITSELF = diagrams.process(
    '<startEvent id="Start"/><userTask id="A"/>',
    *(diagrams.handler(key, diagrams.SIGNALLED, f'<userTask id="{key}_task"/>', flow=f"{key}_start > {key}_task")
      for key in ("First", "Second")),
    flow="Start > A", key="interrupting", root=diagrams.SIGNAL,
)  # fmt: skip


@pytest.mark.parametrize("suspends", [False, True])
@pytest.mark.parametrize(
    ("diagram", "key", "hear"), [(ENDS_AT_THE_FIRST, "ending", 2), (INTERRUPTS_ITSELF, "interrupting", 1)]
)
def test_signal__all_of_one_instance_hear_it_before_anything_there_runs_on(
    transaction: Sessions, diagram: bytes, key: str, hear: int, suspends: bool
) -> None:
    deploy(transaction, diagram)
    instance = start(transaction, key)
    with transaction.begin() as session:
        if suspends:
            process_instances.suspend(session, instance, by=OLIVIA, reason="audit")
        messages.signal(session, "alarm", {"loud": True}, by=PROGRAM)
        if suspends:
            process_instances.resume(session, instance, by=OLIVIA, reason="done")

    jobs.run_due(transaction)

    with transaction.begin() as session:
        told = [event for event in history.events(session, instance) if event.kind == "signal.received"]
        assert len({event.element_id for event in told}) == hear
        assert [(event.by, event.variables) for event in told] == [(PROGRAM.signature, {"loud": True})] * hear
        assert session.scalars(select(Incident)).all() == []


def test_signal__nobody_listens(transaction: Sessions) -> None:
    with transaction.begin() as session:
        messages.signal(session, "alarm", {}, by=PROGRAM)
        assert session.scalars(select(ProcessInstance)).all() == []


def test_send__what_begins_a_matter_of_its_own_is_told_by_the_sender(transaction: Sessions) -> None:
    own = diagrams.process(
        '<extensionElements><camunda:properties><camunda:property name="businessKeyFormat" value="B{number}"/>'
        '</camunda:properties></extensionElements><startEvent id="Start"><messageEventDefinition messageRef="M"/>'
        '</startEvent><userTask id="A"/>',
        flow="Start > A", key="own", root=ROOT,
    )  # fmt: skip
    deploy(transaction, own, SENDING)
    sender = start(transaction, "sending", "K1")

    jobs.run_due(transaction)

    with transaction.begin() as session:
        began = [each for each in history.events(session, sender) if each.kind == "message.began"]
        assert [(each.element_id, each.facts["number"], each.facts["name"]) for each in began] == [
            ("Send", "B1", "paid")
        ]
        assert history.verify_instance(session, sender) == []


def test_send__what_belongs_to_the_same_matter_is_not_told_apart(transaction: Sessions) -> None:
    deploy(transaction, STARTED, SENDING)
    sender = start(transaction, "sending", "K1")

    jobs.run_due(transaction)

    with transaction.begin() as session:
        assert "message.began" not in {each.kind for each in history.events(session, sender)}
    assert len(open_tasks(transaction)) == 1
