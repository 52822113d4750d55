"""What Camunda 7 adds to the standard, or decides where it is open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from casepath.engine import errors
from tests.diagrams import ERROR, MESSAGE, SIGNAL, SIGNALLED, border, catch, message, nodes, process, throw, timer
from tests.playing import Play

WATCHED = (
    '<conditionalEventDefinition camunda:variableName="n" camunda:variableEvents="{}">'
    "<condition>${{n &gt; 3 || other}}</condition></conditionalEventDefinition>"
)


@pytest.fixture
def world() -> Iterator[Play]:
    """The engine on a fresh SQLite database."""
    made = Play()
    yield made
    made.close()


def test_condition__is_looked_at_when_its_variable_changes(world: Play) -> None:
    watched = border("Hot", "A", WATCHED.format("create, update"))
    instance = world.run(process(nodes("startEvent S; userTask A Z"), watched, flow="S > A; Hot > Z"), n=1, other=False)

    world.set_variables(instance, {"other": True})
    before = world.at(instance)
    world.set_variables(instance, {"n": 2})

    assert (before, world.at(instance)) == ("A", "Z")


def test_condition__is_looked_at_when_its_variable_is_made(world: Play) -> None:
    watched = border("Hot", "A", WATCHED.format("create"), interrupting=False)
    instance = world.run(process(nodes("startEvent S; userTask A Z"), watched, flow="S > A; Hot > Z"), other=False)

    for n in (5, 1, 7):
        world.set_variables(instance, {"n": n})

    assert world.at(instance) == "A Z"


@pytest.mark.parametrize("event", [message(), SIGNALLED, timer("PT1H")], ids=["message", "signal", "timer"])
def test_start_by_hand__begins_at_the_only_start_event(world: Play, event: str) -> None:
    start = f'<startEvent id="S">{event}</startEvent>'

    instance = world.run(process(start, nodes("userTask A"), flow="S > A", root=MESSAGE + SIGNAL))

    assert world.at(instance) == "A"


def test_start_by_hand__takes_no_choice_between_messages(world: Play) -> None:
    starts = "".join(f'<startEvent id="{key}">{message(key)}</startEvent>' for key in "mn")
    diagram = process(starts.replace('id="m"', 'id="M"').replace('id="n"', 'id="N"'), nodes("userTask A B"),
                      flow="M > A; N > B", root=MESSAGE)  # fmt: skip

    with pytest.raises(errors.InvalidInput, match="M, N"):
        world.run(diagram)


def test_data_object__of_a_process_begins_with_its_value(world: Play) -> None:
    five = "<extensionElements><camunda:value>5</camunda:value></extensionElements>"
    values = "".join(f'<dataObject id="{name}_object" name="{name}">{five}</dataObject>' for name in ("limit", "rate"))

    instance = world.run(process(values, nodes("startEvent S; userTask A"), flow="S > A"), rate=7)

    assert world.variables(instance) == {"limit": "5", "rate": 7}


def test_mappings__of_events(world: Play) -> None:
    taken = '<camunda:inputOutput><camunda:outputParameter name="got">${v + 1}</camunda:outputParameter>'
    given = '<camunda:inputOutput><camunda:inputParameter name="x">${got * 2}</camunda:inputParameter>'
    payload = '<camunda:in source="x" target="v"/>'
    receives = catch("C", f"<extensionElements>{taken}</camunda:inputOutput></extensionElements>{message()}")
    sends = throw("X", f"<extensionElements>{given}</camunda:inputOutput></extensionElements>"
                  f'<messageEventDefinition messageRef="n"><extensionElements>{payload}</extensionElements>'
                  "</messageEventDefinition>")  # fmt: skip
    waits = catch("D", message("n"))
    diagram = process(nodes("startEvent S; parallelGateway F; userTask Z"), receives, sends, waits,
                      flow="S > F; F > C; F > D; C > X; X > Z; D > Z", root=MESSAGE)  # fmt: skip
    instance = world.run(diagram)

    world.message("order", "key", {"v": 1})

    assert world.at(instance) == "Z Z"
    assert world.variables(instance) == {"v": 4, "got": 2}


def test_save_points__at_joins_leave_nothing_stuck(world: Play) -> None:
    saved = "".join(f'<parallelGateway id="{key}" camunda:asyncBefore="true" camunda:asyncAfter="true"/>'
                    for key in "FJ")  # fmt: skip
    instance = world.run(process(nodes("startEvent S; userTask A B Z"), saved,
                                 flow="S > F; F > A; F > B; A > J; B > J; J > Z"))  # fmt: skip

    world.do(instance, "A B Z")

    assert world.ended(instance)


def test_save_point__of_an_inclusive_split_is_passed_once(world: Play) -> None:
    gateways = '<inclusiveGateway id="O" camunda:asyncBefore="true"/><inclusiveGateway id="J"/>'
    instance = world.run(process(nodes("startEvent S; userTask A B Z"), gateways,
                                 flow="S > O; O > A [${x}]; O > B [${x}]; A > J; B > J; J > Z"), x=True)  # fmt: skip

    assert world.at(instance) == "A B"
    world.do(instance, "A B Z")
    assert world.ended(instance)


@pytest.mark.parametrize(("stock", "expected", "why"), [(0, "Z", {"why": "0 left"}), (5, "Y", {})])
def test_result__that_means_an_error(world: Play, stock: int, expected: str, why: dict[str, object]) -> None:
    mapped = "".join(f'<camunda:errorEventDefinition errorRef="{key}" expression="${{stock {sign} 0}}"/>'
                     for key, sign in (("f", "&lt;"), ("e", "==")))  # fmt: skip
    work = (f'<serviceTask id="A" camunda:type="external" camunda:topic="t"><extensionElements>{mapped}'
            "</extensionElements></serviceTask>")  # fmt: skip
    caught = '<errorEventDefinition errorRef="e" camunda:errorMessageVariable="why"/>'
    said = ERROR.replace('errorCode="E1"', 'errorCode="E1" camunda:errorMessage="${stock} left"')

    # Whoever does the work in this world gives nothing back: what counts are the variables there are.
    instance = world.run(process(nodes("startEvent S; userTask Y Z"), work, border("Out", "A", caught),
                                 flow="S > A; A > Y; Out > Z", root=said), stock=stock)  # fmt: skip

    assert world.at(instance) == expected
    assert world.variables(instance) == {"stock": stock, **why}
