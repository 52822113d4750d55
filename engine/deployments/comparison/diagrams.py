"""
BPMN by element. What several elements state of one thing is told where people look for it.

The lane of an element is told at the element, not at the lane; where a flow leads, at the flow, not at both its ends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping

from lxml import etree

from casepath.engine.deployments.comparison.markup import drawn, elements, name, part
from casepath.engine.deployments.comparison.things import Thing
from casepath.engine.deployments.comparison.trees import ORDER, Part, moved
from casepath.engine.deployments.comparison.values import Change, Step

#: In what things are, and what has an id there and is no thing.
CONTAINERS = frozenset(
    {"adHocSubProcess", "category", "childLaneSet", "choreography", "collaboration", "conversation", "definitions"}
    | {"globalChoreographyTask", "globalConversation", "lane", "laneSet", "process", "subChoreography"}
    | {"subConversation", "subProcess", "transaction"}
)
INNER = frozenset(
    {"auditing", "completionCondition", "correlationKey", "correlationSubscription", "dataInputAssociation"}
    | {"dataOutputAssociation", "documentation", "extensionElements", "flowNodeRef", "humanPerformer", "incoming"}
    | {"ioBinding", "ioSpecification", "monitoring", "multiInstanceLoopCharacteristics", "outgoing"}
    | {"partitionElement", "performer", "potentialOwner", "property", "resourceRole", "standardLoopCharacteristics"}
)
#: What takes the first of its flows whose condition holds.
CHOOSING = frozenset({"complexGateway", "exclusiveGateway"})
#: What says of what something is the drawing.
DRAWN = ("bpmnElement", "dmnElementRef")
DIAGRAMS = frozenset({"BPMNDiagram", "DMNDI"})
SIDES = {"incoming": "targetRef", "outgoing": "sourceRef"}


def things(root: etree._Element, other: etree._Element) -> list[Thing]:
    """Return the elements of a diagram, the definitions as the last one; `other` is what it is compared with."""
    found = [root, *(each for each in root.iter() if _is_thing(each))]
    own = set(found)
    by_id = {each.get("id", ""): each for each in reversed(found)}
    elsewhere = {each.get("id", ""): each for each in other.iter() if _is_thing(each)}
    lanes = _lanes(root, by_id.keys() - elsewhere.keys(), elsewhere.keys(), _in_lanes(other))
    ends = _ends(found)
    # Of what leads elsewhere, or is there only once, its flow tells where.
    flows, others = _flows(root), _flows(other)
    turned = {flow for flow in flows.keys() | others.keys() if flows.get(flow) != others.get(flow)}
    drawings = layouts(root, by_id, elsewhere.keys())
    return [
        Thing(
            id=each.get("id", ""),
            type=name(each.tag),
            name=_called(each),
            parts=(
                *stated(each, own),
                *lanes.get(each.get("id", ""), ()),
                *_noted(each, ends, turned),
            ),
            within=_within(each, own, root),
            ends=(_referred(each.get("sourceRef")), _referred(each.get("targetRef"))),
            layout=tuple(drawings.get(each, ())),
            key="definitions" if each is root else "",
        )
        for each in [*found[1:], root]
    ]


def _is_thing(element: etree._Element) -> bool:
    above = element.getparent()
    return (
        isinstance(element.tag, str)
        and bool(element.get("id"))
        and above is not None
        and name(above.tag) in CONTAINERS
        and name(element.tag) not in INNER | DIAGRAMS
    )


def _called(element: etree._Element) -> str:
    found = element.get("name") or next((each.text for each in elements(element) if name(each.tag) == "text"), "")
    return " ".join((found or "").split())


def stated(element: etree._Element, own: set[etree._Element]) -> Iterator[Part]:
    """Yield what an element says, without its id, what is drawn, and what others here make something of."""
    skipped = {"incoming", "outgoing", *DIAGRAMS} | ({"flowNodeRef"} if name(element.tag) == "lane" else set())
    whole = part(element, own.__contains__, keyed=False)
    if whole.value is not None:
        yield Part(label="text", value=whole.value)
    yield from (each for each in whole.parts if each.label not in skipped and (each.label, each.key) != ("id", ""))


def _in_lanes(root: etree._Element) -> list[tuple[str, str]]:
    """Return each element that a lane names, and that lane."""
    lanes = (each for each in root.iter() if name(each.tag) == "lane" and _is_thing(each))
    return [
        (_referred(reference.text), lane.get("id", ""))
        for lane in lanes
        for reference in elements(lane)
        if name(reference.tag) == "flowNodeRef"
    ]


def _lanes(
    root: etree._Element, new: Container[str], elsewhere: Container[str], others: list[tuple[str, str]]
) -> dict[str, list[Part]]:
    """
    Return what is told of lanes at which element.

    It is told at what is in the lane, but at the lane where only that came or went, or where it names nothing.
    """
    told: dict[str, list[Part]] = defaultdict(list)
    known = {each.get("id", "") for each in root.iter() if _is_thing(each)}
    here = _in_lanes(root)
    elsewhere_only = {node for node, lane in set(others) - set(here)}
    for node, lane in here:
        if node in known and (node in new or lane in elsewhere or node in elsewhere_only):
            told[node].append(Part(label="lane", value=lane))
        elif node in known or node not in elsewhere:
            told[lane].append(Part(label="flowNodeRef", value=node))
    return told


def _ends(found: Iterable[etree._Element]) -> dict[tuple[str, str], Counter[str]]:
    """Return which flows come and go, by the side and the id of the element."""
    ends: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for flow in found:
        if name(flow.tag) == "sequenceFlow":
            for side, end in SIDES.items():
                ends[side, _referred(flow.get(end))][flow.get("id", "")] += 1
    return ends


def _flows(root: etree._Element) -> dict[str, tuple[str, ...]]:
    """Return whence and where each flow leads, by its id."""
    found = (each for each in root.iter() if name(each.tag) == "sequenceFlow")
    return {each.get("id", ""): tuple(_referred(each.get(end)) for end in SIDES.values()) for each in found}


def _noted(
    element: etree._Element, ends: Mapping[tuple[str, str], Counter[str]], turned: Container[str]
) -> Iterator[Part]:
    """Yield where an element says otherwise than the flows themselves which of them come and go."""
    for side in SIDES:
        said = Counter(_referred(each.text) for each in elements(element) if name(each.tag) == side)
        real = ends.get((side, element.get("id", "")), Counter())
        for value, flows in (("not noted", real - said), ("noted", said - real)):
            left = sorted(flow for flow in flows.elements() if flow not in turned)
            yield from (Part(label=side, key=flow, value=value) for flow in left)


def _referred(reference: str | None) -> str:
    return (reference or "").strip().rpartition(":")[2]


def _within(element: etree._Element, own: set[etree._Element], root: etree._Element) -> str:
    above = element.getparent()
    return above.get("id", "") if above is not None and above is not root and above in own else ""


def layouts(
    root: etree._Element, by_id: Mapping[str, etree._Element], elsewhere: Container[str]
) -> dict[etree._Element, list[Part]]:
    """
    Return how elements are drawn; the root has what is drawn of others, and the sheets themselves.

    Of what is only in the other version, which has the ids `elsewhere`, it is told that it came or went.
    """
    found: dict[etree._Element, list[Part]] = defaultdict(list)
    for diagram in [each for each in root.iter() if name(each.tag) in DIAGRAMS]:
        shapes = {each for each in diagram.iter() if _shown(each) and name(each.tag) != "BPMNPlane"}
        for shape in [each for each in diagram.iter() if each in shapes]:
            if any(above in shapes for above in shape.iterancestors()):
                continue
            of, drawing = _shown(shape), drawn(shape)
            element = by_id.get(of)
            if element is None and of in elsewhere:
                continue
            inner = tuple(each for each in drawing.parts if each.label not in DRAWN)
            key = of if element is None else ""
            found[root if element is None else element].append(Part(label=drawing.label, key=key, parts=inner))
        found[root].append(part(diagram, shapes.__contains__))
    return found


def _shown(element: etree._Element) -> str:
    return next((_referred(element.get(each)) for each in DRAWN if element.get(each)), "")


class Choices:
    """Which flows leave an element, in the order in which they are tried."""

    def __init__(self, root: etree._Element) -> None:
        self._out: dict[str, list[str]] = defaultdict(list)
        for flow in root.iter():
            if name(flow.tag) == "sequenceFlow":
                self._out[_referred(flow.get("sourceRef"))].append(flow.get("id", ""))

    def of(self, element_id: str) -> list[str]:
        """Return the ids of the flows."""
        return self._out.get(element_id, [])


def tried(before: Choices, after: Choices, old: Thing, new: Thing, was: Mapping[str, str]) -> Iterator[Change]:
    """Yield a change where an element tries its flows in another order; what came or went is told at the flow."""
    if new.type not in CHOOSING:
        return
    then = before.of(old.id)
    now = [flow for flow in after.of(new.id) if was.get(flow, flow) in then]
    if moved([then.index(was.get(flow, flow)) for flow in now]):
        first = sorted(now, key=lambda flow: then.index(was.get(flow, flow)))
        path = (Step("outgoing"), Step(ORDER))
        yield Change(path=path, before=" · ".join(first), after=" · ".join(now))
