"""Two versions of files are told apart: whatever differs is told once, at the element where it stands."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from casepath.engine import deployments
from casepath.engine.deployments import comparison
from casepath.engine.deployments.comparison import Change, Compared, Difference, Piece
from tests.each import each
from tests.effects import models

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
PARSER = etree.XMLParser(remove_comments=True, remove_pis=True)
#: What of something is drawn is told at that.
DRAWN = ("bpmnElement", "dmnElementRef")
#: Without its column a cell of a table is none.
COLUMNS = ("input", "output")
COMPLAINT = deployments.read_folder(PROCESSES / "complaint")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A file with one attribute, text or element otherwise."""

    #: What was done, and to what.
    name: str
    before: bytes
    after: bytes
    #: Ids of the elements at one of which it may be told.
    owners: frozenset[str]
    is_drawn: bool


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def mutants() -> Iterator[Mutant]:
    """One of each kind of attribute, text and element of all XML models, changed and taken out."""
    seen: set[tuple[str, ...]] = set()
    for path, content in sorted(models.own(), key=lambda model: len(model[1])):
        if path.suffix not in (".bpmn", ".dmn") or b"\0" in content:
            continue
        try:
            root = etree.fromstring(content, PARSER)
        except etree.XMLSyntaxError:
            continue
        yield from of_file(path, content, root, seen)


def of_file(path: Path, content: bytes, root: etree._Element, seen: set[tuple[str, ...]]) -> Iterator[Mutant]:
    tree = root.getroottree()
    for element in root.iter(etree.Element):
        above = element.getparent()
        around = local(above) if above is not None else ""
        place = (path.suffix, around, etree.QName(element).namespace or "", local(element))
        for attribute in element.attrib:
            if (*place, attribute) not in seen and attribute not in ("id", *DRAWN):
                seen.add((*place, attribute))
                yield changed(path, content, tree.getelementpath(element), element, f"@{attribute}")
        says = not len(element) and (element.text or "").strip() and local(element) != "flowNodeRef"
        if says and (*place, "text") not in seen:
            seen.add((*place, "text"))
            yield changed(path, content, tree.getelementpath(element), element, "text")
        is_whole = above is not None and not any(each.get("id") for each in element.iterdescendants())
        if is_whole and (*place, "gone") not in seen and local(element) not in COLUMNS:
            seen.add((*place, "gone"))
            yield changed(path, content, tree.getelementpath(element), element, "gone")


def changed(path: Path, content: bytes, place: str, element: etree._Element, what: str) -> Mutant:
    root = etree.fromstring(content, PARSER)
    twin = root.find(place) if place != "." else root
    assert twin is not None
    around = [element, *element.iterancestors()]
    drawing = [each for each in around if any(each.get(name) for name in DRAWN)]
    owners = {each.get("id") for each in around if each.get("id")} | {root.get("id", "")}
    owners |= {(each.get(name) or "").rpartition(":")[2] for each in drawing for name in DRAWN}
    if local(element) == "flowNodeRef":
        owners.add((element.text or "").strip().rpartition(":")[2])
    if what == "gone":
        above = twin.getparent()
        assert above is not None
        above.remove(twin)
    elif what == "text":
        twin.text = f"{twin.text}x"
    else:
        name = what[1:]
        value = twin.get(name, "")
        twin.set(name, f"7{value}" if value[:1].isdigit() else f"{value}x")
    return Mutant(
        name=f"{path.name} {place} {what}",
        before=content,
        after=etree.tostring(root),
        owners=frozenset(filter(None, owners)),
        is_drawn=any(local(each) in ("BPMNDiagram", "DMNDI") for each in around),
    )


def told(mutant: Mutant, ending: str) -> list[Difference]:
    found = comparison.compare({f"a{ending}": mutant.before}, {f"a{ending}": mutant.after})
    assert not [each for each in found if each.unreadable], mutant.name
    return [difference for compared in found for difference in compared.differences]


def test_compare__tells_each_change_once_at_its_element() -> None:
    """Whatever attribute, text or element of a model is another, and what is only drawn as only drawn."""
    found_mutants = list(mutants())
    wrong = []
    for mutant in found_mutants:
        found = told(mutant, ".dmn" if ".dmn " in mutant.name else ".bpmn")
        is_once = len(found) == 1 and found[0].id in mutant.owners
        if not is_once or (found[0].kind == "moved") != mutant.is_drawn:
            wrong.append(f"{mutant.name}: {[(each.kind, each.id, each.type) for each in found]}")

    assert wrong == []
    assert len(found_mutants) > 500


