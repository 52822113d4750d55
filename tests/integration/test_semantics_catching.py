"""Which event catches what is thrown: the one for just this code, and none that an interruption has put to rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from casepath.engine.database.models import ActivityInstance, Incident, Job
from tests.diagrams import (
    ERROR,
    SIGNAL,
    SIGNALLED,
    border,
    catch,
    condition,
    container,
    end,
    error,
    handler,
    nodes,
    process,
    throw,
    timer,
)
from tests.each import each
from tests.running import Run
from tests.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


@pytest.mark.parametrize("order", [("Any", "Just"), ("Just", "Any")])
def test_error__on_a_border_goes_to_the_event_with_its_code(world: World, order: tuple[str, str]) -> None:
    inner = container("Sub", nodes("startEvent T"), end("Fail", error("e")), flow="T > Fail")
    events = {"Any": border("Any", "Sub", error()), "Just": border("Just", "Sub", error("e"))}
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, *(events[key] for key in order),
                             flow="S > Sub; Any > Y; Just > Z", root=ERROR))

    assert run.open() == "Z"


@pytest.mark.parametrize("order", [("Any", "Just"), ("Just", "Any")])
def test_error__beside_event_sub_processes_goes_to_the_one_with_its_code(world: World, order: tuple[str, str]) -> None:
    inside = {
        "Any": handler("Any", error(), nodes("userTask Y"), flow="Any_start > Y"),
        "Just": handler("Just", error("e"), nodes("userTask Z"), flow="Just_start > Z"),
    }
    run = Run(world, process(nodes("startEvent S"), end("Fail", error("e")), *(inside[key] for key in order),
                             flow="S > Fail", root=ERROR))

    assert run.open() == "Z"


def test_error__of_another_code_goes_to_the_event_for_all(world: World) -> None:
    inner = container("Sub", nodes("startEvent T"), end("Fail", error("f")), flow="T > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Just", "Sub", error("e")),
                             border("Any", "Sub", error()), flow="S > Sub; Any > Y; Just > Z", root=ERROR))

    assert run.open() == "Y"


def test_event__that_needs_a_signal_and_a_condition(world: World) -> None:
    both = catch("C", SIGNALLED + condition("${heat > 5}")).replace(' id="C"', ' id="C" parallelMultiple="true"')
    run = Run(world, process(nodes("startEvent S; userTask A"), both, flow="S > C; C > A", root=SIGNAL), heat=1)

    world.signal("alarm", {})

    assert run.open() == ""
    world.set_variables(run.number, {"heat": 9})
    assert run.open() == "A"


@pytest.mark.parametrize(("listens", "kinds"), [(False, ["stuck"]), (True, [])])
def test_join__that_waits_in_vain_unless_something_may_still_come(
    world: World, listens: bool, kinds: list[str]
) -> None:
    inside = handler("H", SIGNALLED, nodes("userTask B"), flow="H_start > B", interrupting=False) if listens else ""
    run = Run(world, process(nodes("startEvent S; exclusiveGateway X; parallelGateway J; task L R"), inside,
                             flow="S > X; X > L [${true}]; X > R [${false}]; L > J; R > J", root=SIGNAL))

    with world.sessions() as session:
        found = session.scalars(select(Incident.kind).where(Incident.process_instance_id == run.number)).all()
    assert found == kinds


def test_event_sub_process__that_has_interrupted_does_not_start_again(world: World) -> None:
    inside = handler("H", condition("${heat > 5}"), nodes("userTask B"), flow="H_start > B")
    run = Run(world, process(nodes("startEvent S; userTask A"), inside, flow="S > A"), heat=1)

    for heat in (9, 1, 9):
        world.set_variables(run.number, {"heat": heat})

    assert run.open() == "B"


def test_event_sub_process__one_of_two_that_interrupt_at_the_same_signal(world: World) -> None:
    handlers = [handler(key, SIGNALLED, nodes(f"userTask {key}_task"), flow=f"{key}_start > {key}_task")
                for key in ("G", "H")]  # fmt: skip
    run = Run(world, process(nodes("startEvent S; userTask A"), throw("Alarm", SIGNALLED), *handlers,
                             flow="S > A; A > Alarm", root=SIGNAL))

    run.complete("A")

    with world.sessions.begin() as session:
        started = select(ActivityInstance.element_id).where(ActivityInstance.element_id.in_(["G", "H"]))
        assert len(session.scalars(started).all()) == 1


def test_event_sub_process__of_an_interrupted_scope_catches_no_error_of_another(world: World) -> None:
    first = handler("G", error("e"), nodes("userTask B"), end("Again", error("f")), flow="G_start > B; B > Again")
    second = handler("H", error("f"), nodes("userTask Z"), flow="H_start > Z")
    run = Run(world, process(nodes("startEvent S"), end("Fail", error("e")), first, second,
                             flow="S > Fail", root=ERROR))

    assert run.complete("B") == ""
    assert run.ended


DEALER = b'{"zone": "Asia/Shanghai", "hours": {"mon-fri": [["09:00", "18:00"]]}}'
CLOSING = datetime(2026, 11, 30, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 29, 16, tzinfo=UTC)


@each(
    "element, expected",
    [
        (nodes("userTask A") + border("T", "A", timer("${day}", "timeDate"), interrupting=False), CLOSING),
        (nodes("userTask A") + border("T", "A", timer("2026-11-30", "timeDate")), CLOSING),
        (nodes("userTask A") + border("T", "A", timer("2026-11-30T00:00", "timeDate")), MIDNIGHT),
        (catch("A", timer("${day}", "timeDate")), MIDNIGHT),
        (catch("A", timer("2026-11-30", "timeDate")), MIDNIGHT),
    ],
)
def test_timer__of_a_date_leaves_the_activity_on_whose_border_it_stands_that_day(
    world: World, element: str, expected: datetime
) -> None:
    world.deploy([("calendar.json", DEALER), ("p.bpmn", process(nodes("startEvent S"), element, flow="S > A"))])
    instance = world.start("p", {"day": date(2026, 11, 30)}, "K")

    with world.sessions.begin() as session:
        due = session.scalars(select(Job.due_at).where(Job.process_instance_id == instance)).one()
    assert due == expected
