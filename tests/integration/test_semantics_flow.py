"""What BPMN says of starts, gateways, loops and pools, worked out by hand; the random models do not draw these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.diagrams import (
    MESSAGE,
    SIGNAL,
    SIGNALLED,
    catch,
    container,
    definitions,
    flows,
    handler,
    message,
    nodes,
    process,
    script,
    throw,
    timer,
)
from tests.running import Run
from tests.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


def test_signal__reaches_all_instances_and_starts_others(world: World) -> None:
    waiting = nodes("startEvent S; userTask A") + catch("W", SIGNALLED) + flows("S > W; W > A")
    started = f'<startEvent id="B">{SIGNALLED}</startEvent>' + nodes("userTask C") + flows("B > C")
    throwing = nodes("startEvent D") + throw("T", SIGNALLED) + flows("D > T")
    world.deploy([("three.bpmn", definitions(SIGNAL, *(
        f'<process id="{key}" isExecutable="true">{elements}</process>'
        for key, elements in (("p", waiting), ("q", started), ("r", throwing)))))])
    first, second = world.start("p", {}), world.start("p", {})

    world.start("r", {})

    assert [len(world.open_tasks(number)) for number in (first, second)] == [1, 1]
    assert [key for _, key in world.instances()].count("q") == 1


def test_link__many_to_one(world: World) -> None:
    link = '<linkEventDefinition name="L"/>'
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A"), throw("O1", link), throw("O2", link),
                             catch("I", link), flow="S > F; F > O1; F > O2; I > A"))

    assert run.open() == "A A"


def test_link__by_its_target_before_its_name(world: World) -> None:
    caught = [catch(key, f'<linkEventDefinition id="{key}_link" name="{name}"/>') for key, name in ("IL", "JL", "KM")]
    thrown = [
        throw(f"to{key}", f'<linkEventDefinition name="L"><target>{key}_link</target></linkEventDefinition>')
        for key in "IJK"
    ]
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A B C"), *thrown, *caught,
                             flow="S > F; F > toI; F > toJ; F > toK; I > A; J > B; K > C"))  # fmt: skip

    assert run.open() == "A B C"


def test_event_based_gateway__parallel_waits_for_all_when_it_starts(world: World) -> None:
    gateway = '<eventBasedGateway id="G" instantiate="true" eventGatewayType="Parallel"/>'
    diagram = process(gateway, catch("M", message("m")), catch("N", message("n")),
                      nodes("parallelGateway J; userTask A"), flow="G > M; G > N; M > J; N > J; J > A", root=MESSAGE)
    world.deploy([("diagram.bpmn", diagram)])
    first = world.message("order", "key", {})
    before = len(world.open_tasks(first))

    world.message("cancel", "key", {})

    assert (before, len(world.open_tasks(first))) == (0, 1)


def test_event_based_gateway__starts_with_one_of_its_events(world: World) -> None:
    gateway = '<eventBasedGateway id="G" instantiate="true"/>'
    diagram = process(gateway, catch("M", message("m")), catch("N", message("n")), nodes("userTask A B"),
                      flow="G > M; G > N; M > A; N > B", root=MESSAGE)
    world.deploy([("diagram.bpmn", diagram)])

    started = world.message("cancel", "key", {"why": 1})

    assert [element for _, element, _ in world.open_tasks(started)] == ["B"]
    assert world.variables(started) == {"why": 1}


def test_quantities__of_tokens(world: World) -> None:
    run = Run(world, process(nodes("startEvent S"), '<userTask id="A" completionQuantity="4"/>',
                             '<userTask id="B" startQuantity="2"/>', flow="S > A; A > B"))

    assert run.complete("A") == "B B"


def test_ad_hoc__sequential_until_the_condition_holds(world: World) -> None:
    loose = container("L", nodes("userTask A B C"), "<completionCondition>${enough}</completionCondition>",
                      kind="adHocSubProcess", ordering="Sequential")
    run = Run(world, process(nodes("startEvent S; userTask Z"), loose, flow="S > L; L > Z"), enough=False)
    first = run.open()

    second = run.complete(first)

    assert len(first.split()) == len(second.split()) == 1
    assert first != second
    assert run.complete(second, enough=True) == "Z"


@pytest.mark.parametrize("kind", ["true", "false"])
def test_multi_instance__over_nothing_is_passed(world: World, kind: str) -> None:
    loop = f'<multiInstanceLoopCharacteristics isSequential="{kind}" camunda:collection="people"/>'
    diagram = process(nodes("startEvent S; userTask Z"), f'<userTask id="A">{loop}</userTask>', flow="S > A; A > Z")
    run = Run(world, diagram, people=[])

    assert run.open() == "Z"


def test_multi_instance__each_round_has_its_own_element(world: World) -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
    greet = script("Greet", "greeted = greeted + [person]")
    inner = container("Sub", loop, nodes("startEvent T"), greet, flow="T > Greet")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, flow="S > Sub; Sub > Z"), people=["ann", "bob"],
              greeted=[])

    assert run.variables == {"people": ["ann", "bob"], "greeted": ["ann", "bob"]}


def test_message__thrown_reaches_the_other_pool(world: World) -> None:
    other = f'<startEvent id="B">{message()}</startEvent>' + nodes("userTask C") + flows("B > C")
    mine = nodes("startEvent S; userTask A") + throw("T", message()) + flows("S > T; T > A")
    first = f'<process id="p" isExecutable="true">{mine}</process>'
    second = f'<process id="q" isExecutable="true">{other}</process>'
    run = Run(world, definitions(MESSAGE, first, second))

    assert run.open() == "A"
    assert [key for _, key in world.instances()] == ["p", "q"]


def test_timer_start__begins_instances(world: World) -> None:
    start = f'<startEvent id="S">{timer("R3/PT1H", "timeCycle")}</startEvent>'
    world.deploy([("diagram.bpmn", process(start, nodes("userTask A"), flow="S > A"))])

    world.advance(5 * 3600)

    assert len(world.instances()) == 3


def test_default_flow__of_an_inclusive_gateway_only_when_nothing_else(world: World) -> None:
    gateway = '<inclusiveGateway id="G" default="G_C"/>'
    diagram = process(nodes("startEvent S; userTask A B C"), gateway, flow="S > G; G > A [${x}]; G > B [${y}]; G > C")

    assert Run(world, diagram, x=True, y=True).open() == "A B"
    assert Run(world, diagram, x=False, y=False).open() == "C"


def test_exclusive_gateway__nothing_holds_is_an_incident(world: World) -> None:
    diagram = process(nodes("startEvent S; exclusiveGateway G; userTask A"), flow="S > G; G > A [${x}]")
    run = Run(world, diagram, x=False)

    failure = world.failure(run.number)

    assert (failure is not None and failure[0], run.ended) == ("incident", False)


def test_event_sub_process__inside_an_event_sub_process(world: World) -> None:
    deepest = handler("I", message("n"), nodes("userTask C"), flow="I_start > C", interrupting=False)
    outer = handler("H", message("m"), nodes("userTask B"), deepest, flow="H_start > B")
    run = Run(world, process(nodes("startEvent S; userTask A"), outer, flow="S > A", root=MESSAGE))
    world.message("order", "key", {})

    world.message("cancel", "key", {})

    assert run.open() == "B C"


def test_save_points__go_on_by_themselves(world: World) -> None:
    saved = '<task id="A" camunda:asyncBefore="true" camunda:asyncAfter="true"/>'
    run = Run(world, process(nodes("startEvent S; userTask Z"), saved, flow="S > A; A > Z"))

    assert run.open() == "Z"


def test_complex_gateway__lets_late_tokens_pass_once(world: World) -> None:
    enough = "<activationCondition>${activationCount &gt;= 2}</activationCondition>"
    gateway = f'<complexGateway id="G">{enough}</complexGateway>'
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A B C Z"), gateway,
                             flow="S > F; F > A; F > B; F > C; A > G; B > G; C > G; G > Z"))

    assert run.complete("A") == "B C"
    assert run.complete("B") == "C Z"
    assert run.complete("C") == "Z"
    assert run.complete("Z") == ""
    assert run.ended


def test_complex_gateway__that_swallows_the_last_token_ends_its_level(world: World) -> None:
    first = "<activationCondition>${activationCount &gt;= 1}</activationCondition>"
    gateway = f'<complexGateway id="G">{first}</complexGateway>'
    inner = container("Sub", nodes("startEvent T; parallelGateway F; userTask A B Y"), gateway,
                      flow="T > F; F > A; F > B; A > G; B > G; G > Y")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, flow="S > Sub; Sub > Z"))
    assert run.complete("A") == "B Y"
    assert run.complete("Y") == "B"

    assert run.complete("B") == "Z"


def test_inclusive_join__fires_when_a_token_can_also_come_where_one_is(world: World) -> None:
    # C can still send its token to the way of A, which has one: by table 13.3 of the standard the join does not wait.
    run = Run(world, process(
        nodes("startEvent S; parallelGateway Split; exclusiveGateway Merge Choose; inclusiveGateway Join"),
        nodes("userTask A C Z"),
        flow="""S > Split; Split > A; Split > C; A > Merge; C > Choose; Choose > Merge [${x}]; Choose > Join [${!x}]
                Merge > Join; Join > Z"""), x=False)

    assert run.complete("A") == "C Z"


def test_inclusive_join__does_not_wait_for_a_token_behind_it(world: World) -> None:
    # Z leads back to the join, but only through the join itself could its token have come to the other flow.
    run = Run(world, process(
        nodes("startEvent S; parallelGateway Split; exclusiveGateway M More; inclusiveGateway Join; userTask A B Z E"),
        flow="""S > Split; Split > M; Split > B; M > A; A > Join; B > Join; Join > Z; Z > More
                More > M [${again}]; More > E [${!again}]"""))
    assert run.complete("A") == "B"
    assert run.complete("B") == "Z"
    assert run.complete("Z", again=True) == "A"

    assert run.complete("A") == "Z"
    assert run.complete("Z", again=False) == "E"


def test_tokens__two_at_one_element(world: World) -> None:
    run = Run(world, process(nodes("startEvent S; parallelGateway F; exclusiveGateway M; userTask A Z; endEvent E"),
                             flow="S > F; F > M; F > M; M > A; A > Z; Z > E").replace(
        b'<sequenceFlow id="F_M" sourceRef="F" targetRef="M"></sequenceFlow>',
        b'<sequenceFlow sourceRef="F" targetRef="M"/>'))

    assert run.open() == "A A"
    assert run.complete("A A Z") == "Z"
    assert not run.ended
    assert run.complete("Z") == ""
    assert run.ended


def test_service_tasks__the_first_one_done_ends_the_others(world: World) -> None:
    diagram = process(nodes("startEvent S; parallelGateway F; serviceTask A B C"), '<endEvent id="End">'
                      "<terminateEventDefinition/></endEvent>", flow="S > F; F > A; F > B; F > C; A > End")
    run = Run(world, diagram)

    assert run.ended


def test_signal__passes_by_who_begins_to_wait_after_it_was_thrown(world: World) -> None:
    throwing = nodes("startEvent S; userTask A; endEvent E") + '<callActivity id="C" calledElement="late"/>'
    late = nodes("startEvent B; endEvent End") + catch("W", SIGNALLED) + flows("B > W; W > End")
    world.deploy([("two.bpmn", definitions(
        SIGNAL,
        f'<process id="p" isExecutable="true">{throwing}{throw("T", SIGNALLED)}'
        f'{flows("S > A; A > T; T > C; C > E")}</process>',
        f'<process id="late" isExecutable="true">{late}</process>'))])
    waiting, thrower = world.start("late", {}), world.start("p", {})

    world.complete(world.open_tasks(thrower)[0][0], {})

    assert (world.ended(waiting), world.ended(thrower)) == (True, False)
