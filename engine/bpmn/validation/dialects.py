"""Rules on what other engines execute, and this one does not: Java, listeners, connectors, Flowable, Camunda 8."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine import errors
from casepath.engine.bpmn.validation.document import ACTIVITIES, EVENTS, WORKERS, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, rule, to_execute
from casepath.engine.expressions import compile_expression
from casepath.engine.phrases import Phrase

#: Java behind an element.
JAVA_ATTRIBUTES = {
    "camunda:class",
    "camunda:delegateExpression",
    "camunda:expression",
    "camunda:variableMappingClass",
    "camunda:variableMappingDelegateExpression",
}
LISTENERS = ("camunda:eventListener", "camunda:executionListener", "camunda:taskListener")
#: What Flowable does at a place, and nobody here; each with what to do instead.
FLOWABLE_ATTRIBUTES = {
    "camunda:businessCalendarName": Phrase("count working time with ${{workingTime('PT2H')}}"),
    "camunda:calledElementType": Phrase("call the process by its key"),
    "camunda:terminateAll": Phrase("end what is around with an error, and catch that"),
    "camunda:terminateMultiInstance": Phrase("say with a completion condition when the instances are done"),
}
FLOWABLE_ELEMENTS = {
    "camunda:eventType": Phrase("wait for a message"),
    "camunda:triggerEventType": Phrase("wait for a message"),
    "camunda:variableAggregation": Phrase("gather the results with loopDataOutputRef and outputDataItem"),
}
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
#: Extensions of Zeebe that only say how things look or are named.
ZEEBE_HARMLESS = frozenset({f"{ZEEBE}properties", f"{ZEEBE}property", f"{ZEEBE}versionTag", f"{ZEEBE}userTask"})


@rule("java-behind")
def java_behind(document: Document) -> Iterator[Breach]:
    for node in document.all(*ACTIVITIES, *EVENTS, "process", "messageEventDefinition", "signalEventDefinition"):
        expression = node.get("camunda:expression")
        if node.tag in WORKERS and expression:
            yield from _evaluated(document, node, expression)
        for name in JAVA_ATTRIBUTES if node.tag not in WORKERS else JAVA_ATTRIBUTES - {"camunda:expression"}:
            if node.get(name):
                yield Breach(
                    node,
                    "Expected an external task with a topic, but found {name}='{value}'; Java is not executed: set "
                    "camunda:type='external' and a topic for a worker",
                    to_execute(document, node),
                    name=name,
                    value=node.get(name),
                )


def _evaluated(document: Document, node: Node, text: str) -> Iterator[Breach]:
    """An expression in place of a worker is executed where it is one of ours; mostly it calls Java."""
    try:
        compile_expression(text)
    except errors.ExpressionError as error:
        yield Breach(
            node,
            "Expected an expression that is executed here, or an external task with a topic, but found "
            "camunda:expression='{value}': {reason}; Java is not executed",
            to_execute(document, node),
            value=text,
            reason=error.phrase,
        )


@rule("form-handler")
def form_handler(document: Document) -> Iterator[Breach]:
    for node in document.nodes:
        if node.get("camunda:formHandlerClass"):
            yield Breach(
                node,
                "Expected a form that is deployed beside the diagram, but found camunda:formHandlerClass='{value}'; "
                "Java is not executed",
                to_execute(document, node),
                value=node.get("camunda:formHandlerClass"),
            )


@rule("flowable-behaviour")
def flowable_behaviour(document: Document) -> Iterator[Breach]:
    """What changes how Flowable executes an element."""
    for node in document.nodes:
        for name in FLOWABLE_ATTRIBUTES.keys() & node.attributes.keys():
            # Said to be off, or to be as it is here.
            if node.get(name) not in {"", "false", "key"}:
                yield _flowable(document, node, f"{name}='{node.get(name)}'", FLOWABLE_ATTRIBUTES[name])
        if node.tag in FLOWABLE_ELEMENTS:
            yield _flowable(document, node.owner(), node.tag, FLOWABLE_ELEMENTS[node.tag])


def _flowable(document: Document, node: Node, found: str, instead: Phrase) -> Breach:
    return Breach(
        node,
        "Expected only what is executed here, but found {found} of Flowable; {instead}",
        to_execute(document, node),
        found=found,
        instead=instead,
    )


@rule("listener")
def listener(document: Document) -> Iterator[Breach]:
    for node in document.all(*LISTENERS):
        yield Breach(
            node.owner(),
            "Expected no {tag}, but found one; listeners are not executed: model the step as a task",
            to_execute(document, node),
            tag=node.tag,
        )


@rule("connector")
def connector(document: Document) -> Iterator[Breach]:
    for node in document.all("camunda:connector"):
        yield Breach(
            node.owner(),
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


@rule("cmmn-call")
def cmmn_call(document: Document) -> Iterator[Breach]:
    for node in document.all("callActivity"):
        if node.get("camunda:caseRef"):
            yield Breach(
                node,
                "Expected calledElement on a call activity, but found camunda:caseRef; CMMN is not executed",
                to_execute(document, node),
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
                node.owner(),
                "Expected extensions of Camunda 7, but found zeebe:{name} of Camunda 8, which is not executed",
                to_execute(document, node),
                name=name,
            )
