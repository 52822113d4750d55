"""
History is complete: the recorded inputs, played on an empty database, give the same instances again.

`conftest` says so of whatever the other tests of this folder leave behind, and `ReplayedWorld` of the random models and
of the tests of others; here stands what these do not come by.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from casepath.engine.bpmn.triggers import CancelActivity, Instruction, StartAfter, StartBefore
from casepath.engine.database.models import Definition, ExternalTask, HistoryEvent
from casepath.engine.instances import external_tasks, migration_plans, process_instances
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.instances.migration_plans import MigrationPlan
from casepath.engine.time import clock
from tests.acting import PROGRAM
from tests.diagrams import border, container, flows, nodes, process, script, timer
from tests.replaying import assert_replays
from tests.unit import dmn_files
from tests.world import World

MAIL = '<serviceTask id="Mail" camunda:type="external" camunda:topic="mail">%s</serviceTask>'


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


@contextmanager
def running_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each look at the clock finds it a moment later, as it is outside tests."""
    standing = clock.now
    looks = iter(range(1, 1_000_000))
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: standing() + timedelta(microseconds=next(looks)))
        yield


def fetch(session: Session) -> ExternalTask:
    """Fetch the work there is for `Mail`."""
    topics = [Topic(name="mail", lock_for=timedelta(minutes=1))]
    [task] = external_tasks.fetch_and_lock(session, topics, worker_id="w", limit=1)
    return session.get_one(ExternalTask, task.id)


def versions(world: World) -> list[int]:
    """Ids of the versions of a process, the oldest first."""
    with world.sessions.begin() as session:
        return list(session.scalars(select(Definition.id).order_by(Definition.id)))


def test_replay__work_of_workers_and_repair_by_hand(world: World) -> None:
    caught = border("NoMail", "Mail", '<errorEventDefinition errorRef="e"/>')
    hourly = border("Late", "A", timer("R3/PT1H", "timeCycle"), interrupting=False)
    inner = container("Sub", nodes("startEvent T; userTask B C"), script("Add", "n = n + 1"),
                      flow="T > B; B > Add; Add > C")
    diagram = process(
        nodes("startEvent S; userTask A Note; endEvent E"), MAIL % "", caught, hourly, inner,
        flow="S > A; A > Mail; Mail > Sub; NoMail > Note; Note > Sub; Sub > E; Late > Note",
        root='<error id="e" errorCode="NO_MAIL"/>',
    )
    world.deploy([("mail.bpmn", diagram)])
    number = world.start("p", {"n": 1}, "key")
    world.advance(2 * 3600)
    world.set_variables(number, {"n": 10})
    with world.sessions.begin() as session:
        process_instances.suspend(session, number, by=PROGRAM, reason="look")
        process_instances.resume(session, number, by=PROGRAM, reason="looked")
        skip: list[Instruction] = [StartBefore(element_id="Mail"), CancelActivity(activity_instance=2)]
        process_instances.modify(session, number, skip, by=PROGRAM, reason="skip")
        external_tasks.fail(session, fetch(session).id, worker_id="w", message="away", retries=2)
        external_tasks.throw_error(session, fetch(session).id, worker_id="w", error_code="NO_MAIL", message="gone",
                                   variables={"gone": True})
        process_instances.modify(session, number, [StartAfter(element_id="B")], by=PROGRAM, reason="again")
    for task_id, _, _ in world.open_tasks(number):
        world.complete(task_id, {"done": True})

    assert assert_replays(world.sessions) == 1


def test_replay__clock_goes_on_while_something_happens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = ('<process id="inner" isExecutable="true">' + nodes("startEvent T; userTask B")
             + script("When", "from datetime import datetime\nwhen = str(datetime.now())")
             + '<businessRuleTask id="Rule" camunda:decisionRef="moment" camunda:resultVariable="decided" '
               'camunda:mapDecisionResult="singleEntry"/>'
             + flows("T > When; When > Rule; Rule > B") + "</process>")
    diagram = process(nodes("startEvent S; userTask A"), '<callActivity id="Call" calledElement="inner"/>',
                      flow="S > A; A > Call", root=inner)
    moment = dmn_files.definitions(dmn_files.decision("moment", dmn_files.literal("now()")))
    with running_clock(monkeypatch):
        world.deploy([("p.bpmn", diagram), ("moment.dmn", moment)])
        number = world.start("p", {})
        world.complete(world.open_tasks(number)[0][0], {})

    assert assert_replays(world.sessions) == 2


