"""Rules on pools, message flows, lanes, conversations and choreographies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import ACTIVITIES, CHOREOGRAPHY_ACTIVITIES, EVENTS, Document, Node
from casepath.engine.bpmn.validation.references import CONVERSATIONS
from casepath.engine.bpmn.validation.rules import Breach, rule

MESSAGE_ENDS = ACTIVITIES | EVENTS | CONVERSATIONS | {"participant"}


def _pool(document: Document, node: Node) -> object:
    """What stands for the pool of a message flow's end: its process, or the participant that shows none."""
    if node.tag == "participant":
        process = document.resolve(node.get("processRef")) if node.get("processRef") else None
        return process if process is not None and process.tag == "process" else node
    return document.process(node)


@rule("message-flow-end")
def message_flow_end(document: Document) -> Iterator[Breach]:
    for flow in document.all("messageFlow"):
        ends = {name: document.resolve(flow.get(name)) for name in ("sourceRef", "targetRef") if flow.get(name)}
        for name, node in ends.items():
            if node is not None and node.tag not in MESSAGE_ENDS:
                yield Breach(
                    flow,
                    "Expected a pool, activity or event as {name} of a message flow, but found {tag} '{label}'",
                    name=name,
                    tag=node.tag,
                    label=node.label,
                )
        source, target = ends.get("sourceRef"), ends.get("targetRef")
        if source is not None and source.tag == "startEvent":
            yield Breach(
                flow,
                "Expected no message from the start event '{label}'; it only receives",
                label=source.label,
            )
        if target is not None and target.tag == "endEvent":
            yield Breach(flow, "Expected no message to the end event '{label}'; it only sends", label=target.label)
        if source is not None and target is not None and _same_pool(document, source, target):
            yield Breach(
                flow,
                "Expected a message flow to lead from one pool to another, but found both ends in the same; use a "
                "sequence flow",
            )


def _same_pool(document: Document, source: Node, target: Node) -> bool:
    pool = _pool(document, source)
    return pool is not None and pool is _pool(document, target)


@rule("message-flow-event", "letter")
def message_flow_event(document: Document) -> Iterator[Breach]:
    """Only message events exchange messages: those that throw send, those that catch receive."""
    for flow in document.all("messageFlow"):
        for name, wrong in (
            ("sourceRef", {"intermediateCatchEvent", "boundaryEvent"}),
            ("targetRef", {"intermediateThrowEvent"}),
        ):
            node = document.resolve(flow.get(name)) if flow.get(name) else None
            if node is None or node.tag not in EVENTS:
                continue
            if node.tag in wrong or "message" not in document.kinds(node):
                yield Breach(
                    flow,
                    "Expected a message event that can be {name} of a message flow, but '{label}' is none",
                    name=name,
                    label=node.label,
                )


@rule("participant-multiplicity")
def participant_multiplicity(document: Document) -> Iterator[Breach]:
    for node in document.all("participantMultiplicity"):
        least, most = _number(node.get("minimum"), 0), _number(node.get("maximum"), 1)
        if least < 0 or most < 1 or (node.get("maximum") and most < least):
            yield Breach(
                node,
                "Expected 0 ≤ minimum ≤ maximum and a maximum of at least 1, but found {least} and {most}",
                least=least,
                most=most,
            )


def _number(text: str, default: int) -> int:
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 18 and text[-1:].isdecimal() else default


@rule("global-conversation")
def global_conversation(document: Document) -> Iterator[Breach]:
    for node in document.all("globalConversation"):
        for child in node.all(*CONVERSATIONS, "conversationLink", "association", "group", "textAnnotation"):
            yield Breach(
                child if child.id else node,
                "Expected no {tag} in a global conversation; it is reused, not drawn",
                None if child.tag in CONVERSATIONS else "letter",
                tag=child.tag,
            )


@rule("conversation-participants", "letter")
def conversation_participants(document: Document) -> Iterator[Breach]:
    for node in document.all(*CONVERSATIONS):
        number = len(set(node.texts("participantRef")))
        if number < 2:
            yield Breach(
                node,
                "Expected at least two participants in a conversation, but found {number}",
                number=number,
            )


