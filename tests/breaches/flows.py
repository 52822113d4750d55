"""Sequence flows, gateways, and what the graph shows."""

from tests.breaches import ALONG, FRAME, built, by_the_letter, event, spoiled, strict, sub_process, trigger
from tests.diagrams import nodes, process

PLAIN = "<sequenceFlow id='F' sourceRef='{}' targetRef='{}'/>"
CONDITIONAL = (
    "<sequenceFlow id='F' sourceRef='{}' targetRef='{}'><conditionExpression>${{x}}</conditionExpression>"
    "</sequenceFlow>"
)
EVENT_GATEWAY = '<eventBasedGateway id="G" {}/>'
TWO_WAITS = (
    event("T1", "intermediateCatchEvent", trigger("timer")),
    event("T2", "intermediateCatchEvent", trigger("timer")),
)
TO_WAITS = "S > G; G > T1; G > T2; T1 > E; T2 > E"

BREACHES = [
    spoiled("flow-end", "F", '<textAnnotation id="N"><text>x</text></textAnnotation>', PLAIN.format("A", "N")),
    spoiled(
        "flow-end",
        "F",
        sub_process(
            "Sub",
            event("St", "startEvent", trigger("timer")),
            nodes("endEvent En"),
            flow="St > En",
            triggeredByEvent="true",
        ),
        PLAIN.format("A", "Sub"),
    ),
    spoiled("flow-crosses-scope", "F", sub_process("Sub"), PLAIN.format("A", "Sub_a"), flow="S > A; A > Sub; Sub > E"),
    strict(
        built(
            "flow-immediate",
            "F",
            FRAME,
            "<sequenceFlow id='F' sourceRef='A' targetRef='E' isImmediate='false'/>",
            flow="S > A",
        )
    ),
    strict(built("condition-source", "F", FRAME, CONDITIONAL.format("S", "A"), flow="A > E")),
    built(
        "condition-source",
        "F",
        FRAME,
        nodes("eventBasedGateway G; receiveTask R"),
        CONDITIONAL.format("G", "R"),
        flow="S > A; A > G; R > E",
    ),
    built("condition-alone", "F", FRAME, CONDITIONAL.format("A", "E"), flow="S > A", level="warning"),
    built(
        "default-flow",
        "G",
        FRAME,
        PLAIN.format("A", "G"),
        '<exclusiveGateway id="G" name="?" default="F"/>',
        flow="S > A; G > E",
    ),
    built(
        "default-flow",
        "F",
        FRAME,
        CONDITIONAL.format("G", "E"),
        nodes("endEvent E2"),
        '<exclusiveGateway id="G" name="?" default="F"/>',
        flow="S > A; A > G; G > E2 [${y}]",
        level="warning",
    ),
    built(
        "flow-list",
        "A",
        nodes("startEvent S; endEvent E"),
        '<userTask id="A" name="A"><incoming>S_A</incoming><outgoing>S_A</outgoing></userTask>',
        flow=ALONG,
        level="warning",
    ),
    strict(
        built(
            "flow-list",
            "A",
            nodes("startEvent S; endEvent E"),
            '<userTask id="A" name="A"><incoming>S_A</incoming></userTask>',
            flow=ALONG,
        )
    ),
    spoiled("flow-missing", "B", nodes("userTask B"), level="warning"),
    strict(spoiled("flow-missing", "B", nodes("userTask B"))),
    strict(built("start-without-end", "p", nodes("startEvent S; userTask A"), flow="S > A")),
    strict(built("gateway-flows", "G", FRAME, '<exclusiveGateway id="G" name="?"/>', flow="S > A; A > G; G > E")),
    strict(
        built(
            "gateway-direction",
            "G",
            FRAME,
            '<parallelGateway id="G" gatewayDirection="Diverging"/>',
            nodes("endEvent E2"),
            flow="S > A; S > G; A > G; G > E; G > E2",
        )
    ),
    built(
        "gateway-direction",
        "G",
        FRAME,
        '<parallelGateway id="G" gatewayDirection="Converging"/>',
        nodes("endEvent E2"),
        flow="S > A; A > G; G > E; G > E2",
        level="warning",
    ),
    built(
        "gateway-direction",
        "G",
        FRAME,
        '<parallelGateway id="G" gatewayDirection="Mixed"/>',
        nodes("endEvent E2"),
        flow="S > A; A > G; G > E; G > E2",
        level="warning",
    ),
    built(
        "event-gateway",
        "G",
        EVENT_GATEWAY.format(""),
        nodes("startEvent S; endEvent E"),
        TWO_WAITS[0],
        flow="S > G; G > T1; T1 > E",
        level="warning",
    ),
    built(
        "event-gateway",
        "G",
        EVENT_GATEWAY.format("instantiate='true'"),
        nodes("startEvent S; endEvent E"),
        *TWO_WAITS,
        flow=TO_WAITS,
    ),
    built(
        "event-gateway",
        "G",
        EVENT_GATEWAY.format("eventGatewayType='Parallel'"),
        nodes("startEvent S; endEvent E"),
        *TWO_WAITS,
        flow=TO_WAITS,
    ),
    built(
        "event-gateway-target",
        "A",
        FRAME,
        EVENT_GATEWAY.format(""),
        TWO_WAITS[0],
        flow="S > G; G > T1; G > A; T1 > E; A > E",
    ),
    built(
        "event-gateway-target",
        "T2",
        FRAME,
        EVENT_GATEWAY.format(""),
        *TWO_WAITS,
        flow="S > A; A > T2; " + TO_WAITS[7:],
        level="warning",
    ),
    built(
        "event-gateway-target",
        "R",
        nodes("startEvent S; endEvent E; receiveTask R"),
        EVENT_GATEWAY.format(""),
        TWO_WAITS[0],
        event("B", "boundaryEvent", trigger("timer"), attributes='attachedToRef="R"'),
        flow="S > G; G > T1; G > R; T1 > E; R > E; B > E",
        level="warning",
    ),
    strict(
        built(
            "event-gateway",
            "G",
            nodes("startEvent S; endEvent E; receiveTask R"),
            EVENT_GATEWAY.format(""),
            event("M", "intermediateCatchEvent", trigger("message")),
            flow="S > G; G > M; M > E",
        )
    ),
    built(
        "gateway-condition",
        "G_E2",
        FRAME,
        '<exclusiveGateway id="G" name="?"/>',
        nodes("endEvent E2"),
        flow="S > A; A > G; G > E [${x}]; G > E2",
    ),
    built(
        "gateway-condition",
        "G_E2",
        FRAME,
        '<inclusiveGateway id="G" name="?"/>',
        nodes("endEvent E2"),
        flow="S > A; A > G; G > E [${x}]; G > E2",
        level="warning",
    ),
    spoiled("never-reached", "C", nodes("userTask B C"), flow="S > A; A > E; B > C; C > B", level="warning"),
    spoiled("never-ends", "A", nodes("userTask B"), flow="S > A; A > B; B > A", level="warning"),
    built(
        "join-deadlock",
        "J",
        nodes("startEvent S; userTask B C; endEvent E; parallelGateway J"),
        '<exclusiveGateway id="G" name="?" default="G_C"/>',
        flow="S > G; G > B [${x}]; G > C; B > J; C > J; J > E",
        level="warning",
    ),
]

