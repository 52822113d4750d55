"""Rules on pools, message flows, lanes, conversations and choreographies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import ACTIVITIES, CHOREOGRAPHY_ACTIVITIES, EVENTS, Document, Node
from casepath.engine.bpmn.validation.references import CONVERSATIONS
from casepath.engine.bpmn.validation.rules import Problem, rule

MESSAGE_ENDS = ACTIVITIES | EVENTS | CONVERSATIONS | {"participant"}


def _pool(document: Document, node: Node) -> object:
    """What stands for the pool of a message flow's end: its process, or the participant that shows none."""
    if node.tag == "participant":
        process = document.resolve(node.get("processRef")) if node.get("processRef") else None
        return process if process is not None and process.tag == "process" else node
    return document.process(node)


@rule("message-flow-end")
def message_flow_end(document: Document) -> Iterator[Problem]:
    for flow in document.all("messageFlow"):
        ends = {name: document.resolve(flow.get(name)) for name in ("sourceRef", "targetRef") if flow.get(name)}
        for name, node in ends.items():
            if node is not None and node.tag not in MESSAGE_ENDS:
                yield Problem(
                    flow,
                    f"Expected a pool, activity or event as {name} of a message flow, but found {node.tag} "
                    f"'{node.label}'",
                    f"消息流的 {name} 应为泳池、活动或事件，但“{node.label}”是 {node.tag}",
                )
        source, target = ends.get("sourceRef"), ends.get("targetRef")
        if source is not None and source.tag == "startEvent":
            yield Problem(
                flow,
                f"Expected no message from the start event '{source.label}'; it only receives",
                f"开始事件“{source.label}”只能接收消息，不能发出消息流",
            )
        if target is not None and target.tag == "endEvent":
            yield Problem(
                flow,
                f"Expected no message to the end event '{target.label}'; it only sends",
                f"结束事件“{target.label}”只能发送消息，不能接收消息流",
            )
        if source is not None and target is not None and _same_pool(document, source, target):
            yield Problem(
                flow,
                "Expected a message flow to lead from one pool to another, but found both ends in the same; "
                "use a sequence flow",
                "消息流应连接两个不同的泳池，但两端在同一泳池中；请改用顺序流",
            )


def _same_pool(document: Document, source: Node, target: Node) -> bool:
    pool = _pool(document, source)
    return pool is not None and pool is _pool(document, target)


@rule("message-flow-event", "letter")
def message_flow_event(document: Document) -> Iterator[Problem]:
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
                yield Problem(
                    flow,
                    f"Expected a message event that can be {name} of a message flow, but '{node.label}' is none",
                    f"消息流的 {name} 应为相应的消息事件，但“{node.label}”不是",
                )


@rule("participant-multiplicity")
def participant_multiplicity(document: Document) -> Iterator[Problem]:
    for node in document.all("participantMultiplicity"):
        least, most = _number(node.get("minimum"), 0), _number(node.get("maximum"), 1)
        if least < 0 or most < 1 or (node.get("maximum") and most < least):
            yield Problem(
                node,
                f"Expected 0 ≤ minimum ≤ maximum and a maximum of at least 1, but found {least} and {most}",
                f"应满足 0 ≤ minimum ≤ maximum 且 maximum 至少为 1，但实际为 {least} 和 {most}",
            )


def _number(text: str, default: int) -> int:
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 18 and text[-1:].isdecimal() else default


@rule("global-conversation")
def global_conversation(document: Document) -> Iterator[Problem]:
    for node in document.all("globalConversation"):
        for child in node.all(*CONVERSATIONS, "conversationLink", "association", "group", "textAnnotation"):
            yield Problem(
                child if child.id else node,
                f"Expected no {child.tag} in a global conversation; it is reused, not drawn",
                f"全局会话中不允许有 {child.tag}",
                None if child.tag in CONVERSATIONS else "letter",
            )


@rule("conversation-participants", "letter")
def conversation_participants(document: Document) -> Iterator[Problem]:
    for node in document.all(*CONVERSATIONS):
        number = len(set(node.texts("participantRef")))
        if number < 2:
            yield Problem(
                node,
                f"Expected at least two participants in a conversation, but found {number}",
                f"会话至少应有两个参与者，但实际有 {number} 个",
            )


