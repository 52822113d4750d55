"""Elements that were written for plain SpiffWorkflow, as `docs/extensions.md` shows them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from casepath.engine import deployments, errors, settings
from tests import extending
from tests.adapter import Refused
from tests.running import complete, open_elements
from tests.world import World

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extensions.md").read_text(encoding="utf-8")
PROGRAM = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
DIAGRAM = re.findall(r"```xml\n(.*?)```", PAGE, re.DOTALL)[0].encode()


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database; without extensions afterwards."""
    made = World()
    yield made
    made.close()
    settings.current.extensions = ()


@pytest.fixture
def stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the module that the documentation shows."""
    (tmp_path / "stamps.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "stamps"
    sys.modules.pop("stamps", None)


def test_extension__does_its_work_unmodified(world: World, stamps: str) -> None:
    deployments.use_extensions((stamps,))
    world.deploy([("complaint.bpmn", DIAGRAM)])

    instance = world.start("complaint", {"number": 7})

    assert open_elements(world, instance) == ["filed"]
    assert world.variables(instance) == {"number": 7, "stamps": ["received 7"]}
    world.restart()
    complete(world, instance, "filed")
    assert world.ended(instance)


def test_extension__the_same_module_on_plain_spiffworkflow(stamps: str) -> None:
    classes = importlib.import_module(stamps).OVERRIDE_PARSER_CLASSES
    parser = type("Parser", (BpmnParser,), {"OVERRIDE_PARSER_CLASSES": classes})()
    parser.add_bpmn_io(BytesIO(DIAGRAM))
    workflow = BpmnWorkflow(parser.get_spec("complaint"))
    workflow.get_next_task(state=TaskState.READY).data["number"] = 7

    workflow.do_engine_steps()

    (task,) = workflow.get_tasks(state=TaskState.READY, manual=True)
    assert task.data["stamps"] == ["received 7"]


def test_extension__is_unknown_without_its_module(world: World) -> None:
    with pytest.raises(Refused):
        world.deploy([("complaint.bpmn", DIAGRAM)])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("failing", "X: ValueError: no ink"),
        ("reluctant", "X: ValueError: not ready"),
        ("sleeping", "Expected X to be done when it has run, but it returned None"),
    ],
)
def test_extension__that_fails_is_an_incident_of_its_own(kind: str, reason: str) -> None:
    seen: list[object] = []

    extending.play(kind, seen.append)

    assert seen == [(False, ("incident", reason), {"amount": 21})]


def test_extension__asks_the_script_engine() -> None:
    seen: list[object] = []

    extending.play("asking", seen.append)

    assert seen == [(True, None, {"amount": 21, "answer": 42})]


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("no_such_module_here", "No module named"),
        ("tests.running", "OVERRIDE_PARSER_CLASSES"),
        ("tests.extending_events", "startEvent"),
    ],
)
def test_extensions__that_do_not_fit_are_refused_at_once(
    module: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = type(sys)("tests.extending_events")
    start = "{http://www.omg.org/spec/BPMN/20100524/MODEL}startEvent"
    taken.OVERRIDE_PARSER_CLASSES = {start: next(iter(extending.OVERRIDE_PARSER_CLASSES.values()))}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tests.extending_events", taken)

    with pytest.raises(errors.InvalidInput, match=reason):
        deployments.use_extensions((module,))
