"""Pools, message flows, lanes, conversations and choreographies."""

from tests.breaches import ALONG, FRAME, Breach, by_the_letter, strict, written
from tests.diagrams import definitions, flows

PROCESS = f'<process id="p" isExecutable="true">{FRAME}{flows(ALONG)}'
PROCESS += '<textAnnotation id="N"><text>x</text></textAnnotation></process>'
POOLS = '<participant id="P" processRef="p"/><participant id="Q"/>'
MESSAGE = '<messageFlow id="M" sourceRef="{}" targetRef="{}"/>'
CONVERSATION = '<conversation id="C">{}</conversation>'
CHOREOGRAPHY = (
    '<participant id="X"/><participant id="Y"/><participant id="Z"/><messageFlow id="M" sourceRef="Z" targetRef="Y"/>'
)


def together(code: str, element: str, *parts: str, level: str = "error") -> Breach:
    """A collaboration of the pools with more in it."""
    return written(
        code, element, f'<collaboration id="k">{POOLS}{"".join(parts)}</collaboration>', PROCESS, level=level
    )


def choreographed(code: str, element: str, *parts: str, level: str = "error") -> Breach:
    """A choreography of three participants."""
    return written(code, element, f'<choreography id="c">{CHOREOGRAPHY}{"".join(parts)}</choreography>', level=level)


def choreography_task(*participants: str, first: str = "X", message: str = "M") -> str:
    """A task between participants."""
    named = "".join(f"<participantRef>{name}</participantRef>" for name in participants)
    return (
        f'<choreographyTask id="T" name="T" initiatingParticipantRef="{first}">{named}'
        f"<messageFlowRef>{message}</messageFlowRef></choreographyTask>"
    )


BREACHES = [
    together("message-flow-end", "M", MESSAGE.format("Q", "N")),
    together("message-flow-end", "M", MESSAGE.format("S", "Q")),
    together("message-flow-end", "M", MESSAGE.format("Q", "E")),
    together("message-flow-end", "M", MESSAGE.format("A", "P")),
    together("message-flow-end", "M", MESSAGE.format("Q", "Q")),
    strict(together("message-flow-event", "M", MESSAGE.format("Q", "S"))),
    together(
        "participant-multiplicity",
        "R",
        '<participant id="R"><participantMultiplicity minimum="3" maximum="2"/></participant>',
    ),
    written("global-conversation", "C", f'<globalConversation id="k">{CONVERSATION.format("")}</globalConversation>'),
    strict(
        written("global-conversation", "N", '<globalConversation id="k"><textAnnotation id="N"/></globalConversation>')
    ),
    strict(together("conversation-participants", "C", CONVERSATION.format("<participantRef>P</participantRef>"))),
    strict(together("conversation-link", "L", '<conversationLink id="L" sourceRef="P" targetRef="Q"/>')),
    written(
        "lane-membership",
        "L2",
        PROCESS.replace(
            "<startEvent",
            '<laneSet id="l"><lane id="L1"><flowNodeRef>A</flowNodeRef></lane>'
            '<lane id="L2"><flowNodeRef>A</flowNodeRef></lane></laneSet><startEvent',
        ),
        level="warning",
    ),
    together("shared-process", "P2", '<participant id="P2" processRef="p"/>', level="warning"),
    choreographed("choreography-participants", "T", choreography_task("X", "Y")),
    choreographed("choreography-participants", "T", choreography_task("Y", "Z")),
    choreographed("choreography-participants", "T", choreography_task("X", "Y", "Z")),
    strict(choreographed("choreography-participants", "T", choreography_task("Y", "Z", first="Y"))),
    strict(
        choreographed(
            "choreography-event",
            "V",
            '<intermediateThrowEvent id="V"><escalationEventDefinition/></intermediateThrowEvent>',
        )
    ),
]

SOUND = {
    "two pools": definitions(f'<collaboration id="k">{POOLS}{MESSAGE.format("A", "Q")}</collaboration>', PROCESS),
    "a choreography beside a process": definitions(
        f'<choreography id="c">{CHOREOGRAPHY}{choreography_task("Y", "Z", first="Z")}</choreography>', PROCESS
    ),
    "pools by the letter": by_the_letter(
        definitions(f'<collaboration id="k">{POOLS}{MESSAGE.format("A", "Q")}</collaboration>', PROCESS)
    ),
}
