"""Elements that were written for plain SpiffWorkflow and behave badly, each in its own way; and a process with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.specs.mixins import BpmnSpecMixin

from casepath.engine import settings
from tests.diagrams import flows
from tests.world import World

SPACE = "http://example.org/desk"


class Failing(BpmnSpecMixin):  # type: ignore[misc]
    """Fails when it is run."""

    def _run_hook(self, my_task: Any) -> bool:
        raise ValueError("no ink")


class Reluctant(BpmnSpecMixin):  # type: ignore[misc]
    """Fails when it is asked whether it is ready: while the element before completes."""

    def _update_hook(self, my_task: Any) -> bool:
        raise ValueError("not ready")


class Sleeping(BpmnSpecMixin):  # type: ignore[misc]
    """Waits for somebody to complete it."""

    def _run_hook(self, my_task: Any) -> None:
        return None


class Asking(BpmnSpecMixin):  # type: ignore[misc]
    """Has the script engine evaluate a text of the diagram, as elements for SpiffWorkflow do, and keeps the answer."""

    def _run_hook(self, my_task: Any) -> bool:
        my_task.data["answer"] = my_task.workflow.script_engine.evaluate(my_task, "amount * 2")
        return True


OVERRIDE_PARSER_CLASSES = {
    f"{{{SPACE}}}{kind.__name__.lower()}": (TaskParser, kind) for kind in (Failing, Reluctant, Sleeping, Asking)
}


def diagram(kind: str) -> bytes:
    """Return a process with one of these elements behind a user task."""
    return (
        f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:desk="{SPACE}" id="d" '
        'targetNamespace="http://example.org/tests"><process id="p" isExecutable="true"><startEvent id="Begin"/>'
        f'<userTask id="A"/><desk:{kind} id="X" name="X"/><endEvent id="Done"/>'
        f'{flows("Begin > A; A > X; X > Done")}</process></definitions>'
    ).encode()


def play(kind: str, see: Callable[[object], None]) -> None:
    """Start that process, complete its user task, and show what has become of it."""
    before, settings.current.extensions = settings.current.extensions, ("tests.extending",)
    world = World()
    try:
        world.deploy([("diagram.bpmn", diagram(kind))])
        number = world.start("p", {"amount": 21})
        world.complete(world.open_tasks(number)[0][0], {})
        see((world.ended(number), world.failure(number), world.variables(number)))
    finally:
        world.close()
        settings.current.extensions = before
