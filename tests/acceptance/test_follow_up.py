"""Follow-up calls: with another calendar, a corrected number in its record, scripts in turn, and the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath import stories
from casepath.demo import EngineStage
from casepath.engine import database, deployments, history
from casepath.engine.database.models import Attachment, ProcessInstance, Record, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.queries import reports
from casepath.engine.reports import Period
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acceptance.stage import RequestStage
from tests.acting import PROGRAM
from tests.applications import make_app
from tests.web.visitor import LINKED, text

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
TOLD = {story.id: story for story in stories.read(PROCESSES / "follow_up" / "scenarios.yaml")}
REACHED = {"call_way": "phone", "call_outcome": "reached", "satisfied": "yes", "discussed": "保养"}


@pytest.fixture
def stage(dealership_on_sqlite: str, tmp_path: Path) -> Iterator[RequestStage]:
    """The pages and a worker, with the dealership's processes and people."""
    kept = tmp_path / "kept"
    app = make_app(Settings(data_folder=kept, database_url=dealership_on_sqlite, secret_key=SecretStr("secret")))
    sessions = database.sessions(app.extensions["database"])
    yield RequestStage(app, sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")))
    clock.reset()
    app.extensions["database"].dispose()


@pytest.fixture
def people(stage: RequestStage) -> EngineStage:
    """The same without pages; `test_stories` has those."""
    return EngineStage(stage.sessions, stage.loop.rest)


def calls(session: Session) -> list[dict[str, Any]]:
    """The variables of each call, oldest first."""
    query = select(ProcessInstance.id).where(ProcessInstance.definition_key == "follow_up_call")
    return [process_instances.variables(session, each) for each in session.scalars(query.order_by(ProcessInstance.id))]


def test_due__on_a_day_off_at_the_usual_closing_and_offered_before(people: EngineStage) -> None:
    """S4 with a house that works from Monday to Friday: due on Sunday all the same, offered on Friday."""
    calendar = json.loads((PROCESSES / "shared" / "calendar.json").read_text(encoding="utf-8"))
    calendar["hours"] = {"mon-fri": [["09:00", "18:00"]]}
    with people.sessions.begin() as session:
        deployments.deploy(session, {"calendar.json": json.dumps(calendar).encode()}, name="x", by=PROGRAM)
    definitions.forget()
    told = TOLD["call_after_service"]
    before = [step for step in told.steps if "complete" not in step][:4]

    stories.play(replace(told, steps=before), people)

    with people.sessions.begin() as session:
        task = session.scalars(select(UserTask).where(UserTask.element_id == "make_call")).one()
    assert task.created_at == datetime.fromisoformat("2026-11-27T09:00:00+08:00")
    assert task.due_at == datetime.fromisoformat("2026-11-29T18:00:00+08:00")


@pytest.mark.parametrize("at", ["11-10T11:00", "11-10T23:30", "11-09T17:50"], ids=["late", "at night", "just in time"])
def test_not_reached__comes_back_at_another_hour_however_late_it_is(stage: RequestStage, at: str) -> None:
    """S20: due on 9 November at 18:00; the table says the next day at 15:00."""
    told = TOLD["nobody_calls"]
    stories.play(replace(told, steps=told.steps[:2], expect={}), stage)
    tried = datetime.fromisoformat(f"2026-{at}+08:00")
    stage.move_to(tried)
    stage.complete("caller_liu", "make_call", {"call_way": "phone", "call_outcome": "unreachable"})
    slot = (tried + timedelta(days=1)).replace(hour=15, minute=0)

    for moment, listed in ((tried + timedelta(minutes=30), False), (slot, True)):
        stage.move_to(moment)
        caller = stage.visitor("caller_liu")
        assert ("俞子期" in text(caller.get("/worklists/follow_up_call"))) == listed
        assert "俞子期" in text(caller.get("/tasks/"))


def test_phones__call_from_the_worklist_and_the_task(stage: RequestStage) -> None:
    told = TOLD["nobody_calls"]
    stories.play(replace(told, steps=told.steps[:2], expect={}), stage)
    stage.move_to(datetime.fromisoformat("2026-11-09T11:00:00+08:00"))
    caller = stage.visitor("caller_liu")
    worklist = html.fromstring(text(caller.get("/worklists/follow_up_call")))
    (task,) = worklist.xpath("//a[@class='title']/@href")

    for page in (worklist, html.fromstring(text(caller.get(task)))):
        assert set(page.xpath("//a/@href[starts-with(., 'tel:')]")) == {"tel:15400007103"}
    assert "154 0000 7103" not in worklist.xpath("string(//a[@class='title'])")
    assert html.fromstring(text(caller.get(task))).xpath("//*[@id='context']//a/text()") == ["154 0000 7103"]


def test_correction__keeps_the_old_number_in_the_history(people: EngineStage) -> None:
    stories.play(TOLD["wrong_number"], people)

    with people.sessions.begin() as session:
        record = session.scalars(select(Record).where(Record.register == "customer")).one()
        told = [event.variables.get("customer_phone") for event in history.registers.events(session, record.id)]
        order = session.scalars(select(Record).where(Record.register == "repair_order")).one()
        handed_over = [event.kind for event in history.registers.events(session, order.id)]
    assert told == ["154 0000 7105", "154 0000 7155"]
    assert handed_over == ["record.created", "record.changed"]


def test_scripts__none_twice_in_a_row_and_what_was_agreed_is_told(stage: RequestStage) -> None:
    """S20: four calls to one customer for one purpose."""
    at = datetime.fromisoformat("2026-03-02T10:00:00+08:00")
    stage.move_to(at)
    visitor = stage.visitor("advisor_li")
    customer = {"customer_name": "穆清", "customer_kind": "private", "customer_phone": "154 0000 7201",
                "consents_to_calls": "true"}  # fmt: skip
    vehicle = {"vin": "LTEST26XC11000009", "vehicle_model": "远航 2.0T", "plate": "沪A·1I709", "owner": "KH000001"}
    assert visitor.post("/registers/customer/new", customer).status_code == 303
    assert visitor.post("/registers/vehicle/new", vehicle).status_code == 303
    stage.about = ("customer", "KH000001")
    openings = []
    for number in range(1, 5):
        moment = f"{at:%Y-%m-%dT%H:%M}"
        order = {
            "work_order": f"WX{number}", "vehicle": vehicle["vin"], "customer": "KH000001", "service_advisor": "李强",
            "customer_complaint": "保养", "came_in_at": moment, "handed_over_at": moment,
        }  # fmt: skip
        assert stage.visitor("advisor_li").post("/registers/repair_order/new", order).status_code == 303
        stage.move_to(at + timedelta(days=1, hours=1))
        stage.turn_to("follow_up_call")
        stage.expect_task("caller_liu", "make_call", [], [f"第{number - 1}次同意"] if number > 1 else [])
        with stage.sessions.begin() as session:
            topic = calls(session)[-1]["call_topic"]
            task = session.scalars(select(UserTask.id).order_by(UserTask.id.desc())).first()
        page = " ".join(text(stage.visitor("caller_liu").get(f"/tasks/{task}")).split())
        openings.append(page.partition("开场</strong>")[2].partition("</li>")[0])
        answers = {**REACHED, f"score_{topic}": 5, "agreed": f"第{number}次同意"}
        stage.complete("caller_liu", "make_call", answers)
        at += timedelta(days=60)
        stage.move_to(at)

    with stage.sessions.begin() as session:
        held = calls(session)
    assert [call["call_template"] for call in held] == ["A", "B", "A", "B"]
    assert [call["call_topic"] for call in held] == ["attitude", "repair", "price", "parts"]
    assert openings[0] == openings[2] != openings[1] == openings[3]


def test_report__counts_what_was_reached_and_missed(people: EngineStage) -> None:
    for name in ("nobody_calls", "wrong_number", "call_after_service"):
        stories.play(TOLD[name], people)
    people.move_to(datetime.fromisoformat("2026-12-02T16:00:00+08:00"))

    with people.sessions.begin() as session:
        declared = reports.opened(session, "follow_up", by=PROGRAM)
        november = Period.parse("2026-11", declared.period)
        assert november is not None
        found = reports.reckon(session, declared, november, by=PROGRAM)
        sheet = session.scalars(select(Attachment.name).where(Attachment.name.contains("回访反馈单"))).all()
    told = [found.values[name].value for name in ("calls", "reached", "missed", "reach_rate", "satisfied", "repair")]
    assert told == [5, 3, 3, 100, 100, None]
    assert sheet == ["HF2026-0005 回访反馈单.pdf"]


def test_complaint__its_number_is_told_after_the_call_and_in_its_timeline(stage: RequestStage) -> None:
    told = TOLD["complaint_in_a_call"]
    asked = next(index for index, step in enumerate(told.steps) if step.get("refused"))
    stories.play(replace(told, steps=told.steps[: asked + 1], expect={}), stage)
    caller = stage.visitor("caller_liu")
    with stage.sessions.begin() as session:
        task_id = user_tasks.open_of(session, stage.business_key, "make_call")

    answers = stories.as_typed(told.steps[asked + 1]["variables"])
    sent = caller.post(f"/tasks/{task_id}/complete", answers)
    page = html.fromstring(text(caller.get(sent.headers["Location"])))
    (again,) = page.xpath("//div[@role='status']//span/@hx-get")
    stage.loop.rest()

    said_after = html.fromstring(text(caller.get(again)))
    assert said_after.xpath("//a[contains(@href, 'TS2026-0001')]/text()") == ["TS2026-0001"]
    matter = html.fromstring(text(caller.get(f"/matters/show/{stage.business_key}")))
    (said,) = matter.xpath("//*[@id='timeline']//a[contains(@href, 'TS2026-0001')]/text()")
    assert said == "“登记客户抱怨”：由此开始 TS2026-0001"


def test_known_problem__told_at_the_registration_and_in_the_call(stage: RequestStage) -> None:
    """What is known of a car's trouble stands beside what the customer says, and so does what is open of him (S19)."""
    told = TOLD["call_after_service"]
    stories.play(replace(told, steps=told.steps[:3], expect={}), stage)
    problem = {
        "symptom": "低速制动时异响", "signs": "刹车响，制动异响", "problem_source": "manual",
        "problem_cause": "制动片有砂粒", "problem_remedy": "清洁并打磨倒角",
    }  # fmt: skip
    assert stage.visitor("service_manager_gao").post("/registers/known_problem/new", problem).status_code == 303
    with stage.sessions.begin() as session:
        task_id = user_tasks.open_of(session, stage.business_key, "make_call")
    caller, desk = stage.visitor("caller_liu"), stage.visitor("front_desk_wang")
    said = {"call_way": "phone", "call_outcome": "reached", "customer_says": "低速的时候刹车响"}
    heard = text(caller.post(f"/tasks/{task_id}/fields", said, headers=LINKED))
    typed = {"customer_phone": "15400007104", "complaint_text": "修完还是刹车响", "known_problem": "CW0001"}
    registered = text(desk.post("/register/complaint/fields", typed, headers=LINKED))

    assert 'data-choose="CW0001"' in heard
    for page in (heard, registered):
        assert "制动片有砂粒 · 清洁并打磨倒角" in page
    assert stage.business_key in registered
