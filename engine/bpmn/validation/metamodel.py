"""
The BPMN 2.0 elements as data: the attributes of each, the values they may take, and its children with their number.

A line of the table reads `element(what it extends): attributes; children`. An attribute with `!` is required, one with
`=` takes only these values. A child is one, `?` at most one, `*` any number, `+` at least one, `{2,}` at least two.
`child:element` means: contents as that element. Order does not matter: no tool in use depends on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

TABLE = """
activity(flowNode): isForCompensation=boolean startQuantity=integer completionQuantity=integer default;
    ioSpecification? property* dataInputAssociation* dataOutputAssociation* resourceRole* loopCharacteristics?
adHocSubProcess(subProcess): cancelRemainingInstances=boolean ordering=Parallel|Sequential;
    completionCondition:expression?
artifact(baseElement):
assignment(baseElement):; from:expression to:expression
association(artifact): !sourceRef !targetRef associationDirection=None|One|Both
auditing(baseElement):
baseElement(): id; documentation* extensionElements?
baseElementWithMixedContent(): id; documentation* extensionElements?
boundaryEvent(catchEvent): cancelActivity=boolean !attachedToRef
businessRuleTask(task): implementation
callableElement(rootElement): name; supportedInterfaceRef* ioSpecification? ioBinding*
callActivity(activity): calledElement
callChoreography(choreographyActivity): calledChoreographyRef; participantAssociation*
callConversation(conversationNode): calledCollaborationRef; participantAssociation*
cancelEventDefinition(eventDefinition):
catchEvent(event): parallelMultiple=boolean; dataOutput* dataOutputAssociation* outputSet? eventDefinition*
    eventDefinitionRef*
category(rootElement): name; categoryValue*
categoryValue(baseElement): value
choreography(collaboration):; flowElement*
choreographyActivity(flowNode): !initiatingParticipantRef
    loopType=None|Standard|MultiInstanceSequential|MultiInstanceParallel; participantRef{2,} correlationKey*
choreographyTask(choreographyActivity):; messageFlowRef{1,2}
collaboration(rootElement): name isClosed=boolean; participant* messageFlow* artifact* conversationNode*
    conversationAssociation* participantAssociation* messageFlowAssociation* correlationKey* choreographyRef*
    conversationLink*
compensateEventDefinition(eventDefinition): waitForCompletion=boolean activityRef
complexBehaviorDefinition(baseElement):; condition:formalExpression event:implicitThrowEvent?
complexGateway(gateway): default; activationCondition:expression?
conditionalEventDefinition(eventDefinition):; condition:expression
conversation(conversationNode):
conversationAssociation(baseElement): !innerConversationNodeRef !outerConversationNodeRef
conversationLink(baseElement): name !sourceRef !targetRef
conversationNode(baseElement): name; participantRef* messageFlowRef* correlationKey*
correlationKey(baseElement): name; correlationPropertyRef*
correlationProperty(rootElement): name type; correlationPropertyRetrievalExpression+
correlationPropertyBinding(baseElement): !correlationPropertyRef; dataPath:formalExpression
correlationPropertyRetrievalExpression(baseElement): !messageRef; messagePath:formalExpression
correlationSubscription(baseElement): !correlationKeyRef; correlationPropertyBinding*
dataAssociation(baseElement):; sourceRef* targetRef transformation:formalExpression? assignment*
dataInput(baseElement): name itemSubjectRef isCollection=boolean; dataState?
dataInputAssociation(dataAssociation):
dataObject(flowElement): itemSubjectRef isCollection=boolean; dataState?
dataObjectReference(flowElement): itemSubjectRef dataObjectRef; dataState?
dataOutput(baseElement): name itemSubjectRef isCollection=boolean; dataState?
dataOutputAssociation(dataAssociation):
dataState(baseElement): name
dataStore(rootElement): name capacity=integer isUnlimited=boolean itemSubjectRef; dataState?
dataStoreReference(flowElement): itemSubjectRef dataStoreRef; dataState?
definitions(): id name !targetNamespace expressionLanguage typeLanguage exporter exporterVersion;
    documentation* extensionElements? import* extension* rootElement* BPMNDiagram* relationship*
