"""What the diagram wants to be shown with a task: in its order, in words, as it was when the task was done."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lxml import html
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people import identity
from casepath.engine.registers import records
from tests import wards
from tests.acting import PROGRAM
from tests.diagrams import container, process
from tests.each import each
from tests.unit import dmn_files
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]

FORM = {
    "id": "ask",
    "components": [
        {"type": "textarea", "key": "promise", "label": "承诺", "properties": {"label_en": "Promise"}},
        {
            "type": "radio", "key": "way", "label": "方式",
            "values": [{"value": "call", "label": "电话"}, {"value": "visit", "label": "上门"}],
            "properties": {"label_en": "Way", "options_en": "By phone|Visit"},
        },
    ],
}  # fmt: skip
WORDS = {"zh": {"variables.level": "级别", "variables.level.high": "高", "variables.grade": "等级"},
         "en": {"variables.level": "Level", "variables.level.high": "High"}}  # fmt: skip
EXTENDED = "<extensionElements>{}</extensionElements>"
SHOWN = ("<extensionElements><camunda:properties><camunda:property name='context' value='level, way,promise,nothing'/>"
         "</camunda:properties></extensionElements>")  # fmt: skip


@pytest.fixture
def task_ids(rows: Rows) -> list[int]:
    """Two tasks one after the other: what is promised, and whether it is approved, which shows what was promised."""
    diagram = process(
        '<startEvent id="begin"/>', '<userTask id="ask" camunda:candidateGroups="service" camunda:formKey="ask"/>',
        f'<userTask id="approve" camunda:candidateGroups="service">{SHOWN}</userTask>',
        '<userTask id="after" camunda:candidateGroups="service"/>',
        flow="begin > ask; ask > approve; approve > after",
    )  # fmt: skip
    files = {"p.bpmn": diagram, "forms/ask.form": json.dumps(FORM).encode()}
    files |= {f"texts.{language}.json": json.dumps(words).encode() for language, words in WORDS.items()}
    definitions.forget()
    with rows.begin() as session:
        deployments.deploy(session, files, name="p", by=PROGRAM)
        process_instances.start(session, "p", {"level": "high"}, business_key="K", by="alice")
        first = user_tasks.open_of(session, "K", "ask")
        user_tasks.complete(session, first, {"promise": "周五之前\n修好", "way": "visit"}, by="bob")
        return [first, user_tasks.open_of(session, "K", "approve")]


def shown(visitor: Visitor, task_id: int) -> dict[str, str]:
    """What stands above the form of a task: label and text."""
    page = html.fromstring(text(visitor.get(f"/tasks/{task_id}")))
    return {each.findtext("dt"): each.find("dd").text_content() for each in page.xpath("//*[@id='context']//dl/div")}


def test_open__in_words_and_in_the_order_of_the_diagram(alice: Visitor, task_ids: list[int]) -> None:
    assert list(shown(alice, task_ids[1]).items()) == [("级别", "高"), ("方式", "上门"), ("承诺", "周五之前\n修好")]


def test_open__in_the_language_of_the_reader(rows: Rows, visit: Visit, task_ids: list[int]) -> None:
    with rows.begin() as session:
        identity.set_language(session, "bob", "en", by="bob")

    assert shown(visit("bob"), task_ids[1]) == {"Level": "High", "Way": "Visit", "Promise": "周五之前\n修好"}


def test_open__the_present_value(rows: Rows, alice: Visitor, task_ids: list[int]) -> None:
    with rows.begin() as session:
        instance = user_tasks.get(session, task_ids[1]).process_instance_id
        process_instances.set_variables(session, instance, {"way": "call"}, by=PROGRAM, reason="x")

    assert shown(alice, task_ids[1])["方式"] == "电话"


@pytest.mark.parametrize("end", ["completed", "cancelled"])
def test_ended__as_it_was_then(rows: Rows, alice: Visitor, task_ids: list[int], end: str) -> None:
    before = shown(alice, task_ids[1])
    with rows.begin() as session:
        instance = user_tasks.get(session, task_ids[1]).process_instance_id
        if end == "completed":
            user_tasks.complete(session, task_ids[1], {"way": "call"}, by="bob")
        else:
            process_instances.modify(session, instance, [process_instances.StartBefore(element_id="after")],
                                     by=PROGRAM, reason="x")  # fmt: skip
            number = user_tasks.get(session, task_ids[1]).activity_instance
            process_instances.modify(session, instance, [process_instances.CancelActivity(activity_instance=number)],
                                     by=PROGRAM, reason="x")  # fmt: skip
        process_instances.set_variables(session, instance, {"promise": "x", "level": "low"}, by=PROGRAM, reason="x")

    assert shown(alice, task_ids[1]) == before


def mapped(*mappings: str) -> str:
    """The extension elements of an activity: `inputParameter level high`."""
    parts = [each.split(maxsplit=2) for each in mappings]
    inner = "".join(f'<camunda:{kind} name="{name}">{value}</camunda:{kind}>' for kind, name, value in parts)
    return f"<camunda:inputOutput>{inner}</camunda:inputOutput>"


#: How `level` becomes high at a task although nobody has handed it in: what stands before the task, and its extensions.
COMES = {
    "output mapping": (f"<task id='do'>{EXTENDED.format(mapped('outputParameter level high'))}</task>", ""),
    "mapping of its own": ("<task id='do'/>", mapped("inputParameter level high")),
    "gathered": (
        "<task id='do'><multiInstanceLoopCharacteristics isSequential='true' camunda:collection='${[1]}' "
        "camunda:elementVariable='each'/>" + EXTENDED.format(mapped("outputParameter level high")) + "</task>", ""),
    "named by a call": (
        "<callActivity id='do' calledElement='called'>"
        + EXTENDED.format("<camunda:in source='level' target='level'/><camunda:out source='made' target='level'/>")
        + "</callActivity>", ""),
}  # fmt: skip
CALLED = (
    "<process id='called' isExecutable='true'><startEvent id='s'/><task id='make'>"
    + EXTENDED.format(mapped("outputParameter made high", "outputParameter level another"))
    + "</task><sequenceFlow id='f' sourceRef='s' targetRef='make'/></process>"
)


@each("before, own", COMES.values())
def test_ended__what_mappings_have_set(rows: Rows, alice: Visitor, before: str, own: str) -> None:
    diagram = process(
        '<startEvent id="begin"/>', before, '<userTask id="look" camunda:candidateGroups="service">'
        + SHOWN.replace("<extensionElements>", f"<extensionElements>{own}") + "</userTask>",
        flow="begin > do; do > look", root=CALLED,
    )  # fmt: skip
    words = {f"texts.{language}.json": json.dumps(said).encode() for language, said in WORDS.items()}
    with rows.begin() as session:
        deployments.deploy(session, {"m.bpmn": diagram, **words}, name="m", by=PROGRAM)
        process_instances.start(session, "p", {"level": "low"}, business_key="M", by="alice")
        look = user_tasks.open_of(session, "M", "look")
    seen = shown(alice, look)
    with rows.begin() as session:
        user_tasks.complete(session, look, {"level": "low"}, by="bob")

    assert (seen, shown(alice, look)) == ({"级别": "高"}, {"级别": "高"})


VALUE = "<dataObject id='o' name='level'>" + EXTENDED.format("<camunda:value>high</camunda:value>") + "</dataObject>"
DECISION = "<businessRuleTask id='decide' camunda:decisionRef='grade' camunda:resultVariable='level' {}/>"
LOOK = f"<userTask id='look' camunda:candidateGroups='service'>{SHOWN}</userTask>"
CHANGE = "<task id='change'>" + EXTENDED.format(mapped("outputParameter level another")) + "</task>"
GRADE = dmn_files.definitions(dmn_files.decision("grade", dmn_files.table(["size: number"], ["grade"], '- | "high"')))
#: Diagrams in which `level` has a value before the task that nobody has handed in, and how it is shown.
HAS = {
    "data object": (process(VALUE, LOOK), "高"),
    "data object that was given a value": (process(VALUE, CHANGE, LOOK, flow="change > look"), "another"),
    "data object of a sub-process": (process(container("sub", VALUE, LOOK)), "高"),
    "data object of a sub-process, hidden from outside": (
        process(CHANGE, container("sub", VALUE, LOOK), flow="change > sub"), "高"),
    "data object of another sub-process": (process(container("sub", VALUE, "<task id='t'/>"), LOOK, flow="sub > look"),
                                           None),
    "decided, one value": (
        process(DECISION.format("camunda:mapDecisionResult='singleEntry'"), LOOK, flow="decide > look"), "高"),
    "decided, values": (
        process(DECISION.format("camunda:mapDecisionResult='collectEntries'"), LOOK, flow="decide > look"), "高"),
    "decided, one row": (
        process(DECISION.format("camunda:mapDecisionResult='singleResult'"), LOOK, flow="decide > look"), "等级：高"),
    "decided, rows": (process(DECISION.format(""), LOOK, flow="decide > look"), "等级：高"),
}  # fmt: skip


@each("diagram, expected", HAS.values())
def test_ended__what_nobody_has_handed_in(rows: Rows, alice: Visitor, diagram: bytes, expected: str | None) -> None:
    words = {f"texts.{language}.json": json.dumps(said).encode() for language, said in WORDS.items()}
    with rows.begin() as session:
        deployments.deploy(session, {"m.bpmn": diagram, "grade.dmn": GRADE, **words}, name="m", by=PROGRAM)
        process_instances.start(session, "p", {}, business_key="H", by="alice")
        look = user_tasks.open_of(session, "H", "look")
    seen = shown(alice, look)
    with rows.begin() as session:
        user_tasks.complete(session, look, {}, by="bob")

    assert (seen.get("级别"), shown(alice, look)) == (expected, seen)


def test_undeclared__nothing(alice: Visitor, task_ids: list[int]) -> None:
    assert shown(alice, task_ids[0]) == {}


def test_task__what_else_is_open_of_its_record(rows: Rows, visit: Visit) -> None:
    shown = "<extensionElements><camunda:properties><camunda:property name='open_matters' value='patient'/>"
    task = b'<userTask id="t" camunda:formKey="admission" camunda:candidateGroups="service">'
    files = {**wards.ADMISSION, "admission.bpmn": wards.ADMISSION["admission.bpmn"].replace(
        task[:-1] + b"/>", task + f"{shown}</camunda:properties></extensionElements></userTask>".encode()
    )}  # fmt: skip
    with rows.begin() as session:
        said = {"readers": [], "writers": ["service"]}
        ward = wards.ward(patient={**wards.PATIENT, **said}, bed={**wards.BED, **said})
        deployments.deploy(session, ward, name="ward", by=PROGRAM)
        deployments.deploy(session, files, name="admission", by=PROGRAM)
        first, other = (
            records.create(session, "patient", {"name": name, "phone": name}, by=PROGRAM).key for name in ("Mei", "Lan")
        )
        for patient in (first, first, other):
            process_instances.start(session, "admission", {"patient": patient}, by=PROGRAM)
        task_ids = [user_tasks.open_of(session, f"A-{number}", "t") for number in (1, 2, 3)]

    def told() -> list[list[str]]:
        pages = [html.fromstring(text(visit("bob").get(f"/tasks/{task_id}"))) for task_id in task_ids]
        return [page.xpath('//*[@id="open"]//*[@class="found-number"]/text()') for page in pages]

    assert told() == [["A-2"], ["A-1"], []]
    with rows.begin() as session:
        user_tasks.complete(session, task_ids[0], {"patient": first, "name": "Mei"}, by=PROGRAM)
    assert told() == [[], [], []]
