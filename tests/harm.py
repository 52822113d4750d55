"""
Processes that would harm others if they could: they never come to rest, or ask for more than there is.

Each is one kind, with what stops it: `step`, where the whole step is refused, or `element`, which stands still with an
incident. They begin at `Start`, with the variables in `VARIABLES`.
"""

from __future__ import annotations

from tests.diagrams import (
    COMPENSATE,
    ERROR,
    ESCALATION,
    SIGNAL,
    SIGNALLED,
    border,
    catch,
    condition,
    container,
    definitions,
    end,
    error,
    escalation,
    flows,
    handler,
    process,
    throw,
    timer,
)

#: Of the same file, as all of them have the same key.
SAME = 'camunda:calledElementBinding="deployment"'
START = '<startEvent id="Start"/>'
#: What each of them begins with.
VARIABLES = {"one": [1], "text": "ab", "number": 3, "rounds": 1}
#: A FEEL expression that takes most of what one evaluation may.
LONG = "count(for i in 1..90000 return i * i)"
LARGE = f'string join(for i in 1..4000 return "{"0123456789" * 4}", "")'


def feel(key: str, text: str, *, result: str = "x") -> str:
    """Return a script task in FEEL."""
    opening = f'<scriptTask id="{key}" scriptFormat="feel" camunda:resultVariable="{result}">'
    return f"{opening}<script>{text}</script></scriptTask>"


def circle(element: str, key: str) -> bytes:
    """Return a process that runs an element for ever."""
    return process(START, '<exclusiveGateway id="G"/>', element, flow=f"Start > G; G > {key}; {key} > G")


def after(element: str, key: str) -> bytes:
    """Return a process with one element."""
    return process(START, element, '<endEvent id="End"/>', flow=f"Start > {key}; {key} > End")


def times(count: str) -> str:
    """Return what makes an activity run so many times at once."""
    loop = "multiInstanceLoopCharacteristics"
    return f"<{loop}><loopCardinality>{count}</loopCardinality></{loop}>"


def called(key: str, other: str) -> str:
    """Return a process that calls another one."""
    inner = f'<startEvent id="{key}_start"/><callActivity id="{key}_call" {SAME} calledElement="{other}"/>'
    return f'<process id="{key}" isExecutable="true">{inner}{flows(f"{key}_start > {key}_call")}</process>'


