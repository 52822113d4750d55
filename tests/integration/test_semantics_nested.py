"""What BPMN says of loops, calls and sub-processes inside one another, worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.diagrams import (
    COMPENSATE,
    ERROR,
    ESCALATION,
    SIGNAL,
    SIGNALLED,
    border,
    catch,
    container,
    definitions,
    end,
    error,
    escalation,
    flows,
    handler,
    nodes,
    process,
    script,
    throw,
    timer,
)
from tests.each import each
from tests.running import Run
from tests.world import World

TERMINATE = "<terminateEventDefinition/>"
LINK = '<linkEventDefinition name="L"/>'


@dataclass(frozen=True, kw_only=True)
class Play:
    """A diagram, and what is open after each task that is completed in it."""

    diagram: bytes
    #: Open user tasks after the start.
    begins: str
    #: The task, what it is completed with, and what is open then.
    steps: tuple[tuple[str, Mapping[str, object], str], ...]
    variables: Mapping[str, object] = field(default_factory=dict)
    #: Variables of the process scope at last, where they matter.
    leaves: Mapping[str, object] | None = None


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


def instances(count: int, *, sequential: bool = False, enough: str = "") -> str:
    """Return the characteristics of a multi-instance activity."""
    condition = f"<completionCondition>{enough}</completionCondition>" if enough else ""
    return (f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}">'
            f"<loopCardinality>{count}</loopCardinality>{condition}</multiInstanceLoopCharacteristics>")


def calling(*elements: str, flow: str, called: str, root: str = "") -> bytes:
    """Return the process `p` with these elements, and the process `q` that it calls."""
    return definitions(root, *(
        f'<process id="{key}" isExecutable="true">{inside}</process>'
        for key, inside in (("p", "".join(elements) + flows(flow)), ("q", called))))


def behaving(*, interrupting: bool) -> bytes:
    """Return a process in which each of three rounds throws a signal that the border of their activity catches."""
    throws = ("<complexBehaviorDefinition><condition>${true}</condition>"
              f"<event>{SIGNALLED}</event></complexBehaviorDefinition></multi")
    rounds = instances(3).replace("</multi", throws).replace("isSequential", 'behavior="Complex" isSequential')
    return process(nodes("startEvent S; userTask R Z"), f'<userTask id="A">{rounds}</userTask>',
                   border("O", "A", SIGNALLED, interrupting=interrupting), flow="S > A; A > Z; O > R", root=SIGNAL)


UNDO = script("A_undo", "undone = undone + [1]").replace("<scriptTask", '<scriptTask isForCompensation="true"')
WHILE = "<standardLoopCharacteristics><loopCondition>${n &lt; 2}</loopCondition></standardLoopCharacteristics>"
PEOPLE = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
FAILING = (
    nodes("startEvent T; userTask A; exclusiveGateway G; endEvent N") + end("X", error("e"))
    + flows("T > A; A > G; G > X [${bad}]; G > N [${!bad}]")
)
MAPPED = (
    '<callActivity id="C" calledElement="q"><extensionElements><camunda:in source="a" target="x"/>'
    '<camunda:in sourceExpression="${a + 1}" target="y"/><camunda:out source="x" target="b"/>'
    "</extensionElements></callActivity>"
)

PLAYS = {
    "terminate ends only the process that was called": Play(
        diagram=calling(nodes("startEvent S; userTask Z"), '<callActivity id="C" calledElement="q"/>',
                        flow="S > C; C > Z",
                        called=nodes("startEvent T; parallelGateway F; userTask A B") + end("X", TERMINATE)
                        + flows("T > F; F > A; F > B; A > X")),
        begins="A B", steps=(("A", {}, "Z"),)),
    "terminate ends only its round": Play(
        diagram=process(nodes("startEvent S; userTask Z"), container(
            "Sub", instances(2), nodes("startEvent T; parallelGateway F; userTask A B"), end("X", TERMINATE),
            flow="T > F; F > A; F > B; A > X"), flow="S > Sub; Sub > Z"),
        begins="A A B B", steps=(("A", {}, "A B"), ("A", {}, "Z"))),
    "an error of one called process ends the others": Play(
        diagram=calling(nodes("startEvent S; userTask Y Z"), border("O", "C", error("e")),
                        f'<callActivity id="C" calledElement="q">{instances(3)}</callActivity>',
                        flow="S > C; C > Y; O > Z", called=FAILING, root=ERROR),
        begins="A A A", steps=(("A", {"bad": False}, "A A"), ("A", {"bad": True}, "Z"))),
    "a sub-process again while a condition holds": Play(
        diagram=process(nodes("startEvent S; userTask Z"), container(
            "Sub", WHILE, nodes("startEvent T; userTask A"), script("Add", "n = n + 1"), flow="T > A; A > Add"),
            flow="S > Sub; Sub > Z"),
        begins="A", steps=(("A", {}, "A"), ("A", {}, "Z")), variables={"n": 0}, leaves={"n": 2}),
    "compensation of each instance": Play(
        diagram=process(nodes("startEvent S; userTask Z"), f'<userTask id="A">{instances(2)}</userTask>', UNDO,
                        border("A_at", "A", COMPENSATE), throw("U", COMPENSATE),
                        '<association id="to" sourceRef="A_at" targetRef="A_undo" associationDirection="One"/>',
                        flow="S > A; A > U; U > Z"),
        begins="A A", steps=(("A", {}, "A"), ("A", {}, "Z")), variables={"undone": []}, leaves={"undone": [1, 1]}),
    "what each round throws to a border that does not interrupt": Play(
        diagram=behaving(interrupting=False),
        begins="A A A", steps=(("A", {}, "A A R"), ("A", {}, "A R R"), ("A", {}, "R R R Z"))),
    "what each round throws to a border that interrupts": Play(
        diagram=behaving(interrupting=True), begins="A A A", steps=(("A", {}, "R Z"),)),
    "a link inside a sub-process": Play(
        diagram=process(nodes("startEvent S; userTask Z"), container(
            "Sub", nodes("startEvent T; userTask A"), throw("O", LINK), catch("I", LINK), flow="T > O; I > A"),
            flow="S > Sub; Sub > Z"),
        begins="A", steps=(("A", {}, "Z"),)),
    "one instance after the other until it is enough": Play(
        diagram=process(nodes("startEvent S; userTask Z"), '<userTask id="A">' + instances(
            5, sequential=True, enough="${nrOfCompletedInstances == 2}") + "</userTask>", flow="S > A; A > Z"),
        begins="A", steps=(("A", {}, "A"), ("A", {}, "Z"))),
    "a signal that interrupts who throws it": Play(
        diagram=process(nodes("startEvent S; userTask Y Z"), container(
            "Sub", nodes("startEvent T; parallelGateway F; userTask A B C"), throw("X", SIGNALLED),
            flow="T > F; F > A; F > B; A > X; X > C"), border("O", "Sub", SIGNALLED),
            flow="S > Sub; Sub > Y; O > Z", root=SIGNAL),
        begins="A B", steps=(("A", {}, "Z"),)),
    "an escalation to a handler further out": Play(
        diagram=process(nodes("startEvent S; userTask Y"), container(
            "Sub", nodes("startEvent T; userTask A C"), throw("X", escalation()), flow="T > A; A > X; X > C"),
            handler("H", escalation(), nodes("userTask E"), flow="H_start > E", interrupting=False),
            flow="S > Sub; Sub > Y", root=ESCALATION),
        begins="A", steps=(("A", {}, "C E"), ("C", {}, "E Y"))),
    "a gateway that joins and splits": Play(
        diagram=process(nodes("startEvent S; parallelGateway F J; userTask A B C D"),
                        flow="S > F; F > A; F > B; A > J; B > J; J > C; J > D"),
        begins="A B", steps=(("A", {}, "B"), ("B", {}, "C D"))),
    "the element of a round stays in it": Play(
        diagram=process(nodes("startEvent S; userTask Z"), f'<userTask id="A">{PEOPLE}</userTask>',
                        flow="S > A; A > Z"),
        begins="A A", steps=(("A", {"person": "c"}, "A"),), variables={"people": ["a", "b"]},
        leaves={"people": ["a", "b"]}),
    "variables given to a called process and taken back": Play(
        diagram=calling(nodes("startEvent S; userTask Z"), MAPPED, flow="S > C; C > Z",
                        called=nodes("startEvent T; userTask A") + script("X", "x = x + y") + flows("T > A; A > X")),
        begins="A", steps=(("A", {}, "Z"),), variables={"a": 1}, leaves={"a": 1, "b": 3}),
}


@each("name", PLAYS)
def test_nested__as_the_standard_says(world: World, name: str) -> None:
    play = PLAYS[name]

    run = Run(world, play.diagram, "p", **play.variables)

    assert run.open() == play.begins
    for element, answers, expected in play.steps:
        assert run.complete(element, **answers) == expected
    assert play.leaves is None or run.variables == play.leaves


def test_event_sub_process__of_a_cycle(world: World) -> None:
    inside = handler("H", timer("R3/PT10S", "timeCycle"), nodes("userTask B"), flow="H_start > B", interrupting=False)
    run = Run(world, process(nodes("startEvent S; userTask A"), inside, flow="S > A"))

    world.advance(100)

    assert run.open() == "A B B B"


def test_boundary__of_a_multi_instance_is_one_for_all(world: World) -> None:
    late = border("L", "A", timer("PT5S"), interrupting=False)
    run = Run(world, process(nodes("startEvent S; userTask R"), f'<userTask id="A">{instances(3)}</userTask>', late,
                             flow="S > A; L > R"))

    world.advance(6)

    assert run.open() == "A A A R"
