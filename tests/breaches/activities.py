"""Activities, loops and data."""

from tests.breaches import (
    ALONG,
    FRAME,
    OWNER,
    Breach,
    built,
    event,
    spoiled,
    strict,
    sub_process,
    task,
    trigger,
    written,
)
from tests.diagrams import flows, nodes

ENDS = nodes("startEvent S; endEvent E")
ITEMS = (
    '<itemDefinition id="one" structureRef="a"/><itemDefinition id="two" structureRef="b"/>'
    '<itemDefinition id="many" structureRef="a" isCollection="true"/><message id="m" name="m" itemRef="one"/>'
    '<interface id="i" name="i"><operation id="o" name="o"><inMessageRef>m</inMessageRef></operation></interface>'
    '<signal id="s" name="s" structureRef="two"/>'
)
RESOURCE = '<resource id="r" name="r"><resourceParameter id="rp" isRequired="true"/></resource>'
NO_SETS = "<inputSet/><outputSet/>"
INPUT = (
    '<ioSpecification><dataInput id="in" itemSubjectRef="{}"/><inputSet><dataInputRefs>in</dataInputRefs></inputSet>'
    "<outputSet/></ioSpecification>"
)
COLLECTION = INPUT.replace('itemSubjectRef="{}"', 'itemSubjectRef="many" isCollection="true"')
OBJECT = '<dataObject id="do" name="D" {}/>'
REFERENCE = '<dataObjectReference id="dr" dataObjectRef="do" {}/>'
INTO_A = '<dataInputAssociation id="as"><sourceRef>{}</sourceRef><targetRef>in</targetRef></dataInputAssociation>'


def with_task(
    code: str,
    inner: str,
    *,
    kind: str = "userTask",
    attributes: str = "",
    more: str = "",
    root: str = "",
    level: str = "error",
    element: str = "A",
) -> Breach:
    """A process around a task A with something wrong in it."""
    return built(
        code,
        element,
        ENDS,
        task("A", inner, kind=kind, attributes=attributes),
        more,
        flow=ALONG,
        root=ITEMS + root,
        level=level,
    )


def with_loop(code: str, inner: str, attributes: str = "", *, before: str = "", level: str = "error") -> Breach:
    """A task that is repeated in a wrong way."""
    loop = f"<multiInstanceLoopCharacteristics {attributes}>{inner}</multiInstanceLoopCharacteristics>"
    return with_task(code, before + loop, level=level)


THREE = "<loopCardinality>3</loopCardinality>"
COMPLEX = "<complexBehaviorDefinition><condition>${{x}}</condition><event>{{}}</event></complexBehaviorDefinition>"

