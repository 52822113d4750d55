"""What the customer does meanwhile: each step is faced with what was told then, and answers are given as promised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from lxml import html
from pydantic import SecretStr
from sqlalchemy import select

from casepath.engine import runtime
from casepath.engine.database.models import Attachment, ProcessInstance, UserTask
from casepath.engine.instances import process_instances
from casepath.settings import Settings
from tests import pdf
from tests.acceptance.matters import LEARNED, Matter
from tests.applications import make_app
from tests.november import CALLER, DIRECTOR, MANAGER, ORDINARY, REACHED, at
from tests.web.visitor import Visitor, text

ADVISOR, AFTER_SALES = "advisor_li", "after_sales_director_zhou"
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


@pytest.fixture
def app(dealership_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The pages beside the matter, on the same database."""
    made = make_app(Settings(data_folder=tmp_path, database_url=dealership_url, secret_key=SecretStr("secret")))
    yield made
    made.extensions["database"].dispose()


@pytest.mark.parametrize(("moment", "expected"), [("02 14:59", "yes"), ("02 15:00", "no")])
def test_answer__is_kept_until_the_moment_that_was_promised(matter: Matter, moment: str, expected: str) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **ORDINARY})
    matter.do("02 09:30", ADVISOR, "contact_customer", contact_way="phone", **HEARD, resolved_at_contact="no",
              answer_promised_at=at("02 15:00"))  # fmt: skip

    matter.do(moment, ADVISOR, "answer_customer", answer_way="phone", answer_outcome="reached", answer_given="今天")

    assert kept(matter) == [("completed", expected)]
    assert matter.figures("monthly", "answers_kept") == ["100.0" if expected == "yes" else "0.0"]


def test_upgrade__at_the_third_step_keeps_number_demands_and_both_phases(matter: Matter, app: Flask) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **ORDINARY})
    number = matter.stage.business_key
    matter.do("02 09:30", ADVISOR, "contact_customer", contact_way="phone", **HEARD, resolved_at_contact="no")
    matter.do("02 10:00", DIRECTOR, "verify_cause", verified_cause="装配不当", category="repair_quality",
              customer_type="impatient", handling_days=3, **ORDINARY)  # fmt: skip
    matter.do("02 10:30", AFTER_SALES, "sign_receipt", receipt_signed=True)
    # The third step after the registration is open.
    matter.tell("02 11:00", ADVISOR, "upgrade_to_major", upgrade_reason="media", upgrade_at=at("02 11:00"),
                upgrade_text="电视台要来采访")  # fmt: skip

    assert matter.inside("major_complaint", "severity", "demands", "deadline") == ["major", ["media"], at("05 18:00")]
    assert matter.known("severity") == ["major"]
    page = html.fromstring(text(Visitor(app.test_client(), MANAGER).get(f"/matters/show/{number}")))
    assert "重大" in page.xpath("//dt[.='分级']/following-sibling::dd[1]")[0].text_content()

    matter.do("02 11:30", MANAGER, "handle_media_step", spokesperson="钱志远", statement="正在处理")
    matter.do("02 12:00", MANAGER, "contact_major", team="钱志远", contact_way="phone", demands=["media"],
              customer_type="impatient", **REACHED)  # fmt: skip
    matter.solve(AFTER_SALES, "03", 10)
    matter.do("04 10:00", CALLER, "follow_up", feedback_way="phone", call_outcome="reached", feedback_text="好",
              satisfied="yes", score=8)  # fmt: skip
    matter.do("04 11:00", MANAGER, "analyse_root_cause", **LEARNED)

    with matter.sessions.begin() as session:
        (kept,) = session.scalars(select(Attachment).where(Attachment.name.contains("顾客投诉处理表")))
        archived = pdf.bare(pdf.text(kept.content))
    assert matter.stage.business_key == kept.business_key == number
    told = ["装配不当", "电视台要来采访", "正在处理", "致电道歉", "流程未执行"]
    assert [words for words in told if words not in archived] == []
