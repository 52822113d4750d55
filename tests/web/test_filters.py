"""Dates, durations and values as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, g

from casepath.engine import errors
from casepath.engine.forms import read
from casepath.web import filters, forms
from tests.each import each

NOON = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.fixture(params=["zh_CN", "en"])
def language(request: pytest.FixtureRequest, app: Flask, clock: ModuleType) -> Iterator[str]:
    """A request in one of the languages, on the first of October at noon."""
    clock.set_to(NOON)
    with app.test_request_context("/login"):
        app.preprocess_request()
        g.settings = g.settings.model_copy(update={"default_language": request.param})
        yield request.param


@each(
    "hours, chinese, english, tone",
    [
        (-23, "已逾期23小时", "23 hours overdue", "overdue"),
        (-30, "已逾期1天", "1 day overdue", "overdue"),
        (-24 * 45, "已逾期45天", "45 days overdue", "overdue"),
        (24 * 400, "还剩400天", "400 days left", ""),
        (-0.5, "已逾期30分钟", "30 minutes overdue", "overdue"),
        (3, "还剩3小时", "3 hours left", "soon"),
        (24 * 5, "还剩5天", "5 days left", ""),
    ],
)
def test_due__how_long_there_is(language: str, hours: float, chinese: str, english: str, tone: str) -> None:
    at = NOON + timedelta(hours=hours)

    assert filters.due_text(at) == (chinese if language == "zh_CN" else english)
    assert filters.due_tone(at) == tone


@each(
    "text, chinese, english",
    [("Call them", False, True), ("联系客户", True, False), ("联系 customer", True, False), ("", True, True)],
)
def test_readable__what_is_in_the_language_of_the_reader(
    language: str, text: str, chinese: bool, english: bool
) -> None:
    shown = chinese if language == "zh_CN" else english

    assert filters.readable(text) == (text if shown else "")


@pytest.mark.usefixtures("language")
def test_due__without_a_date() -> None:
    assert filters.due_text(None) == filters.due_tone(None) == ""
    assert filters.due_text(datetime(9999, 12, 31, tzinfo=UTC)) == ""


@each(
    "at, chinese, english",
    [
        (NOON, "今天 12:00", "today 12:00"),
        (NOON - timedelta(hours=13), "昨天 23:00", "yesterday 23:00"),
        (NOON + timedelta(hours=12), "明天 00:00", "tomorrow 00:00"),
        (NOON + timedelta(days=20), "10-21 12:00", "10-21 12:00"),
        (NOON - timedelta(days=365), "2025-10-01 12:00", "2025-10-01 12:00"),
    ],
)
def test_moment__as_short_as_it_is_clear(language: str, at: datetime, chinese: str, english: str) -> None:
    assert filters.moment(at) == (chinese if language == "zh_CN" else english)


@each(
    "value, chinese, english",
    [
        (None, "—", "—"),
        (True, "是", "Yes"),
        (False, "否", "No"),
        (Decimal("12.50"), "12.50", "12.50"),
        (date(2026, 10, 1), "2026-10-01", "2026-10-01"),
        (time(9, 30), "09:30:00", "09:30:00"),
        (NOON, "2026-10-01 12:00", "2026-10-01 12:00"),
        (timedelta(hours=2), "2小时", "2 hours"),
        (["a", 1, None], "a、1、—", "a, 1, —"),
        ({"a": [1, 2]}, "a: 1、2", "a: 1, 2"),
        ([], "", ""),
    ],
)
def test_value__as_people_read_it(language: str, value: Any, chinese: str, english: str) -> None:
    assert filters.value(value) == (chinese if language == "zh_CN" else english)


@pytest.mark.usefixtures("language")
def test_start_of_day__on_the_dealerships_clock() -> None:
    assert filters.start_of_day("2026-10-02") == datetime(2026, 10, 1, 16, 0, tzinfo=UTC)
    assert filters.start_of_day("") is None
    with pytest.raises(errors.InvalidInput, match="Please choose a day"):
        filters.start_of_day("2026-10-32")


@pytest.mark.parametrize(("number", "shown"), [(0, ""), (1, "1"), (99, "99"), (100, "99+")])
def test_capped(number: int, shown: str) -> None:
    assert filters.capped(number) == shown


def test_fields__labels_of_both_languages_and_odd_values(language: str) -> None:
    form = read({
        "components": [
            {"id": "a", "type": "select", "key": "a", "label": "甲", "values": [{"label": "一", "value": "1"}],
             "properties": {"label_en": "A", "options_en": "One"}},
            {"id": "b", "type": "checklist", "key": "b", "label": "乙", "values": [{"label": "一", "value": "1"}],
             "properties": {"options_en": "One|Two"}},
            {"id": "c", "type": "group", "label": "丙", "components": [{"id": "d", "type": "textfield", "key": "d"}]},
            {"id": "e", "type": "number", "key": "e", "decimalDigits": 2},
        ]
    })  # fmt: skip
    a, b, c, e = forms.fields(form, {"a": ["1"], "b": "1", "d": {"x": 1}, "e": Decimal("1.5")})

    assert (a.label, a.options, a.value) == (
        ("甲", [("1", "一")], "1") if language == "zh_CN" else ("A", [("1", "One")], "1")
    )
    assert (b.label, b.options, b.value) == ("乙", [("1", "一")], ["1"])
    assert [field.key for field in forms.flat([a, b, c, e])] == ["a", "b", "d", "e"]
    assert (c.children[0].value, c.children[0].stored) == ("", "x: 1")
    assert (e.value, e.attributes["inputmode"]) == ("1.5", "decimal")


def test_fields__hidden_ones_are_left_out(language: str) -> None:
    note = {"id": "b", "type": "text", "text": "Look.", "conditional": {"hide": '=x = "go"'}}
    form = read({"components": [{"id": "a", "type": "textfield", "key": "x"}, note]})

    assert [field.id for field in forms.fields(form, {"x": "go"})] == ["a"]
    assert [field.id for field in forms.fields(form, {"x": "go"}, texts={"x": "stay"})] == ["a", "b"]
    assert [field.id for field in forms.fields(form, {"x": "go"}, every=True)] == ["a", "b"]
