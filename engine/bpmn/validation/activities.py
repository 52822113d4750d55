"""Rules on activities: tokens, resources, operations with input and output, sub-processes, what starts a process."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import ACTIVITIES, CHOREOGRAPHY_ACTIVITIES, SUB_PROCESSES, Document, Node
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule, to_execute

ROLES = ("resourceRole", "performer", "humanPerformer", "potentialOwner")
#: Task to the message, input side and output side that its operation fixes.
EXCHANGES = {
    "serviceTask": (("inMessageRef", "inputSet", "dataInput"), ("outMessageRef", "outputSet", "dataOutput")),
    "sendTask": (("inMessageRef", "inputSet", "dataInput"),),
    "receiveTask": (("inMessageRef", "outputSet", "dataOutput"),),
}


@rule("token-quantity")
def token_quantity(document: Document) -> Iterator[Problem]:
    for node in document.all(*ACTIVITIES):
        for name in ("startQuantity", "completionQuantity"):
            value = node.get(name)
            if value.lstrip("+-").isdecimal() and int(value[:20]) < 1:
                yield Problem(
                    node,
                    f"Expected at least 1 as {name}, but found {value}",
                    f"{name} 至少为 1，但实际为 {value}",
                )


@rule("resource-role")
def resource_role(document: Document) -> Iterator[Problem]:
    for node in document.all(*ROLES):
        named = node.first("resourceRef")
        if node.first("resourceAssignmentExpression") is not None and (named or node.first("resourceParameterBinding")):
            yield Problem(
                node,
                "Expected either resourceRef or resourceAssignmentExpression to say who does it, but found both",
                "应只使用 resourceRef 或 resourceAssignmentExpression 之一来指定执行者，但两者都有",
            )
        elif named is None and node.first("resourceParameterBinding") is not None:
            yield Problem(
                node,
                "Expected resourceRef beside resourceParameterBinding, but found none",
                "resourceParameterBinding 需要同时有 resourceRef",
            )
        resource = document.resolve(named.text) if named is not None else None
        if resource is None:
            continue
        parameters = resource.all("resourceParameter")
        bound = [document.resolve(binding.get("parameterRef")) for binding in node.all("resourceParameterBinding")]
        for parameter in bound:
            if parameter is not None and parameter not in parameters:
                yield Problem(
                    node,
                    f"Expected a parameter of resource '{resource.label}', but found '{parameter.label}'",
                    f"参数应属于资源“{resource.label}”，但“{parameter.label}”不属于它",
                )
        for parameter in parameters:
            if parameter.is_true("isRequired") and parameter not in bound:
                yield Problem(
                    node,
                    f"Expected a binding for the required parameter '{parameter.label}', but found none",
                    f"必需的参数“{parameter.label}”没有绑定",
                )


@rule("compensation-flow")
def compensation_flow(document: Document) -> Iterator[Problem]:
    for node in document.all(*ACTIVITIES):
        if not node.is_true("isForCompensation") or node.is_true("triggeredByEvent"):
            continue
        for flow in [*document.incoming(node), *document.outgoing(node)]:
            yield Problem(
                node,
                f"Expected no sequence flow at a compensation activity, but found '{flow.label}'; "
                "an association leads to it",
                f"补偿活动不应连接顺序流，但发现了“{flow.label}”；应通过关联连接",
            )


@rule("instantiating-receive")
def instantiating_receive(document: Document) -> Iterator[Problem]:
    for node in document.all("receiveTask"):
        if not node.is_true("instantiate"):
            continue
        for flow in document.incoming(node):
            source = document.source(flow)
            if source is None or source.tag != "startEvent" or document.kinds(source):
                yield Problem(
                    node,
                    f"Expected no flow into a receive task that starts the process, but found '{flow.label}'",
                    f"启动流程的接收任务不应有流入的顺序流，但发现了“{flow.label}”",
                )


@rule("task-message")
def task_message(document: Document) -> Iterator[Problem]:
    """Message and operation of a task agree."""
    for node in document.all(*EXCHANGES):
        operation = document.resolve(node.get("operationRef")) if node.get("operationRef") else None
        message = document.resolve(node.get("messageRef")) if node.get("messageRef") else None
        if operation is not None and message is not None:
            of_operation = [document.resolve(text) for text in operation.texts("inMessageRef")]
            if of_operation and message not in of_operation:
                yield Problem(
                    node,
                    f"Expected the message of operation '{operation.label}', but found '{message.label}'",
                    f"消息应与操作“{operation.label}”的消息一致，但实际为“{message.label}”",
                    by_the_letter(document, node),
                )


@rule("task-items", "letter")
def task_items(document: Document) -> Iterator[Problem]:
    """What has an operation or message has the inputs and outputs for it, of its type."""
    for node in document.all(*EXCHANGES):
        operation = document.resolve(node.get("operationRef")) if node.get("operationRef") else None
        message = document.resolve(node.get("messageRef")) if node.get("messageRef") else None
        if operation is not None or message is not None:
            yield from _exchange(document, node, operation, message)


def _exchange(document: Document, node: Node, operation: Node | None, message: Node | None) -> Iterator[Problem]:
    specification = node.first("ioSpecification")
    if specification is None:
        if node.tag == "serviceTask":
            yield Problem(
                node,
                "Expected an ioSpecification for the messages of the operation, but found none",
                "操作的消息需要 ioSpecification，但没有找到",
            )
        return
    for reference, set_tag, tag in EXCHANGES[node.tag]:
        of_operation = operation.first(reference) if operation is not None else None
        carried = document.resolve(of_operation.text) if of_operation is not None else None
        carried = carried or (message if reference == "inMessageRef" else None)
        if carried is None:
            continue
        sets, values = specification.all(set_tag), specification.all(tag)
        if len(sets) > 1 or (node.tag == "serviceTask" and not sets):
            yield Problem(
                node,
                f"Expected one {set_tag} for message '{carried.label}', but found {len(sets)}",
                f"消息“{carried.label}”应对应一个 {set_tag}，但实际有 {len(sets)} 个",
            )
        if len(values) > 1 or (node.tag == "serviceTask" and not values):
            yield Problem(
                node,
                f"Expected one {tag} for message '{carried.label}', but found {len(values)}",
                f"消息“{carried.label}”应对应一个 {tag}，但实际有 {len(values)} 个",
            )
        item = document.resolve(carried.get("itemRef")) if carried.get("itemRef") else None
        for value in values:
            own = document.resolve(value.get("itemSubjectRef")) if value.get("itemSubjectRef") else None
            if own is not item:
                yield Problem(
                    node,
                    f"Expected {tag} '{value.label}' to have the item definition of message '{carried.label}'",
                    f"{tag}“{value.label}”的数据项定义应与消息“{carried.label}”相同",
                )


@rule("ad-hoc-content")
def ad_hoc_content(document: Document) -> Iterator[Problem]:
    for node in document.all("adHocSubProcess"):
        for child in node.all("startEvent", "endEvent", *CHOREOGRAPHY_ACTIVITIES, "conversation", "conversationLink"):
            yield Problem(
                child,
                f"Expected no {child.tag} in the ad-hoc sub-process '{node.label}'; "
                "its activities start as people choose",
                f"临时子流程“{node.label}”中不允许有 {child.tag}；其活动由人选择启动",
                to_execute(document, child),
            )
        if not any(child.tag in ACTIVITIES for child in node.children):
            yield Problem(
                node,
                "Expected at least one activity in an ad-hoc sub-process, but found none",
                "临时子流程中至少应有一个活动，但没有找到",
                to_execute(document, node),
            )


@rule("choreography-in-process")
def choreography_in_process(document: Document) -> Iterator[Problem]:
    for node in document.all(*CHOREOGRAPHY_ACTIVITIES):
        scope = document.scope(node)
        if scope is not None and scope.tag in SUB_PROCESSES | {"process"} and scope.tag != "adHocSubProcess":
            yield Problem(
                node,
                f"Expected no {node.tag} in a process; move it to a choreography",
                f"流程中不允许有 {node.tag}；请移到编排图中",
            )


@rule("process-in-choreography")
def process_in_choreography(document: Document) -> Iterator[Problem]:
    forbidden = ACTIVITIES | {"dataObject", "dataObjectReference", "dataStoreReference"}
    for scope in document.all("choreography", "subChoreography", "globalChoreographyTask"):
        for node in scope.children:
            if node.tag in forbidden:
                yield Problem(
                    node,
                    f"Expected no {node.tag} in a choreography; move it to a process",
                    f"编排图中不允许有 {node.tag}；请移到流程中",
                )


@rule("interface-binding", "letter")
def interface_binding(document: Document) -> Iterator[Problem]:
    """What can be called through an interface says how its data goes in and out."""
    tags = ("process", "globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask")
    for node in document.all(*tags):
        interfaces = [document.resolve(text) for text in node.texts("supportedInterfaceRef")]
        operations = [child for face in interfaces if face is not None for child in face.all("operation")]
        bound = [document.resolve(binding.get("operationRef")) for binding in node.all("ioBinding")]
        if interfaces and node.first("ioSpecification") and any(operation not in bound for operation in operations):
            yield Problem(
                node,
                "Expected an ioBinding for each operation of the supported interface, but found none",
                "所支持接口的每个操作都需要 ioBinding，但没有找到",
            )


@rule("call-exchange", "letter")
def call_exchange(document: Document) -> Iterator[Problem]:
    """A call activity gives and takes what the called element declares."""
    for node in document.all("callActivity"):
        called = document.resolve(node.get("calledElement")) if node.get("calledElement") else None
        specification = called.first("ioSpecification") if called is not None else None
        if called is None or (specification is None and node.first("ioSpecification") is None):
            continue
        own = node.first("ioSpecification")
        for tag in ("dataInput", "dataOutput"):
            if _items(own, tag) != _items(specification, tag):
                yield Problem(
                    node,
                    f"Expected the same {tag}s as '{called.label}' declares, but they differ",
                    f"{tag} 应与“{called.label}”声明的相同，但两者不一致",
                )


def _items(specification: Node | None, tag: str) -> list[str]:
    """The item definitions of all inputs or all outputs."""
    values = specification.all(tag) if specification is not None else []
    return sorted(value.get("itemSubjectRef").rpartition(":")[2] for value in values)
