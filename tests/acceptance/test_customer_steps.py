"""What the customer does meanwhile: each step is faced with what was told then, and answers are given as promised."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from casepath.engine import runtime
from casepath.engine.database.models import ProcessInstance, UserTask
from casepath.engine.instances import process_instances
from tests.acceptance.matters import Matter
from tests.november import ORDINARY, REACHED, at

ADVISOR = "advisor_li"
THREAT = {"threat_told": "保安"}
HEARD = {**REACHED, "dissatisfaction": "low", "loss": "small", "customer_statement": "何时退款？"}


def shown(matter: Matter, element_id: str, name: str) -> list[Any]:
    """What the open tasks at an element see of a variable, the oldest first."""
    with matter.sessions.begin() as session:
        tasks = select(UserTask.process_instance_id, UserTask.activity_instance)
        tasks = tasks.where(UserTask.element_id == element_id, UserTask.state == "created").order_by(UserTask.id)
        return [runtime.activity_variables(session, *task)[name] for task in session.execute(tasks)]


def kept(matter: Matter) -> list[tuple[str, str]]:
    """State of each promise to answer, and whether it was kept."""
    with matter.sessions.begin() as session:
        rows = session.scalars(select(ProcessInstance).where(ProcessInstance.definition_key == "answer_promise"))
        return [(row.state, process_instances.variables(session, row.id)["answer_promise_kept"]) for row in rows]


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
def test_threat__each_is_faced_with_what_was_told_then(matter: Matter) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **ORDINARY})
    matter.tell("02 09:10", ADVISOR, "threat_step", **THREAT, threat_at=at("02 09:05"), threat_text="扬言堵门")
    matter.tell("02 09:20", ADVISOR, "threat_step", **THREAT, threat_at=at("02 09:15"), threat_text="扬言打人")

    assert shown(matter, "handle_threat", "threat_text") == ["扬言堵门", "扬言打人"]


@pytest.mark.parametrize(("moment", "expected"), [("02 14:59", "yes"), ("02 15:00", "no")])
def test_answer__is_kept_until_the_moment_that_was_promised(matter: Matter, moment: str, expected: str) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **ORDINARY})
    matter.do("02 09:30", ADVISOR, "contact_customer", contact_way="phone", **HEARD, resolved_at_contact="no",
              answer_promised_at=at("02 15:00"))  # fmt: skip

    matter.do(moment, ADVISOR, "answer_customer", answer_way="phone", answer_outcome="reached", answer_given="今天")

    assert kept(matter) == [("completed", expected)]
    assert matter.figures("monthly", "answers_kept") == ["100.0" if expected == "yes" else "0.0"]
