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
from tests.acting import PROGRAM
from tests.diagrams import process
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
WORDS = {"zh": {"variables.level": "级别", "variables.level.high": "高"},
         "en": {"variables.level": "Level", "variables.level.high": "High"}}  # fmt: skip
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
    return {each.findtext("dt"): each.findtext("dd") for each in page.xpath("//*[@id='context']//dl/div")}


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


def test_undeclared__nothing(alice: Visitor, task_ids: list[int]) -> None:
    assert shown(alice, task_ids[0]) == {}