def test_compare__tells_each_change_of_a_form_once_at_its_field() -> None:
    wrong, count = [], 0
    seen: set[str] = set()
    for path, content in models.files(PROCESSES):
        if path.suffix != ".form":
            continue
        form = json.loads(content)
        for number, field in enumerate(form["components"]):
            for name in field.keys() - seen - {"components", "id"}:
                seen.add(name)
                count += 1
                other = copy.deepcopy(form)
                del other["components"][number][name]
                found = differences({"a.form": content}, {"a.form": json.dumps(other).encode()})
                if [each.id for each in found] != [field["id"]]:
                    wrong.append((path.name, name, found))

    assert wrong == []
    assert count > 10


def test_compare__same_files() -> None:
    """Also where they are written otherwise: indented, other prefixes, comments."""
    diagram = COMPLAINT["complaint.bpmn"]
    prefixed = diagram.replace(b"bpmn:", b"b:").replace(b"xmlns:bpmn=", b"xmlns:b=")
    root = etree.fromstring(prefixed, etree.XMLParser(remove_blank_text=True))
    root.append(etree.Comment("written by somebody else"))
    other = {**COMPLAINT, "complaint.bpmn": etree.tostring(root, pretty_print=True)}

    assert comparison.compare(COMPLAINT, dict(COMPLAINT)) == []
    assert comparison.compare(COMPLAINT, other) == []


def test_compare__what_came_is_what_went_the_other_way() -> None:
    """Old and new are never swapped."""
    after = changed_complaint()
    forth, back = comparison.compare(COMPLAINT, after), comparison.compare(after, COMPLAINT)

    turned = {"added": "removed", "removed": "added"}
    assert [each.name for each in forth] == [each.name for each in back]
    for one, other in zip(forth, back, strict=True):
        expected = sorted((turned.get(each.kind, each.kind), each.id) for each in one.differences)
        assert sorted((each.kind, each.id) for each in other.differences) == expected
        there = sorted((each.path, each.before, each.after) for each in all_changes(one))
        assert sorted((each.path, each.after, each.before) for each in all_changes(other)) == there


def all_changes(compared: Compared) -> list[Change]:
    return [change for each in compared.differences for change in each.changes]


def changed_complaint() -> dict[str, bytes]:
    """The complaint flow with something else in each of its files."""
    return {name: content.replace("客户".encode(), "用户".encode(), 3) for name, content in COMPLAINT.items()}


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> list[Difference]:
    return [each for compared in comparison.compare(before, after) for each in compared.differences]


def facts(found: list[Difference]) -> list[tuple[str, str, list[tuple[str, str | None, str | None]]]]:
    """Kind and id of each difference with its changes: path, before and after."""
    return [
        (
            each.kind,
            each.id,
            [(" ".join(filter(None, sum(change.path, ()))), change.before, change.after) for change in each.changes],
        )
        for each in found
    ]