@rule("conversation-link", "letter")
def conversation_link(document: Document) -> Iterator[Problem]:
    for link in document.all("conversationLink"):
        ends = [document.resolve(link.get(name)) for name in ("sourceRef", "targetRef") if link.get(name)]
        if len([node for node in ends if node is not None and node.tag in CONVERSATIONS]) != 1:
            yield Problem(
                link,
                "Expected a conversation link between one conversation and one participant, but found otherwise",
                "会话链接应连接一个会话和一个参与者",
            )


@rule("lane-membership", "warning")
def lane_membership(document: Document) -> Iterator[Problem]:
    for lane_set in document.all("laneSet"):
        holder: dict[str, Node] = {}
        for lane in lane_set.all("lane"):
            for text in lane.texts("flowNodeRef"):
                other = holder.setdefault(text, lane)
                if other is not lane:
                    yield Problem(
                        lane,
                        f"Expected '{text}' in one lane of the set, but found it in '{other.label}' too",
                        f"“{text}”应只属于一个泳道，但也属于“{other.label}”",
                    )
                node = document.resolve(text)
                if node is not None and document.process(node) is not document.process(lane):
                    yield Problem(
                        lane,
                        f"Expected elements of the lane's own process, but '{text}' belongs to another",
                        f"泳道应只包含本流程的元素，但“{text}”属于其他流程",
                    )


@rule("shared-process", "warning")
def shared_process(document: Document) -> Iterator[Problem]:
    pools: dict[str, list[Node]] = defaultdict(list)
    for node in document.all("participant"):
        if node.get("processRef"):
            pools[node.get("processRef")].append(node)
    for text, nodes in pools.items():
        if len(nodes) > 1 and len({node.parent for node in nodes}) < len(nodes):
            yield Problem(
                nodes[1],
                f"Expected one pool for process '{text}', but found {len(nodes)}",
                f"流程“{text}”应只有一个泳池，但实际有 {len(nodes)} 个",
            )


@rule("choreography-participants")
def choreography_participants(document: Document) -> Iterator[Problem]:
    for node in document.all(*CHOREOGRAPHY_ACTIVITIES):
        participants = [document.resolve(text) for text in node.texts("participantRef")]
        initiator = document.resolve(node.get("initiatingParticipantRef"))
        if node.tag == "choreographyTask" and len(participants) > 2:
            yield Problem(
                node,
                f"Expected two participants in a choreography task, but found {len(participants)}",
                f"编排任务应有两个参与者，但实际有 {len(participants)} 个",
            )
        if initiator is not None and participants and initiator not in participants:
            yield Problem(
                node,
                f"Expected the initiating participant among the participants, but '{initiator.label}' is not",
                f"发起者应为参与者之一，但“{initiator.label}”不是",
            )
        yield from _choreography_messages(document, node, participants, initiator)


def _choreography_messages(
    document: Document, node: Node, participants: list[Node | None], initiator: Node | None
) -> Iterator[Problem]:
    flows = [flow for text in node.texts("messageFlowRef") if (flow := document.resolve(text)) is not None]
    ends = [(document.resolve(flow.get("sourceRef")), document.resolve(flow.get("targetRef"))) for flow in flows]
    for flow, pair in zip(flows, ends, strict=True):
        if any(end is not None and end.tag == "participant" and end not in participants for end in pair):
            yield Problem(
                node,
                f"Expected message flow '{flow.label}' between the participants of the task, but it leads elsewhere",
                f"消息流“{flow.label}”应在该任务的参与者之间，但并非如此",
            )
    senders = [source for source, _ in ends]
    if flows and initiator is not None and None not in senders and initiator not in senders:
        yield Problem(
            node,
            f"Expected '{initiator.label}' to send the first message, but it sends none",
            f"发起者“{initiator.label}”应发送第一条消息，但没有发送",
            "letter",
        )
    if len(flows) == 2 and senders[0] is not None and senders[0] is senders[1]:
        yield Problem(
            node,
            "Expected one message each way, but found both sent by the same participant",
            "两条消息应由双方各发一条，但都由同一参与者发送",
            "letter",
        )


@rule("choreography-event", "letter")
def choreography_event(document: Document) -> Iterator[Problem]:
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
            yield Problem(
                event,
                f"Expected no {', '.join(wrong)} event in a choreography",
                f"编排图中不允许有 {'、'.join(wrong)} 事件",
            )
