"""The diagrams of `processes/` as an owner wants to find them: one page, all named, in lanes, in both languages."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from casepath.engine import deployments
from casepath.engine.expressions import compile_expression

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
DIAGRAMS = sorted(PROCESSES.rglob("*.bpmn"))
#: The two flows that the source documents draw; what their rules add is called.
MAPS = ("complaint", "major_complaint")
MAX_NODES = 36
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WAYPOINT = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
NODES = frozenset(
    f"{BPMN}{name}"
    for name in (
        "boundaryEvent", "businessRuleTask", "callActivity", "endEvent", "exclusiveGateway", "intermediateCatchEvent",
        "intermediateThrowEvent", "parallelGateway", "serviceTask", "startEvent", "subProcess", "userTask",
    )
)  # fmt: skip

every_diagram = pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
every_folder = pytest.mark.parametrize("folder", sorted({path.parent for path in DIAGRAMS}), ids=lambda path: path.name)


@dataclass(frozen=True)
class Box:
    """The bounds of a shape."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: Box) -> bool:
        """Whether another box lies inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


Point = tuple[float, float]
Segment = tuple[Point, Point]


def read(path: Path) -> etree._Element:
    """Return the root of a diagram."""
    return etree.parse(path).getroot()


def nodes(root: etree._Element) -> list[etree._Element]:
    """Return all flow nodes, those at borders and in event sub-processes too."""
    return [element for element in root.iter() if element.tag in NODES]


def boxes(root: etree._Element) -> dict[str, Box]:
    """Return the bounds of every shape, by the id of its element."""
    found = {}
    for shape in root.iter(f"{DI}BPMNShape"):
        bounds = shape.find(f"{DC}Bounds")
        assert bounds is not None
        x, y, width, height = (float(bounds.get(name, "0")) for name in ("x", "y", "width", "height"))
        found[shape.get("bpmnElement", "")] = Box(x, y, x + width, y + height)
    return found


def segments(edge: etree._Element) -> list[Segment]:
    """Return the straight parts of a line."""
    points = [(float(point.get("x", "0")), float(point.get("y", "0"))) for point in edge.iter(WAYPOINT)]
    return list(itertools.pairwise(points))


def cross(one: Segment, other: Segment) -> bool:
    """Whether a horizontal and a vertical part cross within both."""
    for (a, b), (c, d) in ((one, other), (other, one)):
        if a[1] == b[1] and c[0] == d[0]:
            across = min(a[0], b[0]) < c[0] < max(a[0], b[0])
            return across and min(c[1], d[1]) < a[1] < max(c[1], d[1])
    return False


def crossings(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield the pairs of lines that cross."""
    edges = list(root.iter(f"{DI}BPMNEdge"))
    for one, other in itertools.combinations(edges, 2):
        if any(cross(first, second) for first in segments(one) for second in segments(other)):
            yield one.get("bpmnElement", ""), other.get("bpmnElement", "")


@pytest.mark.parametrize("name", MAPS)
def test_drawing__one_page(name: str) -> None:
    root = read(PROCESSES / name / f"{name}.bpmn")

    assert len(nodes(root)) <= MAX_NODES


@every_diagram
def test_drawing__everything_has_a_name(path: Path) -> None:
    assert [node.get("id") for node in nodes(read(path)) if not node.get("name")] == []


@every_diagram
def test_drawing__every_node_in_its_lane(path: Path) -> None:
    root = read(path)
    drawn = boxes(root)
    lane_of = {ref.text: lane.get("id", "") for lane in root.iter(f"{BPMN}lane") for ref in lane}

    outside = []
    for node in nodes(root):
        identity, holder = node.get("id", ""), node.getparent()
        inside = holder is not None and holder.tag == f"{BPMN}subProcess"
        around = holder.get("id", "") if inside and holder is not None else lane_of.get(identity, "")
        # Half of an event on a border stands outside its activity, which may touch the edge of the lane.
        host = node.get("attachedToRef") or identity
        if around not in drawn or not drawn[around].holds(drawn[host]):
            outside.append(identity)

    assert outside == []


@every_diagram
def test_drawing__no_lines_cross(path: Path) -> None:
    assert list(crossings(read(path))) == []


@every_folder
def test_folder__deploys_without_a_word(folder: Path) -> None:
    findings = deployments.check(deployments.read_folder(folder)).findings

    assert [finding.message for finding in findings] == []


def test_folders__deploy_twice_as_once() -> None:
    """What has the same key in two folders is the same: else each would be a new version beside the other, for ever."""
    found: dict[tuple[str, str], set[bytes]] = {}
    for folder in {path.parent for path in DIAGRAMS}:
        checked = deployments.check(deployments.read_folder(folder))
        for each in checked.found:
            found.setdefault((each.kind, each.key), set()).add(checked.resources[each.file])

    assert [key for key, contents in found.items() if len(contents) > 1] == []


@every_folder
def test_folder__has_english_for_every_name(folder: Path) -> None:
    texts = json.loads((folder / "texts.en.json").read_text(encoding="utf-8"))
    roots = [read(path) for path in folder.iterdir() if path.suffix in (".bpmn", ".dmn")]
    named = {
        element.get("id")
        for root in roots
        for element in root.iter()
        if element.get("id") and (element.get("name") or element.get("label")) and is_shown(element)
    }

    assert sorted(str(name) for name in named - set(texts)) == []
    assert sorted(name for name, text in texts.items() if not text.strip()) == []


@every_folder
def test_folder__tells_people_in_english_what_it_tells_them(folder: Path) -> None:
    texts = json.loads((folder / "texts.en.json").read_text(encoding="utf-8"))
    told = {
        f"{task.get('id')}.{parameter.get('name')}": str(parameter.text)
        for path in folder.glob("*.bpmn")
        for task in read(path).iter(f"{BPMN}serviceTask")
        for parameter in task.iter(f"{CAMUNDA}inputParameter")
        if parameter.get("name") in {"subject", "text"}
    }
    translated = {key: text for key, text in texts.items() if key.endswith((".subject", ".text"))}

    assert sorted(translated) == sorted(told)
    # It says nothing that the diagram does not.
    assert {
        key: names
        for key, text in translated.items()
        if (names := compile_expression(text).names - compile_expression(told[key]).names - {"words"})
    } == {}


def is_shown(element: etree._Element) -> bool:
    """Whether people see the name of an element."""
    tag = etree.QName(element).localname
    return tag in {"decision", "input", "output", "lane", "participant", "process", "sequenceFlow"} or (
        element.tag in NODES
    )


@every_diagram
def test_user_tasks__form_and_guidance_in_both_languages(path: Path) -> None:
    found: dict[str, str] = {}
    for task in read(path).iter(f"{BPMN}userTask"):
        identity, form = task.get("id", ""), task.get(f"{CAMUNDA}formKey", "")
        files = (f"forms/{form}.form", f"guidance/{identity}.md", f"guidance/{identity}.en.md")
        found |= {name: identity for name in files if not (path.parent / name).is_file()}

    assert found == {}
