"""Rules on activities: tokens, resources, operations with input and output, sub-processes, what starts a process."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import ACTIVITIES, CHOREOGRAPHY_ACTIVITIES, SUB_PROCESSES, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule, to_execute

ROLES = ("resourceRole", "performer", "humanPerformer", "potentialOwner")
#: Task to the message, input side and output side that its operation fixes.
EXCHANGES = {
    "serviceTask": (("inMessageRef", "inputSet", "dataInput"), ("outMessageRef", "outputSet", "dataOutput")),
    "sendTask": (("inMessageRef", "inputSet", "dataInput"),),
    "receiveTask": (("inMessageRef", "outputSet", "dataOutput"),),
}


@rule("token-quantity")
def token_quantity(document: Document) -> Iterator[Breach]:
    for node in document.all(*ACTIVITIES):
        for name in ("startQuantity", "completionQuantity"):
            value = node.get(name)
            if value.lstrip("+-").isdecimal() and int(value[:20]) < 1:
                yield Breach(node, "Expected at least 1 as {name}, but found {value}", name=name, value=value)


@rule("resource-role")
def resource_role(document: Document) -> Iterator[Breach]:
    for node in document.all(*ROLES):
        named = node.first("resourceRef")
        if node.first("resourceAssignmentExpression") is not None and (named or node.first("resourceParameterBinding")):
            yield Breach(
                node,
                "Expected either resourceRef or resourceAssignmentExpression to say who does it, but found both",
            )
        elif named is None and node.first("resourceParameterBinding") is not None:
            yield Breach(node, "Expected resourceRef beside resourceParameterBinding, but found none")
        resource = document.resolve(named.text) if named is not None else None
        if resource is None:
            continue
        parameters = resource.all("resourceParameter")
        bound = [document.resolve(binding.get("parameterRef")) for binding in node.all("resourceParameterBinding")]
        for parameter in bound:
            if parameter is not None and parameter not in parameters:
                yield Breach(
                    node,
                    "Expected a parameter of resource '{label}', but found '{parameter_label}'",
                    label=resource.label,
                    parameter_label=parameter.label,
                )
        for parameter in parameters:
            if parameter.is_true("isRequired") and parameter not in bound:
                yield Breach(
                    node,
                    "Expected a binding for the required parameter '{label}', but found none",
                    label=parameter.label,
                )


@rule("compensation-flow")
def compensation_flow(document: Document) -> Iterator[Breach]:
    for node in document.all(*ACTIVITIES):
        if not node.is_true("isForCompensation") or node.is_true("triggeredByEvent"):
            continue
        for flow in [*document.incoming(node), *document.outgoing(node)]:
            yield Breach(
                node,
                "Expected no sequence flow at a compensation activity, but found '{label}'; an association leads to it",
                label=flow.label,
            )


@rule("instantiating-receive")
def instantiating_receive(document: Document) -> Iterator[Breach]:
    for node in document.all("receiveTask"):
        if not node.is_true("instantiate"):
            continue
        for flow in document.incoming(node):
            source = document.source(flow)
            if source is None or source.tag != "startEvent" or document.kinds(source):
                yield Breach(
                    node,
                    "Expected no flow into a receive task that starts the process, but found '{label}'",
                    label=flow.label,
                )


@rule("task-message")
def task_message(document: Document) -> Iterator[Breach]:
    """Message and operation of a task agree."""
    for node in document.all(*EXCHANGES):
        operation = document.resolve(node.get("operationRef")) if node.get("operationRef") else None
        message = document.resolve(node.get("messageRef")) if node.get("messageRef") else None
        if operation is not None and message is not None:
            of_operation = [document.resolve(text) for text in operation.texts("inMessageRef")]
            if of_operation and message not in of_operation:
                yield Breach(
                    node,
                    "Expected the message of operation '{label}', but found '{message_label}'",
                    by_the_letter(document, node),
                    label=operation.label,
                    message_label=message.label,
                )


@rule("task-items", "letter")
def task_items(document: Document) -> Iterator[Breach]:
    """What has an operation or message has the inputs and outputs for it, of its type."""
    for node in document.all(*EXCHANGES):
        operation = document.resolve(node.get("operationRef")) if node.get("operationRef") else None
        message = document.resolve(node.get("messageRef")) if node.get("messageRef") else None
        if operation is not None or message is not None:
            yield from _exchange(document, node, operation, message)


def _exchange(document: Document, node: Node, operation: Node | None, message: Node | None) -> Iterator[Breach]:
    specification = node.first("ioSpecification")
    if specification is None:
        if node.tag == "serviceTask":
            yield Breach(node, "Expected an ioSpecification for the messages of the operation, but found none")
        return
    for reference, set_tag, tag in EXCHANGES[node.tag]:
        of_operation = operation.first(reference) if operation is not None else None
        carried = document.resolve(of_operation.text) if of_operation is not None else None
        carried = carried or (message if reference == "inMessageRef" else None)
        if carried is None:
            continue
        sets, values = specification.all(set_tag), specification.all(tag)
        if len(sets) > 1 or (node.tag == "serviceTask" and not sets):
            yield Breach(
                node,
                "Expected one {set_tag} for message '{label}', but found {count}",
                set_tag=set_tag,
                label=carried.label,
                count=len(sets),
            )
        if len(values) > 1 or (node.tag == "serviceTask" and not values):
            yield Breach(
                node,
                "Expected one {tag} for message '{label}', but found {count}",
                tag=tag,
                label=carried.label,
                count=len(values),
            )
        item = document.resolve(carried.get("itemRef")) if carried.get("itemRef") else None
        for value in values:
            own = document.resolve(value.get("itemSubjectRef")) if value.get("itemSubjectRef") else None
            if own is not item:
                yield Breach(
                    node,
                    "Expected {tag} '{label}' to have the item definition of message '{carried_label}'",
                    tag=tag,
                    label=value.label,
                    carried_label=carried.label,
                )


@rule("ad-hoc-content")
def ad_hoc_content(document: Document) -> Iterator[Breach]:
    for node in document.all("adHocSubProcess"):
        for child in node.all("startEvent", "endEvent", *CHOREOGRAPHY_ACTIVITIES, "conversation", "conversationLink"):
            yield Breach(
                child,
                "Expected no {tag} in the ad-hoc sub-process '{label}'; its activities start as people choose",
                to_execute(document, child),
                tag=child.tag,
                label=node.label,
            )
        if not any(child.tag in ACTIVITIES for child in node.children):
            yield Breach(
                node,
                "Expected at least one activity in an ad-hoc sub-process, but found none",
                to_execute(document, node),
            )


@rule("choreography-in-process")
def choreography_in_process(document: Document) -> Iterator[Breach]:
    for node in document.all(*CHOREOGRAPHY_ACTIVITIES):
        scope = document.scope(node)
        if scope is not None and scope.tag in SUB_PROCESSES | {"process"} and scope.tag != "adHocSubProcess":
            yield Breach(node, "Expected no {tag} in a process; move it to a choreography", tag=node.tag)


@rule("process-in-choreography")
def process_in_choreography(document: Document) -> Iterator[Breach]:
    forbidden = ACTIVITIES | {"dataObject", "dataObjectReference", "dataStoreReference"}
    for scope in document.all("choreography", "subChoreography", "globalChoreographyTask"):
        for node in scope.children:
            if node.tag in forbidden:
                yield Breach(node, "Expected no {tag} in a choreography; move it to a process", tag=node.tag)


@rule("interface-binding", "letter")
def interface_binding(document: Document) -> Iterator[Breach]:
    """What can be called through an interface says how its data goes in and out."""
    tags = ("process", "globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask")
    for node in document.all(*tags):
        interfaces = [document.resolve(text) for text in node.texts("supportedInterfaceRef")]
        operations = [child for face in interfaces if face is not None for child in face.all("operation")]
        bound = [document.resolve(binding.get("operationRef")) for binding in node.all("ioBinding")]
        if interfaces and node.first("ioSpecification") and any(operation not in bound for operation in operations):
            yield Breach(node, "Expected an ioBinding for each operation of the supported interface, but found none")


@rule("call-exchange", "letter")
def call_exchange(document: Document) -> Iterator[Breach]:
    """A call activity gives and takes what the called element declares."""
    for node in document.all("callActivity"):
        called = document.resolve(node.get("calledElement")) if node.get("calledElement") else None
        specification = called.first("ioSpecification") if called is not None else None
        if called is None or (specification is None and node.first("ioSpecification") is None):
            continue
        own = node.first("ioSpecification")
        for tag in ("dataInput", "dataOutput"):
            if _items(own, tag) != _items(specification, tag):
                yield Breach(
                    node,
                    "Expected the same {tag}s as '{label}' declares, but they differ",
                    tag=tag,
                    label=called.label,
                )


def _items(specification: Node | None, tag: str) -> list[str]:
    """The item definitions of all inputs or all outputs."""
    values = specification.all(tag) if specification is not None else []
    return sorted(value.get("itemSubjectRef").rpartition(":")[2] for value in values)
