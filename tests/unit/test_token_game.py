"""The token game against what was worked out by hand from the standard, and its models against themselves."""

from __future__ import annotations

import pytest

from tests.adapter import NotWaiting, Refused
from tests.diagrams import container, nodes, process, script, timer
from tests.each import each
from tests.token_game import ReferenceWorld
from tests.token_game.models import generate
from tests.token_game.tournament import play_one


def run(content: bytes, **variables: object) -> tuple[ReferenceWorld, int]:
    world = ReferenceWorld()
    world.deploy([("diagram.bpmn", content)])
    instance = world.start("p", variables, "key")
    assert isinstance(instance, int)
    return world, instance


def open_elements(world: ReferenceWorld, instance: int) -> str:
    return " ".join(sorted(element for _, element, _ in world.open_tasks(instance)))


def complete(world: ReferenceWorld, instance: int, elements: str, **variables: object) -> str:
    """Complete tasks one after another; returns what is open then."""
    for element in elements.split():
        world.complete(next(number for number, at, _ in world.open_tasks(instance) if at == element), variables)
    return open_elements(world, instance)


NESTED = process(
    nodes("startEvent S; inclusiveGateway Split Join; exclusiveGateway Choose; userTask A B C D Z"),
    flow="""S > Split; Split > A [${a}]; Split > B [${b}]; A > Choose; Choose > C [${c}]; Choose > D [${!c}]
            C > Join; D > Join; B > Join; Join > Z""",
)


def test_inclusive_join__waits_for_a_token_before_an_inner_choice() -> None:
    world, instance = run(NESTED, a=True, b=True, c=True)

    assert complete(world, instance, "B") == "A"
    assert complete(world, instance, "A") == "C"
    assert complete(world, instance, "C") == "Z"


def test_inclusive_join__does_not_wait_for_a_way_not_taken() -> None:
    world, instance = run(NESTED, a=False, b=True, c=True)

    assert complete(world, instance, "B") == "Z"


def test_inclusive_join__fires_when_a_token_can_also_come_where_one_is() -> None:
    # C can still send its token to the way of A, which has one: by table 13.3 the join does not wait.
    diagram = process(
        nodes("startEvent S; parallelGateway Split; exclusiveGateway Merge Choose; inclusiveGateway Join"),
        nodes("userTask A C Z"),
        flow="""S > Split; Split > A; Split > C; A > Merge; C > Choose; Choose > Merge [${x}]; Choose > Join [${!x}]
                Merge > Join; Join > Z""",
    )
    world, instance = run(diagram, x=False)

    assert complete(world, instance, "A") == "C Z"


def test_parallel_join__counts_tokens_of_each_flow() -> None:
    diagram = process(
        nodes("startEvent S; parallelGateway Split Join; exclusiveGateway Merge; userTask A B C Z"),
        flow="S > Split; Split > A; Split > B; Split > C; A > Merge; B > Merge; Merge > Join; C > Join; Join > Z",
    )
    world, instance = run(diagram)

    assert complete(world, instance, "A B") == "C"
    assert complete(world, instance, "C") == "Z"
    assert complete(world, instance, "Z") == ""
    assert not world.ended(instance)


def test_terminate__ends_its_own_level_only() -> None:
    stop = '<endEvent id="Stop"><terminateEventDefinition/></endEvent>'
    inner = container("Sub", nodes("startEvent T; parallelGateway Split; userTask A B"), stop,
                      flow="T > Split; Split > A; Split > B; A > Stop")
    world, instance = run(process(nodes("startEvent S; userTask Z"), inner, flow="S > Sub; Sub > Z"))

    assert complete(world, instance, "A") == "Z"


