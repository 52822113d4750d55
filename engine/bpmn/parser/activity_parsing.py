"""Activities: what they do, how they repeat, and what goes in and out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lxml import etree

from casepath.engine.bpmn.elements.activities import Activity, SubProcess
from casepath.engine.bpmn.elements.tasks import (
    BusinessRuleTask,
    CallActivity,
    ReceiveTask,
    ScriptTask,
    SendTask,
    ServiceTask,
    UserTask,
)
from casepath.engine.bpmn.model import Condition, EventDefinition, Loop
from casepath.engine.bpmn.parser.event_parsing import (
    coded_definition,
    event_definition,
    event_definitions,
    named_definition,
)
from casepath.engine.bpmn.parser.reading import BPMN, child_text, children, extension, extensions, flag, reference, tag
from casepath.engine.expressions import compile_expression

if TYPE_CHECKING:
    from casepath.engine.bpmn.parser.building import Builder


def configure_activity(builder: Builder, node: Activity, element: etree._Element) -> None:
    """Read what is particular to an activity."""
    compiler = builder.compiler
    node.for_compensation = flag(element.get("isForCompensation"))
    node.start_quantity = int(element.get("startQuantity") or 1)
    node.completion_quantity = int(element.get("completionQuantity") or 1)
    node.data_inputs = builder.associations(element, "dataInputAssociation")
    node.data_outputs = builder.associations(element, "dataOutputAssociation")
    node.loop = read_loop(builder, element)
    match node:
        case UserTask():
            configure_user_task(builder, node, element)
        case BusinessRuleTask():
            configure_service_task(builder, node, element)
            configure_decision(builder, node, element)
        case SendTask():
            configure_service_task(builder, node, element)
            if element.get("messageRef") or node.topic is None:
                node.definitions = [named_definition(builder, "message", element, element)]
                node.late = node.topic is None
        case ServiceTask():
            configure_service_task(builder, node, element)
        case ReceiveTask():
            node.instantiates = flag(element.get("instantiate"))
            node.definitions = [named_definition(builder, "message", element, element)]
        case ScriptTask():
            text = child_text(element, "script")
            if text is not None:
                node.script = compiler.script(element, text, element.get("scriptFormat"))
            node.result_variable = extension(element, "resultVariable")
        case CallActivity():
            configure_call(builder, node, element)
        case SubProcess():
            configure_subprocess(builder, node, element)


def configure_user_task(builder: Builder, node: UserTask, element: etree._Element) -> None:
    """Read who is to do it, until when, and with which form."""
    expression = builder.compiler.expression
    node.assignee = expression(element, extension(element, "assignee"))
    node.candidate_users = expression(element, extension(element, "candidateUsers"))
    node.candidate_groups = expression(element, extension(element, "candidateGroups"))
    node.due_date = expression(element, extension(element, "dueDate"))
    node.follow_up_date = expression(element, extension(element, "followUpDate"))
    node.priority = expression(element, extension(element, "priority"))
    node.form_key = expression(element, extension(element, "formKey") or extension(element, "formRef"))
    for role in children(element, "humanPerformer", "potentialOwner", "performer"):
        text = "".join(role.itertext()).strip()
        if text and tag(role) == "potentialOwner" and node.candidate_groups is None:
            node.candidate_groups = expression(role, owner_names(text))
        elif text and tag(role) != "potentialOwner" and node.assignee is None:
            node.assignee = expression(role, text)


def owner_names(text: str) -> str:
    """Return the group names of a potential owner, which are written as `group(a), user(b)` or just `a, b`."""
    return ",".join(part.strip().removeprefix("group(").removesuffix(")") for part in text.split(","))


def configure_service_task(builder: Builder, node: ServiceTask, element: etree._Element) -> None:
    """Read the topic under which workers find it."""
    node.topic = builder.compiler.expression(element, extension(element, "topic"))
    node.priority = builder.compiler.expression(element, extension(element, "taskPriority"))
    node.error_mappings = tuple(error_mappings(builder, element))


def error_mappings(builder: Builder, element: etree._Element) -> Iterator[tuple[Condition, EventDefinition]]:
    """Yield which results of a worker mean which errors."""
    for child in extensions(element, "errorEventDefinition"):
        condition = builder.compiler.expression(child, child.get("expression"))
        if condition is not None:
            yield condition, coded_definition(builder, "error", child)


def configure_decision(builder: Builder, node: BusinessRuleTask, element: etree._Element) -> None:
    """Read which decision is evaluated and where its result goes."""
    node.decision = builder.compiler.expression(element, extension(element, "decisionRef"))
    node.result_variable = extension(element, "resultVariable")
    node.result_mapping = extension(element, "mapDecisionResult") or "resultList"
    node.same_deployment, node.version, node.version_tag = binding(element, "decisionRef")


def binding(element: etree._Element, attribute: str) -> tuple[bool, int | None, str | None]:
    """Return whether the same deployment is meant, or a version, or a version tag; nothing of it means the latest."""
    kind = extension(element, f"{attribute}Binding")
    version = extension(element, f"{attribute}Version")
    return (
        kind == "deployment",
        int(version) if kind == "version" and version and version.isdigit() else None,
        extension(element, f"{attribute}VersionTag") if kind == "versionTag" else None,
    )


def configure_call(builder: Builder, node: CallActivity, element: etree._Element) -> None:
    """Read what is called and which variables go in and come back."""
    called = element.get("calledElement")
    if called is not None and "{" not in called:
        called = reference(called)
    node.called = builder.compiler.expression(element, called)
    node.same_deployment, node.version, node.version_tag = binding(element, "calledElement")
    given = list(extensions(element, "in"))
    taken = list(extensions(element, "out"))
    if not given and not taken:
        return
    node.gives_all, node.gives_own = all_variables(given)
    node.takes_all, node.takes_own = all_variables(taken)
    node.given = tuple(mapping for child in given if (mapping := builder.in_out(child)) is not None)
    node.taken = tuple(mapping for child in taken if (mapping := builder.in_out(child)) is not None)
    for child in given:
        if child.get("businessKey"):
            node.business_key = builder.compiler.expression(child, child.get("businessKey"))


def all_variables(mappings: list[etree._Element]) -> tuple[bool, bool]:
    """Return whether mappings hand over all variables, and whether just those of the activity itself are meant."""
    whole = [child for child in mappings if child.get("variables") == "all"]
    return bool(whole), bool(whole) and all(flag(child.get("local")) for child in whole)


def configure_subprocess(builder: Builder, node: SubProcess, element: etree._Element) -> None:
    """Read what kind of container it is."""
    node.triggered = flag(element.get("triggeredByEvent"))
    node.transactional = tag(element) == "transaction"
    if tag(element) == "adHocSubProcess":
        node.ad_hoc = element.get("ordering") or "Parallel"
        node.completion = builder.compiler.condition(element.find(BPMN + "completionCondition"))
        node.cancels_remaining = flag(element.get("cancelRemainingInstances"), True)


def read_loop(builder: Builder, element: etree._Element) -> Loop | None:
    """Read how an activity is repeated."""
    compiler = builder.compiler
    for child in children(element, "standardLoopCharacteristics"):
        maximum = child.get("loopMaximum")
        return Loop(
            kind="standard",
            test_before=flag(child.get("testBefore")),
            maximum=int(maximum) if maximum else None,
            condition=compiler.condition(child.find(BPMN + "loopCondition")),
        )
    for child in children(element, "multiInstanceLoopCharacteristics"):
        return read_instances(builder, child, element)
    return None


def read_instances(builder: Builder, child: etree._Element, element: etree._Element) -> Loop:
    """Read how many instances there are and when they are done."""
    compiler = builder.compiler
    cardinality = child.find(BPMN + "loopCardinality")
    collection = extension(child, "collection")
    element_variable = extension(child, "elementVariable")
    referred = child_text(child, "loopDataInputRef")
    if collection is None and referred:
        collection = builder.data_source(element, reference(referred) or "")
    if element_variable is None:
        element_variable = item_name(child, "inputDataItem")
    output = child_text(child, "loopDataOutputRef")
    behavior: Any = (child.get("behavior") or "All").lower()
    return Loop(
        kind="sequential" if flag(child.get("isSequential")) else "parallel",
        cardinality=compiler.expression(child, "".join(cardinality.itertext()), bare=True)
        if cardinality is not None
        else None,
        collection=compiler.expression(child, collection, bare=True),
        element_variable=element_variable,
        output_collection=builder.data_target(element, reference(output) or "") if output else None,
        output_element=item_name(child, "outputDataItem"),
        completion=compiler.condition(child.find(BPMN + "completionCondition")),
        behavior=behavior,
        event=behavior_event(builder, child, behavior),
        complex=tuple(complex_behaviors(builder, child)),
    )


def item_name(element: etree._Element, name: str) -> str | None:
    """Return the variable that a data item stands for."""
    for item in children(element, name):
        return item.get("name") or item.get("id")
    return None


def behavior_event(builder: Builder, child: etree._Element, behavior: str) -> Any:
    """Return the event that the behaviours `none` and `one` throw."""
    ref = reference(child.get(f"{behavior}BehaviorEventRef"))
    referred = builder.document.by_id.get(ref or "")
    return event_definition(builder, referred, referred) if referred is not None else None


def complex_behaviors(builder: Builder, child: etree._Element) -> Any:
    """Yield when the behaviour `complex` throws what."""
    for entry in children(child, "complexBehaviorDefinition"):
        condition = builder.compiler.condition(entry.find(BPMN + "condition"))
        for event in children(entry, "event"):
            for definition in event_definitions(builder, event):
                yield condition or compile_expression("${true}"), definition
