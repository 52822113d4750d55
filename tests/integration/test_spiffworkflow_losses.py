"""What SpiffWorkflow as it comes loses or misreads, and the engine does not; where it costs little, both are shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from tests.bare_spiffworkflow import Bare, python
from tests.diagrams import catch, container, nodes, process, script
from tests.running import complete, open_elements, run
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


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


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
        nodes("startEvent Begin; userTask A; endEvent Done"), catch("In", link),
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
