"""What models of other tools say in their own way, executed as those who drew them mean it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from casepath.engine import deployments
from casepath.engine.database.models import Definition, Incident
from casepath.engine.deployments import definitions as deployed
from casepath.engine.instances import incidents
from tests.acting import PROGRAM
from tests.adapter import Refused
from tests.diagrams import ERROR, border, catch, container, definitions, end, error, nodes, process, throw, timer
from tests.each import each
from tests.playing import Play

FLOWABLE = 'xmlns:flowable="http://flowable.org/bpmn"'
ESCALATIONS = '<escalation id="x" escalationCode="X1"/><escalation id="any" name="any"/>'
CALL = nodes("startEvent S; userTask Z") + '<callActivity id="C" calledElement="child" {}/>'


@pytest.fixture
def world() -> Iterator[Play]:
    """The engine on a fresh SQLite database."""
    made = Play()
    yield made
    made.close()


def child(task: str) -> bytes:
    """A process to call."""
    return process(nodes(f"startEvent S; userTask {task}"), flow=f"S > {task}", key="child")


def calling(attributes: str) -> bytes:
    """A process that calls it."""
    return process(CALL.format(attributes), flow="S > C; C > Z")


def definition(world: Play) -> Definition:
    """The process `p` as it was deployed."""
    with world.sessions() as session:
        return deployed.latest(session, "process", "p")


def warned(world: Play, content: bytes) -> dict[str, str]:
    """Deploy a file; return what it is warned of, by the rule."""
    with world.sessions.begin() as session:
        result = deployments.deploy(session, {"p.bpmn": content}, name="test", by=PROGRAM)
    return {finding.code: finding.message for finding in result.warnings}


# -- calls -------------------------------------------------------------------------------------------------------------


@each(
    "binding, variables, expected",
    [
        ('version" camunda:calledElementVersion="${ver}', {"ver": 1}, "A"),
        ('version" camunda:calledElementVersion="${ver + 1}', {"ver": 1}, "B"),
        ('version" camunda:calledElementVersion="#{ver}', {"ver": "1"}, "A"),
        ('version" camunda:calledElementVersion="1', {}, "A"),
        ("latest", {}, "B"),
    ],
)
def test_call__of_a_version(binding: str, variables: dict[str, Any], expected: str) -> None:
    world = Play()
    for task in "AB":
        world.deploy([("child.bpmn", child(task))])

    instance = world.run(calling(f'camunda:calledElementBinding="{binding}"'), **variables)

    assert world.at(instance) == expected
    world.close()


def test_call__of_a_version_by_tag(world: Play) -> None:
    for task in "AB":
        content = child(task).replace(b"<process ", f'<process camunda:versionTag="tag {task}" '.encode())
        world.deploy([("child.bpmn", content)])

    bound = 'camunda:calledElementBinding="versionTag" camunda:calledElementVersionTag="tag ${letter}"'
    instance = world.run(calling(bound), letter="A")

    assert world.at(instance) == "A"


def test_call__of_a_version_that_is_no_number(world: Play) -> None:
    world.deploy([("child.bpmn", child("A"))])

    bound = 'camunda:calledElementBinding="version" camunda:calledElementVersion="${ver}"'
    instance = world.run(calling(bound), ver="newest")

    assert world.at(instance) == ""
    assert world.failure(instance) == ("incident", "Expected a whole number, but found 'newest'")


@each("attributes", [f'{FLOWABLE} flowable:sameDeployment="true"', 'camunda:calledElementBinding="deployment"'])
def test_call__of_the_same_deployment(attributes: str) -> None:
    world = Play()
    world.deploy([("child.bpmn", child("A")), ("p.bpmn", calling(attributes))])
    world.deploy([("child.bpmn", child("B"))])

    assert world.at(world.start("p", {})) == "A"
    world.close()


def test_call__of_the_same_deployment_where_its_file_came_unchanged(world: Play) -> None:
    bound = calling('camunda:calledElementBinding="deployment"')
    world.deploy([("child.bpmn", child("A")), ("p.bpmn", bound)])
    world.deploy([("child.bpmn", child("A")), ("p.bpmn", bound.replace(b'name="Z"', b'name="renamed"'))])
    world.deploy([("child.bpmn", child("B"))])

    assert world.at(world.start("p", {})) == "A"


def test_call__of_the_same_deployment_where_only_an_earlier_one_has_it(world: Play) -> None:
    world.deploy([("child.bpmn", child("A"))])

    instance = world.run(calling('camunda:calledElementBinding="deployment"'))

    assert world.at(instance) == ""
    expected = "There is no process definition “child”, or it is not meant for you."
    assert world.failure(instance) == ("incident", expected)


def test_call__of_a_process_whose_key_is_the_id_of_the_activity(world: Play) -> None:
    world.deploy([("child.bpmn", child("A"))])

    instance = world.run(calling("").replace(b'id="C"', b'id="child"').replace(b'"C"', b'"child"'))

    assert world.at(instance) == "A"


# -- events ------------------------------------------------------------------------------------------------------------


def test_cycle__in_the_flow_is_due_once(world: Play) -> None:
    waiting = catch("W", timer("R3/PT1H", "timeCycle"))
    instance = world.run(process(nodes("startEvent S; userTask A; endEvent E"), waiting, flow="S > W; W > A; A > E"))

    world.advance(5 * 3600)
    once = world.at(instance)
    world.do(instance, "A")

    assert once == "A"
    assert world.ended(instance)


def test_escalation__without_a_code_catches_every_one(world: Play) -> None:
    inside = container(
        "U", nodes("startEvent S1; userTask K"), throw("T", '<escalationEventDefinition escalationRef="x"/>'),
        flow="S1 > T; T > K",
    )  # fmt: skip
    caught = border("B", "U", '<escalationEventDefinition escalationRef="any"/>', interrupting=False)
    instance = world.run(
        process(nodes("startEvent S; userTask H"), inside, caught, flow="S > U; B > H", root=ESCALATIONS)
    )

    assert world.at(instance) == "H K"


def test_escalation__with_the_code_comes_first(world: Play) -> None:
    inside = container("U", nodes("startEvent S1"), end("T", '<escalationEventDefinition escalationRef="x"/>'),
                       flow="S1 > T")  # fmt: skip
    caught = [border(key, "U", f'<escalationEventDefinition escalationRef="{key}"/>') for key in ("any", "x")]
    file = process(nodes("startEvent S; userTask A X"), inside, *caught, flow="S > U; any > A; x > X",
                   root=ESCALATIONS)  # fmt: skip

    instance = world.run(file.replace(b'boundaryEvent id="', b'boundaryEvent id="at_').replace(
        b'sourceRef="any"', b'sourceRef="at_any"').replace(b'sourceRef="x"', b'sourceRef="at_x"'))  # fmt: skip

    assert world.at(instance) == "X"


@each("thrown, caught, expected", [("E9", "E9", "H"), ("E9", "e", ""), ("e", "E1", "H"), ("S", "S", "H")])
def test_error__that_no_element_declares_is_its_own_code(thrown: str, caught: str, expected: str) -> None:
    world = Play()
    inside = container("U", nodes("startEvent S1"), end("T", error(thrown)), flow="S1 > T")
    file = process(nodes("startEvent S; userTask H"), inside, border("B", "U", error(caught)), flow="S > U; B > H",
                   root=ERROR)  # fmt: skip

    assert world.at(world.run(file)) == expected
    world.close()


# -- expressions -------------------------------------------------------------------------------------------------------


@each("kind", ["serviceTask", "sendTask", "businessRuleTask"])
def test_expression__in_place_of_a_worker(kind: str) -> None:
    world = Play()
    evaluated = f'<{kind} id="X" camunda:expression="${{n + 1}}" camunda:resultVariable="r"/>'
    instance = world.run(process(nodes("startEvent S; userTask A"), evaluated, flow="S > X; X > A"), n=1)

    assert world.at(instance) == "A"
    assert world.variables(instance) == {"n": 1, "r": 2}
    world.close()


def test_expression__that_fails_is_an_incident(world: Play) -> None:
    evaluated = '<serviceTask id="X" camunda:expression="${n.name}" camunda:resultVariable="r"/>'
    instance = world.run(process(nodes("startEvent S; userTask A"), evaluated, flow="S > X; X > A"), n=1)

    assert world.at(instance) == ""
    assert world.failure(instance) is not None


def test_expression__of_java_is_refused(world: Play) -> None:
    evaluated = '<serviceTask id="X" camunda:expression="${bean.work(n)}"/>'

    with pytest.raises(Refused, match="Java is not executed"):
        world.run(process(nodes("startEvent S; userTask A"), evaluated, flow="S > X; X > A"))


@each("variables, expected", [({"a": True}, "A"), ({"a": False}, "B")])
def test_condition__behind_a_start_event(variables: dict[str, Any], expected: str) -> None:
    world = Play()
    file = process(nodes("startEvent S; userTask A B"), flow="S > A [${a}]; S > B [${!a}]")

    assert world.at(world.run(file, **variables)) == expected
    world.close()


def test_condition__behind_a_start_event_that_nothing_fits_is_an_incident(world: Play) -> None:
    instance = world.run(process(nodes("startEvent S; userTask A"), flow="S > A [${a}]"), a=False)

    assert world.at(instance) == ""
    assert world.failure(instance) is not None

    world.set_variables(instance, {"a": True})
    with world.sessions.begin() as session:
        for number in session.scalars(select(Incident.id)).all():
            incidents.resolve(session, number, by=PROGRAM)
    world.advance(0)

    assert world.at(instance) == "A"


# -- drawings ----------------------------------------------------------------------------------------------------------

BROKEN = nodes("startEvent S; endEvent E; userTask A") + '<scriptTask id="X" scriptFormat="groovy"><script>1</script>'
IN_WORDS = "<sequenceFlow id='f' sourceRef='S' targetRef='A'><conditionExpression>if he is happy</conditionExpression>"
DRAWN = {
    "condition in words": f"{nodes('startEvent S; userTask A')}{IN_WORDS}</sequenceFlow>",
    "script of a stranger": f"{BROKEN}</scriptTask>",
    "broken assignee": '<userTask id="A" camunda:assignee="${a b"/>',
    "two holders of extensions": '<dataObject id="d"><extensionElements/><extensionElements/></dataObject>',
    "no token to begin with": '<task id="A" startQuantity="0" completionQuantity="0"/>',
    "flow into nothing": "<sequenceFlow id='f' sourceRef='A' targetRef='B'/>",
    "the same id twice": nodes("task A A"),
    "Java": '<serviceTask id="A" camunda:class="a.B"/>',
    "unknown element": '<dragon id="A"/>',
    "number in words": '<task id="A" startQuantity="few"/>',
    "timer in words": f'<startEvent id="A">{timer("soon")}</startEvent>',
}


@each("content", list(DRAWN.values()))
def test_drawing__is_kept_whatever_is_in_it(content: str) -> None:
    world = Play()
    world.deploy([("drawing.bpmn", definitions(f'<process id="p" isExecutable="false">{content}</process>'))])

    found = definition(world)

    assert (found.key, found.executable) == ("p", False)
    world.close()


@each("content", [content for name, content in DRAWN.items() if name != "two holders of extensions"])
def test_process__that_says_nothing_and_cannot_be_executed_is_a_drawing(content: str) -> None:
    world = Play()
    warnings = warned(world, definitions(f'<process id="p">{content}</process>'))

    assert not definition(world).executable
    assert "cannot be executed and is kept as a drawing" in warnings["executable-unsaid"]
    with pytest.raises(Refused):
        world.deploy([("q.bpmn", definitions(f'<process id="q" isExecutable="true">{content}</process>'))])
    world.close()


def test_process__that_says_nothing_is_executed(world: Play) -> None:
    file = process(nodes("startEvent S; userTask A"), flow="S > A").replace(b' isExecutable="true"', b"")

    warnings = warned(world, file)

    assert "it is executed" in warnings["executable-unsaid"]
    assert world.at(world.start("p", {})) == "A"


def test_process__beside_one_that_is_a_drawing_is_executed(world: Play) -> None:
    sound = f'<process id="q" isExecutable="true">{nodes("userTask Q")}</process>'
    world.deploy([("both.bpmn", definitions(f'<process id="p" isExecutable="false">{DRAWN["Java"]}</process>', sound))])

    assert world.at(world.start("q", {})) == "Q"
    assert not definition(world).executable


def test_process__that_says_nothing_is_no_drawing_later(world: Play) -> None:
    """What it is was decided when it was deployed: instances that run lose nothing."""
    python = '<scriptTask id="X" scriptFormat="python"><script>n = 1</script></scriptTask>'
    file = process(nodes("startEvent S; userTask A"), python, flow="S > A; A > X").replace(b' isExecutable="true"', b"")
    instance = world.run(file)

    deployed.forget()

    assert definition(world).executable
    assert world.at(instance) == "A"


# -- decisions ---------------------------------------------------------------------------------------------------------

TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
id="d" name="d" namespace="urn:d"><decision id="price" name="price" camunda:versionTag="tag {0}">
<literalExpression><text>{0}</text></literalExpression></decision></definitions>"""


@each("binding, expected", [('version" camunda:decisionRefVersion="${n}', 1),
                            ('versionTag" camunda:decisionRefVersionTag="tag ${n}', 1), ("latest", 2)])  # fmt: skip
def test_decision__of_a_version(binding: str, expected: int) -> None:
    world = Play()
    for number in (1, 2):
        world.deploy([("price.dmn", TABLE.format(number).encode())])
    decide = (
        '<businessRuleTask id="D" camunda:decisionRef="price" camunda:resultVariable="r" '
        f'camunda:mapDecisionResult="singleEntry" camunda:decisionRefBinding="{binding}"/>'
    )

    instance = world.run(process(nodes("startEvent S; userTask A"), decide, flow="S > D; D > A"), n=1)

    assert world.variables(instance)["r"] == expected
    world.close()
