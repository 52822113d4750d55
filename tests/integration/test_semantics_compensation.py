"""What is taken back of what was done inside others: event sub-processes, loops, transactions of several instances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.diagrams import (
    COMPENSATE,
    MESSAGE,
    SIGNAL,
    SIGNALLED,
    border,
    compensable,
    condition,
    container,
    end,
    error,
    handler,
    message,
    nodes,
    process,
    script,
    throw,
)
from tests.playing import Play

UNDO = nodes("task A") + border("A_at", "A", COMPENSATE) + '<association id="to" sourceRef="A_at" targetRef="U"/>'
BY_HAND = UNDO + '<userTask id="U" isForCompensation="true"/>'
NOTED = UNDO + script("U", "undone = undone + [n]").replace("<scriptTask", '<scriptTask isForCompensation="true"')
CANCEL = "<cancelEventDefinition/>"


@pytest.fixture
def world() -> Iterator[Play]:
    """The engine on a fresh SQLite database."""
    made = Play()
    yield made
    made.close()


def each(sequential: str = "false") -> str:
    """Return the characteristics of one instance for each of `things`."""
    return (f'<multiInstanceLoopCharacteristics isSequential="{sequential}" camunda:collection="things" '
            'camunda:elementVariable="n"/>')  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "undone"), [("", ["B", "A"]), ('activityRef="B"', ["B"]), ('activityRef="A"', ["A"])]
)
def test_event_sub_process__compensates_what_is_in_it_and_beside_it(
    world: Play, reference: str, undone: list[str]
) -> None:
    back = throw("Back", f"<compensateEventDefinition {reference}/>")
    inside = handler("H", message(), compensable("B"), back, nodes("userTask Z"),
                     flow="H_start > B; B > Back; Back > Z")  # fmt: skip
    instance = world.run(process(nodes("startEvent S; userTask Q"), compensable("A"), inside, flow="S > A; A > Q",
                                 root=MESSAGE), undone=[])  # fmt: skip

    world.message("order", "key", {})

    assert world.at(instance) == "Z"
    assert world.variables(instance)["undone"] == undone


def test_task__that_was_taken_back_is_not_taken_back_again(world: Play) -> None:
    back = throw("First", '<compensateEventDefinition activityRef="B"/>') + throw("Rest", COMPENSATE)
    instance = world.run(process(nodes("startEvent S; userTask Z"), compensable("A"), compensable("B"), back,
                                 flow="S > A; A > B; B > First; First > Rest; Rest > Z"), undone=[])  # fmt: skip

    assert world.variables(instance)["undone"] == ["B", "A"]


def test_compensation_event_sub_process__of_each_instance(world: Play) -> None:
    inside = handler("H", COMPENSATE, nodes("userTask HA"), throw("On", COMPENSATE), flow="H_start > HA; HA > On")
    sub = container("Sub", each(), nodes("startEvent T"), NOTED, inside, flow="T > A")
    instance = world.run(process(nodes("startEvent S; userTask Z"), sub, throw("Back", COMPENSATE),
                                 flow="S > Sub; Sub > Back; Back > Z"), things=[1, 2], undone=[])  # fmt: skip

    for expected in ([], [2]):
        assert world.variables(instance)["undone"] == expected
        world.do(instance, "HA")

    assert world.at(instance) == "Z"
    assert world.variables(instance)["undone"] == [2, 1]


def test_task__of_each_instance_is_taken_back_with_its_own_value(world: Play) -> None:
    several = NOTED.replace(nodes("task A"), f'<task id="A">{each()}</task>')
    instance = world.run(process(nodes("startEvent S; userTask Z"), several, throw("Back", COMPENSATE),
                                 flow="S > A; A > Back; Back > Z"), things=[1, 2, 3], undone=[])  # fmt: skip

    assert world.variables(instance)["undone"] == [3, 2, 1]


def test_sub_process__that_is_taken_back_gives_nothing_out_again(world: Play) -> None:
    counted = ('<extensionElements><camunda:inputOutput><camunda:outputParameter name="n">${n + 1}'
               "</camunda:outputParameter></camunda:inputOutput></extensionElements>")  # fmt: skip
    sub = container("Sub", counted, nodes("startEvent T"), compensable("A"), flow="T > A")
    instance = world.run(process(nodes("startEvent S; userTask Z"), sub, throw("Back", COMPENSATE),
                                 flow="S > Sub; Sub > Back; Back > Z"), n=0, undone=[])  # fmt: skip

    assert world.variables(instance) == {"n": 1, "undone": ["A"]}


def test_sub_process__that_is_taken_back_listens_to_nothing(world: Play) -> None:
    listens = handler("H", SIGNALLED, nodes("userTask HA"), flow="H_start > HA")
    sub = container("Sub", nodes("startEvent T"), BY_HAND, listens, flow="T > A")
    borders = border("Hot", "Sub", condition("${hot}")) + border("Any", "Sub", error())
    instance = world.run(process(nodes("startEvent S; userTask Y Z"), sub, borders, throw("Back", COMPENSATE),
                                 flow="S > Sub; Sub > Back; Back > Z; Hot > Y; Any > Y", root=SIGNAL),
                         hot=False)  # fmt: skip

    world.set_variables(instance, {"hot": True})
    world.signal("alarm", {})

    assert world.at(instance) == "U"
    world.do(instance, "U")
    assert world.at(instance) == "Z"


@pytest.mark.parametrize(("sequential", "undone"), [("false", [1, 2, 3]), ("true", [1, 2])])
def test_transaction__of_several_instances_is_cancelled_as_a_whole(
    world: Play, sequential: str, undone: list[int]
) -> None:
    inside = nodes("startEvent T; userTask Q; exclusiveGateway G; endEvent N") + end("X", CANCEL)
    booking = container("Tx", each(sequential), inside, NOTED,
                        flow="T > A; A > Q; Q > G; G > X [${stop}]; G > N [${!stop}]", kind="transaction")  # fmt: skip
    instance = world.run(process(nodes("startEvent S; userTask Y Z"), booking, border("Out", "Tx", CANCEL),
                                 flow="S > Tx; Tx > Y; Out > Z"), things=[1, 2, 3], undone=[])  # fmt: skip

    world.do(instance, "Q", stop=False)
    world.do(instance, "Q", stop=True)

    assert world.at(instance) == "Z"
    assert sorted(world.variables(instance)["undone"]) == undone  # type: ignore[call-overload]
    world.do(instance, "Z")
    assert world.ended(instance)
