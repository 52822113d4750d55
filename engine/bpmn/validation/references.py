"""Rules on references: what they point to exists, and is of the right kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from casepath.engine.bpmn.validation.document import (
    ACTIVITIES,
    CHOREOGRAPHY_ACTIVITIES,
    COLLABORATIONS,
    EVENT_DEFINITIONS,
    FLOW_NODES,
    Document,
    Node,
)
from casepath.engine.bpmn.validation.rules import Breach, by_the_letter, is_by_the_letter, rule

CONVERSATIONS = frozenset({"conversation", "subConversation", "callConversation"})
ITEM_HOLDERS = frozenset(
    {
        "dataInput",
        "dataOutput",
        "dataObject",
        "dataObjectReference",
        "dataStoreReference",
        "dataStore",
        "property",
        "inputDataItem",
        "outputDataItem",
    }
)

#: Attribute, or `tag/attribute` where the name alone is not clear, to the tags it may point to (empty: any element).
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "activityRef": ACTIVITIES,
    "attachedToRef": ACTIVITIES | CHOREOGRAPHY_ACTIVITIES,
    "calledChoreographyRef": frozenset({"choreography", "globalChoreographyTask"}),
    "calledCollaborationRef": frozenset({"collaboration", "globalConversation"}),
    "categoryValueRef": frozenset({"categoryValue"}),
    "conversationLink/sourceRef": CONVERSATIONS | FLOW_NODES | {"participant"},
    "conversationLink/targetRef": CONVERSATIONS | FLOW_NODES | {"participant"},
    "correlationKeyRef": frozenset({"correlationKey"}),
    "correlationPropertyRef": frozenset({"correlationProperty"}),
    "dataObjectRef": frozenset({"dataObject"}),
    "dataStoreRef": frozenset({"dataStore"}),
    "default": frozenset({"sequenceFlow"}),
    "definitionalCollaborationRef": COLLABORATIONS,
    "errorRef": frozenset({"error"}),
    "evaluatesToTypeRef": frozenset({"itemDefinition"}),
    "escalationRef": frozenset({"escalation"}),
    "initiatingParticipantRef": frozenset({"participant"}),
    "inputDataRef": frozenset({"inputSet", "dataInput"}),
    "innerConversationNodeRef": CONVERSATIONS,
    "innerMessageFlowRef": frozenset({"messageFlow"}),
    "itemRef": frozenset({"itemDefinition"}),
    "itemSubjectRef": frozenset({"itemDefinition"}),
    "messageRef": frozenset({"message"}),
    "noneBehaviorEventRef": EVENT_DEFINITIONS,
    "oneBehaviorEventRef": EVENT_DEFINITIONS,
    "operationRef": frozenset({"operation"}),
    "outerConversationNodeRef": CONVERSATIONS,
    "outerMessageFlowRef": frozenset({"messageFlow"}),
    "outputDataRef": frozenset({"outputSet", "dataOutput"}),
    "parameterRef": frozenset({"resourceParameter"}),
    "participant/processRef": frozenset({"process"}),
    "sequenceFlow/sourceRef": frozenset(),
    "sequenceFlow/targetRef": frozenset(),
    "messageFlow/sourceRef": frozenset(),
    "messageFlow/targetRef": frozenset(),
    "association/sourceRef": frozenset(),
    "association/targetRef": frozenset(),
    "signalRef": frozenset({"signal"}),
    "error/structureRef": frozenset({"itemDefinition"}),
    "escalation/structureRef": frozenset({"itemDefinition"}),
    "signal/structureRef": frozenset({"itemDefinition"}),
}

#: The same for children that hold the reference as text; key is `parent/child` or `child`.
CHILDREN: Mapping[str, frozenset[str]] = {
    "categoryValueRef": frozenset({"categoryValue"}),
    "choreographyRef": frozenset({"choreography", "globalChoreographyTask"}),
    "correlationPropertyRef": frozenset({"correlationProperty"}),
    "dataInputAssociation/sourceRef": ITEM_HOLDERS,
    "dataInputAssociation/targetRef": ITEM_HOLDERS,
    "dataOutputAssociation/sourceRef": ITEM_HOLDERS,
    "dataOutputAssociation/targetRef": ITEM_HOLDERS,
    "dataInputRefs": frozenset({"dataInput"}),
    "dataOutputRefs": frozenset({"dataOutput"}),
    "errorRef": frozenset({"error"}),
    "eventDefinitionRef": EVENT_DEFINITIONS,
    "flowNodeRef": FLOW_NODES,
    "inMessageRef": frozenset({"message"}),
    "innerParticipantRef": frozenset({"participant"}),
    "inputSetRefs": frozenset({"inputSet"}),
    "interfaceRef": frozenset({"interface"}),
    "link/source": frozenset({"linkEventDefinition"}),
    "link/target": frozenset({"linkEventDefinition"}),
    "loopDataInputRef": ITEM_HOLDERS,
    "loopDataOutputRef": ITEM_HOLDERS,
    "messageFlowRef": frozenset({"messageFlow"}),
    "operationRef": frozenset({"operation"}),
    "optionalInputRefs": frozenset({"dataInput"}),
    "optionalOutputRefs": frozenset({"dataOutput"}),
    "outMessageRef": frozenset({"message"}),
    "outerParticipantRef": frozenset({"participant"}),
    "outputSetRefs": frozenset({"outputSet"}),
    "participantRef": frozenset({"participant"}),
    "resourceRef": frozenset({"resource"}),
    "supportedInterfaceRef": frozenset({"interface"}),
    "supports": frozenset({"process"}),
    "whileExecutingInputRefs": frozenset({"dataInput"}),
    "whileExecutingOutputRefs": frozenset({"dataOutput"}),
}
#: Lists of shapes that tools keep carelessly: they move no token, so a stale entry only warns.
CARELESS = frozenset(
    {
        "categoryValueRef",
        "flowNodeRef",
        "interfaceRef",
        "definitionalCollaborationRef",
        "dataStoreRef",
        "itemSubjectRef",
        "itemRef",
        "structureRef",
        "supports",
        "processRef",
        "evaluatesToTypeRef",
        "loopDataInputRef",
        "loopDataOutputRef",
    }
)


def _references(document: Document) -> Iterator[tuple[Node, str, str, frozenset[str]]]:
    """Every reference of the file: holder, name, text, and what it may point to."""
    for node in document.nodes:
        if ":" in node.tag or node.tag.startswith("{"):
            continue
        for name, value in node.attributes.items():
            kinds = ATTRIBUTES.get(f"{node.tag}/{name}", ATTRIBUTES.get(name))
            if kinds is not None and value.strip():
                yield node, name, value.strip(), kinds
        if node.parent is not None and node.text and not node.children:
            holder = node.parent.tag.removesuffix("EventDefinition")
            kinds = CHILDREN.get(f"{holder}/{node.tag}", CHILDREN.get(node.tag))
            if kinds is not None:
                yield node.parent, node.tag, node.text, kinds


@rule("dangling-reference")
def dangling_reference(document: Document) -> Iterator[Breach]:
    for node, name, text, _ in _references(document):
        if document.resolve(text) is not None or document.is_foreign(text):
            continue
        if node.tag == "errorEventDefinition" and not is_by_the_letter(document, node):
            continue  # the text is the code
        yield Breach(
            node,
            "Expected an element '{text}' for {name}, but found none; correct the reference or add the element",
            by_the_letter(document, node) if name in CARELESS else None,
            text=text,
            name=name,
        )


@rule("reference-kind")
def reference_kind(document: Document) -> Iterator[Breach]:
    for node, name, text, kinds in _references(document):
        found = document.resolve(text)
        if found is None or not kinds or found.tag in kinds:
            continue
        if node.tag == "errorEventDefinition" and not is_by_the_letter(document, node):
            continue  # the text is the code
        few = sorted(kinds)[:3]
        yield Breach(
            node,
            "Expected {few} for {name}, but found {tag} '{text}'",
            by_the_letter(document, node) if name in CARELESS else None,
            few=few,
            name=name,
            tag=found.tag,
            text=text,
        )


@rule("called-element")
def called_element(document: Document) -> Iterator[Breach]:
    """What a call activity calls is the key of a process, mostly of another file; something else may have that id."""
    callable_tags = {
        "process",
        "globalTask",
        "globalUserTask",
        "globalManualTask",
        "globalScriptTask",
        "globalBusinessRuleTask",
    }
    for node in document.all("callActivity"):
        target = document.resolve(node.get("calledElement")) if node.get("calledElement") else None
        if target is not None and target.tag not in callable_tags:
            yield Breach(
                node,
                "Expected a process or global task to call, but found {tag} '{id}'",
                "letter",
                tag=target.tag,
                id=target.id,
            )
        elif not node.get("calledElement") and document.is_executable(node) and not _dialect_call(node):
            yield Breach(
                node,
                "Expected the id of a process in calledElement, but found none; name the process to call",
            )


def _dialect_call(node: Node) -> bool:
    return any(name.startswith(("camunda:calledElement", "camunda:case")) for name in node.attributes)
