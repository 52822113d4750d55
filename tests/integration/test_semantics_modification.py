"""What moving tokens by hand leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from casepath.engine.bpmn.triggers import CancelActivity, Instruction, StartBefore
from casepath.engine.database.models import ActivityInstance, Incident
from casepath.engine.deployments import definitions
from casepath.engine.instances import migration_plans, process_instances
from tests.acting import PROGRAM
from tests.diagrams import COMPENSATE, border, compensable, container, nodes, process, throw, timer
from tests.playing import Play


@pytest.fixture
def world() -> Iterator[Play]:
    """The engine on a fresh SQLite database."""
    made = Play()
    yield made
    made.close()


def instances(*, sequential: bool = False, enough: str = "") -> str:
    """Return the characteristics of three instances."""
    condition = f"<completionCondition>{enough}</completionCondition>" if enough else ""
    return (f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}">'
            f"<loopCardinality>3</loopCardinality>{condition}</multiInstanceLoopCharacteristics>")  # fmt: skip


def modify(world: Play, instance: int, *instructions: Instruction) -> None:
    """Move tokens, and run what is due."""
    with world.sessions.begin() as session:
        process_instances.modify(session, instance, instructions, by=PROGRAM, reason="test")
    world.advance(0)


def cancel(world: Play, instance: int, element: str) -> CancelActivity:
    """Return the instruction to take the token away that came to an element last."""
    with world.sessions() as session:
        where = (ActivityInstance.process_instance_id == instance, ActivityInstance.element_id == element,
                 ActivityInstance.state == "active")  # fmt: skip
        numbers = session.scalars(select(ActivityInstance.number).where(*where)).all()
    return CancelActivity(activity_instance=max(numbers))


def test_move__of_the_only_token_into_sub_processes_that_were_not_open(world: Play) -> None:
    inner = container("In", nodes("startEvent U; userTask A B"), flow="U > A; A > B")
    outer = container("Sub", nodes("startEvent T; userTask X"), inner, border("Late", "In", timer("PT5S")),
                      flow="T > In; Late > X")  # fmt: skip
    instance = world.run(process(nodes("startEvent S; userTask Y Z"), outer, flow="S > Y; Y > Sub; Sub > Z"))

    modify(world, instance, cancel(world, instance, "Y"), StartBefore(element_id="B"))

    assert world.at(instance) == "B"
    world.advance(5)
    assert world.at(instance) == "X"
    world.do(instance, "X Z")
    assert world.ended(instance)


@pytest.mark.parametrize("sequential", [True, False])
def test_cancel__of_all_inside_takes_the_activity_away_without_completing_it(world: Play, sequential: bool) -> None:
    inner = container("Sub", instances(sequential=sequential), nodes("startEvent T; userTask A"), flow="T > A")
    instance = world.run(process(nodes("startEvent S; parallelGateway F; userTask Y Z"), inner,
                                 flow="S > F; F > Y; F > Sub; Sub > Z"))  # fmt: skip

    for _ in range(1 if sequential else 3):
        modify(world, instance, cancel(world, instance, "A"))

    assert world.at(instance) == "Y"
    world.do(instance, "Y")
    assert world.ended(instance)


def test_cancel__of_one_instance_counts_it_as_active_no_longer(world: Play) -> None:
    task = f'<userTask id="A">{instances(enough="${nrOfActiveInstances == 1}")}</userTask>'
    instance = world.run(process(nodes("startEvent S; userTask Z"), task, flow="S > A; A > Z"))
    modify(world, instance, cancel(world, instance, "A"))

    world.do(instance, "A")

    assert world.at(instance) == "Z"


def test_cancel__of_a_compensation_goes_on_with_the_one_before_it(world: Play) -> None:
    done = "".join(
        nodes(f"task {key}") + border(f"{key}_at", key, COMPENSATE)
        + f'<userTask id="Undo{key}" isForCompensation="true"/>'
        + f'<association id="{key}_to" sourceRef="{key}_at" targetRef="Undo{key}"/>' for key in "AB")  # fmt: skip
    instance = world.run(process(nodes("startEvent S; userTask Z"), done, throw("Back", COMPENSATE),
                                 flow="S > A; A > B; B > Back; Back > Z"))  # fmt: skip

    modify(world, instance, cancel(world, instance, "UndoB"))

    assert world.at(instance) == "UndoA"
    world.do(instance, "UndoA")
    assert world.at(instance) == "Z"


def test_migration__to_a_version_that_cannot_compensate_is_an_incident_at_the_throw(world: Play) -> None:
    ways = "S > A; A > Q; Q > Back; Back > Z"
    others = nodes("startEvent S; userTask Q Z") + throw("Back", COMPENSATE)
    instance = world.run(process(others, compensable("A"), flow=ways), undone=[])
    world.deploy([("diagram.bpmn", process(others, nodes("task A"), flow=ways))])
    with world.sessions.begin() as session:
        old = definitions.find(session, "process", "p", version=1)
        plan = migration_plans.draft(session, old.id, definitions.latest(session, "process", "p").id, {})
        migration_plans.execute(session, plan, instance, by=PROGRAM, reason="test")

    world.do(instance, "Q")

    assert world.failure(instance) == ("incident", "There is no element “A_undo”, or it is not meant for you.")


def stuck(world: Play, instance: int) -> list[str]:
    """Return the states of the incidents about an instance that nothing can move."""
    with world.sessions() as session:
        of_it = (Incident.process_instance_id == instance, Incident.kind == "stuck")
        return list(session.scalars(select(Incident.state).where(*of_it).order_by(Incident.id)))


@pytest.mark.parametrize("by_hand", ["moved on", "cancelled"])
def test_stuck__is_over_when_the_instance_moves_on_or_ends(world: Play, by_hand: str) -> None:
    join = process(nodes("startEvent S; parallelGateway F J; userTask A B C"),
                   flow="S > F; F > A; F > B; A > J; B > J; J > C")  # fmt: skip
    instance = world.run(join)
    world.do(instance, "A")
    modify(world, instance, cancel(world, instance, "B"))
    assert stuck(world, instance) == ["open"]

    if by_hand == "moved on":
        modify(world, instance, StartBefore(element_id="B"))
    else:
        world.cancel(instance)

    assert stuck(world, instance) == ["resolved"]