documentation(): id textFormat
endEvent(throwEvent):
endPoint(rootElement):
error(rootElement): name errorCode structureRef
errorEventDefinition(eventDefinition): errorRef
escalation(rootElement): name escalationCode structureRef
escalationEventDefinition(eventDefinition): escalationRef
event(flowNode):; property*
eventBasedGateway(gateway): instantiate=boolean eventGatewayType=Exclusive|Parallel
eventDefinition(rootElement):
exclusiveGateway(gateway): default
expression(baseElementWithMixedContent):
extension(): definition mustUnderstand=boolean; documentation*
extensionElements():
flowElement(baseElement): name; auditing? monitoring? categoryValueRef*
flowNode(flowElement):; incoming* outgoing*
formalExpression(expression): language evaluatesToTypeRef
gateway(flowNode): gatewayDirection=Unspecified|Converging|Diverging|Mixed
globalBusinessRuleTask(globalTask): implementation
globalChoreographyTask(choreography): initiatingParticipantRef
globalConversation(collaboration):
globalManualTask(globalTask):
globalScriptTask(globalTask): scriptLanguage; script?
globalTask(callableElement):; resourceRole*
globalUserTask(globalTask): implementation; rendering*
group(artifact): categoryValueRef
humanPerformer(performer):
implicitThrowEvent(throwEvent):
import(): !namespace !location !importType
inclusiveGateway(gateway): default
inputOutputBinding(baseElement): !operationRef !inputDataRef !outputDataRef
inputOutputSpecification(baseElement):; dataInput* dataOutput* inputSet+ outputSet+
inputSet(baseElement): name; dataInputRefs* optionalInputRefs* whileExecutingInputRefs* outputSetRefs*
interface(rootElement): !name implementationRef; operation+
intermediateCatchEvent(catchEvent):
intermediateThrowEvent(throwEvent):
itemDefinition(rootElement): structureRef isCollection=boolean itemKind=Information|Physical
lane(baseElement): name partitionElementRef; partitionElement:baseElement? flowNodeRef* childLaneSet:laneSet?
laneSet(baseElement): name; lane*
linkEventDefinition(eventDefinition): !name; source* target?
loopCharacteristics(baseElement):
manualTask(task):
message(rootElement): name itemRef
messageEventDefinition(eventDefinition): messageRef; operationRef?
messageFlow(baseElement): name !sourceRef !targetRef messageRef
messageFlowAssociation(baseElement): !innerMessageFlowRef !outerMessageFlowRef
monitoring(baseElement):
multiInstanceLoopCharacteristics(loopCharacteristics): isSequential=boolean behavior=None|One|All|Complex
    oneBehaviorEventRef noneBehaviorEventRef; loopCardinality:expression? loopDataInputRef? loopDataOutputRef?
    inputDataItem:dataInput? outputDataItem:dataOutput? complexBehaviorDefinition* completionCondition:expression?
operation(baseElement): !name implementationRef; inMessageRef outMessageRef? errorRef*
outputSet(baseElement): name; dataOutputRefs* optionalOutputRefs* whileExecutingOutputRefs* inputSetRefs*
parallelGateway(gateway):
participant(baseElement): name processRef; interfaceRef* endPointRef* participantMultiplicity?
participantAssociation(baseElement):; innerParticipantRef outerParticipantRef
participantMultiplicity(baseElement): minimum=integer maximum=integer
partnerEntity(rootElement): name; participantRef*
partnerRole(rootElement): name; participantRef*
performer(resourceRole):
potentialOwner(humanPerformer):
process(callableElement): processType=None|Public|Private isClosed=boolean isExecutable=boolean
    definitionalCollaborationRef; auditing? monitoring? property* laneSet* flowElement* artifact* resourceRole*
    correlationSubscription* supports*
