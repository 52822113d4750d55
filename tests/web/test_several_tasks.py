"""What is done with several tasks of a list at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people import identity
from casepath.engine.time import clock
from tests import diagrams
from tests.acting import PROGRAM
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

    def test_form__not_a_long_one(
        self, alice: Visitor, numbers: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("casepath.web.user_tasks.several.SHORT", 1)

        assert "too long to be filled in" in send(alice, "form", numbers)

    def test_form__of_none(self, alice: Visitor) -> None:
        assert "Please choose some tasks first." in send(alice, "form", [])
        assert "Please choose some tasks first." in send(alice, "claim", [])