#: Name → what stops it, and the file.
HARMS: dict[str, tuple[str, bytes]] = {
    "circle": ("step", circle(throw("Pass", ""), "Pass")),
    "circle of long work": ("step", circle(feel("Work", LONG), "Work")),
    "circle of large values": ("step", circle(feel("Work", LARGE), "Work")),
    "growing list": ("step", circle(feel("Work", "concatenate(one, [1])", result="one"), "Work")),
    "growing number": ("step", circle(feel("Work", "number * number", result="number"), "Work")),
    "lists in lists": ("step", circle(feel("Work", "[one]", result="one"), "Work")),
    "tokens without end": ("step", process(
        START, '<exclusiveGateway id="G"/><parallelGateway id="Fork"/><task id="A"/><task id="B"/>',
        flow="Start > G; G > Fork; Fork > A; Fork > B; A > G; B > G")),
    "inclusive circle": ("step", process(
        START, '<inclusiveGateway id="G"/><task id="A"/><task id="B"/>',
        flow="Start > G; G > A; G > B; A > G; B > G")),
    "many times many": ("step", process(
        START, container("Inner", '<startEvent id="Begin"/><userTask id="Task">' + times("1000") + "</userTask>",
                         times("1000"), flow="Begin > Task"), flow="Start > Inner")),
    "endless loop": ("step", after(
        '<task id="Task"><standardLoopCharacteristics><loopCondition>${true}</loopCondition>'
        "</standardLoopCharacteristics></task>", "Task")),
    "many tokens at once": ("step", process(
        START, '<task id="Task" completionQuantity="2000000000"/><userTask id="Next"/>',
        flow="Start > Task; Task > Next")),
    "calls itself": ("step", after(f'<callActivity id="Call" {SAME} calledElement="p"/>', "Call")),
    "two that call each other": ("step", definitions(
        f'<process id="p" isExecutable="true">{START}<callActivity id="Call" {SAME} calledElement="q"/>'
        f'{flows("Start > Call")}</process>', called("q", "r"), called("r", "q"))),
    "calls without end": ("step", definitions(
        f'<process id="p" isExecutable="true">{START}<exclusiveGateway id="G"/>'
        f'<callActivity id="Call" {SAME} calledElement="q"/>{flows("Start > G; G > Call; Call > G")}</process>'
        '<process id="q" isExecutable="true"><startEvent id="q_start"/></process>')),
    "signal that it throws at itself": ("step", process(
        START, throw("Throw", SIGNALLED), '<userTask id="Task"/>',
        handler("On", SIGNALLED, end("Again", SIGNALLED), flow="On_start > Again", interrupting=False),
        flow="Start > Throw; Throw > Task", root=SIGNAL)),
    "escalations without end": ("step", process(
        START, '<userTask id="Task"/>',
        container("Inner", '<startEvent id="Begin"/><exclusiveGateway id="G"/>', throw("Out", escalation()),
                  flow="Begin > G; G > Out; Out > G"),
        border("On", "Inner", escalation(), interrupting=False), flow="Start > Inner; On > Task", root=ESCALATION)),
    "error that begins again": ("step", process(
        START, '<exclusiveGateway id="G"/>',
        container("Inner", '<startEvent id="Begin"/>', end("Fail", error("e")), flow="Begin > Fail"),
        border("On", "Inner", error("e")), flow="Start > G; G > Inner; On > G", root=ERROR)),
    "does and undoes": ("step", process(
        START, '<exclusiveGateway id="G"/><task id="Do"/><task id="Undo" isForCompensation="true"/>',
        border("At", "Do", COMPENSATE), throw("Back", COMPENSATE),
        '<association id="To" sourceRef="At" targetRef="Undo" associationDirection="One"/>',
        flow="Start > G; G > Do; Do > Back; Back > G")),
    "conditions that feed each other": ("step", process(
        START, feel("First", "rounds + 1", result="rounds"), '<userTask id="Task"/>',
        *(handler(key, condition(f"${{rounds gt 1 and rounds % 2 == {rest}}}"),
                  feel(f"{key}_work", "rounds + 1", result="rounds"), flow=f"{key}_start > {key}_work",
                  interrupting=False) for key, rest in (("Even", 0), ("Odd", 1))),
        flow="Start > First; First > Task")),
    "links in a circle": ("step", process(
        START, throw("Out", '<linkEventDefinition name="a"/>'), catch("In", '<linkEventDefinition name="a"/>'),
        flow="Start > Out; In > Out")),
    "task for everybody": ("step", process(
        START, feel("People", "for i in 1..30000 return string(i)"),
        '<userTask id="Task" camunda:candidateUsers="${x}"/>', flow="Start > People; People > Task")),
    "growing text": ("element", circle(feel("Work", "text + text", result="text"), "Work")),
    "function that calls itself": ("element", after(
        feel("Work", "{f: function(n) f(n + 1), r: f(1)}.r"), "Work")),
    "many instances": ("element", after(f'<userTask id="Task">{times("90000")}</userTask>', "Task")),
    "instances without measure": ("element", after(f'<userTask id="Task">{times("1000000000000")}</userTask>', "Task")),
    "fewer than none": ("element", after(f'<userTask id="Task">{times("${0 - number}")}</userTask>', "Task")),
    "due beyond all time": ("element", after('<userTask id="Task" camunda:dueDate="${\'P999999999D\'}"/>', "Task")),
    "priority beyond all numbers": ("element", after(
        '<userTask id="Task" camunda:priority="${number * 10000000000000000000}"/>', "Task")),
    "timer without pause": ("element", process(
        START, '<userTask id="Task"/><userTask id="Late"/>',
        border("On", "Task", timer("${'R/PT0S'}", "timeCycle"), interrupting=False), flow="Start > Task; On > Late")),
    "timer beyond all time": ("element", process(START, catch("Wait", timer("${'P99999999Y'}")), flow="Start > Wait")),
    "variable that is not there": ("element", after('<userTask id="Task" camunda:assignee="${nobody}"/>', "Task")),
    "decision that is not there": ("element", after(
        '<businessRuleTask id="Decide" camunda:decisionRef="${text}"/>', "Decide")),
    "process that is not there": ("element", after('<callActivity id="Call" calledElement="${text}"/>', "Call")),
}  # fmt: skip


def later(content: bytes) -> bytes:
    """Return the same process, but what it does begins with a job."""
    return _begun_by(content, "Later", '<task id="Later" camunda:asyncBefore="true"/>')


def reported(content: bytes) -> bytes:
    """Return the same process, but what it does begins when a worker reports that its work is done."""
    return _begun_by(content, "Outside", '<serviceTask id="Outside" camunda:type="external" camunda:topic="outside"/>')


def _begun_by(content: bytes, key: str, element: str) -> bytes:
    moved = content.replace(b'sourceRef="Start"', f'sourceRef="{key}"'.encode(), 1)
    return moved.replace(START.encode(), (START + element + flows(f"Start > {key}")).encode(), 1)