def test_replay__what_is_called_and_decided_has_a_newer_version(world: World) -> None:
    def deploy(number: int) -> None:
        inner = process(nodes(f"startEvent T; userTask B{number}"), flow=f"T > B{number}", key="inner")
        decision = dmn_files.definitions(dmn_files.decision("which", dmn_files.literal(str(number))))
        world.deploy([("inner.bpmn", inner), ("which.dmn", decision)])
        world.advance(1)

    rule = '<businessRuleTask id="Rule" camunda:decisionRef="which" camunda:resultVariable="found"/>'
    again = nodes("startEvent S; userTask A; exclusiveGateway G")
    world.deploy([("p.bpmn", process(again, rule, '<callActivity id="Call" calledElement="inner"/>',
                                     flow="S > G; G > Rule; Rule > Call; Call > A; A > G"))])  # fmt: skip
    deploy(1)
    number = world.start("p", {})
    deploy(2)
    for _ in range(3):
        world.complete(world.open_tasks(number)[0][0], {})

    assert world.variables(number)["found"] == [{"which": 2}]
    assert assert_replays(world.sessions) == 3


def test_replay__local_variable_of_the_same_name(world: World) -> None:
    out = ('<extensionElements><camunda:inputOutput><camunda:outputParameter name="kept">${x}'
           "</camunda:outputParameter></camunda:inputOutput></extensionElements>")
    diagram = process(nodes("startEvent S; userTask A B"), MAIL % out, flow="S > A; A > Mail; Mail > B")
    world.deploy([("p.bpmn", diagram)])
    number = world.start("p", {})
    with world.sessions.begin() as session:
        process_instances.modify(session, number, [StartAfter(element_id="A")], by=PROGRAM, reason="at once")
        external_tasks.complete(session, fetch(session).id, worker_id="w", variables={"x": 1}, local_variables={"x": 2})

    assert world.variables(number) == {"kept": 1}
    assert assert_replays(world.sessions) == 1


def test_replay__migrated_without_what_a_plan_leaves_out(world: World) -> None:
    late = border("Late", "A", timer("PT2H"), interrupting=False)
    for name in ("first", "second"):
        world.deploy([("p.bpmn", process(nodes(f"startEvent S; userTask A B {name}"), late, flow="S > A; Late > B"))])
        if name == "first":
            number = world.start("p", {})
            world.advance(3600)
    old, new = versions(world)
    with world.sessions.begin() as session:
        instructions = {key: key for key in ("S", "A")}
        plan = MigrationPlan(source_id=old, target_id=new, instructions=instructions)
        migration_plans.execute(session, plan, number, by=PROGRAM, reason="better")
    world.advance(3600)
    assert len(world.open_tasks(number)) == 1, "the timer has begun anew"
    world.advance(3600)
    assert len(world.open_tasks(number)) == 2

    assert assert_replays(world.sessions) == 1


@pytest.mark.parametrize("lost", ["timer.fired", "variables.set", "user_task.completed"])
def test_replay__notices_an_event_that_is_lost(world: World, lost: str) -> None:
    late = border("Late", "A", timer("PT2H"), interrupting=False)
    world.deploy([("p.bpmn", process(nodes("startEvent S; userTask A B"), late, flow="S > A; Late > B"))])
    number = world.start("p", {})
    world.set_variables(number, {"n": 1})
    world.advance(7200)
    world.complete(world.open_tasks(number)[0][0], {"done": True})
    with world.sessions.begin() as session:
        session.execute(update(HistoryEvent).where(HistoryEvent.kind == lost).values(kind="comment.added"))

    with pytest.raises(AssertionError):
        assert_replays(world.sessions)