property(baseElement): name itemSubjectRef; dataState?
receiveTask(task): implementation instantiate=boolean messageRef operationRef
relationship(baseElement): !type direction=None|Forward|Backward|Both; source+ target+
rendering(baseElement):
resource(rootElement): !name; resourceParameter*
resourceAssignmentExpression(baseElement):; expression
resourceParameter(baseElement): name type isRequired=boolean
resourceParameterBinding(baseElement): !parameterRef; expression
resourceRole(baseElement): name; resourceRef? resourceParameterBinding* resourceAssignmentExpression?
rootElement(baseElement):
script():
scriptTask(task): scriptFormat; script?
sendTask(task): implementation messageRef operationRef
sequenceFlow(flowElement): !sourceRef !targetRef isImmediate=boolean; conditionExpression:expression?
serviceTask(task): implementation operationRef
signal(rootElement): name structureRef
signalEventDefinition(eventDefinition): signalRef
standardLoopCharacteristics(loopCharacteristics): testBefore=boolean loopMaximum=integer; loopCondition:expression?
startEvent(catchEvent): isInterrupting=boolean
subChoreography(choreographyActivity):; flowElement* artifact*
subConversation(conversationNode):; conversationNode*
subProcess(activity): triggeredByEvent=boolean; laneSet* flowElement* artifact*
task(activity):
terminateEventDefinition(eventDefinition):
text():
textAnnotation(artifact): textFormat; text?
throwEvent(event):; dataInput* dataInputAssociation* inputSet? eventDefinition* eventDefinitionRef*
timerEventDefinition(eventDefinition):; timeDate:expression? timeDuration:expression? timeCycle:expression?
transaction(subProcess): method
userTask(task): implementation; rendering*
"""

#: What may stand where an abstract element is expected.
GROUPS = {
    "artifact": "association group textAnnotation",
    "conversationNode": "callConversation conversation subConversation",
    "eventDefinition": "cancelEventDefinition compensateEventDefinition conditionalEventDefinition "
    "errorEventDefinition escalationEventDefinition linkEventDefinition messageEventDefinition signalEventDefinition "
    "terminateEventDefinition timerEventDefinition",
    "expression": "expression formalExpression",
    "flowElement": "adHocSubProcess boundaryEvent businessRuleTask callActivity callChoreography choreographyTask "
    "complexGateway dataObject dataObjectReference dataStoreReference endEvent event eventBasedGateway "
    "exclusiveGateway implicitThrowEvent inclusiveGateway intermediateCatchEvent intermediateThrowEvent manualTask "
    "parallelGateway receiveTask scriptTask sendTask sequenceFlow serviceTask startEvent subChoreography subProcess "
    "task transaction userTask",
    "loopCharacteristics": "multiInstanceLoopCharacteristics standardLoopCharacteristics",
    "resourceRole": "humanPerformer performer potentialOwner resourceRole",
    "rootElement": "cancelEventDefinition category choreography collaboration compensateEventDefinition "
    "conditionalEventDefinition correlationProperty dataStore endPoint error errorEventDefinition escalation "
    "escalationEventDefinition globalBusinessRuleTask globalChoreographyTask globalConversation globalManualTask "
    "globalScriptTask globalTask globalUserTask interface itemDefinition linkEventDefinition message "
    "messageEventDefinition partnerEntity partnerRole process resource signal signalEventDefinition "
    "terminateEventDefinition timerEventDefinition",
}
#: Elements whose contents are text, foreign or free.
FREE = frozenset({"extensionElements", "documentation", "script", "text", "rendering"})
NUMBERS = {"": (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None), "{2,}": (2, None), "{1,2}": (1, 2)}


class Slot(NamedTuple):
    """How often a child may occur, as which of these tags, and what its contents are (empty: as its own tag)."""

    least: int
    most: int | None
    tags: frozenset[str]
    contents: str


@dataclass(frozen=True, eq=False)
class Element:
    """What the standard knows of one element, inherited parts included."""

    #: Attribute to the values it may take: `text`, `integer`, `boolean`, or the values with bars between.
    attributes: dict[str, str]
    required: frozenset[str]
    children: dict[str, Slot]

    @cached_property
    def slots(self) -> dict[str, Slot]:
        """Where a child with this tag belongs."""
        return {tag: slot for slot in self.children.values() for tag in slot.tags}


LINE = re.compile(r"(\w+)\((\w*)\):([^;]*);?(.*)")
CHILD = re.compile(r"(\w+)(?::(\w+))?([?*+]|\{\S+\})?")


@cache
def element(tag: str) -> Element | None:
    """What is known of an element, by its local name; None where BPMN has no such element."""
    line = _lines().get(tag)
    if line is None:
        return None
    base, own_attributes, own_children = line
    inherited = element(base) if base else None
    attributes = dict(inherited.attributes) if inherited else {}
    required = set(inherited.required) if inherited else set()
    children = dict(inherited.children) if inherited else {}
    for word in own_attributes.split():
        name, _, values = word.lstrip("!").partition("=")
        attributes[name] = values or "text"
        if word.startswith("!"):
            required.add(name)
    for name, contents, number in CHILD.findall(own_children):
        least, most = NUMBERS[number]
        children[name] = Slot(least, most, frozenset(GROUPS.get(name, name).split()), contents)
    return Element(attributes, frozenset(required), children)


@cache
def _lines() -> dict[str, tuple[str, str, str]]:
    joined = re.sub(r"\n\s+", " ", TABLE.strip())
    matches = (LINE.fullmatch(line) for line in joined.split("\n"))
    return {match[1]: (match[2], match[3], match[4]) for match in matches if match}
