"""More of what SpiffWorkflow as it comes misreads: timers, scripts, ids, and tokens that meet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.util.task import TaskState

from casepath.engine.bpmn import scripts
from casepath.engine.deployments import definitions
from casepath.engine.instances import external_tasks, jobs, migration_plans, user_tasks
from casepath.engine.instances.external_tasks import Topic
from tests.acting import PROGRAM
from tests.adapter import Refused
from tests.bare_spiffworkflow import Bare, python
from tests.diagrams import border, catch, end, nodes, process, script, timer
from tests.running import complete, open_elements, pass_time, run
from tests.world import World

TWICE = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


def test_timer__is_no_python(world: World) -> None:
    diagram = process(nodes("startEvent Begin; userTask A"), catch("Wait", timer("PT1H")),
                      flow="Begin > Wait; Wait > A")
    instance = run(world, diagram)

    world.advance(3600)

    assert open_elements(world, instance) == ["A"]
    with pytest.raises(WorkflowTaskException):
        Bare(diagram)


@pytest.mark.parametrize(
    ("text", "kind"), [("in a while", "timeDuration"), ("PT", "timeDuration"), ("0 25 * * *", "timeCycle")]
)
def test_timer__text_is_checked_at_deployment(world: World, text: str, kind: str) -> None:
    diagram = process(nodes("startEvent Begin; endEvent Done"), catch("Wait", timer(text, kind)),
                      flow="Begin > Wait; Wait > Done")

    with pytest.raises(Refused, match="Wait"):
        run(world, diagram)


def test_timer__cron(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask A Reminder; endEvent Done Reminded"),
        border("Remind", "A", timer("0 9 * * *", "timeCycle"), interrupting=False),
        flow="Begin > A; A > Done; Remind > Reminder; Reminder > Reminded",
    )
    instance = run(world, diagram)

    world.advance(3 * 24 * 3600)

    assert open_elements(world, instance) == ["A", "Reminder", "Reminder", "Reminder"]


def test_cycle__after_an_outage_is_due_once(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask A T; endEvent Done Ticked"),
        border("Tick", "A", timer("R/PT10M", "timeCycle"), interrupting=False),
        flow="Begin > A; A > Done; Tick > T; T > Ticked",
    )
    instance = run(world, diagram)

    pass_time(world, timedelta(hours=5))

    assert open_elements(world, instance) == ["A", "T"]


def test_external_task__its_failure_is_the_reason_of_the_incident(world: World) -> None:
    diagram = process(nodes("startEvent Begin; userTask A; endEvent Done"),
                      '<serviceTask id="Send" camunda:type="external" camunda:topic="mail"/>',
                      flow="Begin > A; A > Send; Send > Done")
    instance = run(world, diagram)
    with world.sessions.begin() as session:
        user_tasks.complete(session, 1, {}, by=PROGRAM)
        mail = Topic(name="mail", lock_for=timedelta(minutes=1))
        [task] = external_tasks.fetch_and_lock(session, [mail], worker_id="w", limit=1)
        external_tasks.fail(session, task.id, worker_id="w", message="no route to the mail server", details="",
                            retries=0, retry_in=timedelta(0))

    failure = world.failure(instance)

    assert failure is not None
    assert "no route to the mail server" in failure[1]


SCRIPTS = {"run a program": "import os\nx = os.system('id')", "open a file": "x = open('/etc/passwd').read()",
           "endless": "while True:\n    pass", "memory": "x = 'a' * 10_000_000_000"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script__cannot_harm(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "usual", scripts.Limits())
    diagram = process(nodes("startEvent Begin; endEvent Done"), script("S", SCRIPTS[name]), flow="Begin > S; S > Done")
    world.deploy([("diagram.bpmn", diagram)])

    instance = world.start("p", {})

    failure = world.failure(instance)
    assert failure is not None
    assert (failure[0], world.ended(instance), "x" in world.variables(instance)) == ("incident", False, False)


def test_condition__blanks_around_it(world: World) -> None:
    diagram = process(nodes("startEvent Begin; exclusiveGateway Choose; userTask A B"),
                      flow="Begin > Choose; Choose > A [ \t  ${n == 1}  \t]; Choose > B [  ${n != 1} ]")

    assert open_elements(world, run(world, diagram, n=1)) == ["A"]


def test_ids__that_are_names_inside_spiffworkflow(world: World) -> None:
    diagram = process(
        nodes("startEvent Start; userTask Root; parallelGateway Split EndJoin; userTask A B; endEvent End"),
        flow="Start > Root; Root > Split; Split > A; Split > B; A > EndJoin; B > EndJoin; EndJoin > End",
    )
    instance = run(world, diagram)

    complete(world, instance, "Root A B")

    assert world.ended(instance)
    with pytest.raises(WorkflowException):
        Bare(diagram).complete("Root")


def test_flows__without_ids(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask A; endEvent Done"),
        '<sequenceFlow sourceRef="Begin" targetRef="A"/><sequenceFlow sourceRef="A" targetRef="Done"/>',
    )

    instance = run(world, diagram)

    assert open_elements(world, instance) == ["A"]
    assert Bare(diagram).open() == []


def test_event_based_gateway__one_of_several_timers(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; eventBasedGateway Which; userTask A1 A2 A3"),
        *(catch(f"T{number}", timer(f"PT{number}S")) for number in (1, 2, 3)),
        flow="Begin > Which; " + "; ".join(f"Which > T{number}; T{number} > A{number}" for number in (1, 2, 3)),
    )
    instance = run(world, diagram)

    pass_time(world, timedelta(hours=1))

    assert open_elements(world, instance) == ["A1"]
    at_once = re.sub(rb">PT\dS<", b">'PT0S'<", diagram)
    assert len(Bare(at_once).open()) > 1


def test_parallel_join__keeps_several_tokens_of_one_flow(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; parallelGateway Split Meet; exclusiveGateway Merge; userTask A B C; userTask After"),
        flow="""Begin > Split; Split > A; Split > B; Split > C; A > Merge; B > Merge; Merge > Meet; C > Meet
                Meet > After""",
    )
    instance = run(world, diagram)

    complete(world, instance, "A B C After")

    # One token of A or B is left at the join and waits for another of C.
    assert (open_elements(world, instance), world.ended(instance)) == ([], False)


def test_multi_instance__with_a_boundary_event(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask B; endEvent Done"), f'<userTask id="A">{TWICE}</userTask>',
        border("Late", "A", timer("PT5S")), flow="Begin > A; A > Done; Late > B; B > Done",
    )
    instance = run(world, diagram)
    before = open_elements(world, instance)

    world.advance(5)

    assert (before, open_elements(world, instance)) == (["A", "A"], ["B"])


def test_multi_instance__behind_a_boundary_event(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask B; endEvent Done"), f'<userTask id="A">{TWICE}</userTask>',
        border("Late", "B", timer("PT5S")), flow="Begin > B; B > Done; Late > A; A > Done",
    )
    instance = run(world, diagram)

    world.advance(5)

    assert open_elements(world, instance) == ["A", "A"]
    with pytest.raises(WorkflowException):
        Bare(diagram.replace(b">PT5S<", b">'PT0S'<")).run()


def test_timer__with_an_offset_from_utc(world: World) -> None:
    at = timer("2026-03-29T09:00:00+02:00", "timeDate")
    diagram = process(nodes("startEvent Begin; userTask A"), catch("Wait", at), flow="Begin > Wait; Wait > A")
    run(world, diagram)

    with world.sessions.begin() as session:
        due = jobs.next_due(session)

    assert due is not None
    assert due.isoformat() == "2026-03-29T07:00:00+00:00"


def test_migration__keeps_running_timers(world: World) -> None:
    def version(flow: str) -> bytes:
        return process(nodes("startEvent Begin; userTask A B; endEvent Done"), border("Late", "A", timer("PT2H")),
                       flow=f"Begin > A; Late > B; B > Done; {flow}")

    instance = run(world, version("A > Done"))
    world.advance(3600)
    world.deploy([("diagram.bpmn", version("A > B"))])
    with world.sessions.begin() as session:
        before = jobs.next_due(session)
        old, new = (definitions.find(session, "process", "p", version=number).id for number in (1, 2))
        migration_plans.execute(session, migration_plans.draft(session, old, new), instance, by=PROGRAM, reason="newer")
        after = jobs.next_due(session)

    world.advance(3600)

    assert before == after
    assert open_elements(world, instance) == ["B"]


def test_timer__that_fails_is_a_failure_of_its_own(world: World) -> None:
    diagram = process(nodes("startEvent Begin; userTask A B"), catch("Wait", timer("${nobody_knows}")),
                      flow="Begin > A; A > Wait; Wait > B")
    instance = run(world, diagram)

    complete(world, instance, "A")

    failure = world.failure(instance)
    assert failure is not None
    assert "nobody_knows" in failure[1]
    bare = Bare(python(diagram))
    with pytest.raises(WorkflowTaskException):
        bare.complete("A")
    # Nothing is open, nothing waits, and nothing will ever bring it on.
    assert (bare.open(), bare.workflow.get_tasks(state=TaskState.WAITING), bare.ended) == ([], [], False)


def test_terminate__what_it_cancels_does_not_run(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; parallelGateway Fork; endEvent Done"), end("Stop", "<terminateEventDefinition/>"),
        script("S", "ran = 1"), flow="Begin > Fork; Fork > Stop; Fork > S; S > Done",
    )
    instance = run(world, diagram)

    assert (world.ended(instance), world.variables(instance)) == (True, {})
    (task,) = Bare(diagram).workflow.get_tasks(spec_name="S")
    assert task.data["ran"] == 1
