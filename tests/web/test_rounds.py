"""A task that comes back: what is answered anew begins empty, last round's answers stand beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from lxml import html
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from tests.acceptance.stage import filled_in
from tests.acting import PROGRAM
from tests.diagrams import process
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]

LOOP = "<standardLoopCharacteristics><loopCondition>${agrees == 'no'}</loopCondition></standardLoopCharacteristics>"
FORM: dict[str, Any] = {
    "id": "ask",
    "components": [
        {"type": "textfield", "key": "plate", "label": "车牌"},
        {
            "type": "radio", "key": "agrees", "label": "同意？",
            "values": [{"value": "yes", "label": "是"}, {"value": "no", "label": "否"}],
            "properties": {"each_round": "true", "options_en": "Yes|No"},
        },
        {"type": "textarea", "key": "objection", "label": "异议", "properties": {"each_round": "true"}},
    ],
}  # fmt: skip


def ask(rows: Rows, properties: str = "") -> str:
    """Start a process that asks until somebody agrees."""
    extension = f"<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>"
    task = f'<userTask id="ask" name="询问" camunda:candidateGroups="service" camunda:formKey="ask">{extension}{LOOP}'
    diagram = process('<startEvent id="begin"/>', f"{task}</userTask>", '<endEvent id="end"/>',
                      flow="begin > ask; ask > end")  # fmt: skip
    definitions.forget()
    with rows.begin() as session:
        files = {"p.bpmn": diagram, "forms/ask.form": json.dumps(FORM).encode()}
        deployments.deploy(session, files, name="p", by=PROGRAM)
        process_instances.start(session, "p", {"plate": "苏A·I0001"}, business_key="K-1", by="alice")
    return "K-1"


def answer(rows: Rows, key: str, by: str, **values: str) -> int:
    """Complete the open task; return its number."""
    with rows.begin() as session:
        task_id = user_tasks.open_of(session, key, "ask")
        user_tasks.complete(session, task_id, {"plate": "苏A·I0001", **values}, by=by)
        return task_id


def page(rows: Rows, key: str, visitor: Visitor) -> html.HtmlElement:
    """The page of the open task."""
    with rows.begin() as session:
        task_id = user_tasks.open_of(session, key, "ask")
    return html.fromstring(text(visitor.get(f"/tasks/{task_id}")))


def beside(shown: html.HtmlElement, key: str) -> list[str]:
    """What stands beside a field, each part as one text."""
    found = shown.xpath("//*[contains(@class,'has-earlier')][.//*[@name=$key]]/*[@class='earlier']/*", key=key)
    return [" ".join(each.text_content().split()) for each in found]


def test_first_round__nothing_beside_it(rows: Rows, alice: Visitor) -> None:
    shown = page(rows, ask(rows), alice)

    assert [filled_in(shown, key) for key in ("plate", "agrees", "objection")] == [["苏A·I0001"], [], []]
    assert shown.xpath("//*[@class='earlier']") == []


def test_second_round__begins_empty_with_the_answers_beside(rows: Rows, alice: Visitor) -> None:
    key = ask(rows)
    answer(rows, key, "bob", agrees="no")

    shown = page(rows, key, alice)

    assert [filled_in(shown, each) for each in ("plate", "agrees", "objection")] == [["苏A·I0001"], [], []]
    assert beside(shown, "agrees")[0].startswith("第 1 轮，Bob")
    assert [beside(shown, each)[1:] for each in ("plate", "agrees", "objection")] == [[], ["否"], ["未填写"]]


def test_second_round__of_the_history_not_of_the_variable(rows: Rows, alice: Visitor) -> None:
    key = ask(rows)
    answer(rows, key, "bob", agrees="no", objection="太慢")
    with rows.begin() as session:
        instance = user_tasks.get(session, user_tasks.open_of(session, key, "ask")).process_instance_id
        process_instances.set_variables(session, instance, {"objection": "改过"}, by=PROGRAM, reason="更正")

    assert beside(page(rows, key, alice), "objection")[1:] == ["太慢"]


def test_third_round__only_the_last_one(rows: Rows, alice: Visitor) -> None:
    key = ask(rows)
    answer(rows, key, "bob", agrees="no", objection="太慢")
    answer(rows, key, "alice", agrees="no", objection="还是太慢")

    caption, said = beside(page(rows, key, alice), "objection")

    assert (caption.startswith("第 2 轮，Alice"), said) == (True, "还是太慢")


def test_earlier_rounds__all_of_them_the_last_first(rows: Rows, alice: Visitor) -> None:
    key = ask(rows)
    answer(rows, key, "bob", agrees="no", objection="太慢")
    answer(rows, key, "alice", agrees="no", objection="还是太慢")

    shown = page(rows, key, alice).xpath("//aside//dl[preceding-sibling::summary]")

    told = [[" ".join(each.text_content().split()) for each in answers] for answers in shown]
    assert told[:2] == [["车牌", "苏A·I0001", "同意？", "否", "异议", answer] for answer in ("还是太慢", "太慢")]


def test_draft__what_was_typed_in_this_round_stays(rows: Rows, alice: Visitor) -> None:
    key = ask(rows)
    answer(rows, key, "bob", agrees="no", objection="太慢")
    with rows.begin() as session:
        user_tasks.save_draft(session, user_tasks.open_of(session, key, "ask"), {"objection": "新的"}, by="alice")

    assert filled_in(page(rows, key, alice), "objection") == ["新的"]


def test_completed__shows_what_was_handed_in_with_it(rows: Rows, alice: Visitor) -> None:
    key = ask(rows)
    first = answer(rows, key, "bob", agrees="no", objection="太慢")
    answer(rows, key, "bob", agrees="yes", objection="好了")

    shown = html.fromstring(text(alice.get(f"/tasks/{first}")))

    assert [filled_in(shown, each) for each in ("agrees", "objection")] == [["no"], ["太慢"]]


@pytest.mark.parametrize(
    ("properties", "found"), [("", ["苏A·I0001"]), ('<camunda:property name="each_round" value="true"/>', [])]
)
def test_task__says_it_of_all_its_fields(rows: Rows, alice: Visitor, properties: str, found: list[str]) -> None:
    key = ask(rows, properties)
    answer(rows, key, "bob", agrees="no")

    assert filled_in(page(rows, key, alice), "plate") == found


def test_several_people__each_begins_empty(rows: Rows, alice: Visitor) -> None:
    """All but what was given to each; and where the diagram says that they go on where the others were."""
    shown = {}
    for each_round in ("true", "false"):
        plate = "<camunda:inputParameter name='plate'>${person}</camunda:inputParameter>"
        said = "" if each_round == "true" else '<camunda:property name="each_round" value="false"/>'
        extensions = f"<extensionElements><camunda:inputOutput>{plate}</camunda:inputOutput>" \
                     f"<camunda:properties>{said}</camunda:properties></extensionElements>"
        several = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
        diagram = process(
            f'<startEvent id="s"/><userTask id="vote" camunda:formKey="vote" camunda:candidateGroups="service">'
            f"{extensions}{several}</userTask>",
            flow="s > vote",
        )  # fmt: skip
        plain = [{name: value for name, value in each.items() if name != "properties"} for each in FORM["components"]]
        files = {"v.bpmn": diagram, "vote.form": json.dumps({**FORM, "id": "vote", "components": plain}).encode()}
        with rows.begin() as session:
            deployments.deploy(session, files, name="v", by=PROGRAM)
            key = f"V-{each_round}"
            process_instances.start(session, "p", {"people": ["苏A·1", "苏A·2"]}, business_key=key, by="alice")
            first = user_tasks.open_of(session, key, "vote")
            user_tasks.complete(session, first, {"plate": "苏A·1", "agrees": "no", "objection": "太慢"}, by="bob")
            second = user_tasks.open_of(session, key, "vote")
        page = html.fromstring(text(alice.get(f"/tasks/{second}")))
        shown[each_round] = [filled_in(page, name) for name in ("plate", "agrees", "objection")]

    assert shown == {"true": [["苏A·2"], [], []], "false": [["苏A·2"], ["no"], ["太慢"]]}


def ask_members(rows: Rows) -> str:
    """Three members were asked and have answered, and are asked once more after a check: nobody has answered yet."""
    components = [
        {"type": "textfield", "key": "opinion", "label": "意见", "properties": {"each_round": "true"}},
        {"type": "textfield", "key": "day", "label": "日期"},
    ]
    several = '<multiInstanceLoopCharacteristics camunda:collection="${members}" camunda:elementVariable="member"/>'
    diagram = process(
        '<startEvent id="begin"/>',
        f'<userTask id="ask" name="询问" camunda:candidateGroups="service" camunda:formKey="ask">{several}</userTask>',
        '<userTask id="check" name="复核" camunda:candidateGroups="service"/>',
        flow="begin > ask; ask > check; check > ask",
    )
    definitions.forget()
    with rows.begin() as session:
        opinion = json.dumps({"id": "ask", "components": components}).encode()
        deployments.deploy(session, {"p.bpmn": diagram, "forms/ask.form": opinion}, name="p", by=PROGRAM)
        process_instances.start(session, "p", {"members": ["a", "b", "c"]}, business_key="K-1", by="alice")
    answer_each(rows, "甲乙丙")
    with rows.begin() as session:
        user_tasks.complete(session, user_tasks.open_of(session, "K-1", "check"), {}, by="alice")
    return "K-1"


def answer_each(rows: Rows, opinions: str) -> None:
    """Complete the open tasks of members, the oldest first; all say the same day."""
    for said in opinions:
        with rows.begin() as session:
            task_id = user_tasks.open_of(session, "K-1", "ask")
            user_tasks.complete(session, task_id, {"opinion": said, "day": "周一"}, by="alice")


def captions(shown: html.HtmlElement) -> list[str]:
    """What stands above each earlier answer, without who and when."""
    found = shown.xpath("//aside//details/details/summary | //aside//details/div/details/summary")
    return [each.text_content().strip()[:5] for each in found]


def test_members__are_one_round_together(rows: Rows, alice: Visitor) -> None:
    key = ask_members(rows)
    answer_each(rows, "丁")

    shown = page(rows, key, alice)

    assert "第 2 轮" in shown.xpath("string(//h1)")
    # The one who has answered beside it is none of an earlier round.
    assert captions(shown) == ["第 1 轮"] * 3
    # Nor is any of three answers the one before.
    assert beside(shown, "opinion") == []


def test_members__are_told_apart_on_the_page_of_the_matter(rows: Rows, alice: Visitor) -> None:
    key = ask_members(rows)

    known = html.fromstring(text(alice.get(f"/matters/show/{key}"))).xpath("//section[contains(@class, 'known')]")[0]
    told = [
        (step.xpath("string(summary/strong)"), [" ".join(each.text_content().split()) for each in step.xpath(".//dd")])
        for step in known.xpath(".//details[@class='step']")
    ]

    assert [each for each in told if each[0] == "询问"] == [("询问", [said, "周一"]) for said in "甲乙丙"]
    assert "轮" not in known.text_content()


def test_members__of_the_second_round_say_so(rows: Rows, alice: Visitor) -> None:
    key = ask_members(rows)
    answer_each(rows, "丁戊己")

    shown = text(alice.get(f"/matters/show/{key}"))
    known = html.fromstring(shown).xpath("//section[contains(@class, 'known')]")[0]

    assert known.text_content().count("第 2 轮") == 3
    assert "第 3 轮" not in shown
