"""What is too long for the tables."""

from tests.breaches import ALONG, FRAME, built, event, spoiled, task, trigger
from tests.diagrams import nodes, process

LONG = "x" * 256
ENDS = nodes("startEvent S; endEvent E")


def with_attribute(attribute: str, value: str = LONG, kind: str = "userTask") -> bytes:
    """A process around a task A."""
    return built("too-long", "A", ENDS, task("A", kind=kind, attributes=f'{attribute}="{value}"'), flow=ALONG).file


BREACHES = [
    spoiled("too-long", LONG[:200], f'<userTask id="{LONG}" name="x"/>', flow=f"S > A; A > {LONG}; {LONG} > E"),
    *[
        built("too-long", "A", ENDS, task("A", kind=kind, attributes=f'{attribute}="{value}"'), flow=ALONG)
        for kind, attribute, value in (
            ("userTask", "camunda:assignee", LONG),
            ("userTask", "camunda:candidateUsers", f"kim,{LONG}"),
            ("userTask", "camunda:candidateGroups", LONG),
            ("userTask", "camunda:formKey", LONG),
            ("serviceTask", 'camunda:type="external" camunda:topic', LONG),
        )
    ],
    spoiled(
        "too-long",
        "m",
        event("M", "intermediateCatchEvent", trigger("message", 'messageRef="m"')),
        flow="S > A; A > M; M > E",
        root=f'<message id="m" name="{LONG}"/>',
    ),
]

SOUND = {
    "as long as there is room": process(FRAME, flow=ALONG, key="x" * 255),
    "many candidates": with_attribute("camunda:candidateUsers", ",".join(f"user{number}" for number in range(100))),
    "an expression": with_attribute("camunda:assignee", f"${{'{LONG}'}}"),
}
