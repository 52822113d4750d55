"""What is done with several tasks of a list at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people import identity
from casepath.engine.people.authorization import By
from casepath.engine.time import clock
from tests import diagrams
from tests.acting import PROGRAM
from tests.each import each
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]

DIAGRAM = diagrams.process(
    '<startEvent id="s"/>',
    '<userTask id="ask" name="Ask" camunda:candidateGroups="service" camunda:formKey="answer"/>',
    '<userTask id="say" name="Say" camunda:candidateGroups="service"/>',
    flow="s > ask; ask > say",
    key="p",
)
FORM = b"""{"type": "default", "id": "answer", "components": [
 {"type": "textfield", "key": "answer", "label": "Answer", "id": "f1", "validate": {"required": true}},
 {"type": "number", "key": "size", "label": "Size", "id": "f2"}]}"""


@pytest.fixture(autouse=True)
def begun(rows: Rows) -> None:
    definitions.forget()
    with rows.begin() as session:
        deployments.deploy(session, {"p.bpmn": DIAGRAM, "answer.form": FORM}, name="p", by=PROGRAM)
        for number in range(3):
            process_instances.start(session, "p", business_key=f"K-{number}", by=PROGRAM)
        identity.set_language(session, "alice", "en", by=PROGRAM)


@pytest.fixture
def numbers(rows: Rows) -> list[int]:
    """The tasks `ask` of the three matters."""
    with rows.begin() as session:
        return [user_tasks.open_of(session, f"K-{number}", "ask") for number in range(3)]


def send(visitor: Visitor, verb: str, numbers: list[int], **typed: str) -> str:
    """Do something with tasks; return the page to which it leads."""
    form = {"page.task": [str(number) for number in numbers], "page.list": "view=all", **typed}
    answer = visitor.post(f"/tasks/several/{verb}", form, follow_redirects=True)
    return text(answer)


def column(rows: Rows, numbers: list[int], name: str) -> list[object]:
    with rows.begin() as session:
        return [getattr(session.get_one(UserTask, number), name) for number in numbers]


def test_claim__each_on_its_own(alice: Visitor, rows: Rows, numbers: list[int]) -> None:
    with rows.begin() as session:
        user_tasks.claim(session, numbers[1], by="bob")

    page = send(alice, "claim", numbers)

    assert "2 tasks are yours now." in page
    assert "Ask K-1:" in page
    assert column(rows, numbers, "assignee") == ["alice", "bob", "alice"]


def test_claim__says_how_many_were_yours_already(alice: Visitor, rows: Rows, numbers: list[int]) -> None:
    send(alice, "claim", numbers[:1])

    page = send(alice, "claim", numbers[:2])
    assert "1 task is yours now." in page
    assert "1 task was yours already." in page
    again = send(alice, "claim", numbers[:2])
    assert "yours now" not in again
    assert "2 tasks were yours already." in again
    assert "message-error" not in again


def test_list__offers_to_claim_only_what_nobody_has(alice: Visitor, numbers: list[int]) -> None:
    send(alice, "claim", numbers[:1])

    boxes = re.findall(r'<input[^>]+name="page.task"[^>]+>', text(alice.get("/tasks/?view=all")))
    claimable = {re.findall(r'value="(\d+)"', box)[0]: "data-claimable" in box for box in boxes}
    assert claimable == {str(number): number != numbers[0] for number in numbers}


def test_claim__what_one_may_not_see_is_only_a_number(visit: Visit, rows: Rows, numbers: list[int]) -> None:
    page = send(visit("stranger"), "claim", numbers[:1])

    assert "K-0" not in page
    assert column(rows, numbers, "assignee") == [None, None, None]


def test_assign__to_a_colleague(alice: Visitor, rows: Rows, numbers: list[int]) -> None:
    assert "2 tasks are handed to Bob." in send(alice, "assign", numbers[:2], to="bob")
    assert column(rows, numbers, "assignee") == ["bob", "bob", None]


def test_assign__to_somebody_who_may_not_have_them(alice: Visitor, rows: Rows, numbers: list[int]) -> None:
    page = send(alice, "assign", numbers, to="stranger")

    assert "are handed to" not in page
    assert page.count("message-error") == 3
    assert column(rows, numbers, "assignee") == [None, None, None]


def test_follow_up__until_a_day(alice: Visitor, rows: Rows, numbers: list[int]) -> None:
    send(alice, "claim", numbers[:2])
    day = f"{clock.now() + timedelta(days=3):%Y-%m-%d}"

    assert f"2 tasks are put off until {day}." in send(alice, "follow-up", numbers[:2], day=day)
    assert [at is not None for at in column(rows, numbers, "follow_up_at")] == [True, True, False]
    assert "one has begun" in send(alice, "follow-up", numbers[:2])


class TestForm:
    def test_complete__what_is_filled_in_once(self, alice: Visitor, rows: Rows, numbers: list[int]) -> None:
        page = send(alice, "form", numbers[:2])
        assert "2 matters, filled in once" in page
        assert page.count('name="page.task"') == 2

        assert "2 tasks are completed." in send(alice, "complete", numbers[:2], answer="yes", size="3")
        assert column(rows, numbers, "state") == ["completed", "completed", "created"]
        with rows.begin() as session:
            task = session.get_one(UserTask, numbers[1])
            assert process_instances.variables(session, task.process_instance_id) == {"answer": "yes", "size": 3}

    def test_complete__what_does_not_fit_is_told_at_its_field(
        self, alice: Visitor, rows: Rows, numbers: list[int]
    ) -> None:
        page = send(alice, "complete", numbers[:2], answer="yes", size="many")

        assert 'id="error-size"' in page
        assert 'value="yes"' in page
        assert column(rows, numbers, "state") == ["created"] * 3

    def test_complete__one_that_another_has_stays(self, alice: Visitor, rows: Rows, numbers: list[int]) -> None:
        with rows.begin() as session:
            user_tasks.claim(session, numbers[0], by="bob")

        page = send(alice, "complete", numbers[:2], answer="yes")

        assert "1 task is completed." in page
        assert "Ask K-0:" in page
        assert column(rows, numbers, "state") == ["created", "completed", "created"]

    def test_form__only_of_the_same_step(self, alice: Visitor, rows: Rows, numbers: list[int]) -> None:
        with rows.begin() as session:
            user_tasks.complete(session, numbers[0], {"answer": "x"}, by="bob")
            other = user_tasks.open_of(session, "K-0", "say")

        for verb in ("form", "complete"):
            assert "these are different ones" in send(alice, verb, [other, numbers[1]], answer="yes")
        assert column(rows, [other, numbers[1]], "state") == ["created", "created"]

    def test_form__nothing_that_is_answered_is_lost(self, alice: Visitor, rows: Rows, numbers: list[int]) -> None:
        with rows.begin() as session:
            task = session.get_one(UserTask, numbers[1])
            process_instances.set_variables(session, task.process_instance_id, {"size": 9}, by=PROGRAM, reason="x")

        assert "answered in K-1 already" in send(alice, "complete", numbers[:2], answer="yes")
        assert column(rows, numbers, "state") == ["created"] * 3

    @each("held, is_answer", [(0, True), ("", False), (None, False)])
    def test_form__what_is_an_answer(
        self, alice: Visitor, rows: Rows, numbers: list[int], held: object, is_answer: bool
    ) -> None:
        with rows.begin() as session:
            task = session.get_one(UserTask, numbers[1])
            process_instances.set_variables(session, task.process_instance_id, {"size": held}, by=PROGRAM, reason="x")

        assert ("answered in K-1 already" in send(alice, "form", numbers[:2])) is is_answer

    def test_form__what_is_begun_is_not_lost(self, alice: Visitor, rows: Rows, numbers: list[int]) -> None:
        with rows.begin() as session:
            user_tasks.save_draft(session, numbers[1], {"answer": "half of"}, by="alice")

        assert "answered in K-1 already" in send(alice, "complete", numbers[:2], answer="yes")

    def test_complete__of_what_others_have_loses_nothing(
        self, alice: Visitor, rows: Rows, numbers: list[int]
    ) -> None:
        with rows.begin() as session:
            for number in numbers[:2]:
                user_tasks.claim(session, number, by="bob")

        page = send(alice, "complete", numbers[:2], answer="a long one")

        assert "Ask K-0:" in page
        assert 'value="a long one"' in page

    def test_complete__what_only_one_matter_asks_for_is_told(
        self, alice: Visitor, rows: Rows, numbers: list[int]
    ) -> None:
        form = FORM.replace(b"]}", b""", {"type": "textfield", "key": "why", "label": "Why", "id": "f3",
            "conditional": {"hide": "=kind != \\"big\\""}, "validate": {"required": true}}]}""")
        with rows.begin() as session:
            deployments.deploy(session, {"p.bpmn": DIAGRAM, "answer.form": form}, name="p", by=PROGRAM)
            keys = [(f"N-{number}", {"kind": kind}) for number, kind in enumerate(("small", "big"))]
            for key, held in keys:
                process_instances.start(session, "p", held, business_key=key, by=PROGRAM)
            fresh = [user_tasks.open_of(session, key, "ask") for key, _ in keys]

        page = send(alice, "complete", fresh, answer="a long one")

        assert "1 task is completed." in page
        assert 'id="error-why"' in page
        assert 'value="a long one"' in page
        assert page.count('name="page.task"') == 1
        assert column(rows, fresh, "state") == ["completed", "created"]

    def test_complete__one_that_fails_keeps_no_other(
        self, alice: Visitor, rows: Rows, numbers: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        complete = user_tasks.complete

        def failing(session: Session, task_id: int, submitted: Mapping[str, Any], *, by: By) -> object:
            if task_id == numbers[0]:
                raise errors.ExpressionError("unreadable", text="${")
            return complete(session, task_id, submitted, by=by)

        monkeypatch.setattr(user_tasks, "complete", failing)
        page = send(alice, "complete", numbers[:2], answer="yes")

        assert "1 task is completed." in page
        assert "Ask K-0: The process refused it." in page
        assert column(rows, numbers, "state") == ["created", "completed", "created"]

    def test_form__not_a_long_one(
        self, alice: Visitor, numbers: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("casepath.web.user_tasks.several.SHORT", 1)

        assert "too long to be filled in" in send(alice, "form", numbers)

    def test_form__of_none(self, alice: Visitor) -> None:
        assert "Please choose some tasks first." in send(alice, "form", [])
        assert "Please choose some tasks first." in send(alice, "claim", [])
