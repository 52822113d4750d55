"""History is complete: the recorded inputs, played on an empty database, give the same instance again."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from engine import clock, database, definitions, external_tasks, process_instances
from engine.external_tasks import Topic
from engine.triggers import CancelActivity, Instruction, StartAfter, StartBefore
from tests import database as databases
from tests.diagrams import container, nodes, process, script, timer
from tests.replaying import copy_deployments, picture, replay
from tests.token_game.tournament import play_one
from tests.world import World

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
Same = Callable[[World], int]


@contextmanager
def kept(world: World) -> Iterator[World]:
    """Close a world after it was looked at."""
    try:
        yield world
    finally:
        world.close()


@pytest.fixture
def instances_that_replay(sqlite_template: Path, tmp_path: Path) -> Iterator[Same]:
    """Compares every instance of a world with its replay on an empty database; returns how many there were."""

    def compare(world: World) -> int:
        connected = database.connect(databases.copy_file(sqlite_template, tmp_path / "copy.db"))
        target = database.sessions(connected)
        copy_deployments(world.sessions, target)
        compared = 0
        for root, _ in world.instances():
            for number, copy in replay(world.sessions, target, root).items():
                assert picture(target, copy) == picture(world.sessions, number)
                compared += 1
        connected.dispose()
        definitions.forget()
        return compared

    yield compare
    clock.reset()


@pytest.mark.parametrize("seed", range(5000, 5030))
def test_replay__random_model(seed: int, instances_that_replay: Same) -> None:
    with kept(World()) as world:
        play_one(seed, world, restart=0.0)

        assert instances_that_replay(world) >= 2


def test_replay__work_of_workers_and_repair_by_hand(instances_that_replay: Same) -> None:
    mail = '<serviceTask id="Mail" camunda:type="external" camunda:topic="mail"/>'
    caught = '<boundaryEvent id="NoMail" attachedToRef="Mail"><errorEventDefinition errorRef="e"/></boundaryEvent>'
    hourly = timer("R3/PT1H", "timeCycle")
    late = f'<boundaryEvent id="Late" attachedToRef="A" cancelActivity="false">{hourly}</boundaryEvent>'
    inner = container("Sub", nodes("startEvent T; userTask B C"), script("Add", "n = n + 1"),
                      flow="T > B; B > Add; Add > C")
    diagram = process(
        nodes("startEvent S; userTask A Note; endEvent E"), mail, caught, late, inner,
        flow="S > A; A > Mail; Mail > Sub; NoMail > Note; Note > Sub; Sub > E; Late > Note",
        root='<error id="e" errorCode="NO_MAIL"/>',
    )
    with kept(World()) as world:
        world.deploy([("mail.bpmn", diagram)])
        number = world.start("p", {"n": 1}, "key")
        world.advance(2 * 3600)
        world.set_variables(number, {"n": 10})
        with world.sessions.begin() as session:
            process_instances.suspend(session, number, by="ann", reason="look")
            process_instances.resume(session, number, by="ann", reason="looked")
            skip: list[Instruction] = [StartBefore(element_id="Mail"), CancelActivity(activity_instance=2)]
            process_instances.modify(session, number, skip, by="ann", reason="skip")
            topics = [Topic(name="mail", lock_for=timedelta(minutes=1))]
            [task] = external_tasks.fetch_and_lock(session, topics, worker_id="w", limit=1)
            external_tasks.fail(session, task.id, worker_id="w", message="away", details="", retries=2,
                                retry_in=timedelta(0))
            [task] = external_tasks.fetch_and_lock(session, topics, worker_id="w", limit=1)
            external_tasks.throw_error(session, task.id, worker_id="w", error_code="NO_MAIL", message="gone",
                                       variables={"gone": True})
            process_instances.modify(session, number, [StartAfter(element_id="B")], by="ann", reason="again")
        for task_id, _, _ in world.open_tasks(number):
            world.complete(task_id, {"done": True})

        assert instances_that_replay(world) == 1


@pytest.mark.skipif(not FOLDER.exists(), reason="the folder with conformance tests is not there")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_replay__conformance_tests(instances_that_replay: Same, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    runner = importlib.import_module("run_betsy")
    monkeypatch.setattr(World, "close", lambda world: None)
    worlds: list[World] = []

    def make() -> World:
        worlds.append(World())
        return worlds[-1]

    for test in json.loads((FOLDER / "betsy_execute.json").read_text())["tests"]:
        for each in test["cases"]:
            short = {**each, "steps": [{**step, "ms": min(step.get("ms", 0), 3000)} for step in each["steps"]]}
            runner.run_case(make, str(FOLDER / test["bpmn_path"]), short, None)
    monkeypatch.undo()
    sys.path_importer_cache.pop(str(FOLDER), None)

    compared = 0
    for world in worlds:
        with kept(world):
            compared += instances_that_replay(world)

    assert compared > 100
