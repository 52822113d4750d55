"""The monthly report over ten complaints of November 2026, to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.demo import EngineStage
from casepath.engine import database
from casepath.engine.people.authorization import Program
from casepath.engine.queries import reports
from casepath.engine.reports import Period
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import november

NOVEMBER = Period(2026, 11)
READER = Program("reader")
FIGURES = {
    "received": "10",
    "resolved": "8",
    "open": "1",
    "withdrawn": "1",
    "resolution_rate": "88.9",
    "contact_in_time": "80.0",
    "contact_mean": "1.7",
    "handling_mean": "77.3",
    "handling_median": "36.25",
    "overdue": "1",
    "score": "7.0",
    "not_satisfied": "2",
    "not_satisfied_again": "1",
    "exchanged": "10.0",
    "reported_late": "0",
}
TABLES: dict[str, dict[Any, int]] = {
    "causes": {"product": 2, "after_sales": 2, "other": 2, "attitude": 1, "misunderstanding": 1, None: 2},
    "channels": {
        "phone": 3, "visit": 2, "hotline": 1, "letter": 1, "crm": 1, "follow_up_call": 1, "fax": 1,
    },
    "departments": {0: 5, 1: 4, 2: 1, 3: 0},
    "severities": {"ordinary": 6, "medium": 3, "major": 1},
    "hours": {9: 3, 10: 2, 11: 1, 12: 1, 15: 1, 16: 1, 17: 1},
    "weekdays": {0: 2, 1: 2, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1},
}  # fmt: skip


@pytest.fixture
def sessions(dealership_url: str) -> Iterator[sessionmaker[Session]]:
    """The dealership in the morning of 1 December, after the ten complaints."""
    pool = database.connect(dealership_url)
    made = database.sessions(pool)
    work = Loop(Surroundings(sessions=made, time_zone="Asia/Shanghai")).rest
    november.play(EngineStage(made, work))
    yield made
    clock.reset()
    pool.dispose()


def test_monthly__to_the_digit(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        report = reports.opened(session, "monthly", by=READER)
        found = reports.reckon(session, report, NOVEMBER, by=READER)

    assert {key: str(found.values[key].value) for key in FIGURES} == FIGURES
    counted = {key: {row.key: int(row.values["received"].value or 0) for row in found.tables[key]} for key in TABLES}
    assert counted == TABLES
    contact = found.values["contact_in_time"]
    assert (contact.part, contact.whole, contact.is_met) == (8, 10, False)
