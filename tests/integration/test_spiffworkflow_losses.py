"""What SpiffWorkflow as it comes loses or misreads, and the engine does not; where it costs little, both are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.exceptions import WorkflowException

from engine import clock, definitions, external_tasks, jobs, migration_plans, user_tasks
from engine.external_tasks import Topic
from tests.adapter import Refused
from tests.bare_spiffworkflow import Bare, python
from tests.diagrams import container, nodes, process, script, timer
from tests.world import World

#: Events that do nothing make the rounds longer: SpiffWorkflow looks only so deep into its tree.
STEPS = [f"Step{number}" for number in range(30)]
LOOP = process(
    nodes("startEvent Begin; exclusiveGateway Again Enough; userTask A; endEvent Done"),
    nodes("intermediateThrowEvent " + " ".join(STEPS)),
    flow="Begin > Again; A > Enough; Enough > Again [${again}]; Enough > Done [${again == false}]\n"
    + "\n".join(f"{one} > {other}" for one, other in pairwise(["Again", *STEPS, "A"])),
)
PARALLEL_LOOP = process(
    nodes("startEvent Begin; exclusiveGateway Again Enough; parallelGateway Split Meet; userTask A B C; endEvent Done"),
    flow="""Begin > Again; Again > Split; Split > A; Split > B; A > Meet; B > Meet; Meet > C; C > Enough
            Enough > Again [${again}]; Enough > Done [${again == false}]""",
)
COMPENSATION = "<compensateEventDefinition/>"
TWICE = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


def run(world: World, content: bytes, key: str = "p", **variables: object) -> int:
    """Deploy a file and start its process."""
    world.deploy([("diagram.bpmn", content)])
    return world.start(key, variables, "key")


def open_elements(world: World, instance: int) -> list[str]:
    """Ids of the elements of open user tasks."""
    return sorted(element for _, element, _ in world.open_tasks(instance))


def complete(world: World, instance: int, elements: str, **variables: object) -> None:
    """Complete the oldest open user task of each element."""
    for element in elements.split():
        world.complete(next(number for number, at, _ in world.open_tasks(instance) if at == element), variables)


def pass_time(world: World, passed: timedelta) -> None:
    """Let time pass while nothing runs, then run what is due."""
    clock.move(passed)
    while jobs.run_due(world.sessions):
        pass


def caught(key: str, event: str, *, at: str = "", interrupting: bool = True) -> str:
    """Return an intermediate catch event, or one at the boundary of an activity."""
    if not at:
        return f'<intermediateCatchEvent id="{key}">{event}</intermediateCatchEvent>'
    cancels = str(interrupting).lower()
    return f'<boundaryEvent id="{key}" attachedToRef="{at}" cancelActivity="{cancels}">{event}</boundaryEvent>'


def test_loop__after_100_rounds_of_33_elements(world: World) -> None:
    instance = run(world, LOOP)

    for _ in range(100):
        complete(world, instance, "A", again=True)

    assert (open_elements(world, instance), world.ended(instance)) == (["A"], False)
    bare = Bare(python(LOOP))
    while not bare.ended:
        bare.complete("A", again=True)


def test_parallel_join__second_round_of_a_loop(world: World) -> None:
    instance = run(world, PARALLEL_LOOP)
    complete(world, instance, "A B C", again=True)

    complete(world, instance, "A")

    assert open_elements(world, instance) == ["B"]


def test_variables__two_branches_append_to_one_list(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; parallelGateway Split Meet; userTask A B C; endEvent Done"),
        script("AddA", "found = found + ['a']"), script("AddB", "found = found + ['b']"),
        flow="Begin > Split; Split > A; Split > B; A > AddA; B > AddB; AddA > Meet; AddB > Meet; Meet > C; C > Done",
    )
    instance = run(world, diagram, found=[])

    complete(world, instance, "A B")

    assert world.variables(instance)["found"] == ["a", "b"]
    bare = Bare(diagram, found=[])
    bare.complete("A")
    bare.complete("B")
    assert bare.workflow.get_next_task(spec_name="C").data["found"] in (["a"], ["b"])


def test_deployment__straight_process_of_500_tasks(world: World) -> None:
    keys = [f"T{number}" for number in range(500)]
    flow = "\n".join(f"{one} > {other}" for one, other in pairwise(["Begin", *keys, "Done"]))
    diagram = process(nodes("startEvent Begin; endEvent Done; task " + " ".join(keys)), flow=flow)

    assert world.ended(run(world, diagram))
    with pytest.raises(ValidationException, match="RecursionError"):
        Bare(diagram)


def test_link__goes_on_behind_the_catch(world: World) -> None:
    link = '<linkEventDefinition name="L"/>'
    diagram = process(
        nodes("startEvent Begin; userTask A; endEvent Done"), caught("In", link),
        f'<intermediateThrowEvent id="Out">{link}</intermediateThrowEvent>', flow="Begin > Out; In > A; A > Done",
    )

    instance = run(world, diagram)

    assert open_elements(world, instance) == ["A"]
    assert Bare(diagram).open() == []


def test_compensation__handlers_run_in_reverse_order(world: World) -> None:
    def compensable(key: str) -> str:
        undo = script(f"{key}_undo", f"undone = undone + ['{key}']")
        return (
            nodes(f"task {key}") + undo.replace("<scriptTask", '<scriptTask isForCompensation="true"')
            + f'<boundaryEvent id="{key}_at" attachedToRef="{key}">{COMPENSATION}</boundaryEvent>'
            + f'<association id="{key}_to" sourceRef="{key}_at" targetRef="{key}_undo" associationDirection="One"/>'
        )

    diagram = process(
        nodes("startEvent Begin; userTask Decide"), compensable("A"), compensable("B"),
        f'<endEvent id="Undo">{COMPENSATION}</endEvent>', flow="Begin > A; A > B; B > Decide; Decide > Undo",
    )
    instance = run(world, diagram, undone=[])

    complete(world, instance, "Decide")

    assert (world.variables(instance)["undone"], world.ended(instance)) == (["B", "A"], True)
    with pytest.raises(ValidationException, match="Unsupported Catch Event"):
        Bare(diagram)


@pytest.mark.parametrize(("interrupting", "left"), [("true", ["Note"]), ("false", ["A", "Note", "Note"])])
def test_event_sub_process__message(world: World, interrupting: str, left: list[str]) -> None:
    told = '<messageEventDefinition messageRef="m"/>'
    diagram = process(
        nodes("startEvent Begin; userTask A; endEvent Done"),
        container("Handle", f'<startEvent id="Told" isInterrupting="{interrupting}">{told}</startEvent>',
                  nodes("userTask Note; endEvent Noted"), flow="Told > Note; Note > Noted", triggeredByEvent="true"),
        flow="Begin > A; A > Done", root='<message id="m" name="withdraw"/>',
    )
    instance = run(world, diagram)
    world.message("withdraw", "key", {})

    if interrupting == "false":
        world.message("withdraw", "key", {})

    assert open_elements(world, instance) == left


def test_event_sub_process__error_start_waits_for_the_error(world: World) -> None:
    error = '<errorEventDefinition errorRef="e"/>'
    diagram = process(
        nodes("startEvent Begin; userTask A"), f'<endEvent id="Fail">{error}</endEvent>',
        container("Handle", f'<startEvent id="Failed">{error}</startEvent>', nodes("userTask Repair"),
                  flow="Failed > Repair", triggeredByEvent="true"),
        flow="Begin > A; A > Fail", root='<error id="e" name="e" errorCode="E1"/>',
    )
    instance = run(world, diagram)
    before = open_elements(world, instance)

    complete(world, instance, "A")

    assert (before, open_elements(world, instance)) == (["A"], ["Repair"])


#: Valid diagrams: elements, flows, the user tasks that are open then.
VALID = {
    "exclusive flow without condition": (
        nodes("startEvent Begin; exclusiveGateway Choose; userTask A B"),
        "Begin > Choose; Choose > A [${1 == 2}]; Choose > B", ["B"]),
    "task with two flows out": (
        nodes("startEvent Begin; task T; userTask A B"), "Begin > T; T > A; T > B", ["A", "B"]),
    "sub-process without start event": (
        nodes("startEvent Begin; endEvent Done") + container("S", nodes("userTask A B")),
        "Begin > S; S > Done", ["A", "B"]),
    "complex gateway": (
        nodes("startEvent Begin; parallelGateway Split; task T U; userTask A") + '<complexGateway id="Meet">'
        "<activationCondition>${activationCount &gt;= 2}</activationCondition></complexGateway>",
        "Begin > Split; Split > T; Split > U; T > Meet; U > Meet; Meet > A", ["A"]),
}


@pytest.mark.parametrize("name", VALID)
def test_valid_bpmn__runs(world: World, name: str) -> None:
    elements, flow, expected = VALID[name]
    diagram = process(elements, flow=flow)

    assert open_elements(world, run(world, diagram)) == expected
    with pytest.raises(ValidationException):
        Bare(python(diagram))


def test_task_of_no_kind__is_no_work_for_people(world: World) -> None:
    diagram = process(nodes("startEvent Begin; task T; userTask A"), flow="Begin > T; T > A")

    assert open_elements(world, run(world, diagram)) == ["A"]
    assert Bare(diagram).open() == ["T"]


def test_business_rule_task__without_decision_is_work_for_a_worker(world: World) -> None:
    diagram = process(nodes("startEvent Begin; businessRuleTask Rule; endEvent Done"), flow="Begin > Rule; Rule > Done")

    assert world.ended(run(world, diagram))
    with pytest.raises(ValidationException):
        Bare(diagram)


def test_receive_task__instantiates(world: World) -> None:
    diagram = process('<receiveTask id="Get" messageRef="m" instantiate="true"/>', nodes("userTask A; endEvent Done"),
                      flow="Get > A; A > Done", root='<message id="m" name="order"/>')
    world.deploy([("diagram.bpmn", diagram)])

    instance = world.message("order", None, {"amount": 3})

    assert (open_elements(world, instance), world.variables(instance)) == (["A"], {"amount": 3})


def test_ad_hoc_sub_process__without_completion_condition(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask After; endEvent Done"),
        container("Loose", nodes("userTask A B"), kind="adHocSubProcess"),
        flow="Begin > Loose; Loose > After; After > Done",
    )
    instance = run(world, diagram)
    before = open_elements(world, instance)

    complete(world, instance, "A B")

    assert (before, open_elements(world, instance)) == (["A", "B"], ["After"])
    with pytest.raises(TypeError):
        Bare(diagram)


def test_multi_instance__over_a_collection(world: World) -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
    diagram = process(nodes("startEvent Begin; endEvent Done"), f'<userTask id="Ask">{loop}</userTask>',
                      flow="Begin > Ask; Ask > Done")

    instance = run(world, diagram, people=["ann", "bob"])

    assert open_elements(world, instance) == ["Ask", "Ask"]


def test_timer__is_no_python(world: World) -> None:
    diagram = process(nodes("startEvent Begin; userTask A"), caught("Wait", timer("PT1H")),
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
    diagram = process(nodes("startEvent Begin; endEvent Done"), caught("Wait", timer(text, kind)),
                      flow="Begin > Wait; Wait > Done")

    with pytest.raises(Refused, match="Wait"):
        run(world, diagram)


def test_timer__cron(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask A Reminder; endEvent Done Reminded"),
        caught("Remind", timer("0 9 * * *", "timeCycle"), at="A", interrupting=False),
        flow="Begin > A; A > Done; Remind > Reminder; Reminder > Reminded",
    )
    instance = run(world, diagram)

    world.advance(3 * 24 * 3600)

    assert open_elements(world, instance) == ["A", "Reminder", "Reminder", "Reminder"]


def test_cycle__after_an_outage_is_due_once(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask A T; endEvent Done Ticked"),
        caught("Tick", timer("R/PT10M", "timeCycle"), at="A", interrupting=False),
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
        user_tasks.complete(session, 1, {}, by="ann")
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
def test_script__cannot_harm(world: World, name: str) -> None:
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
        *(caught(f"T{number}", timer(f"PT{number}S")) for number in (1, 2, 3)),
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
        caught("Late", timer("PT5S"), at="A"), flow="Begin > A; A > Done; Late > B; B > Done",
    )
    instance = run(world, diagram)
    before = open_elements(world, instance)

    world.advance(5)

    assert (before, open_elements(world, instance)) == (["A", "A"], ["B"])


def test_multi_instance__behind_a_boundary_event(world: World) -> None:
    diagram = process(
        nodes("startEvent Begin; userTask B; endEvent Done"), f'<userTask id="A">{TWICE}</userTask>',
        caught("Late", timer("PT5S"), at="B"), flow="Begin > B; B > Done; Late > A; A > Done",
    )
    instance = run(world, diagram)

    world.advance(5)

    assert open_elements(world, instance) == ["A", "A"]
    with pytest.raises(WorkflowException):
        Bare(diagram.replace(b">PT5S<", b">'PT0S'<")).run()


def test_timer__with_an_offset_from_utc(world: World) -> None:
    at = timer("2026-03-29T09:00:00+02:00", "timeDate")
    diagram = process(nodes("startEvent Begin; userTask A"), caught("Wait", at), flow="Begin > Wait; Wait > A")
    run(world, diagram)

    with world.sessions.begin() as session:
        due = jobs.next_due(session)

    assert due is not None
    assert due.isoformat() == "2026-03-29T07:00:00+00:00"


def test_migration__keeps_running_timers(world: World) -> None:
    def version(flow: str) -> bytes:
        return process(nodes("startEvent Begin; userTask A B; endEvent Done"), caught("Late", timer("PT2H"), at="A"),
                       flow=f"Begin > A; Late > B; B > Done; {flow}")

    instance = run(world, version("A > Done"))
    world.advance(3600)
    world.deploy([("diagram.bpmn", version("A > B"))])
    with world.sessions.begin() as session:
        before = jobs.next_due(session)
        old, new = (definitions.find(session, "process", "p", version=number).id for number in (1, 2))
        migration_plans.execute(session, migration_plans.draft(session, old, new), instance, by="ann", reason="newer")
        after = jobs.next_due(session)

    world.advance(3600)

    assert before == after
    assert open_elements(world, instance) == ["B"]
