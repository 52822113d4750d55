"""Reading activities: what they do, how they repeat, and what goes in and out."""

from __future__ import annotations

from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.event_parsers import EventDefinitionParser
from SpiffWorkflow.bpmn.parser.task_parsers import ScriptTaskParser
from SpiffWorkflow.bpmn.specs.event_definitions import MultipleEventDefinition

from casepath.engine.bpmn.elements.activities import Activity, SubProcess
from casepath.engine.bpmn.elements.events import Awaited
from casepath.engine.bpmn.elements.tasks import (
    BusinessRuleTask,
    CallActivity,
    ReceiveTask,
    ScriptTask,
    SendTask,
    UserTask,
    WorkerTask,
)
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.model import Binding
from casepath.engine.bpmn.parser.elements import ElementParser
from casepath.engine.bpmn.parser.events import coded_definition, named_definition
from casepath.engine.bpmn.parser.loops import read_loop
from casepath.engine.bpmn.parser.markup import (
    BPMN,
    child_text,
    children,
    extension,
    extensions,
    flag,
    initial_variables,
    reference,
    tag,
)
from casepath.engine.bpmn.scripts import Script
from casepath.engine.expressions import Expression


class ActivityParser(ElementParser):
    """Reads what all activities have."""

    task: Activity

    def read(self) -> None:
        """Read quantities, data associations and the loop too."""
        super().read()
        task, node = self.task, self.node
        task.for_compensation = flag(node.get("isForCompensation"))
        task.start_quantity = int(node.get("startQuantity") or 1)
        task.completion_quantity = int(node.get("completionQuantity") or 1)
        task.data_inputs = self.source.associations(node, "dataInputAssociation")
        task.data_outputs = self.source.associations(node, "dataOutputAssociation")
        task.loop = read_loop(self.source, node)

    def expression(self, attribute: str) -> Expression | None:
        """Compile an extension attribute."""
        return self.compiler.expression(self.node, extension(self.node, attribute))

    def binding(self, attribute: str) -> Binding:
        """Read which version is meant."""
        kind = extension(self.node, f"{attribute}Binding")
        return Binding(
            same_deployment=kind == "deployment" or flag(extension(self.node, "sameDeployment")),
            version=self.expression(f"{attribute}Version") if kind == "version" else None,
            version_tag=self.expression(f"{attribute}VersionTag") if kind == "versionTag" else None,
        )


class UserTaskParser(ActivityParser):
    """Reads who is to do it, until when, and with which form."""

    task: UserTask

    def read(self) -> None:
        """Read people, times and the form too."""
        super().read()
        task = self.task
        task.assignee = self.expression("assignee")
        task.candidate_users = self.expression("candidateUsers")
        task.candidate_groups = self.expression("candidateGroups")
        task.due_date = self.expression("dueDate")
        task.follow_up_date = self.expression("followUpDate")
        task.priority = self.expression("priority")
        task.form_key = self.expression("formKey") or self.expression("formRef")
        for role in children(self.node, "humanPerformer", "potentialOwner", "performer"):
            text = "".join(role.itertext()).strip()
            if text and tag(role) == "potentialOwner" and task.candidate_groups is None:
                task.candidate_groups = self.compiler.expression(role, owner_names(text))
            elif text and tag(role) != "potentialOwner" and task.assignee is None:
                task.assignee = self.compiler.expression(role, text)


def owner_names(text: str) -> str:
    """Return the group names of a potential owner, which are written as `group(a), user(b)` or just `a, b`."""
    return ",".join(part.strip().removeprefix("group(").removesuffix(")") for part in text.split(","))


class WorkerTaskParser(ActivityParser):
    """Reads the topic under which workers find it and which results mean errors, or what is evaluated instead."""

    task: WorkerTask

    def read(self) -> None:
        """Read topic, priority, errors and expression too."""
        super().read()
        self.task.evaluated = self.expression("expression")
        self.task.result_variable = extension(self.node, "resultVariable") or extension(self.node, "resultVariableName")
        self.task.topic = self.expression("topic")
        self.task.priority = self.expression("taskPriority")
        mapped = [
            (
                self.compiler.expression(child, child.get("expression")),
                coded_definition(self.source, "error", child, child),
            )
            for child in extensions(self.node, "errorEventDefinition")
        ]
        self.task.error_mappings = tuple((when, error) for when, error in mapped if when is not None)


class BusinessRuleTaskParser(WorkerTaskParser):
    """Reads which decision is evaluated and where its result goes."""

    task: BusinessRuleTask

    def read(self) -> None:
        """Read the decision too."""
        super().read()
        task = self.task
        task.decision = self.expression("decisionRef")
        task.result_mapping = extension(self.node, "mapDecisionResult") or "resultList"
        task.binding = self.binding("decisionRef")


