"""What the properties of diagrams, tables and forms are called, and what their values mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import LazyString, lazy_gettext

from casepath.engine.deployments.comparison import ORDER, Step
from casepath.web.languages import gettext

TYPES: Mapping[str, LazyString] = {
    "adHocSubProcess": lazy_gettext("Steps in any order"),
    "annotation": lazy_gettext("Column of notes"),
    "association": lazy_gettext("Line to a note"),
    "boundaryEvent": lazy_gettext("Event on the edge of a step"),
    "businessKnowledgeModel": lazy_gettext("Function"),
    "businessRuleTask": lazy_gettext("Decision"),
    "callActivity": lazy_gettext("Called process"),
    "collaboration": lazy_gettext("Collaboration"),
    "complexGateway": lazy_gettext("Branch by rule"),
    "dataObject": lazy_gettext("Data"),
    "dataObjectReference": lazy_gettext("Data"),
    "dataStoreReference": lazy_gettext("Place of data"),
    "decision": lazy_gettext("Decision table"),
    "definitions": lazy_gettext("The file as a whole"),
    "endEvent": lazy_gettext("End"),
    "error": lazy_gettext("Error"),
    "escalation": lazy_gettext("Escalation"),
    "eventBasedGateway": lazy_gettext("Branch by what happens first"),
    "exclusiveGateway": lazy_gettext("Branch"),
    "field": lazy_gettext("Field"),
    "form": lazy_gettext("The form as a whole"),
    "group": lazy_gettext("Frame"),
    "inclusiveGateway": lazy_gettext("Branch into one or more"),
    "input": lazy_gettext("Column of conditions"),
    "inputData": lazy_gettext("Input"),
    "intermediateCatchEvent": lazy_gettext("Event that is waited for"),
    "intermediateThrowEvent": lazy_gettext("Event that is told"),
    "lane": lazy_gettext("Lane"),
    "laneSet": lazy_gettext("Lanes"),
    "manualTask": lazy_gettext("Work without the system"),
    "message": lazy_gettext("Message"),
    "messageFlow": lazy_gettext("Way of a message"),
    "output": lazy_gettext("Column of results"),
    "parallelGateway": lazy_gettext("Split or join"),
    "participant": lazy_gettext("Pool"),
    "process": lazy_gettext("Process"),
    "receiveTask": lazy_gettext("Waiting for a message"),
    "rule": lazy_gettext("Row"),
    "scriptTask": lazy_gettext("Script"),
    "sendTask": lazy_gettext("Sending"),
    "sequenceFlow": lazy_gettext("Way"),
    "serviceTask": lazy_gettext("Automatic step"),
    "signal": lazy_gettext("Signal"),
    "startEvent": lazy_gettext("Start"),
    "subProcess": lazy_gettext("Group of steps"),
    "task": lazy_gettext("Step"),
    "textAnnotation": lazy_gettext("Note"),
    "transaction": lazy_gettext("Group of steps, all or nothing"),
    "userTask": lazy_gettext("Task"),
}
LABELS: Mapping[str, LazyString] = {
    ORDER: lazy_gettext("order"),
    "BPMNLabel": lazy_gettext("Writing"),
    "Bounds": lazy_gettext("Place and size"),
    "DMNLabel": lazy_gettext("Writing"),
    "aggregation": lazy_gettext("Results are added up as"),
    "attachedToRef": lazy_gettext("At the step"),
    "bioc:fill": lazy_gettext("Colour"),
    "bioc:stroke": lazy_gettext("Colour of the line"),
    "bytes": lazy_gettext("Size in bytes"),
    "calledElement": lazy_gettext("Called process"),
    "camunda:assignee": lazy_gettext("Done by"),
    "camunda:asyncAfter": lazy_gettext("Saved after it"),
    "camunda:asyncBefore": lazy_gettext("Saved before it"),
    "camunda:calledElementBinding": lazy_gettext("Which version is called"),
    "camunda:candidateGroups": lazy_gettext("May be done by"),
    "camunda:candidateStarterGroups": lazy_gettext("May be started by"),
    "camunda:candidateUsers": lazy_gettext("May be done by the persons"),
    "camunda:collection": lazy_gettext("For each of"),
    "camunda:decisionRef": lazy_gettext("Decision table"),
    "camunda:decisionRefBinding": lazy_gettext("Which version decides"),
    "camunda:dueDate": lazy_gettext("Due"),
    "camunda:elementVariable": lazy_gettext("each as"),
    "camunda:executionListener": lazy_gettext("Listener"),
    "camunda:failedJobRetryTimeCycle": lazy_gettext("Further attempts"),
    "camunda:followUpDate": lazy_gettext("Follow-up on"),
    "camunda:formKey": lazy_gettext("Form"),
    "camunda:formRef": lazy_gettext("Form"),
    "camunda:in": lazy_gettext("Handed over"),
    "camunda:initiator": lazy_gettext("Who starts it is kept as"),
    "camunda:inputParameter": lazy_gettext("Taken as"),
    "camunda:isStartableInTasklist": lazy_gettext("Can be started by people"),
    "camunda:mapDecisionResult": lazy_gettext("Shape of the result"),
    "camunda:out": lazy_gettext("Handed back"),
    "camunda:outputParameter": lazy_gettext("Kept as"),
    "camunda:priority": lazy_gettext("Priority"),
    "camunda:property": lazy_gettext("Property"),
    "camunda:resultVariable": lazy_gettext("Result is kept as"),
    "camunda:taskListener": lazy_gettext("Listener of the task"),
    "camunda:topic": lazy_gettext("Work"),
    "camunda:type": lazy_gettext("Done by"),
    "camunda:versionTag": lazy_gettext("Tag of the version"),
    "cancelActivity": lazy_gettext("Ends the step"),
    "cell": lazy_gettext("Row"),
    "columns": lazy_gettext("Width"),
    "compensateEventDefinition": lazy_gettext("Undoing"),
    "completionCondition": lazy_gettext("Done when"),
    "conditionExpression": lazy_gettext("Condition"),
    "conditionalEventDefinition": lazy_gettext("Condition"),
    "dateLabel": lazy_gettext("Label"),
    "default": lazy_gettext("Otherwise along"),
    "defaultValue": lazy_gettext("Filled in with"),
    "description": lazy_gettext("Description"),
    "documentation": lazy_gettext("Documentation"),
    "errorCode": lazy_gettext("Code"),
    "errorEventDefinition": lazy_gettext("Error"),
    "errorRef": lazy_gettext("Error"),
    "escalationCode": lazy_gettext("Code"),
    "escalationEventDefinition": lazy_gettext("Escalation"),
    "escalationRef": lazy_gettext("Escalation"),
    "exporter": lazy_gettext("Written with"),
    "exporterVersion": lazy_gettext("Version of what it is written with"),
    "flowNodeRef": lazy_gettext("Has in it"),
    "hide": lazy_gettext("Hidden if"),
    "hitPolicy": lazy_gettext("Which rows count"),
    "id": lazy_gettext("Id"),
    "incoming": lazy_gettext("Way that comes"),
    "inputExpression": lazy_gettext("Reads"),
    "inputValues": lazy_gettext("Possible values"),
    "isExecutable": lazy_gettext("Is executed"),
    "isExpanded": lazy_gettext("Shown opened"),
    "isInterrupting": lazy_gettext("Ends what is around it"),
    "isSequential": lazy_gettext("One after the other"),
    "key": lazy_gettext("Variable"),
    "label": lazy_gettext("Label"),
    "label_en": lazy_gettext("English label"),
    "lane": lazy_gettext("Lane"),
    "layout": lazy_gettext("Place"),
    "linkEventDefinition": lazy_gettext("Link"),
    "loopCardinality": lazy_gettext("How often"),
    "max": lazy_gettext("At most"),
    "maxLength": lazy_gettext("Characters at most"),
    "messageEventDefinition": lazy_gettext("Message"),
    "messageRef": lazy_gettext("Message"),
    "min": lazy_gettext("At least"),
    "minLength": lazy_gettext("Characters at least"),
    "modeler:executionPlatformVersion": lazy_gettext("Version of what it is written for"),
    "multiInstanceLoopCharacteristics": lazy_gettext("Several times"),
    "name": lazy_gettext("Its name"),
    "outgoing": lazy_gettext("Ways that leave it"),
    "outputValues": lazy_gettext("Possible values"),
    "place": lazy_gettext("Place"),
    "processRef": lazy_gettext("Process"),
    "readonly": lazy_gettext("Only shown"),
    "required": lazy_gettext("Required"),
    "script": lazy_gettext("Script"),
    "scriptFormat": lazy_gettext("Language of the script"),
    "signalEventDefinition": lazy_gettext("Signal"),
    "signalRef": lazy_gettext("Signal"),
    "sourceRef": lazy_gettext("Comes from"),
    "standardLoopCharacteristics": lazy_gettext("Again and again"),
    "targetRef": lazy_gettext("Leads to"),
    "terminateEventDefinition": lazy_gettext("Ends everything"),
    "text": lazy_gettext("Text"),
    "timeCycle": lazy_gettext("again every"),
    "timeDate": lazy_gettext("at the moment"),
    "timeDuration": lazy_gettext("after"),
    "timerEventDefinition": lazy_gettext("Timer"),
    "triggeredByEvent": lazy_gettext("Started by an event"),
    "type": lazy_gettext("Type"),
    "typeRef": lazy_gettext("Type of value"),
    "validate": lazy_gettext("Checked"),
    "values": lazy_gettext("Choices"),
    "waypoint": lazy_gettext("Course"),
    "within": lazy_gettext("Inside of"),
}
#: What only holds others, and says nothing beside them.
SILENT = frozenset(
    {"BPMNEdge", "BPMNShape", "DMNEdge", "DMNShape", "appearance", "camunda:inputOutput", "camunda:properties"}
    | {"conditional", "decisionTable", "extensionElements", "inputEntry", "outputEntry", "annotationEntry"}
    | {"properties", "value", "xsi:type", "camunda:value", "camunda:list", "camunda:map"}
)
#: What is silent only inside of something that is told.
BESIDE = frozenset({"text", "source", "target", "sourceExpression"})
#: What the title of something that came or went says already.
SAID_BY_TITLE = frozenset({"name", "within"})
#: What values mean: the ids of elements, keys of groups, or a type of element.
MEANT: Mapping[str, str] = {
    "attachedToRef": "element",
    "calledElement": "element",
    "camunda:candidateGroups": "groups",
    "camunda:candidateStarterGroups": "groups",
    "camunda:decisionRef": "element",
    "default": "element",
    "errorRef": "element",
    "escalationRef": "element",
    "flowNodeRef": "element",
    "lane": "element",
    "messageRef": "element",
    "outgoing": "element",
    "processRef": "element",
    "signalRef": "element",
    "sourceRef": "element",
    "targetRef": "element",
    "type": "type",
    "within": "element",
}
#: What people wrote: `true` is a word there.
WRITTEN = frozenset({"documentation", "name", "text", "script", "label", "description"})
#: Files of texts in another language, and what is said of an element there: its name, what is told, and more.
ENGLISH = "texts.en"
SAID: Mapping[str, LazyString] = {
    "name": lazy_gettext("English name"),
    "subject": lazy_gettext("English subject"),
    "text": lazy_gettext("English text"),
}


def label(path: Sequence[Step]) -> str:
    """Return what a property is called: the steps that lead to it, without those that only hold others."""
    parts: list[str] = []
    for step in path:
        if step.label == ENGLISH:
            parts.append(str(SAID.get(step.key) or gettext("English: %(said)s", said=step.key)))
            continue
        is_silent = step.label in SILENT or (parts and step.label in BESIDE) or not step.label
        called = "" if is_silent else str(LABELS.get(step.label) or TYPES.get(step.label) or _plain(step.label))
        parts += [" ".join(filter(None, (called, step.key)))] if called or _tells(step) else []
    return " › ".join(parts) or _plain(path[-1].label)


def _tells(step: Step) -> bool:
    """Whether the key of a step says which one it is; ids of what is drawn or timed do not."""
    return bool(step.key) and (not step.label or step.label.endswith("Entry"))


def _plain(name: str) -> str:
    return name.removeprefix("camunda:")
