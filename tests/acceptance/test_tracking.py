"""Deadlines that are tracked: what people are told of them is true also after the workers have stood still."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from casepath.engine import database, deployments, history
from casepath.engine.database.models import Notification
from casepath.engine.instances import process_instances
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
ZONE = ZoneInfo("Asia/Shanghai")
WATCHED = {"watched_step": "处理", "watched_groups": "after_sales_director", "watch_kind": "named", "days_late": 0,
           "customer_name": "王先生"}  # fmt: skip


@pytest.mark.usefixtures("clock")
def test_overdue__counts_the_days_on_which_nothing_ran(dealership_on_sqlite: str) -> None:
    pool = database.connect(dealership_on_sqlite)
    sessions = database.sessions(pool)
    loop = Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai"))
    clock.set_to(datetime(2026, 3, 2, 12, tzinfo=ZONE))
    deadline = datetime(2026, 3, 3, 18, tzinfo=ZONE)
    with sessions.begin() as session:
        started = process_instances.start(session, "tracking", {**WATCHED, "watched_deadline": deadline}, by=PROGRAM)
        instance = started.id

    for day in (9, 10):
        clock.set_to(datetime(2026, 3, day, 12, tzinfo=ZONE))
        loop.rest()

    with sessions.begin() as session:
        texts = session.scalars(select(Notification.text).where(Notification.username == "general_manager_qian"))
        thrown = [event for event in history.events(session, instance) if event.kind == "escalation.thrown"]
        assert [text.partition("，")[2] for text in texts] == ["超期第 6 个工作日。", "超期第 7 个工作日。"]
        assert len(thrown) == 1
    pool.dispose()


@pytest.mark.usefixtures("clock")
def test_calendar__reminded_and_reported_on_its_working_days(dealership_on_sqlite: str) -> None:
    """S11: from Monday to Friday, a deadline on Monday is reminded of on Friday and reported from Tuesday on."""
    pool = database.connect(dealership_on_sqlite)
    sessions = database.sessions(pool)
    loop = Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai"))
    calendar = json.loads((PROCESSES / "shared" / "calendar.json").read_text(encoding="utf-8"))
    calendar["hours"] = {"mon-fri": [["09:00", "18:00"]]}
    clock.set_to(datetime(2026, 11, 25, 12, tzinfo=ZONE))
    with sessions.begin() as session:
        deployments.deploy(session, {"calendar.json": json.dumps(calendar).encode()}, name="x", by=PROGRAM)
        deadline = datetime(2026, 11, 30, 18, tzinfo=ZONE)
        process_instances.start(session, "tracking", {**WATCHED, "watched_deadline": deadline}, by=PROGRAM)

    told = []
    for moment in ("27T08:59", "27T09:00", "30T18:30", "01T08:59", "01T09:00", "02T09:00", "03T09:00"):
        month = "12" if moment < "06" else "11"
        clock.set_to(datetime.fromisoformat(f"2026-{month}-{moment}:00+08:00"))
        loop.rest()
        with sessions.begin() as session:
            told.append(Counter(session.scalars(select(Notification.username))))
    pool.dispose()

    responsible, director, head = "after_sales_director_zhou", "customer_director_zhao", "general_manager_qian"
    assert [each[responsible] for each in told[:3]] == [0, 1, 1]
    assert [each[director] for each in told] == [0, 0, 0, 0, 1, 1, 1]
    assert [each[head] for each in told] == [0, 0, 0, 0, 1, 2, 3]