def diagram(*body: str, drawn: str = "") -> dict[str, bytes]:
    text = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d"
      xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
      xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><process id="p">{"".join(body)}</process>
      <bpmndi:BPMNDiagram id="D"><bpmndi:BPMNPlane id="P" bpmnElement="p">{drawn}</bpmndi:BPMNPlane>
      </bpmndi:BPMNDiagram>
      </definitions>"""
    return {"a.bpmn": text.encode()}


def flow(name: str, ends: str, more: str = "") -> str:
    source, target = ends.split(">")
    return f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{more}</sequenceFlow>'


SHAPE = (
    '<bpmndi:BPMNShape bpmnElement="x"><dc:Bounds x="1" y="2" width="3" height="4"/></bpmndi:BPMNShape>'
)
CHOICE = '<exclusiveGateway id="g"/>'
TASK = '<userTask id="t" name="核实"><incoming>f</incoming></userTask>'


@each(
    "before, after, expected",
    [
        # A flow that leads elsewhere is told at the flow, not at both its ends as well.
        (
            diagram(TASK, '<task id="u"/>', CHOICE, flow("f", "g>t")),
            diagram(TASK.replace("<incoming>f</incoming>", ""), '<task id="u"><incoming>f</incoming></task>', CHOICE,
                    flow("f", "g>u")),
            [("changed", "f", [("targetRef", "t", "u")])],
        ),
        # Which flow is tried first decides, at a gateway that takes the first one.
        (
            diagram(CHOICE, TASK, flow("f", "g>t"), flow("h", "g>t")),
            diagram(CHOICE, TASK, flow("h", "g>t"), flow("f", "g>t")),
            [("changed", "g", [("outgoing order()", "f · h", "h · f")])],
        ),
        (
            diagram('<parallelGateway id="g"/>', TASK, flow("f", "g>t"), flow("h", "g>t")),
            diagram('<parallelGateway id="g"/>', TASK, flow("h", "g>t"), flow("f", "g>t")),
            [],
        ),
        # Another lane is told at what moved into it.
        (
            diagram('<laneSet id="l"><lane id="a"><flowNodeRef>t</flowNodeRef></lane><lane id="b"/></laneSet>', TASK),
            diagram('<laneSet id="l"><lane id="a"/><lane id="b"><flowNodeRef>t</flowNodeRef></lane></laneSet>', TASK),
            [("changed", "t", [("lane", "a", "b")])],
        ),
        # Another kind of element of the same id, within another.
        (
            diagram('<task id="x"/><subProcess id="s"/>'),
            diagram('<subProcess id="s"><manualTask id="x"/></subProcess>'),
            [("changed", "x", [("type", "task", "manualTask"), ("within", "p", "s")])],
        ),
        # What has another id only.
        (
            diagram('<task id="x" name="A"/>'),
            diagram('<task id="y" name="A"/>'),
            [("changed", "y", [("id", "x", "y")])],
        ),
        (
            diagram('<task id="x"/>', drawn=SHAPE),
            diagram('<task id="x"/>', drawn=SHAPE.replace('x="1" y="2"', 'x="9" y="2.0"')),
            [("moved", "x", [("BPMNShape Bounds", "1, 2 · 3 × 4", "9, 2 · 3 × 4")])],
        ),
        # A property of several is told by its name.
        (
            diagram('<task id="x"><extensionElements><camunda:properties><camunda:property name="a" value="1"/>'
                    '<camunda:property name="b" value="2"/></camunda:properties></extensionElements></task>'),
            diagram('<task id="x"><extensionElements><camunda:properties>'
                    '<camunda:property name="b" value="3"/></camunda:properties></extensionElements></task>'),
            [("changed", "x", [
                ("extensionElements camunda:properties camunda:property b value", "2", "3"),
                ("extensionElements camunda:properties camunda:property a value", "1", None),
            ])],
        ),
    ],
)  # fmt: skip
def test_compare__diagrams(
    before: dict[str, bytes], after: dict[str, bytes], expected: list[tuple[str, str, list[tuple[str, str, str]]]]
) -> None:
    assert facts(differences(before, after)) == expected


def test_compare__names_in_another_language_are_told_at_their_elements() -> None:
    before = {**diagram('<task id="x" name="核实"/>'), "texts.en.json": b'{"x": "Verify", "x.text": "a", "other": "b"}'}
    after = {**diagram('<task id="x" name="核实"/>'), "texts.en.json": b'{"x": "Check", "x.text": "a", "other": "c"}'}

    assert [(each.name, facts(list(each.differences))) for each in comparison.compare(before, after)] == [
        ("a.bpmn", [("changed", "x", [("texts.en name", "Verify", "Check")])]),
        ("texts.en.json", [("changed", "other", [("other", "b", "c")])]),
    ]


def table(*rules: str, policy: str = "FIRST", columns: str = "ab") -> dict[str, bytes]:
    expression = "<inputExpression><text>{0}</text></inputExpression>"
    inputs = "".join(f'<input id="{column}">{expression.format(column)}</input>' for column in columns)
    rows = "".join(
        f'<rule id="{rule.partition(":")[0]}">'
        + "".join(f"<inputEntry><text>{cell}</text></inputEntry>" for cell in rule.partition(":")[2].split(","))
        + "</rule>"
        for rule in rules
    )
    return {
        "t.dmn": '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d"><decision id="e">'
        f'<decisionTable id="t" hitPolicy="{policy}">{inputs}{rows}</decisionTable></decision></definitions>'.encode()
    }


@each(
    "before, after, expected",
    [
        (table("r:1,2", "s:3,4"), table("r:1,2", "s:3,5"), [("changed", "s", [("inputEntry b", "4", "5")])]),
        (
            table("r:1,2", "s:3,4"),
            table("n:7,8", "r:1,2", "s:3,4"),
            [("added", "n", [("within", None, "t"), ("inputEntry a", None, "7"), ("inputEntry b", None, "8")])],
        ),
        # The order of rows decides where the first one counts, and is only drawn elsewhere.
        (table("r:1,2", "s:3,4"), table("s:3,4", "r:1,2"), [("changed", "s", [("place", "2", "1")])]),
        (
            table("r:1,2", "s:3,4", policy="UNIQUE"),
            table("s:3,4", "r:1,2", policy="UNIQUE"),
            [("moved", "s", [("place", "2", "1")])],
        ),
        # A column that came has its cells with it; the rows have not changed.
        (
            table("r:1", "s:3", columns="a"),
            table("r:1,2", "s:3,4"),
            [("added", "b", [("within", None, "t"), ("inputExpression text", None, "b"),
                             ("cell 1", None, "2"), ("cell 2", None, "4")])],
        ),
        (table("r:1,2", "s:3,4"), table("r:2,1", "s:4,3", columns="ba"), [("moved", "b", [("place", "2", "1")])]),
        # Without ids a row is found again by what stands in it.
        (table(":1,2", ":3,4"), table(":9,9", ":1,2", ":3,4"), [
            ("added", "t 1", [("within", None, "t"), ("inputEntry a", None, "9"), ("inputEntry b", None, "9")]),
        ]),
        (
            table("r:1,2"),
            table("r:1,2", policy="ANY"),
            [("changed", "e", [("decisionTable t hitPolicy", "FIRST", "ANY")])],
        ),
    ],
)  # fmt: skip
def test_compare__tables(
    before: dict[str, bytes], after: dict[str, bytes], expected: list[tuple[str, str, list[tuple[str, str, str]]]]
) -> None:
    found = facts(differences(before, after))

    assert [(kind, key, sorted(changes, key=str)) for kind, key, changes in found] == [
        (kind, key, sorted(changes, key=str)) for kind, key, changes in expected if changes
    ]


def form(*fields: str) -> dict[str, bytes]:
    components = [{"id": each.split(":")[0], "label": each.split(":")[1], "type": "textfield"} for each in fields]
    return {"f.form": json.dumps({"id": "f", "components": components}).encode()}


@each(
    "before, after, expected",
    [
        (form("a:A", "b:B"), form("a:A", "b:C"), [("changed", "b", [("label", "B", "C")])]),
        (form("a:A", "b:B"), form("b:B", "a:A"), [("moved", "b", [("place", "2", "1")])]),
        (form("a:A"), form("n:N", "a:A"), [("added", "n", [("label", None, "N"), ("type", None, "textfield")])]),
        (form("a:A", "b:B"), form("a:A"), [("removed", "b", [("label", "B", None), ("type", "textfield", None)])]),
    ],
)
def test_compare__forms(
    before: dict[str, bytes], after: dict[str, bytes], expected: list[tuple[str, str, list[tuple[str, str, str]]]]
) -> None:
    assert facts(differences(before, after)) == expected


@each(
    "before, after, expected",
    [
        ({"a.yaml": b"a: {b: [1, 2]}"}, {"a.yaml": b"a: {b: [2]}"}, [("removed", "a › b", [("a b", "1", None)])]),
        (
            {"c.json": b'[{"id": "x", "n": 1}, {"id": "y"}]'},
            {"c.json": b'[{"id": "y"}, {"id": "x", "n": "1"}]'},
            [("changed", "x › n", [("x n", "1", '"1"')]), ("changed", "order()", [("order()", "x · y", "y · x")])],
        ),
        ({}, {"s.json": b'{"a": null}'}, [("added", "a", [("a", None, "null")])]),
        ({"z.bin": b"1"}, {"z.bin": b"22"}, [("changed", "bytes", [("bytes", "1", "2")])]),
    ],
)
def test_compare__entries(
    before: dict[str, bytes], after: dict[str, bytes], expected: list[tuple[str, str, list[tuple[str, str, str]]]]
) -> None:
    assert facts(differences(before, after)) == expected


@each(
    "before, after, expected",
    [
        (
            "客户总监在收到当天核实原因。\n",
            "客户总监在 2 小时内核实原因。\n",
            [("same", "客户总监在"), ("removed", "收到当天"), ("added", " 2 小时内"), ("same", "核实原因。\n")],
        ),
        ("Call within two days.", "Call within three days.", [
            ("same", "Call within "), ("removed", "two"), ("added", "three"), ("same", " days."),
        ]),
        ("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n7\n", [
            ("skipped", "3"), ("same", "4\n5\n"), ("removed", "6"), ("added", "7"), ("same", "\n"),
        ]),
    ],
)  # fmt: skip
def test_compare__texts(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    [found] = comparison.compare({"g.md": before.encode()}, {"g.md": after.encode()})

    assert found.pieces == tuple(Piece(*each) for each in expected)


@each(
    "name, content",
    [
        ("a.bpmn", b"<broken"),
        ("a.bpmn", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ("a.dmn", b""),
        ("a.form", b"[]"),
        ("a.form", b"{"),
        ("a.md", b"\xff\xfe"),
        ("a.yaml", b"{a: ["),
        ("a.json", b"[" * 100_000),
        ("texts.en.json", b"{"),
    ],
)
def test_compare__unreadable(name: str, content: bytes) -> None:
    """What can no longer be read says so, and nothing else fails for it."""
    beside = {"g.md": b"a"}, {"g.md": b"b"}
    found = comparison.compare({name: content, **beside[0]}, {name: b"x: 1", **beside[1]})
    by_name: dict[str, Compared] = {each.name: each for each in found}

    assert by_name[name].unreadable
    assert by_name["g.md"].pieces
