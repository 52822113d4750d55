"""What fails stands still with an incident, leaves nothing half done, and goes on exactly once when it is retried."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest
from sqlalchemy import select

from casepath.engine.database.models import Incident
from casepath.engine.instances import incidents
from tests.acting import PROGRAM
from tests.diagrams import container, nodes, process, script, timer
from tests.each import each
from tests.playing import Play

COMPENSATE = "<compensateEventDefinition/>"


@pytest.fixture
def world() -> Iterator[Play]:
    """The engine on a fresh SQLite database."""
    made = Play()
    yield made
    made.close()


def failed(world: Play, instance: int) -> str:
    """Message of the incident of an instance; empty where there is none."""
    found = world.failure(instance)
    return found[1] if found else ""


def retry(world: Play, instance: int, **variables: object) -> None:
    """Set variables and have everything that failed tried again."""
    if variables:
        world.set_variables(instance, variables)
    with world.sessions.begin() as session:
        for number in session.scalars(select(Incident.id).where(Incident.state == "open")).all():
            incidents.resolve(session, number, by=PROGRAM)
    world.advance(0)


def with_inputs(kind: str, key: str, inner: str, *parameters: str, rest: str = "") -> str:
    """Return an activity with input and output parameters, written as `in x=${…}` and `out x=${…}`."""
    entries = ""
    for parameter in parameters:
        direction, _, text = parameter.partition(" ")
        name, _, value = text.partition("=")
        entries += f'<camunda:{direction}putParameter name="{name}">{value}</camunda:{direction}putParameter>'
    extension = f"<extensionElements><camunda:inputOutput>{entries}</camunda:inputOutput></extensionElements>"
    return f'<{kind} id="{key}" {inner}>{extension}{rest}</{kind}>'


def test_boundary_timer__that_cannot_be_computed_takes_the_task_back(world: Play) -> None:
    border = f'<boundaryEvent id="Late" attachedToRef="A">{timer("${limit}")}</boundaryEvent>'
    instance = world.run(process(nodes("startEvent S; userTask A B"), border, flow="S > A; A > B; Late > B"))
    assert "limit" in failed(world, instance)
    assert world.at(instance) == ""

    retry(world, instance, limit="PT1H")

    assert world.at(instance) == "A"
    world.advance(3600)
    assert world.at(instance) == "B"


def test_condition__that_fails_behind_an_activity_undoes_nothing_twice(world: Play) -> None:
    border = f'<boundaryEvent id="Undo" attachedToRef="A">{COMPENSATE}</boundaryEvent>'
    undo = '<userTask id="U" isForCompensation="true"/><association id="x" sourceRef="Undo" targetRef="U"/>'
    throw = f'<intermediateThrowEvent id="Back">{COMPENSATE}</intermediateThrowEvent>'
    ways = "S > A; A > Back [${way == 1}]; A > Z [${way == 2}]; Back > Z"
    instance = world.run(process(nodes("startEvent S; userTask A Z"), border, undo, throw, flow=ways))
    world.do(instance, "A")
    assert "way" in failed(world, instance)

    retry(world, instance, way=1)

    assert world.at(instance) == "U"
    world.do(instance, "U")
    assert world.at(instance) == "Z"


def conditional(text: str, language: str = "") -> str:
    """Return the flow from A to Z with a condition."""
    attribute = f'language="{language}"' if language else ""
    condition = f"<conditionExpression {attribute}>{escape(text)}</conditionExpression>"
    return f'<sequenceFlow id="way" sourceRef="A" targetRef="Z">{condition}</sequenceFlow>'


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("${way}", "", "Expected true or false, but found the text 'much'"),
        ("${way == 5}", "", "Expected two values of one kind to compare"),
        ("way > 1000", "feel", "Expected true or false, but found null, in way > 1000"),
        ("way", "feel", "Expected true or false, but found the text 'much'"),
    ],
)
def test_condition__of_a_wrong_type_is_an_incident_and_never_false(
    world: Play, text: str, language: str, found: str
) -> None:
    default = '<userTask id="A" default="A_Y"/>'
    diagram = process(nodes("startEvent S; userTask Y Z"), default, conditional(text, language), flow="S > A; A > Y")
    instance = world.run(diagram)

    world.do(instance, "A", way="much")

    assert found in failed(world, instance)


@pytest.mark.parametrize("text", ["skip == False", "not skip and note is None", "way in ['a', 'b'] and not skip"])
def test_condition__as_spiffworkflow_writes_it(world: Play, text: str) -> None:
    instance = world.run(process(nodes("startEvent S; userTask A Z"), conditional(text), flow="S > A"))

    world.do(instance, "A", skip=False, note=None, way="b")

    assert world.at(instance) == "Z"


def test_completion_condition__that_fails_counts_each_instance_once(world: Play) -> None:
    loop = ("<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality>"
            "<completionCondition>${nrOfCompletedInstances >= enough}</completionCondition>"
            "</multiInstanceLoopCharacteristics>")  # fmt: skip
    instance = world.run(process(nodes("startEvent S; userTask Z"), f'<userTask id="A">{loop}</userTask>',
                                 flow="S > A; A > Z"))  # fmt: skip
    world.do(instance, "A")
    assert "enough" in failed(world, instance)

    retry(world, instance, enough=2)

    assert world.at(instance) == "A A"
    world.do(instance, "A")
    assert world.at(instance) == "Z"


def test_output__that_fails_is_given_once_it_can_be(world: Play) -> None:
    task = with_inputs("userTask", "A", "", "out total=${price * 2}")
    instance = world.run(process(nodes("startEvent S; userTask Z"), task, flow="S > A; A > Z"))
    world.do(instance, "A")
    assert "price" in failed(world, instance)

    retry(world, instance, price=4)

    assert world.at(instance) == "Z"
    assert world.variables(instance) == {"price": 4, "total": 8}


def test_outputs__see_those_before_them(world: Play) -> None:
    task = with_inputs("userTask", "A", "", "out a=${1}", "out b=${a + 1}")
    instance = world.run(process(nodes("startEvent S; userTask Z"), task, flow="S > A; A > Z"))

    world.do(instance, "A")

    assert world.variables(instance) == {"a": 1, "b": 2}


def test_conditions_behind_an_activity__do_not_see_its_local_variables(world: Play) -> None:
    task = with_inputs("userTask", "A", "", "in x=${5}")
    ways = "S > A; A > Y [${x == 1}]; A > Z [${x == 5}]"
    instance = world.run(process(nodes("startEvent S; userTask Y Z"), task, flow=ways), x=1)

    world.do(instance, "A")

    assert world.at(instance) == "Y"


ODD = {
    ("camunda:priority", "camunda:dueDate", "camunda:followUpDate"):
        ["soon", [1], {"a": 1}, True, "Infinity", "1e400", 10**30, "P99999Y", "0001-01-01T00:00:00+14:00"],
    ("camunda:assignee", "camunda:candidateUsers", "camunda:candidateGroups", "camunda:formKey"):
        [1, ["a", 2], {"a": 1}, None, True, " , ", "x" * 300],
}  # fmt: skip


@each("attribute, value", [(name, value) for names, values in ODD.items() for name in names for value in values])
def test_attributes__of_odd_values_are_incidents_or_taken(world: Play, attribute: str, value: object) -> None:
    task = f'<userTask id="A" {attribute}="${{v}}"/>'

    instance = world.run(process(nodes("startEvent S"), task, flow="S > A"), v=value)

    assert bool(failed(world, instance)) != (world.at(instance) == "A")


@each("value", ["three", "\u00b2", -1, 1.5, [1], None, "1e400", 10**30, True])
def test_cardinality__of_odd_values_is_an_incident(world: Play, value: object) -> None:
    loop = (
        "<multiInstanceLoopCharacteristics><loopCardinality>${v}</loopCardinality></multiInstanceLoopCharacteristics>"
    )

    instance = world.run(process(nodes("startEvent S"), f'<userTask id="A">{loop}</userTask>', flow="S > A"), v=value)

    assert failed(world, instance)


@each("value", ["three", 3, None, True])
def test_collection__of_odd_values_is_an_incident(world: Play, value: object) -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="v" camunda:elementVariable="e"/>'

    instance = world.run(process(nodes("startEvent S"), f'<userTask id="A">{loop}</userTask>', flow="S > A"), v=value)

    assert failed(world, instance)


@each("value", ["soon", 3, None, True, [1], "R/PT0S", "P99999Y"])
@each("kind", ["timeDuration", "timeDate", "timeCycle"])
def test_timer__of_odd_values_is_an_incident(world: Play, kind: str, value: object) -> None:
    catch = f'<intermediateCatchEvent id="A">{timer("${v}", kind)}</intermediateCatchEvent>'

    instance = world.run(process(nodes("startEvent S"), catch, flow="S > A"), v=value)

    assert failed(world, instance)


@each(
    "attribute, value",
    [("camunda:assignee", None), ("camunda:assignee", ""), ("camunda:candidateUsers", None),
     ("camunda:candidateUsers", " , "), ("camunda:candidateGroups", ""), ("camunda:candidateGroups", [])],
)  # fmt: skip
def test_people__that_come_to_nobody_are_an_incident(world: Play, attribute: str, value: object) -> None:
    task = f'<userTask id="A" {attribute}="${{v}}"/>'

    instance = world.run(process(nodes("startEvent S"), task, flow="S > A"), v=value)

    assert (failed(world, instance), world.at(instance)) == ("Expected somebody who does A, but found nobody", "")


def test_called_element__that_names_nothing_is_an_incident(world: Play) -> None:
    call = '<callActivity id="C" calledElement="${v}"/>'
    instance = world.run(process(nodes("startEvent S; userTask Z"), call, flow="S > C; C > Z"), v=None)
    assert failed(world, instance)
    assert world.at(instance) == ""


def test_out_mapping__that_fails_does_not_call_again(world: Play) -> None:
    mapping = ('<extensionElements><camunda:in variables="all"/><camunda:out sourceExpression="${missing}" '
               'target="got"/></extensionElements>')  # fmt: skip
    called = f'<process id="q" isExecutable="true">{nodes("userTask Q")}</process>'
    call = f'<callActivity id="C" calledElement="q">{mapping}</callActivity>'
    instance = world.run(process(nodes("startEvent S; userTask Z"), call, flow="S > C; C > Z", root=called))
    world.do(instance, "Q")
    assert failed(world, instance)

    world.set_variables(instance, {"missing": 1})
    retry(world, instance)

    assert len(world.instances()) == 1
    assert world.at(instance) == ""


def test_failed_element__is_taken_away_with_its_incident(world: Play) -> None:
    broken = script("X", "y = nothing + 1")
    border = f'<boundaryEvent id="Late" attachedToRef="Sub">{timer("PT1H")}</boundaryEvent>'
    sub = container("Sub", nodes("startEvent I"), broken, flow="I > X")
    instance = world.run(process(nodes("startEvent S; userTask Z"), sub, border, flow="S > Sub; Sub > Z; Late > Z"))
    assert failed(world, instance)

    world.advance(3600)

    assert world.at(instance) == "Z"
    assert not failed(world, instance)


def test_timer_boundary__that_fails_for_good_leaves_no_incident_behind(world: Play) -> None:
    """The boundary's way fails for ever, but somebody completes the task."""
    border = f'<boundaryEvent id="Late" attachedToRef="A" cancelActivity="false">{timer("PT1H")}</boundaryEvent>'
    ways = "S > A; A > Z; Late > G; G > G2; G2 > G"
    instance = world.run(process(nodes("startEvent S; userTask A Z; exclusiveGateway G G2"), border, flow=ways))
    world.advance(36000)
    world.do(instance, "A")

    assert world.at(instance) == "Z"
