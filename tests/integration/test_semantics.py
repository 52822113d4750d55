"""What BPMN says of events that meet, worked out by hand; the random models do not draw these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from casepath.engine import history
from casepath.engine.database.models import Job, Subscription
from tests.diagrams import (
    COMPENSATE,
    ERROR,
    ESCALATION,
    MESSAGE,
    border,
    catch,
    compensable,
    condition,
    container,
    definitions,
    end,
    error,
    escalation,
    flows,
    handler,
    message,
    nodes,
    process,
    throw,
    timer,
)
from tests.each import each
from tests.running import Run
from tests.unit import dmn_files
from tests.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


def test_terminate__ends_all_branches(world: World) -> None:
    stop = end("T", "<terminateEventDefinition/>")
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A B"), stop,
                             flow="S > F; F > A; F > B; A > T"))

    assert run.complete("A") == ""
    assert run.ended


def test_event_sub_process__ends_its_level_and_the_outer_flow_goes_on(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; userTask A"), flow="T > A").replace(
        "</subProcess>", handler("H", message(), nodes("userTask B"), flow="H_start > B") + "</subProcess>")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, flow="S > Sub; Sub > Z", root=MESSAGE))

    world.message("order", "key", {})

    assert run.open() == "B"
    assert run.complete("B") == "Z"


def test_error__thrown_in_its_handler_goes_further_out(world: World) -> None:
    inside = handler("H", error("e"), nodes("userTask B"), end("Again", error("e")), flow="H_start > B; B > Again")
    inner = container("Sub", nodes("startEvent T; userTask A"), end("Fail", error("e")), inside, flow="T > A; A > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Out", "Sub", error("e")),
                             flow="S > Sub; Sub > Y; Out > Z", root=ERROR))

    assert run.complete("A") == "B"
    assert run.complete("B") == "Z"


def test_error__of_a_handler_is_caught_by_the_one_beside_it(world: World) -> None:
    beside = handler("E", error("e"), nodes("userTask R"), flow="E_start > R")
    fails = handler("H", message(), nodes("userTask B"), end("Fail", error("e")), flow="H_start > B; B > Fail",
                    interrupting=False)
    run = Run(world, process(nodes("startEvent S; userTask A"), fails, beside, flow="S > A", root=ERROR + MESSAGE))
    world.message("order", "key", {})

    assert run.complete("B") == "R"


def test_error__of_another_code_is_not_caught(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; userTask A"), end("Fail", error("f")), flow="T > A; A > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Out", "Sub", error("e")),
                             flow="S > Sub; Sub > Y; Out > Z", root=ERROR))

    assert run.complete("A") == ""
    assert world.failure(run.number) == ("error", "F1")
    assert run.ended
    with world.sessions() as session:
        thrown = [event.facts for event in history.events(session, run.number) if event.kind == "error.thrown"]
    assert thrown == [{"code": "F1"}]


def test_error__ends_all_rounds_of_a_multi_instance(world: World) -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    inner = container("Sub", loop, nodes("startEvent T; userTask A"), end("Fail", error("e")), flow="T > A; A > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Out", "Sub", error()),
                             flow="S > Sub; Sub > Y; Out > Z", root=ERROR))

    assert run.open() == "A A A"
    assert run.complete("A") == "Z"


def call(called: str, *elements: str, flow: str, root: str, inner: str) -> bytes:
    """A process that calls another one."""
    outer = nodes("startEvent S; userTask Y Z") + f'<callActivity id="C" calledElement="q">{called}</callActivity>'
    return definitions(
        root, f'<process id="p" isExecutable="true">{outer}{"".join(elements)}{flows(flow)}</process>',
        f'<process id="q" isExecutable="true">{inner}</process>',
    )


def test_error__of_a_called_process(world: World) -> None:
    inner = nodes("startEvent T; userTask A") + end("Fail", error("e")) + flows("T > A; A > Fail")
    run = Run(world, call("", border("Out", "C", error("e")), flow="S > C; C > Y; Out > Z", root=ERROR, inner=inner))

    assert run.open() == "A"
    assert run.complete("A") == "Z"


def test_escalation__of_a_called_process_goes_on(world: World) -> None:
    inner = nodes("startEvent T; userTask A B") + throw("Up", escalation()) + flows("T > A; A > Up; Up > B")
    run = Run(world, call("", border("Out", "C", escalation(), interrupting=False), flow="S > C; C > Y; Out > Z",
                          root=ESCALATION, inner=inner))

    assert run.complete("A") == "B Z"
    assert run.complete("B") == "Y Z"


def test_boundary__interrupting_a_call_ends_what_was_called(world: World) -> None:
    inner = nodes("startEvent T; userTask A") + flows("T > A")
    run = Run(world, call("", border("Out", "C", timer("PT5S")), flow="S > C; C > Y; Out > Z", root="", inner=inner))

    world.advance(5)

    assert run.open() == "Z"


def test_boundary__takes_back_all_that_waited_inside(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; parallelGateway F; userTask A"), catch("W", timer("PT1H")),
                      catch("M", message()), handler("H", message("n"), nodes("userTask B"), flow="H_start > B"),
                      border("L", "A", timer("PT2H")), nodes("userTask C"), flow="T > F; F > A; F > W; F > M; L > C")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, border("Out", "Sub", timer("PT5S")),
                             flow="S > Sub; Out > Z", root=MESSAGE))

    world.advance(5)

    with world.sessions.begin() as session:
        left = [session.scalar(select(func.count()).select_from(table)) for table in (Job, Subscription)]
    assert (run.open(), left) == ("Z", [0, 0])


def test_boundary__not_interrupting_outlives_its_activity(world: World) -> None:
    run = Run(world, process(nodes("startEvent S; userTask A B"), border("L", "A", timer("PT5S"), interrupting=False),
                             flow="S > A; L > B"))
    world.advance(5)

    assert run.complete("A") == "B"
    assert not run.ended
    assert run.complete("B") == ""
    assert run.ended


def test_conditional_boundary__fires_when_a_variable_changes(world: World) -> None:
    run = Run(world, process(nodes("startEvent S; userTask A Z"), border("Hot", "A", condition("${heat > 5}")),
                             flow="S > A; Hot > Z"), heat=1)
    before = run.open()

    world.set_variables(run.number, {"heat": 9})

    assert (before, run.open()) == ("A", "Z")


def test_conditional_event_sub_process__once_each_time_it_becomes_true(world: World) -> None:
    inside = handler("H", condition("${heat > 5}"), nodes("userTask B"), flow="H_start > B", interrupting=False)
    run = Run(world, process(nodes("startEvent S; userTask A"), inside, flow="S > A"), heat=1)

    for heat in (9, 10, 1, 7):
        world.set_variables(run.number, {"heat": heat})

    assert run.open() == "A B B"


def test_compensation__of_a_sub_process_that_is_done(world: World) -> None:
    inner = container("Sub", nodes("startEvent T"), compensable("A"), compensable("B"), flow="T > A; A > B")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, throw("Undo", COMPENSATE),
                             flow="S > Sub; Sub > Undo; Undo > Z"), undone=[])

    assert run.open() == "Z"
    assert run.variables["undone"] == ["B", "A"]


def test_compensation__of_one_activity(world: World) -> None:
    undo = '<compensateEventDefinition activityRef="A"/>'
    run = Run(world, process(nodes("startEvent S; userTask Z"), compensable("A"), compensable("B"), throw("Undo", undo),
                             flow="S > A; A > B; B > Undo; Undo > Z"), undone=[])

    assert (run.open(), run.variables["undone"]) == ("Z", ["A"])


def test_compensation__only_of_what_was_done(world: World) -> None:
    elements = nodes("startEvent S; exclusiveGateway G M; userTask Z") + throw("Undo", COMPENSATE)
    diagram = process(elements, compensable("A"), compensable("B"),
                      flow="S > G; G > A [${x}]; G > B [${!x}]; A > M; B > M; M > Undo; Undo > Z")
    run = Run(world, diagram, x=True, undone=[])

    assert run.variables["undone"] == ["A"]


def test_transaction__cancelled_is_compensated_and_left_by_its_boundary(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; userTask Q"), compensable("A"), end("No", "<cancelEventDefinition/>"),
                      flow="T > A; A > Q; Q > No", kind="transaction")
    cancelled = border("Out", "Sub", "<cancelEventDefinition/>")
    diagram = process(nodes("startEvent S; userTask Y Z"), inner, cancelled, flow="S > Sub; Sub > Y; Out > Z")
    run = Run(world, diagram, undone=[])

    assert run.complete("Q") == "Z"
    assert run.variables["undone"] == ["A"]


@each("sequential, first, votes", [
    ("false", 0, ["no", "yes"]), ("false", 1, ["yes", "no"]), ("true", 0, ["no", "yes"]),
])
def test_multi_instance__keeps_the_answers_of_all(world: World, sequential: str, first: int, votes: list[str]) -> None:
    rounds = f'<multiInstanceLoopCharacteristics isSequential="{sequential}"><loopCardinality>2</loopCardinality>'
    diagram = process(nodes("startEvent S; userTask B"),
                      f'<userTask id="A" camunda:formKey="f">{rounds}</multiInstanceLoopCharacteristics></userTask>',
                      flow="S > A; A > B")  # fmt: skip
    world.deploy([("p.bpmn", diagram), ("forms/f.form", b'{"components": [{"type": "textfield", "key": "vote"}]}')])
    instance = world.start("p", {})
    world.complete(world.open_tasks(instance)[first][0], {"vote": "no"})
    world.complete(world.open_tasks(instance)[0][0], {"vote": "yes"})

    assert world.variables(instance) == {"vote": "yes", "A_answers": [{"vote": each} for each in votes]}


TABLE = dmn_files.definitions(
    dmn_files.decision("grade", dmn_files.table(["amount: number"], ["grade"], '< 5 | "small"', '>= 5 | "large"'))
)
GRADED = process(
    '<startEvent id="Start"/>',
    '<businessRuleTask id="Rule" camunda:decisionRef="grade" camunda:resultVariable="found" '
    'camunda:mapDecisionResult="singleEntry"/>',
    '<userTask id="After"/>',
    flow="Start > Rule; Rule > After",
)


def test_decision__a_wrong_type_is_an_incident_that_says_so(world: World) -> None:
    world.deploy([("p.bpmn", GRADED), ("grade.dmn", TABLE)])
    number = world.start("p", {"amount": "seven"})

    failed = world.failure(number)
    assert failed is not None
    assert "Expected a number for input 'amount', but found another type" in failed[1]
    assert world.open_tasks(number) == []


def test_decision__what_is_not_there_is_null_and_matches_no_row(world: World) -> None:
    world.deploy([("p.bpmn", GRADED), ("grade.dmn", TABLE)])
    number = world.start("p", {})

    assert world.failure(number) is None
    assert world.variables(number)["found"] is None
