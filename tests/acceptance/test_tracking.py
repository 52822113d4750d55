"""Deadlines that are tracked: what people are told of them is true also after the workers have stood still."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from casepath.engine import database, history
from casepath.engine.database.models import Notification
from casepath.engine.instances import process_instances
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acting import PROGRAM

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
