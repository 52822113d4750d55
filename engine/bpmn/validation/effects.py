"""
What has no effect is warned of: one table says what is read and where; all else is said in vain.

`python -m tests.effects` holds the table against what is really made of a diagram.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from casepath.engine.bpmn.validation.dialects import (
    FLOWABLE_ATTRIBUTES,
    FLOWABLE_ELEMENTS,
    JAVA_ATTRIBUTES,
    LISTENERS,
)
from casepath.engine.bpmn.validation.document import (
    ACTIVITIES,
    COLLABORATIONS,
    EVENTS,
    FLOW_NODES,
    SUB_PROCESSES,
    THROW_EVENTS,
    WORKERS,
    Document,
    Node,
    is_event_sub_process,
)
from casepath.engine.bpmn.validation.rules import Breach, rule

CAMUNDA = "camunda:"
CALLS = frozenset({"callActivity"})
DECISIONS = frozenset({"businessRuleTask", "globalBusinessRuleTask"})
USER_TASKS = frozenset({"userTask", "globalUserTask"})
SCRIPTS = frozenset({"scriptTask", "globalScriptTask"})
#: Events that carry something to whoever catches them.
LOADED = ("errorEventDefinition", "escalationEventDefinition", "messageEventDefinition", "signalEventDefinition")
EVENT_PAYLOADS = frozenset({*LOADED, "sendTask"})

#: Attributes of the dialects → where they are read.
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "assignee": USER_TASKS,
    "async": FLOW_NODES,
    "asyncAfter": ACTIVITIES,
    "asyncBefore": FLOW_NODES,
    "calledElementBinding": CALLS,
    "calledElementVersion": CALLS,
    "calledElementVersionTag": CALLS,
    "candidateGroups": USER_TASKS,
    "candidateStarterGroups": frozenset({"process"}),
    "candidateUsers": USER_TASKS,
    "collection": frozenset({"multiInstanceLoopCharacteristics"}),
    "decisionRef": DECISIONS,
    "decisionRefBinding": DECISIONS,
    "decisionRefVersion": DECISIONS,
    "decisionRefVersionTag": DECISIONS,
    "dueDate": USER_TASKS,
    "elementVariable": frozenset({"multiInstanceLoopCharacteristics"}),
    "errorCodeVariable": frozenset({"errorEventDefinition"}),
    "errorMessage": frozenset({"error"}),
    "errorMessageVariable": frozenset({"errorEventDefinition"}),
    "escalationCodeVariable": frozenset({"escalationEventDefinition"}),
    "expression": WORKERS,
    "followUpDate": USER_TASKS,
    "formKey": USER_TASKS | {"startEvent"},
    "formRef": USER_TASKS | {"startEvent"},
    "initiator": frozenset({"startEvent"}),
    "isStartableInTasklist": frozenset({"process"}),
    "mapDecisionResult": DECISIONS,
    "priority": USER_TASKS,
    "resultVariable": WORKERS | SCRIPTS | DECISIONS,
    "resultVariableName": WORKERS,
    "sameDeployment": CALLS | DECISIONS,
    "taskPriority": WORKERS,
    "topic": WORKERS,
    "type": WORKERS,
    "variableEvents": frozenset({"conditionalEventDefinition"}),
    "variableName": frozenset({"conditionalEventDefinition"}),
    "versionTag": frozenset({"process"}),
}
#: Elements of the dialects → the elements that they are read at; what is inside them is read with them.
ELEMENTS: Mapping[str, frozenset[str]] = {
    "errorEventDefinition": WORKERS,
    "failedJobRetryTimeCycle": FLOW_NODES,
    "in": CALLS | EVENT_PAYLOADS | FLOW_NODES,
    "inputOutput": FLOW_NODES,
    "out": CALLS,
    "properties": FLOW_NODES | {"process"},
    "value": frozenset({"dataObject", "property"}),
}
#: What an element of a dialect is made of: name → attributes.
PARTS: Mapping[str, frozenset[str]] = {
    "entry": frozenset({"key"}),
    "errorEventDefinition": frozenset({"errorRef", "expression", "id", "camunda:errorCodeVariable"}),
    "failedJobRetryTimeCycle": frozenset(),
    "in": frozenset({"businessKey", "local", "source", "sourceExpression", "target", "variables"}),
    "inputOutput": frozenset(),
    "inputParameter": frozenset({"name"}),
    "list": frozenset(),
    "map": frozenset(),
    "out": frozenset({"local", "source", "sourceExpression", "target", "variables"}),
    "outputParameter": frozenset({"name"}),
    "properties": frozenset(),
    "property": frozenset({"id", "name", "value"}),
    "script": frozenset({"scriptFormat", "resource"}),
    "value": frozenset({"id"}),
}
#: Attributes and elements of BPMN that are neither executed nor shown.
UNREAD_ATTRIBUTES = frozenset(
    {
        "capacity",
        "definitionalCollaborationRef",
        "evaluatesToTypeRef",
        "implementation",
        "implementationRef",
        "isClosed",
        "isImmediate",
        "isUnlimited",
        "itemKind",
        "itemRef",
        "itemSubjectRef",
        "operationRef",
        "partitionElementRef",
        "processType",
        "structureRef",
        "textFormat",
    }
)
UNREAD_ELEMENTS = frozenset(
    {
        "auditing",
        "endPoint",
        "extension",
        "import",
        "inputSet",
        "interface",
        "ioBinding",
        "itemDefinition",
        "monitoring",
        "operationRef",
        "outputSet",
        "partitionElement",
        "partnerEntity",
        "partnerRole",
        "relationship",
        "rendering",
        "resource",
        "supportedInterfaceRef",
        "supports",
    }
)
#: What holds the id of a data input or output, or of an event of the file as a whole, that is read.
REFERENCES = ("eventDefinitionRef", "loopDataInputRef", "loopDataOutputRef", "sourceRef", "targetRef")
BEHAVIORS = ("noneBehaviorEventRef", "oneBehaviorEventRef")
#: What is refused anyway, where it says that something else is to happen.
REFUSED = frozenset(
    {*FLOWABLE_ATTRIBUTES, *FLOWABLE_ELEMENTS, *JAVA_ATTRIBUTES, *LISTENERS, "camunda:connector"}
    | {"camunda:formHandlerClass"}
) - {"camunda:expression"}
#: Attributes that are said to be as they are anyway.
DEFAULTS = {"camunda:exclusive": "true"}
#: Attributes that say what a file is.
SAID = ("{http://www.w3.org/2001/XMLSchema-instance}", "{http://www.w3.org/XML/1998/namespace}")
MODELER = "{http://camunda.org/schema/modeler/1.0}"


@rule("no-effect", "warning")
def no_effect(document: Document) -> Iterator[Breach]:
    """What is read nowhere, or not there: one warning for each element that has such things, one for strangers."""
    found: dict[Node, set[str]] = defaultdict(set)
    foreign: set[str] = set()
    referred = {node.text.rpartition(":")[2] for node in document.all(*REFERENCES)}
    loops = document.all("multiInstanceLoopCharacteristics")
    referred |= {loop.get(name).rpartition(":")[2] for loop in loops for name in BEHAVIORS}
    waiting = [document.root]
    while waiting:
        node = waiting.pop()
        if node.tag in COLLABORATIONS or document.is_in_drawing(node):
            continue
        unread = _is_unread(node, referred)
        for name in (node.tag,) if unread else _in_vain(document, node):
            if name in REFUSED:
                continue
            if name.startswith("{"):
                foreign.add(name[1:].partition("}")[0])
            else:
                found[node.owner() if node.tag.startswith(CAMUNDA) else node].add(name)
        if not unread:
            waiting += node.children
    for node, names in found.items():
        yield Breach(
            node,
            "Expected only what is executed or shown, but found {names}; it has no effect here",
            names=sorted(names),
        )
    if foreign:
        yield Breach(
            document.root,
            "Expected extensions of Camunda 7 only, but found some of {names}; they have no effect here",
            names=sorted(foreign),
        )


def _is_unread(node: Node, referred: Collection[str]) -> bool:
    """Whether an element is read nowhere, or not at this place; so is what is in it."""
    above = node.parent
    if node.tag.startswith(CAMUNDA):
        name = node.tag.removeprefix(CAMUNDA)
        if above is not None and above.tag == "extensionElements":
            return above.parent is None or above.parent.tag not in ELEMENTS.get(name, frozenset())
        return name not in PARTS
    if above is not None and above.tag in EVENTS and node.tag in {"dataInputAssociation", "dataOutputAssociation"}:
        # What events carry is read, not what they bring.
        thrown = above.tag in THROW_EVENTS and above.all(*LOADED)
        return not thrown or node.tag == "dataOutputAssociation"
    if above is not None and above.tag == "definitions" and node.tag.endswith("EventDefinition"):
        return node.id not in referred
    if node.tag == "ioSpecification":
        return not any(data.id in referred for data in node.children if data.id)
    return node.tag in UNREAD_ELEMENTS or (node.tag.startswith("{") and not node.tag.startswith("{}"))


def _in_vain(document: Document, node: Node) -> Iterator[str]:
    """Yield the attributes of a node that are read nowhere, or not there."""
    parts = PARTS.get(node.tag.removeprefix(CAMUNDA), frozenset()) if node.tag.startswith(CAMUNDA) else None
    for name, value in node.attributes.items():
        if name.startswith((*SAID, MODELER)) or DEFAULTS.get(name) == value:
            continue
        if parts is not None:
            known = name in parts
        elif name.startswith(("{", CAMUNDA)):
            known = node.tag in ATTRIBUTES.get(name.removeprefix(CAMUNDA), frozenset())
        else:
            known = name not in UNREAD_ATTRIBUTES
        if not known:
            yield name
    yield from _unneeded(document, node)


def _unneeded(document: Document, node: Node) -> Iterator[str]:
    """Yield what would be read if something else were otherwise."""
    own = {name.removeprefix(CAMUNDA) for name in node.attributes if name.startswith(CAMUNDA)}
    for attribute in ("calledElement", "decisionRef"):
        binding = node.get(f"camunda:{attribute}Binding")
        for kind in ("version", "versionTag"):
            name = f"{attribute}{kind[0].upper()}{kind[1:]}"
            if name in own and binding != kind:
                yield f"camunda:{name}"
    if node.tag in WORKERS and not own & {"expression", "decisionRef"}:
        yield from (f"camunda:{name}" for name in sorted(own & {"resultVariable", "resultVariableName"}))
    if "expression" in own and not own & {"resultVariable", "resultVariableName"}:
        yield "camunda:expression"
    if "mapDecisionResult" in own and not {"decisionRef", "resultVariable"} <= own:
        yield "camunda:mapDecisionResult"
    if node.tag == "scriptTask" and node.first("script") is None and node.get("scriptFormat"):
        yield "scriptFormat"
    if node.tag == "startEvent" and "isInterrupting" in node.attributes:
        scope = document.scope(node)
        if scope is None or not is_event_sub_process(scope):
            yield "isInterrupting"
    if node.tag == "startEvent" and _begins_nothing_by_itself(document, node):
        yield from (f"camunda:{name}" for name in sorted(own & {"formKey", "formRef"}))


def _begins_nothing_by_itself(document: Document, start: Node) -> bool:
    """Whether a start event is that of a sub-process which is entered along a flow: nobody fills in anything there."""
    scope = document.scope(start)
    return scope is not None and scope.tag in SUB_PROCESSES and not is_event_sub_process(scope)