LOOP = "<exclusiveGateway id='G' name='Again?' default='G_E'/>"
SOUND = {
    "a loop with a way out": process(
        FRAME, LOOP, nodes("exclusiveGateway M"), flow="S > M; M > A; A > G; G > M [${again}]; G > E"
    ),
    "an implicit end": process(nodes("startEvent S; manualTask B"), flow="S > B"),
    "a link": process(
        FRAME,
        event("L1", "intermediateThrowEvent", '<linkEventDefinition name="x"/>'),
        event("L2", "intermediateCatchEvent", '<linkEventDefinition name="x"/>'),
        flow="S > A; A > L1; L2 > E",
    ),
    "a handler of compensation": process(
        FRAME,
        '<manualTask id="U" name="Undo" isForCompensation="true"/>',
        event("B", "boundaryEvent", "<compensateEventDefinition/>", attributes='attachedToRef="A"'),
        event("T", "intermediateThrowEvent", "<compensateEventDefinition/>"),
        '<association id="a" sourceRef="B" targetRef="U"/>',
        flow="S > A; A > T; T > E",
    ),
    "a parallel split and join": process(
        FRAME,
        nodes("parallelGateway P J; manualTask B"),
        flow="S > P; P > A; P > B; A > J; B > J; J > E",
    ),
    "waits after an event-based gateway": process(
        nodes("startEvent S; endEvent E; eventBasedGateway G"), *TWO_WAITS, flow=TO_WAITS
    ),
    "an instantiating gateway": process(
        nodes("endEvent E"),
        '<eventBasedGateway id="G" instantiate="true"/>',
        event("M1", "intermediateCatchEvent", trigger("message", 'messageRef="m"')),
        event("M2", "intermediateCatchEvent", trigger("message", 'messageRef="n"')),
        flow="G > M1; G > M2; M1 > E; M2 > E",
        root='<message id="m" name="m"/><message id="n" name="n"/>',
    ),
    "a flow inside a sub-process, listed": process(
        nodes("startEvent S; endEvent E"),
        "<subProcess id='U' name='U'><startEvent id='s'><outgoing>f</outgoing></startEvent>"
        "<endEvent id='e'><incoming>f</incoming></endEvent>"
        "<sequenceFlow id='f' sourceRef='s' targetRef='e'/></subProcess>",
        flow="S > U; U > E",
    ),
    "flows by the letter of the standard": by_the_letter(process(FRAME, flow=ALONG)),
}