class SendTaskParser(WorkerTaskParser, EventDefinitionParser):
    """Reads which message is sent, unless a worker sends it."""

    task: SendTask

    def create_task(self) -> Element:
        """Return the task with the message that it throws."""
        elsewhere = extension(self.node, "topic") or extension(self.node, "expression")
        by_worker = elsewhere is not None and not self.node.get("messageRef")
        message = named_definition(self.source, "message", self.node, self.node)
        self.thrown = [] if by_worker else [message]
        task: Element = self._create_task(MultipleEventDefinition(self.thrown))
        return task

    def read(self) -> None:
        """Note the message too."""
        super().read()
        self.task.definitions = list(self.thrown)
        self.task.late = self.task.topic is None


class ReceiveTaskParser(ActivityParser, EventDefinitionParser):
    """Reads which message is waited for."""

    task: ReceiveTask

    def create_task(self) -> Element:
        """Return the task with the wait for its message."""
        task: Element = self._create_task(Awaited())
        return task

    def read(self) -> None:
        """Read the message too."""
        super().read()
        self.task.instantiates = flag(self.node.get("instantiate"))
        self.task.definitions = [named_definition(self.source, "message", self.node, self.node)]


class ScriptParser(ActivityParser, ScriptTaskParser):
    """Reads a script, which is compiled at deployment."""

    task: ScriptTask

    def get_script(self) -> Script | None:
        """Return the script; the one of ScriptTaskParser gives its text, and refuses a task without."""
        text = child_text(self.node, "script")
        return self.compiler.script(self.node, text, self.node.get("scriptFormat")) if text is not None else None

    def read(self) -> None:
        """Read where the result goes too."""
        super().read()
        self.task.result_variable = extension(self.node, "resultVariable")


class CallActivityParser(ActivityParser):
    """Reads what is called and which variables go in and come back."""

    task: CallActivity

    def create_task(self) -> Element:
        """Return the task; the one of SpiffWorkflow refuses a call without the process that it calls."""
        called = self.node.get("calledElement") or ""
        task: Element = self.spec_class(self.spec, self.bpmn_id, subworkflow_spec=called, **self.bpmn_attributes)
        return task

    def read(self) -> None:
        """Read the called process and the mappings too."""
        super().read()
        task = self.task
        called = self.node.get("calledElement")
        if called is not None and "{" not in called:
            called = reference(called)
        task.called = self.compiler.expression(self.node, called)
        task.binding = self.binding("calledElement")
        given, taken = list(extensions(self.node, "in")), list(extensions(self.node, "out"))
        if not given and not taken:
            return
        task.gives_all, task.gives_own = all_variables(given)
        task.takes_all, task.takes_own = all_variables(taken)
        task.given = tuple(mapping for child in given if (mapping := self.source.in_out(child)) is not None)
        task.taken = tuple(mapping for child in taken if (mapping := self.source.in_out(child)) is not None)
        for child in given:
            if child.get("businessKey"):
                task.business_key = self.compiler.expression(child, child.get("businessKey"))


def all_variables(mappings: list[etree._Element]) -> tuple[bool, bool]:
    """Return whether mappings hand over all variables, and whether just those of the activity itself are meant."""
    whole = [child for child in mappings if child.get("variables") == "all"]
    return bool(whole), bool(whole) and all(flag(child.get("local")) for child in whole)


class ContainerParser(ActivityParser):
    """Reads what kind of container it is; its elements belong to the process around it."""

    task: SubProcess

    def create_task(self) -> Any:
        """Return the task; the one of SpiffWorkflow wants exactly one start event, and makes a process of it."""
        return self.spec_class(self.spec, self.bpmn_id, subworkflow_spec=self.bpmn_id, **self.bpmn_attributes)

    def read(self) -> None:
        """Read what it is and what it begins with too."""
        super().read()
        task, node = self.task, self.node
        task.element_type = tag(node)
        task.initial = initial_variables(node)
        task.triggered = flag(node.get("triggeredByEvent"))
        task.transactional = tag(node) == "transaction"
        if tag(node) == "adHocSubProcess":
            task.ad_hoc = node.get("ordering") or "Parallel"
            task.completion = self.compiler.condition(node.find(BPMN + "completionCondition"))
            task.cancels_remaining = flag(node.get("cancelRemainingInstances"), True)


class ExtensionParser(ActivityParser):
    """Reads what an element of somebody else has like ours; its own parser reads the rest."""

    def read(self) -> None:
        """Read what all activities have."""
        super().read()
        self.task.element_type = etree.QName(self.node).localname
