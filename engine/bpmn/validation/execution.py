"""Rules on what is not executed exactly, so that nothing is silently ignored; and on what is surely not meant."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import ACTIVITIES, EVENTS, GATEWAYS, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule, to_execute

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
def java_behind(document: Document) -> Iterator[Breach]:
    for node in document.all(*ACTIVITIES, *EVENTS, "messageEventDefinition", "signalEventDefinition"):
        for name in JAVA_ATTRIBUTES:
            if node.get(name):
                yield Breach(
                    node,
                    "Expected an external task with a topic, but found {name}='{value}'; Java is not executed: set "
                    "camunda:type='external' and a topic for a worker",
                    to_execute(document, node),
                    name=name,
                    value=node.get(name),
                )


@rule("listener")
def listener(document: Document) -> Iterator[Breach]:
    for node in document.all(*LISTENERS):
        yield Breach(
            _owner(node),
            "Expected no {tag}, but found one; listeners are not executed: model the step as a task",
            to_execute(document, node),
            tag=node.tag,
        )


@rule("connector")
def connector(document: Document) -> Iterator[Breach]:
    for node in document.all("camunda:connector"):
        yield Breach(
            _owner(node),
            "Expected an external task with a topic, but found a connector; connectors are not executed",
            to_execute(document, node),
        )


@rule("implementation-type")
def implementation_type(document: Document) -> Iterator[Breach]:
    for node in document.all(*WORKERS, "messageEventDefinition"):
        kind = node.get("camunda:type")
        if kind and kind != "external":
            yield Breach(
                node,
                "Expected camunda:type='external', but found '{kind}'; a worker has to do this work",
                to_execute(document, node),
                kind=kind,
            )
        elif kind and not node.get("camunda:topic"):
            yield Breach(
                node,
                "Expected camunda:topic on an external task, but found none; name the topic of its workers",
                to_execute(document, node),
            )


@rule("script-format")
def script_format(document: Document) -> Iterator[Breach]:
    for node in document.all("scriptTask", "globalScriptTask"):
        format_ = node.get("scriptFormat") or node.get("scriptLanguage")
        if format_.lower() not in SCRIPT_FORMATS:
            yield Breach(
                node,
                "Expected scriptFormat 'python' or 'feel', but found '{format}'; rewrite the script",
                to_execute(document, node),
                format=format_,
            )
        if not format_ and node.first("script") is not None:
            yield Breach(
                node,
                "Expected scriptFormat beside the script, but found none; write scriptFormat='python'",
                "letter",
            )
        if node.get("camunda:resource"):
            yield Breach(
                node,
                "Expected the script in the diagram, but found camunda:resource; put it there",
                to_execute(document, node),
            )
        elif node.first("script") is None and node.tag == "scriptTask":
            yield Breach(
                node,
                "Expected a script, but found none; write one, or use another kind of task",
                by_the_letter(document, node),
            )


@rule("mapping-script")
def mapping_script(document: Document) -> Iterator[Breach]:
    for node in document.all("camunda:script"):
        if node.inside(*LISTENERS) is None:
            yield Breach(
                _owner(node),
                "Expected ${…} in a mapping, but found a script; scripts run in script tasks only",
                to_execute(document, node),
            )
    for node in document.all("conditionExpression", "condition"):
        if node.get("camunda:resource"):
            yield Breach(node, "Expected a condition in ${…}, but found camunda:resource", to_execute(document, node))


@rule("cmmn-call")
def cmmn_call(document: Document) -> Iterator[Breach]:
    for node in document.all("callActivity"):
        if node.get("camunda:caseRef"):
            yield Breach(
                node,
                "Expected calledElement on a call activity, but found camunda:caseRef; CMMN is not executed",
                to_execute(document, node),
            )


@rule("association-computation")
def association_computation(document: Document) -> Iterator[Breach]:
    for node in document.all("dataInputAssociation", "dataOutputAssociation"):
        part = node.first("transformation", "assignment")
        if part is not None:
            yield Breach(
                node.parent or node,
                "Expected a data association that copies a value, but found a {tag}, which is not executed; compute "
                "the value in a script or mapping",
                to_execute(document, node),
                tag=part.tag,
            )


@rule("transaction-method")
def transaction_method(document: Document) -> Iterator[Breach]:
    for node in document.all("transaction"):
        method = node.get("method")
        if method.lstrip("#").lower() not in {"", "compensate", "unspecified"}:
            yield Breach(
                node,
                "Expected ##Compensate as the method of a transaction, but found '{method}'; it is not executed",
                to_execute(document, node),
                method=method,
            )


@rule("zeebe-extension")
def zeebe_extension(document: Document) -> Iterator[Breach]:
    for node in document.nodes:
        above = node.parent
        if not node.tag.startswith(ZEEBE) or node.tag in ZEEBE_HARMLESS or above is None:
            continue
        if above.tag == "extensionElements" and document.process(node) is not None:
            name = node.tag.removeprefix(ZEEBE)
            yield Breach(
                _owner(node),
                "Expected extensions of Camunda 7, but found zeebe:{name} of Camunda 8, which is not executed",
                to_execute(document, node),
                name=name,
            )


@rule("extension-ignored", "warning")
def extension_ignored(document: Document) -> Iterator[Breach]:
    """Extensions that change what happens, and that nobody reads here."""
    for node in document.nodes:
        unread = [name for name in node.attributes if name in UNREAD_ATTRIBUTES]
        for name in unread + ([node.tag] if node.tag in UNREAD_ELEMENTS else []):
            yield Breach(
                _owner(node) if name == node.tag else node,
                "Expected no {name}, but found it; it has no effect here",
                name=name,
            )


@rule("mapping-place", "warning")
def mapping_place(document: Document) -> Iterator[Breach]:
    """Mappings at elements that take no time and are not thrown."""
    for node in document.all("camunda:inputOutput"):
        owner = _owner(node)
        unread = GATEWAYS | {"startEvent", "boundaryEvent", "process"}
        if owner.tag in unread or (owner.tag == "endEvent" and node.first("camunda:outputParameter") is not None):
            yield Breach(
                owner,
                "Expected input and output mappings at activities and intermediate events, but found them at {tag} "
                "'{label}', where they have no effect",
                tag=owner.tag,
                label=owner.label,
            )


@rule("parallel-start")
def parallel_start(document: Document) -> Iterator[Breach]:
    """What has come for an instance that does not exist yet is kept nowhere."""
    for node in document.all("startEvent"):
        scope = document.scope(node)
        if node.is_true("parallelMultiple") and scope is not None and scope.tag == "process":
            yield Breach(
                node,
                "Expected a start event that one trigger is enough for, but found parallelMultiple='true'; let an "
                "event-based gateway with instantiate='true' and eventGatewayType='Parallel' wait for all of them",
                to_execute(document, node),
            )


@rule("error-mapping")
def error_mapping(document: Document) -> Iterator[Breach]:
    """What means an error is read from the results of workers, not from their failures."""
    for node in document.all("camunda:errorEventDefinition"):
        owner = _owner(node)
        condition = node.get("expression")
        referred = document.resolve(node.get("errorRef")) if node.get("errorRef") else None
        if owner.get("camunda:type") != "external" or not condition or referred is None:
            yield Breach(
                owner,
                "Expected an external task with an expression and an errorRef in camunda:errorEventDefinition, but "
                "found '{condition}' and '{error_ref}'",
                to_execute(document, node),
                condition=condition,
                error_ref=node.get("errorRef"),
            )
        elif "externalTask" in condition:
            yield Breach(
                owner,
                "Expected variables in the expression of camunda:errorEventDefinition, but found 'externalTask'; what "
                "a failure means the worker says itself: it reports the error",
                to_execute(document, node),
            )


@rule("worker-missing", "warning")
def worker_missing(document: Document) -> Iterator[Breach]:
    for node in document.all(*WORKERS):
        if document.is_drawing(node) or any(node.get(name) for name in IMPLEMENTED):
            continue
        if node.tag == "sendTask" and node.get("messageRef"):
            continue
        yield Breach(
            node,
            "Expected camunda:type='external' and a topic on '{label}', but found none; it waits for workers of the "
            "topic that is its id",
            label=node.label,
        )


@rule("nobody-may", "warning")
def nobody_may(document: Document) -> Iterator[Breach]:
    in_lane = {document.resolve(text) for lane in document.all("lane") for text in lane.texts("flowNodeRef")}
    for node in document.all("userTask"):
        if document.is_drawing(node):
            continue
        named = any(node.get(f"camunda:{name}") for name in ("assignee", "candidateUsers", "candidateGroups"))
        role = node.first("resourceRole", "performer", "humanPerformer", "potentialOwner")
        placed = node in in_lane or any(above in in_lane for above in node.ancestors())
        if not named and role is None and not placed:
            yield Breach(node, "Expected somebody who may do this task, but found no assignee, candidates or lane")


@rule("process-id")
def process_id(document: Document) -> Iterator[Breach]:
    for node in document.all("process"):
        if not node.id.strip():
            yield Breach(
                node,
                "Expected an id on the process, but found none; it is the name it is started by",
                to_execute(document, node),
            )


@rule("executable-unsaid", "warning")
def executable_unsaid(document: Document) -> Iterator[Breach]:
    for node in document.all("process"):
        if "isExecutable" not in node.attributes:
            yield Breach(
                node,
                "Expected isExecutable on the process, but found none; say true to run it, false for a drawing",
            )


@rule("label-missing", "warning")
def label_missing(document: Document) -> Iterator[Breach]:
    for node in document.all(*ACTIVITIES):
        if not node.name:
            yield Breach(
                node,
                "Expected a name on {tag} '{label}', but found none; say what is done",
                tag=node.tag,
                label=node.label,
            )
    for node in document.all("exclusiveGateway", "inclusiveGateway"):
        if not node.name and len(document.outgoing(node)) > 1:
            yield Breach(
                node,
                "Expected a question as the name of gateway '{label}', but found none",
                label=node.label,
            )


@rule("empty-sub-process", "warning")
def empty_sub_process(document: Document) -> Iterator[Breach]:
    for node in document.all("subProcess", "transaction"):
        if not any(child.tag in ACTIVITIES | EVENTS for child in node.children):
            yield Breach(node, "Expected activities in sub-process '{label}', but found none", label=node.label)