BREACHES = [
    strict(with_task("association-items", INPUT.format("one") + INTO_A.replace("<sourceRef>{}</sourceRef>", ""))),
    with_task("token-quantity", "", attributes='startQuantity="0"'),
    with_task("token-quantity", "", attributes='completionQuantity="-5"'),
    with_task(
        "resource-role",
        f"<performer id='role'><resourceRef>r</resourceRef>{OWNER[16:-17]}</performer>",
        root=RESOURCE,
        element="role",
    ),
    with_task(
        "resource-role",
        "<performer id='role'><resourceParameterBinding parameterRef='rp'><formalExpression>x"
        "</formalExpression></resourceParameterBinding></performer>",
        root=RESOURCE,
        element="role",
    ),
    with_task(
        "resource-role", "<performer id='role'><resourceRef>r</resourceRef></performer>", root=RESOURCE, element="role"
    ),
    with_task(
        "association-computation",
        INPUT.format("one")
        + INTO_A.format("dr").replace("</sourceRef>", "</sourceRef><transformation>x</transformation>"),
        more=OBJECT.format("") + REFERENCE.format(""),
    ),
    spoiled(
        "transaction-method", "X", sub_process("X", kind="transaction", method="##Store"), flow="S > A; A > X; X > E"
    ),
    with_task("compensation-flow", "", attributes='isForCompensation="true"'),
    with_task(
        "instantiating-receive",
        "",
        kind="receiveTask",
        attributes='instantiate="true"',
        more=event("T", "intermediateThrowEvent") + flows("T > A"),
    ),
    with_task(
        "task-message",
        "",
        kind="sendTask",
        attributes='operationRef="o" messageRef="n"',
        level="warning",
        root='<message id="n" name="n"/>',
    ),
    strict(with_task("task-items", "", kind="serviceTask", attributes='operationRef="o"')),
    strict(with_task("task-items", INPUT.format("two"), kind="sendTask", attributes='messageRef="m"')),
    strict(
        with_task(
            "task-items",
            '<ioSpecification><dataOutput id="x" itemSubjectRef="one"/><dataOutput id="y" '
            'itemSubjectRef="one"/><inputSet/><outputSet><dataOutputRefs>x</dataOutputRefs>'
            "<dataOutputRefs>y</dataOutputRefs></outputSet></ioSpecification>",
            kind="receiveTask",
            attributes='messageRef="m"',
        )
    ),
    spoiled("ad-hoc-content", "H_s", sub_process("H", kind="adHocSubProcess"), flow="S > A; A > H; H > E"),
    spoiled("ad-hoc-content", "H", '<adHocSubProcess id="H" name="H"/>', flow="S > A; A > H; H > E"),
    spoiled("choreography-in-process", "K", '<subChoreography id="K" name="K" initiatingParticipantRef="x"/>'),
    written("process-in-choreography", "U", '<choreography id="c"><userTask id="U" name="U"/></choreography>'),
    strict(
        built(
            "interface-binding",
            "p",
            FRAME,
            f"<supportedInterfaceRef>i</supportedInterfaceRef>{INPUT.format('one')}",
            flow=ALONG,
            root=ITEMS,
        )
    ),
    strict(
        with_task(
            "call-exchange",
            INPUT.format("one"),
            kind="callActivity",
            attributes='calledElement="g"',
            root='<globalTask id="g" name="g"/>',
        )
    ),
    with_task("loop-maximum", "<standardLoopCharacteristics loopMaximum='0'/>"),
    with_loop("constant-value", "<loopCardinality>-1</loopCardinality>"),
    with_task("loop-endless", "<standardLoopCharacteristics/>"),
    with_loop("multi-instance-source", ""),
    with_loop("multi-instance-source", THREE, 'camunda:elementVariable="x"'),
    with_loop(
        "multi-instance-source", THREE + "<loopDataInputRef>in</loopDataInputRef>", before=COLLECTION, level="warning"
    ),
    built(
        "multi-instance-answers",
        "A",
        nodes("startEvent S; endEvent E"),
        f'<userTask id="A" name="A" camunda:formKey="f"><multiInstanceLoopCharacteristics>{THREE}'
        "</multiInstanceLoopCharacteristics></userTask>",
        flow=ALONG,
        level="warning",
    ),
    with_loop("multi-instance-behavior", THREE, 'behavior="Complex"'),
    with_loop("multi-instance-behavior", THREE + COMPLEX.format(trigger("signal", 'signalRef="s"'))),
    with_loop("multi-instance-behavior", THREE, 'behavior="One"'),
    strict(with_loop("multi-instance-behavior", THREE + COMPLEX.format(trigger("timer")), 'behavior="Complex"')),
    strict(with_loop("multi-instance-items", "<loopDataInputRef>in</loopDataInputRef>", before=INPUT.format("one"))),
    strict(
        with_loop(
            "multi-instance-items",
            '<loopDataInputRef>in</loopDataInputRef><inputDataItem id="x" itemSubjectRef="two"/>',
            before=COLLECTION,
        )
    ),
    strict(spoiled("item-collection", "do", OBJECT.format('itemSubjectRef="many"'), root=ITEMS)),
    strict(spoiled("reference-item", "dr", OBJECT.format(""), REFERENCE.format('itemSubjectRef="one"'), root=ITEMS)),
    strict(spoiled("reference-item", "dr", '<dataObjectReference id="dr" name="x"/>')),
    strict(
        spoiled(
            "reference-name",
            "dr",
            OBJECT.format(""),
            REFERENCE.format('name="D"')[:-2] + '><dataState name="new"/></dataObjectReference>',
        )
    ),
    strict(with_task("io-set", f'<ioSpecification><dataInput id="in"/>{NO_SETS}</ioSpecification>', element="in")),
    strict(
        with_task(
            "io-set",
            '<ioSpecification><dataInput id="in"/><inputSet><optionalInputRefs>in</optionalInputRefs></inputSet>'
            "<outputSet/></ioSpecification>",
        )
    ),
    strict(
        with_task(
            "io-set",
            '<ioSpecification><inputSet id="is"><outputSetRefs>os</outputSetRefs></inputSet>'
            '<outputSet id="os"/></ioSpecification>',
        )
    ),
    strict(
        with_task(
            "association-direction",
            INPUT.format("one") + INTO_A.format("po"),
            more="<ioSpecification><dataOutput "
            'id="po" itemSubjectRef="one"/><inputSet/><outputSet><dataOutputRefs>po</dataOutputRefs></outputSet>'
            "</ioSpecification>",
        )
    ),
    strict(
        with_task(
            "association-direction",
            INPUT.format("one") + INTO_A.format("dr").replace("<targetRef>in", "<targetRef>do"),
            more=OBJECT.format("") + REFERENCE.format(""),
        )
    ),
    strict(
        with_task(
            "association-items",
            INPUT.format("two") + INTO_A.format("dr"),
            more=OBJECT.format('itemSubjectRef="one"') + REFERENCE.format(""),
        )
    ),
    strict(
        with_task(
            "association-items",
            INPUT.format("one") + INTO_A.format("dr</sourceRef><sourceRef>do"),
            more=OBJECT.format('itemSubjectRef="one"') + REFERENCE.format(""),
        )
    ),
    strict(
        spoiled(
            "event-items",
            "X",
            event(
                "X",
                "endEvent",
                '<dataInput id="xi" itemSubjectRef="one"/><inputSet><dataInputRefs>xi</dataInputRefs></inputSet>',
                trigger("signal", 'signalRef="s"'),
            ),
            flow="S > A; A > E; A > X",
            root=ITEMS,
        )
    ),
    strict(
        spoiled(
            "event-items",
            "X",
            event(
                "X",
                "endEvent",
                '<dataInput id="xi"/><dataInput id="xj"/><inputSet><dataInputRefs>xi</dataInputRefs>'
                "<dataInputRefs>xj</dataInputRefs></inputSet>",
                trigger("signal", 'signalRef="s"'),
            ),
            flow="S > A; A > E; A > X",
            root=ITEMS,
        )
    ),
]
