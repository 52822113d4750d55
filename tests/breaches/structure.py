"""The shape of the file, and references."""

from tests.breaches import ALONG, FRAME, Breach, built, by_the_letter, event, spoiled, strict, task, trigger, written
from tests.diagrams import definitions, flows, nodes, process

IN_ORDER = f'<process id="p" isExecutable="true">{FRAME}{flows(ALONG)}</process>'

BREACHES = [
    spoiled("unknown-element", "B", '<usertask id="B"/>'),
    spoiled("unknown-element", "B", '<userTask xmlns="" id="B"/>'),
    spoiled("foreign-element", "B", '<y xmlns="urn:x" id="B"/>', level="warning"),
    spoiled("unknown-element", "m", '<message id="m" name="m"/>'),
    spoiled(
        "foreign-element", "A2", task("A2", "<camunda:inputOutput/>"), flow="S > A; A > A2; A2 > E", level="warning"
    ),
    built(
        "unknown-attribute",
        "A",
        nodes("startEvent S; endEvent E"),
        task("A", attributes='asignee="x"'),
        flow=ALONG,
        level="warning",
    ),
    spoiled("attribute-value", "G", '<exclusiveGateway id="G" gatewayDirection="Left"/>', level="warning"),
    strict(spoiled("attribute-value", "G", '<exclusiveGateway id="G" gatewayDirection="Left"/>')),
    spoiled("attribute-value", "T", task("T", attributes='isForCompensation="yes"')),
    spoiled("attribute-value", "Q", task("Q", attributes='startQuantity="two"')),
    spoiled("missing-attribute", "sequenceFlow at line 1", '<sequenceFlow sourceRef="S"/>'),
    spoiled("missing-attribute", "B", event("B", "boundaryEvent", trigger("timer"))),
    spoiled("child-number", "T", task("T", *["<standardLoopCharacteristics loopMaximum='2'/>"] * 2)),
    spoiled("child-number", "C", event("C", "intermediateCatchEvent", "<conditionalEventDefinition/>")),
    Breach(code="duplicate-id", element="A", file=process(FRAME, task("A"), flow=ALONG)),
    spoiled("id-form", "two words", '<userTask id="two words" name="x"/>', level="warning"),
    spoiled(
        "mime-type", "N", '<textAnnotation id="N" textFormat="plain"><text>x</text></textAnnotation>', level="warning"
    ),
    spoiled("uri-form", "T", '<transaction id="T" method="%zz"/>', level="warning"),
    written("property-place", "P", '<property id="P"/>', IN_ORDER),
    written(
        "extension-understood", "extension at line 1", '<extension definition="x:y" mustUnderstand="true"/>', IN_ORDER
    ),
    strict(written("import", "import at line 1", '<import namespace="n" location="a.xsd" importType="b"/>', IN_ORDER)),
    spoiled("dangling-reference", "sequenceFlow at line 1", '<sequenceFlow sourceRef="A" targetRef="nowhere"/>'),
    spoiled(
        "dangling-reference", "M", event("M", "intermediateCatchEvent", trigger("message", 'messageRef="nowhere"'))
    ),
    spoiled(
        "dangling-reference", "B", event("B", "boundaryEvent", trigger("timer"), attributes='attachedToRef="nowhere"')
    ),
    built(
        "dangling-reference",
        "A",
        nodes("startEvent S; endEvent E"),
        task("A", attributes='default="nowhere"'),
        flow=ALONG,
    ),
    spoiled(
        "dangling-reference", "R", event("R", "intermediateThrowEvent", "<eventDefinitionRef>no</eventDefinitionRef>")
    ),
    spoiled("dangling-reference", "T", task("T", kind="sendTask", attributes='messageRef="camunda:m"')),
    spoiled("reference-kind", "M", event("M", "intermediateCatchEvent", trigger("message", 'messageRef="A"'))),
    spoiled("reference-kind", "B", event("B", "boundaryEvent", trigger("timer"), attributes='attachedToRef="S"')),
    strict(spoiled("called-element", "C", '<callActivity id="C" name="C" calledElement="A"/>')),
    spoiled("called-element", "C", '<callActivity id="C" name="C"/>'),
]

#: Written differently, but in order.
SOUND = {
    "in another order": definitions(f'<process id="p" isExecutable="true">{flows(ALONG)}{FRAME}</process>'),
    "without ids on flows": process(
        FRAME, '<sequenceFlow sourceRef="S" targetRef="A"/><sequenceFlow sourceRef="A" targetRef="E"/>'
    ),
    "with prefixes in references": process(FRAME, flow=ALONG).replace(b'targetRef="A"', b'targetRef="x:A"'),
    "with extensions of others": process(
        FRAME,
        task("B", '<extensionElements><x:y xmlns:x="urn:x" id="A"/></extensionElements>', kind="manualTask"),
        flow="S > A; A > B; B > E",
    ),
    "with a condition as an association's end": process(
        FRAME,
        '<textAnnotation id="N"><text>x</text></textAnnotation><association id="a" sourceRef="A" targetRef="N"/>',
        flow=ALONG,
    ),
    "with a type of XML Schema": process(FRAME, '<dataObject id="O" itemSubjectRef="xs:int"/>', flow=ALONG).replace(
        b"<definitions ", b'<definitions xmlns:xs="http://www.w3.org/2001/XMLSchema" '
    ),
    "by the letter": by_the_letter(process(FRAME, flow=ALONG)),
}