@rule("conversation-link", "letter")
def conversation_link(document: Document) -> Iterator[Breach]:
    for link in document.all("conversationLink"):
        ends = [document.resolve(link.get(name)) for name in ("sourceRef", "targetRef") if link.get(name)]
        if len([node for node in ends if node is not None and node.tag in CONVERSATIONS]) != 1:
            yield Breach(
                link,
                "Expected a conversation link between one conversation and one participant, but found otherwise",
            )


@rule("lane-membership", "warning")
def lane_membership(document: Document) -> Iterator[Breach]:
    for lane_set in document.all("laneSet"):
        holder: dict[str, Node] = {}
        for lane in lane_set.all("lane"):
            for text in lane.texts("flowNodeRef"):
                other = holder.setdefault(text, lane)
                if other is not lane:
                    yield Breach(
                        lane,
                        "Expected '{text}' in one lane of the set, but found it in '{label}' too",
                        text=text,
                        label=other.label,
                    )
                node = document.resolve(text)
                if node is not None and document.process(node) is not document.process(lane):
                    yield Breach(
                        lane,
                        "Expected elements of the lane's own process, but '{text}' belongs to another",
                        text=text,
                    )


@rule("shared-process", "warning")
def shared_process(document: Document) -> Iterator[Breach]:
    pools: dict[str, list[Node]] = defaultdict(list)
    for node in document.all("participant"):
        if node.get("processRef"):
            pools[node.get("processRef")].append(node)
    for text, nodes in pools.items():
        if len(nodes) > 1 and len({node.parent for node in nodes}) < len(nodes):
            yield Breach(
                nodes[1],
                "Expected one pool for process '{text}', but found {count}",
                text=text,
                count=len(nodes),
            )


@rule("choreography-participants")
def choreography_participants(document: Document) -> Iterator[Breach]:
    for node in document.all(*CHOREOGRAPHY_ACTIVITIES):
        participants = [document.resolve(text) for text in node.texts("participantRef")]
        initiator = document.resolve(node.get("initiatingParticipantRef"))
        if node.tag == "choreographyTask" and len(participants) > 2:
            yield Breach(
                node,
                "Expected two participants in a choreography task, but found {count}",
                count=len(participants),
            )
        if initiator is not None and participants and initiator not in participants:
            yield Breach(
                node,
                "Expected the initiating participant among the participants, but '{label}' is not",
                label=initiator.label,
            )
        yield from _choreography_messages(document, node, participants, initiator)


def _choreography_messages(
    document: Document, node: Node, participants: list[Node | None], initiator: Node | None
) -> Iterator[Breach]:
    flows = [flow for text in node.texts("messageFlowRef") if (flow := document.resolve(text)) is not None]
    ends = [(document.resolve(flow.get("sourceRef")), document.resolve(flow.get("targetRef"))) for flow in flows]
    for flow, pair in zip(flows, ends, strict=True):
        if any(end is not None and end.tag == "participant" and end not in participants for end in pair):
            yield Breach(
                node,
                "Expected message flow '{label}' between the participants of the task, but it leads elsewhere",
                label=flow.label,
            )
    senders = [source for source, _ in ends]
    if flows and initiator is not None and None not in senders and initiator not in senders:
        yield Breach(
            node,
            "Expected '{label}' to send the first message, but it sends none",
            "letter",
            label=initiator.label,
        )
    if len(flows) == 2 and senders[0] is not None and senders[0] is senders[1]:
        yield Breach(node, "Expected one message each way, but found both sent by the same participant", "letter")


@rule("choreography-event", "letter")
def choreography_event(document: Document) -> Iterator[Breach]:
    """Nobody in particular acts in a choreography: intermediate throws of anything but links cannot be told apart."""
    allowed = {
        "intermediateCatchEvent": {"timer", "conditional", "signal", "link"},
        "intermediateThrowEvent": {"link"},
    }
    for event in document.all(*allowed):
        scope = document.scope(event)
        if scope is None or scope.tag not in {"choreography", "subChoreography", "globalChoreographyTask"}:
            continue
        wrong = sorted(set(document.kinds(event)) - allowed[event.tag])
        if wrong:
            yield Breach(event, "Expected no {wrong} event in a choreography", wrong=wrong)
