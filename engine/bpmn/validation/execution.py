"""Rules on what is not executed exactly, so that nothing is silently ignored; and on what is surely not meant."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.dialects import JAVA_ATTRIBUTES, LISTENERS
from casepath.engine.bpmn.validation.document import ACTIVITIES, EVENTS, GATEWAYS, WORKERS, Document, is_unsaid
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, rule, to_execute

SCRIPT_FORMATS = frozenset({"", "python", "feel"})
#: How a task says who does it; some of them are refused elsewhere.
IMPLEMENTED = ("camunda:type", "camunda:topic", "camunda:decisionRef", *JAVA_ATTRIBUTES)


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
                node.owner(),
                "Expected ${…} in a mapping, but found a script; scripts run in script tasks only",
                to_execute(document, node),
            )
    for node in document.all("conditionExpression", "condition"):
        if node.get("camunda:resource"):
            yield Breach(node, "Expected a condition in ${…}, but found camunda:resource", to_execute(document, node))


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


@rule("mapping-place", "warning")
def mapping_place(document: Document) -> Iterator[Breach]:
    """Mappings at elements that take no time and are not thrown."""
    for node in document.all("camunda:inputOutput"):
        owner = node.owner()
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
        owner = node.owner()
        condition = node.get("expression")
        if owner.get("camunda:type") != "external" or not condition or not node.get("errorRef"):
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


@rule("version-binding")
def version_binding(document: Document) -> Iterator[Breach]:
    for tag, attribute in (("callActivity", "calledElement"), ("businessRuleTask", "decisionRef")):
        for node in document.all(tag):
            binding = node.get(f"camunda:{attribute}Binding")
            needed = {"version": f"{attribute}Version", "versionTag": f"{attribute}VersionTag"}.get(binding, "")
            if binding not in {"", "latest", "deployment", "version", "versionTag"}:
                yield Breach(
                    node,
                    "Expected one of {allowed} as camunda:{name}, but found '{value}'",
                    allowed=["deployment", "latest", "version", "versionTag"],
                    name=f"{attribute}Binding",
                    value=binding,
                )
            elif needed and not node.get(f"camunda:{needed}"):
                yield Breach(
                    node,
                    "Expected camunda:{name} beside the binding '{value}', but found none",
                    name=needed,
                    value=binding,
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
        if not is_unsaid(node):
            continue
        if node.id in document.drawings:
            yield Breach(
                node,
                "Expected isExecutable on the process, but found none; it cannot be executed and is kept as a drawing: "
                "{reason}",
                reason=document.drawings[node.id],
            )
        else:
            yield Breach(
                node,
                "Expected isExecutable on the process, but found none; it is executed; say true to mean that, "
                "false for a drawing",
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
