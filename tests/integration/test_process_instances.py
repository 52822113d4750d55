"""Starting, suspending, cancelling and repairing process instances; calling other processes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, settings
from casepath.engine.bpmn.triggers import CancelActivity, StartAfter, StartBefore
from casepath.engine.database.models import Incident, Job, ProcessInstance, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import incidents, migration_plans, process_instances, user_tasks
from tests import diagrams, factories
from tests.acting import ALICE, OLIVIA, PROGRAM

Sessions = sessionmaker[Session]

TWO = diagrams.process(
    '<startEvent id="Start"/><userTask id="A"/><userTask id="B"/><endEvent id="End"/>', flow="Start > A; A > B; B > End"
)
INNER = diagrams.process(
    '<startEvent id="Start"/><userTask id="A"/>',
    diagrams.container(
        "Sub", '<startEvent id="S"/><userTask id="I"/><userTask id="J"/><endEvent id="E"/>', flow="S > I; I > J; J > E"
    ),
    '<endEvent id="End"/>',
    flow="Start > A; A > Sub; Sub > End",
)
CALLER = diagrams.process(
    '<startEvent id="Start"/><callActivity id="Call" calledElement="called"/><userTask id="After"/>',
    flow="Start > Call; Call > After",
    key="caller",
)
CALLED = diagrams.process(
    '<startEvent id="Start"/><userTask id="Inside"/><endEvent id="End"/>',
    flow="Start > Inside; Inside > End",
    key="called",
)
ENDLESS = diagrams.process('<startEvent id="Start"/><task id="A"/><task id="B"/>', flow="Start > A; A > B; B > A")


def deploy(transaction: Sessions, *contents: bytes) -> list[int]:
    with transaction.begin() as session:
        files = {f"{number}.bpmn": content for number, content in enumerate(contents)}
        return [row.id for row in deployments.deploy(session, files, name="test", by=PROGRAM).definitions]


def start(transaction: Sessions, key: str = "p", **variables: object) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, key, variables, by=ALICE).id


def open_tasks(transaction: Sessions) -> dict[str, UserTask]:
    with transaction.begin() as session:
        return {task.element_id: task for task in session.scalars(select(UserTask).where(UserTask.state == "created"))}


def complete(transaction: Sessions, element_id: str, **variables: object) -> None:
    task = open_tasks(transaction)[element_id]
    with transaction.begin() as session:
        user_tasks.complete(session, task.id, variables, by=PROGRAM)


def modify(transaction: Sessions, instance: int, *instructions: Any) -> None:
    with transaction.begin() as session:
        process_instances.modify(session, instance, instructions, by=OLIVIA, reason="repair")


def test_start__unknown_process(transaction: Sessions) -> None:
    with pytest.raises(errors.NotFound, match="nowhere"):
        start(transaction, "nowhere")


def test_start__a_process_that_only_documents(transaction: Sessions) -> None:
    deploy(transaction, TWO.replace(b'isExecutable="true"', b'isExecutable="false"'))

    with pytest.raises(errors.InvalidInput, match="executable"):
        start(transaction)


def test_start__business_key_from_the_diagram(transaction: Sessions) -> None:
    numbered = TWO.replace(
        b'<startEvent id="Start"/>',
        b'<extensionElements><camunda:properties><camunda:property name="businessKeyFormat" value="N-{number:3}"/>'
        b'</camunda:properties></extensionElements><startEvent id="Start"/>',
    )
    deploy(transaction, numbered)
    ids = [start(transaction) for _ in range(2)]

    with transaction.begin() as session:
        assert [process_instances.get(session, each).business_key for each in ids] == ["N-001", "N-002"]


def test_start__a_loop_that_never_waits(transaction: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.current, "step_moves", 1000)
    deploy(transaction, ENDLESS)

    with pytest.raises(errors.InvalidInput, match="come to rest"):
        start(transaction)

    with transaction.begin() as session:
        assert session.scalars(select(ProcessInstance)).all() == []


def test_cancel__everything_ends(transaction: Sessions) -> None:
    deploy(transaction, TWO)
    instance = start(transaction)

    with transaction.begin() as session:
        process_instances.cancel(session, instance, by=OLIVIA, reason="a mistake")

    assert open_tasks(transaction) == {}
    with transaction.begin() as session:
        ended = process_instances.get(session, instance)
        assert (ended.state, ended.end_reason) == ("cancelled", "a mistake")
        assert list(history.verify(session, instance)) == []


def test_cancel__twice(transaction: Sessions) -> None:
    deploy(transaction, TWO)
    instance = start(transaction)
    with transaction.begin() as session:
        process_instances.cancel(session, instance, by=OLIVIA, reason="a mistake")

    with pytest.raises(errors.InvalidState, match="it was cancelled"), transaction.begin() as session:
        process_instances.cancel(session, instance, by=OLIVIA, reason="again")


def test_suspend__tasks_cannot_be_completed(transaction: Sessions) -> None:
    deploy(transaction, TWO)
    instance = start(transaction)
    with transaction.begin() as session:
        process_instances.suspend(session, instance, by=OLIVIA, reason="audit")

    with pytest.raises(errors.InvalidState):
        complete(transaction, "A")

    with transaction.begin() as session:
        process_instances.resume(session, instance, by=OLIVIA, reason="done")
    complete(transaction, "A")
    assert set(open_tasks(transaction)) == {"B"}


def test_modify__start_before_and_cancel(transaction: Sessions) -> None:
    deploy(transaction, TWO)
    instance = start(transaction)
    number = open_tasks(transaction)["A"].activity_instance

    modify(transaction, instance, StartBefore(element_id="B"), CancelActivity(activity_instance=number))

    assert set(open_tasks(transaction)) == {"B"}
    with transaction.begin() as session:
        kinds = [event.kind for event in history.events(session, instance)]
    assert "process_instance.modified" in kinds


def test_modify__start_after(transaction: Sessions) -> None:
    deploy(transaction, TWO)
    instance = start(transaction)

    modify(transaction, instance, StartAfter(element_id="A"))

    assert set(open_tasks(transaction)) == {"A", "B"}


def test_modify__into_a_sub_process_that_is_not_running(transaction: Sessions) -> None:
    deploy(transaction, INNER)
    instance = start(transaction)
    number = open_tasks(transaction)["A"].activity_instance

    modify(transaction, instance, StartBefore(element_id="J"), CancelActivity(activity_instance=number))
    complete(transaction, "J")

    with transaction.begin() as session:
        assert process_instances.get(session, instance).state == "completed"


def test_modify__unknown_element(transaction: Sessions) -> None:
    deploy(transaction, TWO)
    instance = start(transaction)

    with pytest.raises(errors.NotFound, match="Nowhere"):
        modify(transaction, instance, StartBefore(element_id="Nowhere"))


def test_call__variables_go_in_and_those_that_are_set_come_back(transaction: Sessions) -> None:
    deploy(transaction, CALLER, CALLED)
    instance = start(transaction, "caller", a=1, b=2)

    complete(transaction, "Inside", b=3, c=4)

    assert set(open_tasks(transaction)) == {"After"}
    with transaction.begin() as session:
        assert process_instances.variables(session, instance) == {"a": 1, "b": 3, "c": 4}


def test_call__cancelling_the_caller_cancels_what_it_called(transaction: Sessions) -> None:
    deploy(transaction, CALLER, CALLED)
    instance = start(transaction, "caller")

    with transaction.begin() as session:
        process_instances.cancel(session, instance, by=OLIVIA, reason="a mistake")
        states = session.execute(select(ProcessInstance.definition_key, ProcessInstance.state)).all()

    assert {tuple(row) for row in states} == {("caller", "cancelled"), ("called", "cancelled")}
    assert open_tasks(transaction) == {}


@pytest.mark.parametrize("reason", ["wrong one", "caller"])
def test_call__what_it_called_is_cancelled_by_hand(transaction: Sessions, reason: str) -> None:
    deploy(transaction, CALLER, CALLED)
    start(transaction, "caller")
    with transaction.begin() as session:
        called = session.scalars(select(ProcessInstance).where(ProcessInstance.definition_key == "called")).one()
        process_instances.cancel(session, called.id, by=OLIVIA, reason=reason)
        incident = session.scalars(select(Incident)).one()

    assert incident.element_id == "Call"
    with transaction.begin() as session:
        incidents.resolve(session, incident.id, by=OLIVIA)
    assert set(open_tasks(transaction)) == {"Inside"}


def test_call__what_is_not_there_is_an_incident(transaction: Sessions) -> None:
    deploy(transaction, CALLER)
    start(transaction, "caller")
    with transaction.begin() as session:
        incident = session.scalars(select(Incident)).one()
        assert "called" in incident.message

    deploy(transaction, CALLED)
    with transaction.begin() as session:
        incidents.resolve(session, incident.id, by=OLIVIA)

    assert set(open_tasks(transaction)) == {"Inside"}


# -- migration ---------------------------------------------------------------------------------------------------------

BORDERED = diagrams.process(
    '<startEvent id="Start"/><userTask id="A"/><endEvent id="End"/>',
    f'<boundaryEvent id="Late" attachedToRef="A">{diagrams.timer("PT2H")}</boundaryEvent>',
    flow="Start > A; A > End; Late > End",
)
RENAMED = diagrams.process(
    '<startEvent id="Start"/><userTask id="A2" name="renamed"/><userTask id="B"/><endEvent id="End"/>',
    f'<boundaryEvent id="Late" attachedToRef="A2">{diagrams.timer("PT5H")}</boundaryEvent>',
    flow="Start > A2; A2 > B; B > End; Late > End",
)


def test_migrate__claims_and_timers_are_kept(transaction: Sessions) -> None:
    old = deploy(transaction, BORDERED)[0]
    instance = start(transaction)
    with transaction.begin() as session:
        before = session.scalars(select(Job.due_at)).one()
        factories.user(session, "alice")
        user_tasks.assign(session, session.scalars(select(UserTask.id)).one(), "alice", by=PROGRAM, reason="so it is")
    new = deploy(transaction, RENAMED)[0]

    with transaction.begin() as session:
        plan = migration_plans.draft(session, old, new, {"A": "A2"})
        assert migration_plans.validate(session, plan) == []
        migration_plans.execute(session, plan, instance, by=OLIVIA, reason="better diagram")

    assert {key: task.assignee for key, task in open_tasks(transaction).items()} == {"A2": "alice"}
    with transaction.begin() as session:
        assert session.scalars(select(Job.due_at)).all() == [before]
        assert list(history.verify(session, instance)) == []
    complete(transaction, "A2")
    assert set(open_tasks(transaction)) == {"B"}


def test_migrate__all_or_nothing(transaction: Sessions) -> None:
    old = deploy(transaction, BORDERED)[0]
    instance = start(transaction)
    new = deploy(transaction, RENAMED)[0]

    with pytest.raises(errors.InvalidInput, match="instruction for A"), transaction.begin() as session:
        migration_plans.execute(session, migration_plans.draft(session, old, new), instance, by=OLIVIA, reason="")

    with transaction.begin() as session:
        assert process_instances.get(session, instance).definition_id == old
        assert definitions.definition(session, new).version == 2


CALLED_ENDS = {
    "end": ('<endEvent id="End"/>', "Z"),
    "error": (diagrams.end("End", diagrams.error("e")), "H"),
    "escalation": (diagrams.end("End", diagrams.escalation()), "H"),
    "message": (diagrams.catch("End", diagrams.message()), ""),
}


@pytest.mark.parametrize("ending", CALLED_ENDS)
def test_suspend__holds_what_was_called_still(transaction: Sessions, ending: str) -> None:
    """Nothing reaches an instance that is suspended, nor what it called: what comes waits until they go on."""
    end, after = CALLED_ENDS[ending]
    root = diagrams.ERROR + diagrams.ESCALATION + diagrams.MESSAGE
    called = diagrams.process(diagrams.nodes("startEvent S; userTask A"), end, flow="S > A; A > End", key="called",
                              root=root)  # fmt: skip
    caller = diagrams.process(
        diagrams.nodes("startEvent S; userTask Z H") + '<callActivity id="C" calledElement="called"/>',
        diagrams.border("Wrong", "C", diagrams.error()), diagrams.border("Up", "C", diagrams.escalation()),
        flow="S > C; C > Z; Wrong > H; Up > H", root=root,
    )  # fmt: skip
    with transaction.begin() as session:
        deployments.deploy(session, {"called.bpmn": called, "caller.bpmn": caller}, name="test", by=PROGRAM)
        outer = process_instances.start(session, "p", {}, by=PROGRAM).id
        inner, task = session.execute(select(UserTask.process_instance_id, UserTask.id)).one()
    with transaction.begin() as session:
        process_instances.suspend(session, outer, by=OLIVIA, reason="audit")
    with transaction.begin() as session, pytest.raises(errors.InvalidState, match="the process is suspended"):
        user_tasks.complete(session, task, {}, by=PROGRAM)
    with transaction.begin() as session, pytest.raises(errors.InvalidState, match="suspended"):
        process_instances.resume(session, inner, by=OLIVIA, reason="too early")

    with transaction.begin() as session:
        process_instances.resume(session, outer, by=OLIVIA, reason="done")
    with transaction.begin() as session:
        user_tasks.complete(session, task, {}, by=PROGRAM)

    with transaction.begin() as session:
        open_tasks = select(UserTask.element_id).where(UserTask.state == "created")
        assert " ".join(session.scalars(open_tasks)) == after
        changes = [event.kind for number in (outer, inner) for event in history.events(session, number)
                   if event.kind.endswith(("suspended", "resumed"))]  # fmt: skip
    assert changes == ["process_instance.suspended", "process_instance.resumed"] * 2


def test_suspend__one_that_was_called_goes_on_alone(transaction: Sessions) -> None:
    called = diagrams.process(diagrams.nodes("startEvent S; userTask A"), flow="S > A", key="called")
    caller = diagrams.process(diagrams.nodes("startEvent S") + '<callActivity id="C" calledElement="called"/>',
                              flow="S > C")  # fmt: skip
    with transaction.begin() as session:
        deployments.deploy(session, {"called.bpmn": called, "caller.bpmn": caller}, name="test", by=PROGRAM)
        outer = process_instances.start(session, "p", {}, by=PROGRAM).id
        inner = session.scalars(select(UserTask.process_instance_id)).one()

    for switch in (process_instances.suspend, process_instances.resume):
        with transaction.begin() as session:
            switch(session, inner, by=OLIVIA, reason="audit")

    with transaction.begin() as session:
        assert [process_instances.get(session, number).state for number in (outer, inner)] == ["active", "active"]
