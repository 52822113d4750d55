"""Events and timers."""

from tests.breaches import FRAME, built, event, spoiled, strict, sub_process, task, trigger
from tests.diagrams import nodes

PLAIN = "<sequenceFlow id='F' sourceRef='{}' targetRef='{}'/>"
ON_A = 'attachedToRef="A"'
ERROR_HANDLER = event("St", "startEvent", trigger("error"), attributes='isInterrupting="false"')
ENDED = nodes("endEvent En")

BREACHES = [
    strict(
        spoiled(
            "compensation-reach",
            "T",
            sub_process("Sub"),
            event("T", "intermediateThrowEvent", trigger("compensate", 'activityRef="Sub_a"')),
            flow="S > A; A > Sub; Sub > T; T > E",
        )
    ),
    built("event-trigger", "S", nodes("endEvent E"), event("S", "startEvent", trigger("error")), flow="S > E"),
    built("event-trigger", "E", nodes("startEvent S"), event("E", "endEvent", trigger("timer")), flow="S > E"),
    spoiled("event-trigger", "C", event("C", "intermediateCatchEvent"), flow="S > A; A > C; C > E"),
    spoiled("event-trigger", "C", event("C", "intermediateThrowEvent", trigger("error")), flow="S > A; A > C; C > E"),
    spoiled(
        "event-trigger",
        "B",
        event("B", "boundaryEvent", trigger("terminate"), attributes=ON_A),
        flow="S > A; A > E; B > E",
    ),
    built(
        "event-trigger",
        "St",
        FRAME,
        sub_process("Sub", event("St", "startEvent", trigger("timer")), ENDED, flow="St > En"),
        flow="S > Sub; Sub > E",
    ),
    spoiled(
        "event-trigger",
        "St",
        sub_process("Sub", event("St", "startEvent"), ENDED, flow="St > En", triggeredByEvent="true"),
    ),
    spoiled("start-incoming", "S", PLAIN.format("A", "S")),
    spoiled("end-outgoing", "E", PLAIN.format("E", "A")),
    strict(spoiled("event-flows", "T", event("T", "intermediateThrowEvent"), flow="S > A; A > E; A > T")),
    strict(spoiled("event-unreached", "T", event("T", "intermediateThrowEvent"), flow="S > A; A > E; T > E")),
    spoiled(
        "boundary-event",
        "B",
        event("B", "boundaryEvent", trigger("timer"), attributes=ON_A),
        PLAIN.format("S", "B"),
        flow="S > A; A > E; B > E",
    ),
    spoiled(
        "boundary-event",
        "B",
        sub_process(
            "Sub",
            event("B", "boundaryEvent", trigger("timer"), attributes=ON_A),
            nodes("startEvent St; endEvent En"),
            flow="St > En; B > En",
        ),
    ),
    spoiled(
        "boundary-event",
        "B",
        event("B", "boundaryEvent", trigger("error"), attributes=f'cancelActivity="false" {ON_A}'),
        flow="S > A; A > E; B > E",
    ),
    spoiled(
        "boundary-event",
        "B",
        event("B", "boundaryEvent", trigger("cancel"), attributes=ON_A),
        flow="S > A; A > E; B > E",
    ),
    spoiled(
        "boundary-event",
        "B",
        event("B", "boundaryEvent", trigger("timer"), attributes='attachedToRef="Sub"'),
        sub_process("Sub", event("St", "startEvent", trigger("timer")), ENDED, flow="St > En", triggeredByEvent="true"),
        flow="S > A; A > E; B > E",
    ),
    built("cancel-end", "E", nodes("startEvent S"), event("E", "endEvent", trigger("cancel")), flow="S > E"),
    spoiled("event-sub-process", "Sub", sub_process("Sub", nodes("userTask U"), triggeredByEvent="true")),
    spoiled(
        "event-sub-process", "St", sub_process("Sub", ERROR_HANDLER, ENDED, flow="St > En", triggeredByEvent="true")
    ),
    spoiled(
        "link-events", "L", event("L", "intermediateThrowEvent", '<linkEventDefinition name="x"/>'), flow="S > A; A > L"
    ),
    spoiled(
        "link-events",
        "L",
        event("L", "intermediateCatchEvent", '<linkEventDefinition name="x"/>'),
        flow="S > A; A > E; L > E",
    ),
    spoiled(
        "link-events",
        "L",
        event("L", "intermediateThrowEvent", '<linkEventDefinition name="x"/>'),
        sub_process(
            "Sub", event("K", "intermediateCatchEvent", '<linkEventDefinition name="x"/>'), ENDED, flow="K > En"
        ),
        flow="S > A; A > L; A > Sub; Sub > E",
    ),
    spoiled(
        "link-events",
        "L",
        event("L", "intermediateThrowEvent", '<linkEventDefinition name="y"><target>k</target></linkEventDefinition>'),
        sub_process(
            "Sub",
            event("K", "intermediateCatchEvent", '<linkEventDefinition id="k" name="x"/>'),
            ENDED,
            flow="K > En",
        ),
        flow="S > A; A > L; A > Sub; Sub > E",
    ),
    spoiled(
        "link-events",
        "K",
        event("L", "intermediateThrowEvent", '<linkEventDefinition name="x"/>'),
        event("K", "intermediateCatchEvent", '<linkEventDefinition name="x"/>'),
        flow="S > A; A > L; A > K; K > E",
    ),
    spoiled(
        "link-names",
        "K",
        event(
            "L",
            "intermediateThrowEvent",
            '<linkEventDefinition id="l" name="x"><target>o</target></linkEventDefinition>',
        ),
        event(
            "K",
            "intermediateCatchEvent",
            '<linkEventDefinition id="k" name="x"><source>l</source></linkEventDefinition>',
        ),
        event(
            "O",
            "intermediateCatchEvent",
            '<linkEventDefinition id="o" name="y"><source>l</source></linkEventDefinition>',
        ),
        flow="S > A; A > L; K > E; O > E",
    ),
    spoiled("compensation-handler", "B", event("B", "boundaryEvent", trigger("compensate"), attributes=ON_A)),
    spoiled(
        "compensation-handler",
        "B",
        event("B", "boundaryEvent", trigger("compensate"), attributes=ON_A),
        task("U"),
        '<association id="a" sourceRef="B" targetRef="U"/>',
    ),
    spoiled(
        "compensation-handler",
        "B",
        event("B", "boundaryEvent", trigger("compensate"), attributes=ON_A),
        flow="S > A; A > E; B > E",
    ),
    spoiled(
        "timer-definition",
        "T",
        event("T", "intermediateCatchEvent", "<timerEventDefinition/>"),
        flow="S > A; A > T; T > E",
    ),
    spoiled(
        "timer-definition",
        "T",
        event(
            "T",
            "intermediateCatchEvent",
            "<timerEventDefinition><timeDate>2027-01-01</timeDate>"
            "<timeDuration>PT1H</timeDuration></timerEventDefinition>",
        ),
        flow="S > A; A > T; T > E",
    ),
    spoiled(
        "timer-past",
        "T",
        event(
            "T",
            "intermediateCatchEvent",
            "<timerEventDefinition><timeDate>2001-01-01T09:00:00Z</timeDate></timerEventDefinition>",
        ),
        flow="S > A; A > T; T > E",
        level="warning",
    ),
    spoiled(
        "event-reference",
        "M",
        event("M", "intermediateCatchEvent", trigger("message")),
        flow="S > A; A > M; M > E",
        level="warning",
    ),
    strict(
        spoiled(
            "event-reference", "M", event("M", "intermediateThrowEvent", trigger("signal")), flow="S > A; A > M; M > E"
        )
    ),
    strict(
        spoiled(
            "message-operation",
            "M",
            event("M", "intermediateCatchEvent", trigger("message", 'messageRef="m"')),
            flow="S > A; A > M; M > E",
            root='<message id="m" name="m"/>',
        )
    ),
    strict(
        spoiled(
            "code-missing",
            "X",
            event("X", "endEvent", trigger("error", 'errorRef="e"')),
            flow="S > A; A > E; A > X",
            root='<error id="e" name="e"/>',
        )
    ),
    spoiled(
        "code-missing",
        "B",
        event("B", "boundaryEvent", trigger("escalation", 'escalationRef="x"'), attributes='attachedToRef="A"'),
        flow="S > A; A > E; B > E",
        root='<escalation id="x" name="x"/>',
        level="warning",
    ),
    spoiled(
        "cycle-in-flow",
        "T",
        event(
            "T",
            "intermediateCatchEvent",
            "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>",
        ),
        flow="S > A; A > T; T > E",
        level="warning",
    ),
    spoiled(
        "timer-text",
        "T",
        event(
            "T",
            "intermediateCatchEvent",
            "<timerEventDefinition><timeDuration>soon</timeDuration></timerEventDefinition>",
        ),
        flow="S > A; A > T; T > E",
    ),
    spoiled(
        "timer-text",
        "T",
        event(
            "T", "intermediateCatchEvent", "<timerEventDefinition><timeDate>${now(</timeDate></timerEventDefinition>"
        ),
        flow="S > A; A > T; T > E",
    ),
]
