"""Improvements are followed to their proven end: what comes again is seen, and what does not work is tried again."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from casepath import retelling, stories
from casepath.demo import EngineStage
from casepath.engine import database
from casepath.engine.database.models import ProcessInstance
from casepath.engine.instances import attachments, process_instances
from casepath.engine.queries import reports
from casepath.engine.reports import Period
from casepath.stories import Story
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acceptance.conftest import PROCESSES
from tests.acceptance.stage import RequestStage
from tests.acting import PROGRAM
from tests.web.visitor import text

DIRECTOR = "customer_director_zhao"
MEASURE = {
    "improvement": "接待规范每日晨会演练",
    "improvement_kind": "corrective",
    "improvement_owner": "showroom_manager",
    "improvement_due": "2026-11-20",
    "cause": "attitude",
}


def told(story_id: str, begins: str) -> Story:
    """A story of the processes, on another day."""
    story = next(each for each in stories.read_all(PROCESSES) if each.id == story_id)
    return retelling.shifted(story, datetime.fromisoformat(begins).date() - story.begins_at.date())


def improving(begins: str) -> Story:
    """The measure, proposed by the customer director."""
    start = {"at": begins, "by": DIRECTOR, "variables": MEASURE}
    return Story(id="improving", name={}, process="improvement", start=start, steps=())


@pytest.fixture
def house(app: Flask) -> RequestStage:
    """The pages and workers of the dealership."""
    sessions = database.sessions(app.extensions["database"])
    return RequestStage(app, sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")))


def beside(stage: RequestStage) -> EngineStage:
    """The same house, for another matter, whose pages are told by `test_stories`."""
    return EngineStage(stage.sessions, stage.loop.rest)


def started(stage: RequestStage, process: str) -> list[ProcessInstance]:
    """The instances of a process, oldest first."""
    with stage.sessions.begin() as session:
        query = select(ProcessInstance).where(ProcessInstance.definition_key == process)
        return list(session.scalars(query.order_by(ProcessInstance.id)))


def at(moment: str) -> datetime:
    """A moment on the clocks of the house."""
    return datetime.fromisoformat(f"{moment}:00+08:00")


def known(stage: RequestStage, instance: ProcessInstance) -> dict[str, object]:
    """What an instance knows, and its number."""
    with stage.sessions.begin() as session:
        return {**process_instances.variables(session, instance.id), "key": instance.business_key}


def test_improvement__the_same_cause_comes_again(house: RequestStage) -> None:
    stories.play(told("attitude", "2026-11-10"), beside(house), stop_after=5)
    stories.begin(improving("2026-11-12T10:00:00+08:00"), house)
    house.move_to(at("2026-11-18T15:00"))
    house.complete("showroom_zheng", "carry_out", {"done_text": "晨会已演练一周"})
    again, other = beside(house), beside(house)
    stories.play(told("attitude", "2026-12-05"), again, stop_after=5)
    stories.play(told("oil_leak", "2026-12-07"), other, stop_after=5)

    house.move_to(at("2026-12-18T08:59"))
    house.expect_open([])
    house.move_to(at("2026-12-18T09:00"))

    house.expect_open(["verify_effect"])
    house.expect_task(DIRECTOR, "verify_effect", ["effective"], ["又发生 1 件", again.business_key])
    house.complete(
        DIRECTOR,
        "verify_effect",
        {
            "effective": "no",
            "verification": "演练流于形式",
            "new_improvement": "接待录像每周抽查",
            "new_kind": "corrective",
            "new_owner": "sales_director",
            "new_due": "2026-12-31",
        },
    )
    house.move_to(at("2026-12-18T09:05"))
    first, second = started(house, "improvement")
    counted = known(house, first)
    assert (counted["recurrence"], counted["recurred_matters"]) == (1, [again.business_key])
    assert (first.state, second.state) == ("completed", "active")
    with house.sessions.begin() as session:
        month = reports.reckon(session, reports.opened(session, "monthly", by=PROGRAM), Period(2026, 12), by=PROGRAM)
    assert {name: value.value for name, value in month.values.items() if name.startswith("measures")} == {
        "measures": 2, "measures_late": 0, "measures_verified": 1, "measures_effective": 0, "measures_recurred": 1,
    }  # fmt: skip
    following = RequestStage(house.app, house.sessions, house.loop)
    following.business_key = str(second.business_key)
    assert known(house, second)["earlier_improvement"] == first.business_key
    following.expect_open(["carry_out"])
    assert str(first.business_key) in text(following.visitor(DIRECTOR).get(f"/matters/show/{second.business_key}"))
    assert str(second.business_key) in text(house.visitor(DIRECTOR).get(f"/matters/show/{first.business_key}"))


def test_complaint__its_measures_become_improvements_and_it_does_not_wait_for_them(house: RequestStage) -> None:
    complaint = beside(house)
    stories.play(told("attitude", "2026-11-09"), complaint)
    house.business_key = complaint.business_key

    assert {each.state for each in house.instances() if each.parent_id is None} == {"completed"}
    assert [each.state for each in started(house, "improvement")] == ["active", "active"]
    corrective, preventive = (known(house, each) for each in started(house, "improvement"))
    assert [corrective[name] for name in ("improvement_kind", "improvement_owner", "improvement", "cause")] == [
        "corrective", "sales_director", "接待规范再培训", "attitude",
    ]  # fmt: skip
    assert [preventive[name] for name in ("improvement_kind", "source_matter", "cause")] == [
        "preventive", house.business_key, "attitude",
    ]  # fmt: skip
    page = text(house.visitor(DIRECTOR).get(f"/matters/show/{house.business_key}"))
    assert [key for key in (corrective["key"], preventive["key"]) if str(key) not in page] == []


def test_monthly_review__once_with_its_report_and_an_improvement_for_each_item(house: RequestStage) -> None:
    stories.play(told("review_of_november", "2026-12-01"), house)

    house.move_to(at("2026-12-04T12:00"))
    assert len(started(house, "monthly_review")) == 1
    with house.sessions.begin() as session:
        kept = sorted(file.name for file in attachments.list_of(session, house.business_key))
    assert kept == ["monthly-2026-11.xlsx", "showroom-2026-11.xlsx"]
    begun = [known(house, each) for each in started(house, "improvement")]
    assert [(each["improvement_owner"], each["source_matter"]) for each in begun] == [
        ("showroom_manager", house.business_key),
        ("parts_manager", house.business_key),
        ("follow_up_caller", house.business_key),
    ]
    house.move_to(at("2027-01-01T12:00"))
    assert len(started(house, "monthly_review")) == 2
