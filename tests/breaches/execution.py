"""What is not executed, expressions, and what is surely not meant."""

from tests.breaches import ALONG, FRAME, OWNER, Breach, built, event, spoiled, strict, task, trigger, written
from tests.diagrams import flows, nodes, process

ENDS = nodes("startEvent S; endEvent E")
CONDITION = (
    "<sequenceFlow id='F' sourceRef='A' targetRef='E'><conditionExpression {}>{}</conditionExpression></sequenceFlow>"
)
OTHER_END = nodes("endEvent E2")
ZEEBE = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'


def extended(inner: str) -> str:
    """Extension elements."""
    return f"<extensionElements>{inner}</extensionElements>"


def with_task(
    code: str, inner: str = "", *, kind: str = "userTask", attributes: str = "", level: str = "error"
) -> Breach:
    """A process around a task A with something wrong in it."""
    return built(code, "A", ENDS, task("A", inner, kind=kind, attributes=attributes), flow=ALONG, level=level)


def with_condition(code: str, text: str, attributes: str = "", level: str = "error") -> Breach:
    """A condition on the flow F."""
    return built(code, "F", FRAME, OTHER_END, CONDITION.format(attributes, text), flow="S > A; A > E2", level=level)


BREACHES = [
    with_task("java-behind", kind="serviceTask", attributes='camunda:class="a.B"'),
    with_task("java-behind", kind="sendTask", attributes='camunda:delegateExpression="${b}"'),
    with_task("java-behind", kind="serviceTask", attributes='camunda:expression="${bean.work(order)}"'),
    with_task(
        "version-binding", kind="callActivity", attributes='calledElement="q" camunda:calledElementBinding="version"'
    ),
    with_task(
        "version-binding",
        kind="businessRuleTask",
        attributes='camunda:decisionRef="d" camunda:decisionRefBinding="old"',
    ),
    with_task("no-effect", kind="serviceTask", attributes='camunda:expression="${1}"', level="warning"),
    with_task("form-handler", attributes='camunda:formHandlerClass="a.B"'),
    with_task("flowable-behaviour", attributes='camunda:businessCalendarName="holidays"'),
    with_task("flowable-behaviour", extended("<camunda:eventType>order</camunda:eventType>"), kind="receiveTask"),
    built(
        "flowable-behaviour",
        "E",
        FRAME.replace(
            '<endEvent id="E" name="E"/>', event("E", "endEvent", trigger("terminate", 'camunda:terminateAll="true"'))
        ),
        flow=ALONG,
    ),
    built("listener", "p", extended('<camunda:eventListener events="TASK_ASSIGNED"/>'), FRAME, flow=ALONG),
    with_task(
        "listener",
        extended(
            '<camunda:executionListener event="start"><camunda:script scriptFormat="groovy">x'
            "</camunda:script></camunda:executionListener>"
        ),
    ),
    with_task("listener", extended('<camunda:taskListener event="create" class="a.B"/>')),
    with_task("connector", extended("<camunda:connector/>"), kind="serviceTask"),
    with_task("implementation-type", kind="serviceTask", attributes='camunda:type="mail"'),
    with_task("implementation-type", kind="serviceTask", attributes='camunda:type="external"'),
    with_task("script-format", "<script>x</script>", kind="scriptTask", attributes='scriptFormat="groovy"'),
    with_task("script-format", kind="scriptTask", attributes='scriptFormat="python"', level="warning"),
    with_task("script-format", kind="scriptTask", attributes='scriptFormat="python" camunda:resource="a.py"'),
    strict(with_task("script-format", "<script>x</script>", kind="scriptTask")),
    with_task(
        "mapping-script",
        extended(
            '<camunda:inputOutput><camunda:inputParameter name="x"><camunda:script '
            'scriptFormat="groovy">1</camunda:script></camunda:inputParameter></camunda:inputOutput>'
        ),
    ),
    with_condition("mapping-script", "x", 'language="juel" camunda:resource="a"'),
    with_task("cmmn-call", kind="callActivity", attributes='camunda:caseRef="c"'),
    with_task("zeebe-extension", extended(f'<zeebe:taskDefinition {ZEEBE} type="t"/>'), kind="serviceTask"),
    built(
        "parallel-start",
        "S",
        event("S", "startEvent", trigger("message", 'messageRef="m"'), attributes='parallelMultiple="true"'),
        nodes("endEvent E"),
        flow="S > E",
        root='<message id="m" name="order"/>',
    ),
    with_task("error-mapping", extended('<camunda:errorEventDefinition errorRef="e"/>'), kind="serviceTask"),
    built(
        "error-mapping",
        "A",
        ENDS,
        task(
            "A",
            extended('<camunda:errorEventDefinition errorRef="e" expression="${externalTask.retries == 0}"/>'),
            kind="serviceTask",
            attributes='camunda:type="external" camunda:topic="t"',
        ),
        flow=ALONG,
        root='<error id="e" errorCode="E1"/>',
    ),
    with_task("no-effect", extended("<camunda:formData/>"), level="warning"),
    built(
        "no-effect",
        "S",
        event("S", "startEvent", attributes='camunda:initiator="who"'),
        nodes("endEvent E"),
        flow="S > E",
        level="warning",
    ),
    built(
        "mapping-place",
        "S",
        event("S", "startEvent", extended("<camunda:inputOutput/>")),
        nodes("endEvent E"),
        flow="S > E",
        level="warning",
    ),
    with_task("worker-missing", kind="serviceTask", level="warning"),
    with_task("nobody-may", level="warning"),
    written("executable-unsaid", "p", f'<process id="p">{FRAME}{flows(ALONG)}</process>', level="warning"),
    written("process-id", "process at line 1", f'<process isExecutable="true">{FRAME}{flows(ALONG)}</process>'),
    built("label-missing", "A", ENDS, f'<userTask id="A">{OWNER}</userTask>', flow=ALONG, level="warning"),
    built(
        "label-missing",
        "G",
        FRAME,
        OTHER_END,
        '<exclusiveGateway id="G" default="G_E"/>',
        flow="S > A; A > G; G > E; G > E2 [${x}]",
        level="warning",
    ),
    spoiled("empty-sub-process", "U", '<subProcess id="U" name="U"/>', flow="S > A; A > U; U > E", level="warning"),
    strict(built("expression-type", "F", FRAME, OTHER_END, CONDITION.format("", "${x}"), flow="S > A; A > E2")),
    with_condition("expression-language", "x", 'language="JavaScript"'),
    with_condition("condition-text", "amount is high"),
    with_condition("condition-text", "len(notes) &gt; 1"),
    with_condition("condition-text", "not amount == 5"),
    with_condition("condition-text", "True if vip else False"),
    with_condition("condition-text", "skip == False and x is not None", level="warning"),
    with_condition("condition-text", "${amount &gt;}"),
    with_condition("condition-text", "amount &gt; 3", level="warning"),
    with_condition("condition-text", ""),
    with_condition("condition-text", "amount &gt;", 'language="feel"'),
    strict(with_condition("condition-text", "amount &gt; 3")),
    with_condition("constant-value", "${20 + 3}"),
    with_condition("constant-value", "${'yes'}"),
    with_task("extension-expression", attributes='camunda:assignee="${a b}"'),
    with_task(
        "extension-expression",
        extended(
            '<camunda:inputOutput><camunda:inputParameter name="x">${a b}'
            "</camunda:inputParameter></camunda:inputOutput>"
        ),
    ),
    with_task(
        "extension-expression",
        extended('<camunda:in sourceExpression="${a b}" target="x"/>'),
        kind="callActivity",
        attributes='calledElement="q"',
    ),
]

SOUND = {
    "an external task": process(
        ENDS, task("A", kind="serviceTask", attributes='camunda:type="external" camunda:topic="t"'), flow=ALONG
    ),
    "a script": process(
        ENDS, task("A", "<script>x = 1</script>", kind="scriptTask", attributes='scriptFormat="python"'), flow=ALONG
    ),
    "a condition in FEEL": process(
        FRAME, OTHER_END, CONDITION.format('language="feel"', "amount &gt; 3"), flow="S > A; A > E2"
    ),
    "a condition in JUEL": process(FRAME, OTHER_END, CONDITION.format("", "${amount &gt; 3}"), flow="S > A; A > E2"),
    "a timer with an expression": process(
        FRAME,
        event("T", "intermediateCatchEvent", trigger("timer")).replace("PT1H", "${due}"),
        flow="S > A; A > T; T > E",
    ),
    "an assignee from variables": process(
        ENDS, task("A", attributes='camunda:assignee="${who}" camunda:dueDate="${due}"'), flow=ALONG
    ),
}