def test_multi_instance__completion_condition_ends_the_others() -> None:
    enough = "<completionCondition>${nrOfCompletedInstances >= 2}</completionCondition>"
    inner = f"<loopCardinality>4</loopCardinality>{enough}"
    loop = f"<multiInstanceLoopCharacteristics>{inner}</multiInstanceLoopCharacteristics>"
    diagram = process(nodes("startEvent S; userTask Z"), f'<userTask id="A">{loop}</userTask>', flow="S > A; A > Z")
    world, instance = run(diagram)

    assert open_elements(world, instance) == "A A A A"
    assert complete(world, instance, "A A") == "Z"


def test_boundary_timer__not_interrupting_adds_a_token() -> None:
    cycle = timer("R2/PT10S", "timeCycle")
    late = f'<boundaryEvent id="Late" attachedToRef="A" cancelActivity="false">{cycle}</boundaryEvent>'
    world, instance = run(process(nodes("startEvent S; userTask A R; endEvent E"), late, flow="S > A; A > E; Late > R"))

    world.advance(35)

    assert open_elements(world, instance) == "A R R"


def test_event_sub_process__interrupts_its_level() -> None:
    told = '<startEvent id="Told"><messageEventDefinition messageRef="m"/></startEvent>'
    handler = container("Handle", told, nodes("userTask H"), flow="Told > H", triggeredByEvent="true")
    world, instance = run(process(nodes("startEvent S; userTask A"), handler, flow="S > A",
                                  root='<message id="m" name="stop"/>'))

    world.message("stop", "key", {"why": "rain"})

    assert open_elements(world, instance) == "H"
    assert world.variables(instance) == {"why": "rain"}
    with pytest.raises(NotWaiting):
        world.message("stop", "key", {})


def test_error__goes_to_the_nearest_catch() -> None:
    fail = '<endEvent id="Fail"><errorEventDefinition errorRef="e"/></endEvent>'
    catch = '<boundaryEvent id="Catch" attachedToRef="Sub"><errorEventDefinition errorRef="e"/></boundaryEvent>'
    inner = container("Sub", nodes("startEvent T; userTask A"), fail, flow="T > A; A > Fail")
    world, instance = run(process(nodes("startEvent S; userTask Y Z"), inner, catch, flow="S > Sub; Sub > Y; Catch > Z",
                                  root='<error id="e" errorCode="E1"/>'))

    assert complete(world, instance, "A") == "Z"


def test_variables__input_is_local_output_goes_up() -> None:
    mapping = ('<camunda:inputParameter name="n">${m + 1}</camunda:inputParameter>'
               '<camunda:outputParameter name="r">${n * 2}</camunda:outputParameter>')
    extensions = f"<extensionElements><camunda:inputOutput>{mapping}</camunda:inputOutput></extensionElements>"
    diagram = process(nodes("startEvent S"), f'<userTask id="A">{extensions}</userTask>', flow="S > A")
    world, instance = run(diagram, m=4)

    complete(world, instance, "A", n=10)

    assert world.variables(instance) == {"m": 4, "r": 20}


def test_script__counts_a_loop() -> None:
    diagram = process(
        nodes("startEvent S; exclusiveGateway Again Enough; endEvent E"), script("Add", "n = n + 1"),
        flow="S > Again; Again > Add; Add > Enough; Enough > Again [${n < 5}]; Enough > E [${n >= 5}]",
    )
    world, instance = run(diagram, n=0)

    assert (world.ended(instance), world.variables(instance)) == (True, {"n": 5})


def test_unknown_construct__is_refused() -> None:
    with pytest.raises(Refused, match="adHocSubProcess"):
        run(process(nodes("startEvent S"), container("Loose", nodes("userTask A"), kind="adHocSubProcess")))


@each("first", range(0, 300, 50))
def test_models__are_sound_in_every_spelling(first: int) -> None:
    results = [play_one(seed, ReferenceWorld(), restart=0) for seed in range(first, first + 50)]

    assert {result.verdict for result in results} <= {"same", "ambiguous"}


def test_models__have_5_to_100_nodes() -> None:
    sizes = [generate(seed).size for seed in range(100)]

    assert min(sizes) < 8
    assert 60 < max(sizes) < 140
