"""Rules on what is not executed exactly, so that nothing is silently ignored; and on what is surely not meant."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import ACTIVITIES, EVENTS, GATEWAYS, Document, Node
from casepath.engine.bpmn.validation.rules import Problem, by_the_letter, rule, to_execute

#: Java behind an element.
JAVA_ATTRIBUTES = (
    "camunda:class",
    "camunda:delegateExpression",
    "camunda:expression",
    "camunda:variableMappingClass",
    "camunda:variableMappingDelegateExpression",
)
LISTENERS = ("camunda:executionListener", "camunda:taskListener")
SCRIPT_FORMATS = frozenset({"", "python", "feel"})
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
#: Extensions of Zeebe that only say how things look or are named.
ZEEBE_HARMLESS = frozenset({f"{ZEEBE}properties", f"{ZEEBE}property", f"{ZEEBE}versionTag", f"{ZEEBE}userTask"})
UNREAD_ATTRIBUTES = frozenset(
    {
        "camunda:candidateStarterUsers",
        "camunda:initiator",
        "camunda:isStartableInTasklist",
        "camunda:jobPriority",
        "camunda:skipExpression",
    }
)
UNREAD_ELEMENTS = frozenset(
    {
        "camunda:constraint",
        "camunda:field",
        "camunda:formData",
        "camunda:formProperty",
        "camunda:potentialStarter",
    }
)
#: How a task says who does it; some of them are refused elsewhere.
IMPLEMENTED = ("camunda:type", "camunda:topic", "camunda:decisionRef", *JAVA_ATTRIBUTES)
WORKERS = ("serviceTask", "sendTask", "businessRuleTask")


def _owner(node: Node) -> Node:
    """The element that an extension belongs to."""
    for above in node.ancestors():
        if above.tag == "extensionElements" and above.parent is not None:
            return above.parent
    return node


@rule("java-behind")
def java_behind(document: Document) -> Iterator[Problem]:
    for node in document.all(*ACTIVITIES, *EVENTS, "messageEventDefinition", "signalEventDefinition"):
        for name in JAVA_ATTRIBUTES:
            if node.get(name):
                yield Problem(
                    node,
                    f"Expected an external task with a topic, but found {name}='{node.get(name)[:100]}'; "
                    "Java is not executed: set camunda:type='external' and a topic for a worker",
                    f"应为带主题的外部任务，但发现了 {name}='{node.get(name)[:100]}'；"
                    "不执行 Java：请设置 camunda:type='external' 和主题",
                    to_execute(document, node),
                )


@rule("listener")
def listener(document: Document) -> Iterator[Problem]:
    for node in document.all(*LISTENERS):
        yield Problem(
            _owner(node),
            f"Expected no {node.tag}, but found one; listeners are not executed: model the step as a task",
            f"不支持 {node.tag}；监听器不会被执行：请将该步骤建模为任务",
            to_execute(document, node),
        )


@rule("connector")
def connector(document: Document) -> Iterator[Problem]:
    for node in document.all("camunda:connector"):
        yield Problem(
            _owner(node),
            "Expected an external task with a topic, but found a connector; connectors are not executed",
            "应为带主题的外部任务，但发现了连接器；连接器不会被执行",
            to_execute(document, node),
        )


@rule("implementation-type")
def implementation_type(document: Document) -> Iterator[Problem]:
    for node in document.all(*WORKERS, "messageEventDefinition"):
        kind = node.get("camunda:type")
        if kind and kind != "external":
            yield Problem(
                node,
                f"Expected camunda:type='external', but found '{kind}'; a worker has to do this work",
                f"camunda:type 应为“external”，但实际为“{kind}”；该工作需由工作者完成",
                to_execute(document, node),
            )
        elif kind and not node.get("camunda:topic"):
            yield Problem(
                node,
                "Expected camunda:topic on an external task, but found none; name the topic of its workers",
                "外部任务缺少 camunda:topic；请填写主题",
                to_execute(document, node),
            )


@rule("script-format")
def script_format(document: Document) -> Iterator[Problem]:
    for node in document.all("scriptTask", "globalScriptTask"):
        format_ = node.get("scriptFormat") or node.get("scriptLanguage")
        if format_.lower() not in SCRIPT_FORMATS:
            yield Problem(
                node,
                f"Expected scriptFormat 'python' or 'feel', but found '{format_}'; rewrite the script",
                f"scriptFormat 应为“python”或“feel”，但实际为“{format_}”；请改写脚本",
                to_execute(document, node),
            )
        if not format_ and node.first("script") is not None:
            yield Problem(
                node,
                "Expected scriptFormat beside the script, but found none; write scriptFormat='python'",
                "脚本缺少 scriptFormat；请设为 scriptFormat='python'",
                "letter",
            )
        if node.get("camunda:resource"):
            yield Problem(
                node,
                "Expected the script in the diagram, but found camunda:resource; put it there",
                "脚本应写在图中，但发现了 camunda:resource；请写入图中",
                to_execute(document, node),
            )
        elif node.first("script") is None and node.tag == "scriptTask":
            yield Problem(
                node,
                "Expected a script, but found none; write one, or use another kind of task",
                "脚本任务没有脚本；请编写脚本或改用其他任务类型",
                by_the_letter(document, node),
            )


@rule("mapping-script")
def mapping_script(document: Document) -> Iterator[Problem]:
    for node in document.all("camunda:script"):
        if node.inside(*LISTENERS) is None:
            yield Problem(
                _owner(node),
                "Expected ${…} in a mapping, but found a script; scripts run in script tasks only",
                "映射中应使用 ${…}，但发现了脚本；脚本只能在脚本任务中执行",
                to_execute(document, node),
            )
    for node in document.all("conditionExpression", "condition"):
        if node.get("camunda:resource"):
            yield Problem(
                node,
                "Expected a condition in ${…}, but found camunda:resource",
                "条件应为 ${…}，但发现了 camunda:resource",
                to_execute(document, node),
            )


@rule("cmmn-call")
def cmmn_call(document: Document) -> Iterator[Problem]:
    for node in document.all("callActivity"):
        if node.get("camunda:caseRef"):
            yield Problem(
                node,
                "Expected calledElement on a call activity, but found camunda:caseRef; CMMN is not executed",
                "调用活动应使用 calledElement，但发现了 camunda:caseRef；不执行 CMMN",
                to_execute(document, node),
            )


@rule("association-computation")
def association_computation(document: Document) -> Iterator[Problem]:
    for node in document.all("dataInputAssociation", "dataOutputAssociation"):
        part = node.first("transformation", "assignment")
        if part is not None:
            yield Problem(
                node.parent or node,
                f"Expected a data association that copies a value, but found a {part.tag}, which is "
                "not executed; compute the value in a script or mapping",
                f"数据关联只复制数据，但发现了 {part.tag}，它不会被执行；请在脚本或映射中计算",
                to_execute(document, node),
            )


@rule("transaction-method")
def transaction_method(document: Document) -> Iterator[Problem]:
    for node in document.all("transaction"):
        method = node.get("method")
        if method.lstrip("#").lower() not in {"", "compensate", "unspecified"}:
            yield Problem(
                node,
                f"Expected ##Compensate as the method of a transaction, but found '{method}'; it is not executed",
                f"事务的 method 应为 ##Compensate，但实际为“{method}”；此方式不会被执行",
                to_execute(document, node),
            )


@rule("zeebe-extension")
def zeebe_extension(document: Document) -> Iterator[Problem]:
    for node in document.nodes:
        above = node.parent
        if not node.tag.startswith(ZEEBE) or node.tag in ZEEBE_HARMLESS or above is None:
            continue
        if above.tag == "extensionElements" and document.process(node) is not None:
            name = node.tag.removeprefix(ZEEBE)
            yield Problem(
                _owner(node),
                f"Expected extensions of Camunda 7, but found zeebe:{name} of Camunda 8, which is not executed",
                f"应为 Camunda 7 的扩展，但发现了 Camunda 8 的 zeebe:{name}，它不会被执行",
                to_execute(document, node),
            )


@rule("extension-ignored", "warning")
def extension_ignored(document: Document) -> Iterator[Problem]:
    """Extensions that change what happens, and that nobody reads here."""
    for node in document.nodes:
        unread = [name for name in node.attributes if name in UNREAD_ATTRIBUTES]
        for name in unread + ([node.tag] if node.tag in UNREAD_ELEMENTS else []):
            yield Problem(
                _owner(node) if name == node.tag else node,
                f"Expected no {name}, but found it; it has no effect here",
                f"发现了 {name}；它在此不起作用，请删除",
            )


@rule("mapping-place", "warning")
def mapping_place(document: Document) -> Iterator[Problem]:
    """Mappings at elements that take no time and are not thrown."""
    for node in document.all("camunda:inputOutput"):
        owner = _owner(node)
        unread = GATEWAYS | {"startEvent", "boundaryEvent", "process"}
        if owner.tag in unread or (owner.tag == "endEvent" and node.first("camunda:outputParameter") is not None):
            yield Problem(
                owner,
                f"Expected input and output mappings at activities and intermediate events, but found them at "
                f"{owner.tag} '{owner.label}', where they have no effect",
                f"输入输出映射应位于活动和中间事件上，但在 {owner.tag}“{owner.label}”上发现了它们；它们在此不起作用",
            )


@rule("parallel-start")
def parallel_start(document: Document) -> Iterator[Problem]:
    """What has come for an instance that does not exist yet is kept nowhere."""
    for node in document.all("startEvent"):
        scope = document.scope(node)
        if node.is_true("parallelMultiple") and scope is not None and scope.tag == "process":
            yield Problem(
                node,
                "Expected a start event that one trigger is enough for, but found parallelMultiple='true'; let an "
                "event-based gateway with instantiate='true' and eventGatewayType='Parallel' wait for all of them",
                "开始事件应由一个触发即可启动，但发现了 parallelMultiple='true'；请使用 instantiate='true' 且 "
                "eventGatewayType='Parallel' 的事件网关来等待全部触发",
                to_execute(document, node),
            )


@rule("error-mapping")
def error_mapping(document: Document) -> Iterator[Problem]:
    """What means an error is read from the results of workers, not from their failures."""
    for node in document.all("camunda:errorEventDefinition"):
        owner = _owner(node)
        condition = node.get("expression")
        referred = document.resolve(node.get("errorRef")) if node.get("errorRef") else None
        if owner.get("camunda:type") != "external" or not condition or referred is None:
            yield Problem(
                owner,
                "Expected an external task with an expression and an errorRef in camunda:errorEventDefinition, "
                f"but found '{condition[:100]}' and '{node.get('errorRef')}'",
                "camunda:errorEventDefinition 应位于外部任务上，并有 expression 和 errorRef，"
                f"但实际为“{condition[:100]}”和“{node.get('errorRef')}”",
                to_execute(document, node),
            )
        elif "externalTask" in condition:
            yield Problem(
                owner,
                "Expected variables in the expression of camunda:errorEventDefinition, but found 'externalTask'; "
                "what a failure means the worker says itself: it reports the error",
                "camunda:errorEventDefinition 的表达式应使用变量，但发现了“externalTask”；"
                "失败的含义应由工作者报告 BPMN 错误来表达",
                to_execute(document, node),
            )


@rule("worker-missing", "warning")
def worker_missing(document: Document) -> Iterator[Problem]:
    for node in document.all(*WORKERS):
        if document.is_drawing(node) or any(node.get(name) for name in IMPLEMENTED):
            continue
        if node.tag == "sendTask" and node.get("messageRef"):
            continue
        yield Problem(
            node,
            f"Expected camunda:type='external' and a topic on '{node.label}', but found none; "
            "it waits for workers of the topic that is its id",
            f"“{node.label}”没有 camunda:type='external' 和主题；将以其标识作为主题等待工作者",
        )


@rule("nobody-may", "warning")
def nobody_may(document: Document) -> Iterator[Problem]:
    in_lane = {document.resolve(text) for lane in document.all("lane") for text in lane.texts("flowNodeRef")}
    for node in document.all("userTask"):
        if document.is_drawing(node):
            continue
        named = any(node.get(f"camunda:{name}") for name in ("assignee", "candidateUsers", "candidateGroups"))
        role = node.first("resourceRole", "performer", "humanPerformer", "potentialOwner")
        placed = node in in_lane or any(above in in_lane for above in node.ancestors())
        if not named and role is None and not placed:
            yield Problem(
                node,
                "Expected somebody who may do this task, but found no assignee, candidates or lane",
                "没有人可以办理此任务；请指定处理人、候选用户、候选组或泳道",
            )


@rule("process-id")
def process_id(document: Document) -> Iterator[Problem]:
    for node in document.all("process"):
        if not node.id.strip():
            yield Problem(
                node,
                "Expected an id on the process, but found none; it is the name it is started by",
                "流程缺少标识（id）；启动流程时需要它",
                to_execute(document, node),
            )


@rule("executable-unsaid", "warning")
def executable_unsaid(document: Document) -> Iterator[Problem]:
    for node in document.all("process"):
        if "isExecutable" not in node.attributes:
            yield Problem(
                node,
                "Expected isExecutable on the process, but found none; say true to run it, false for a drawing",
                "流程缺少 isExecutable；要执行请设为 true，仅作图请设为 false",
            )


@rule("label-missing", "warning")
def label_missing(document: Document) -> Iterator[Problem]:
    for node in document.all(*ACTIVITIES):
        if not node.name:
            yield Problem(
                node,
                f"Expected a name on {node.tag} '{node.label}', but found none; say what is done",
                f"{node.tag}“{node.label}”没有名称；请填写要做的事",
            )
    for node in document.all("exclusiveGateway", "inclusiveGateway"):
        if not node.name and len(document.outgoing(node)) > 1:
            yield Problem(
                node,
                f"Expected a question as the name of gateway '{node.label}', but found none",
                f"网关“{node.label}”没有名称；请填写判断的问题",
            )


@rule("empty-sub-process", "warning")
def empty_sub_process(document: Document) -> Iterator[Problem]:
    for node in document.all("subProcess", "transaction"):
        if not any(child.tag in ACTIVITIES | EVENTS for child in node.children):
            yield Problem(
                node,
                f"Expected activities in sub-process '{node.label}', but found none",
                f"子流程“{node.label}”是空的",
            )
