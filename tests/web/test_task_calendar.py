"""Task lists by the days on which their tasks are due."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from lxml import html
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.queries import tasks
from casepath.web.user_tasks import calendar
from tests import factories
from tests.each import each
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]


@pytest.fixture(autouse=True)
def due(rows: Rows) -> None:
    """Tasks at the edges of days in Shanghai, eight hours before those of the world."""
    with rows.begin() as session:
        of = factories.definition(session)
        for key, at in (
            ("LAST", datetime(2026, 11, 30, 15, 59, tzinfo=UTC)),
            ("FIRST", datetime(2026, 11, 30, 16, 0, tzinfo=UTC)),
            ("SHOWN", datetime(2026, 12, 31, 2, 0, tzinfo=UTC)),
            ("LATER", datetime(2027, 1, 31, 2, 0, tzinfo=UTC)),
            ("NEVER", None),
        ):
            factories.user_task(session, of=factories.process_instance(session, of=of, business_key=key), due_at=at)


def days(page: str) -> dict[str, list[str]]:
    """Return the tasks of each day that has any."""
    found = {}
    for part in page.split('<li class="day')[1:]:
        keys = re.findall(r'title="[^"]* · ([A-Z]+)"', part)
        if keys:
            found[re.findall(r'datetime="([^"]+)"', part)[0]] = keys
    return found


def test_calendar__days_are_those_of_the_house(alice: Visitor) -> None:
    page = text(alice.get("/tasks/calendar?view=claimable&month=2026-12"))

    assert days(page) == {"2026-11-30": ["LAST"], "2026-12-01": ["FIRST"], "2026-12-31": ["SHOWN"]}
    assert "month=2026-11" in page
    assert "month=2027-01" in page


def test_calendar__of_the_list_and_its_filters(alice: Visitor) -> None:
    assert days(text(alice.get("/tasks/calendar?view=mine&month=2026-12"))) == {}
    page = text(alice.get("/tasks/calendar?view=claimable&month=2026-12&q=FIRST&due=overdue"))
    assert days(page) == {"2026-12-01": ["FIRST"]}


def test_calendar__what_only_the_list_shows_is_there_on_the_way_back(alice: Visitor) -> None:
    listed = "view=claimable&order=newest&due=overdue&column=number&column=due"
    page = html.fromstring(text(alice.get(f"/tasks/calendar?{listed}&month=2026-12")))

    sent = {(each.name, each.value) for each in page.xpath('//form[@class="filters"]//input[@type="hidden"]')}
    shown = {("order", "newest"), ("due", "overdue"), ("column", "number"), ("column", "due")}
    assert sent == {("month", "2026-12"), ("view", "claimable"), *shown}
    assert page.xpath('//div[@hx-trigger="every 15s"]/@hx-get') == ["/tasks/counts?tabs=1"]


@each("asked", ["", "2026-13", "0001-01", "9999-12", "x"])
def test_calendar__this_month_where_none_is_asked_for(alice: Visitor, asked: str) -> None:
    assert alice.get(f"/tasks/calendar?month={asked}").status_code == 200


def test_calendar__says_that_not_all_is_shown(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MOST_DUE", 2)

    page = text(alice.get("/tasks/calendar?view=claimable&month=2026-12"))
    assert len(days(page)) == 2
    assert "超过可显示的数量" in page


@each("first", [date(2026, 2, 1), date(2026, 3, 1), date(2026, 12, 1), date(2027, 8, 1)])
def test_shown__whole_weeks(first: date) -> None:
    found = calendar.shown(first)

    assert len(found) % 7 == 0
    assert (found[0].weekday(), found[-1].weekday()) == (0, 6)
    assert found[0] <= first < found[7]
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    assert found[-8] < last <= found[-1]
