"""SpiffWorkflow as it comes, so that a test can show what it does with the same diagram."""

from __future__ import annotations

import io

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState


class Bare:
    """One workflow of SpiffWorkflow."""

    def __init__(self, content: bytes, key: str = "p", **variables: object) -> None:
        parser = BpmnParser()
        parser.add_bpmn_io(io.BytesIO(content))
        self.workflow = BpmnWorkflow(parser.get_spec(key), parser.get_subprocess_specs(key))
        self.workflow.data.update(variables)
        for task in self.workflow.get_tasks(state=TaskState.READY):
            task.data.update(variables)
        self.run()

    def run(self) -> None:
        """Do all automatic work."""
        self.workflow.refresh_timers()
        self.workflow.do_engine_steps()

    def open(self) -> list[str]:
        """Ids of the elements of open user tasks."""
        return sorted(task.task_spec.name for task in self._ready())

    def complete(self, element: str, **variables: object) -> None:
        """Complete an open user task."""
        task = next(task for task in self._ready() if task.task_spec.name == element)
        task.data.update(variables)
        task.run()
        self.run()

    @property
    def ended(self) -> bool:
        """What SpiffWorkflow says."""
        return bool(self.workflow.is_completed())

    def _ready(self) -> list[Task]:
        return list(self.workflow.get_tasks(state=TaskState.READY, manual=True))


def python(content: bytes) -> bytes:
    """The same file with conditions as SpiffWorkflow wants them."""
    root = etree.fromstring(content)
    for element in root.iter():
        if element.text and element.text.strip().startswith("${"):
            element.text = element.text.strip()[2:-1].replace("true", "True").replace("false", "False")
    return bytes(etree.tostring(root))
