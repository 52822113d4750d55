"""Whatever stands in a variable, and whatever the field: opened and sent untouched, it stays what it was."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, g, render_template
from playwright.sync_api import Page, expect

from casepath.engine import deployments, errors
from casepath.engine import forms as engine_forms
from casepath.engine.database import values
from casepath.engine.instances import process_instances, user_tasks
from casepath.web import forms
from tests import diagrams
from tests.acting import PROGRAM
from tests.web.conftest import LogIn
from tests.web.matters import Rows
from tests.web.sending import sent

OPTIONS = [{"label": "一", "value": "1"}, {"label": "二", "value": "two"}, {"label": "真", "value": "true"}]
#: A field of each type and look, without rules.
FIELDS: dict[str, dict[str, Any]] = {
    "textfield": {},
    "textarea": {},
    "email": {"type": "textfield", "validate": {"validationType": "custom"}},
    "number": {},
    "amount": {"type": "number", "decimalDigits": 10},
    "number as text": {"type": "number", "serializeToString": True},
    "date": {"type": "datetime", "subtype": "date"},
    "time": {"type": "datetime", "subtype": "time"},
    "moment": {"type": "datetime", "subtype": "datetime"},
    "checkbox": {},
    "radio": {"values": OPTIONS},
    "select": {"values": OPTIONS},
    "checklist": {"values": OPTIONS},
    "taglist": {"values": OPTIONS},
    "readonly": {"type": "textfield", "readonly": True},
    "disabled": {"type": "select", "values": OPTIONS, "disabled": True},
}
#: The same with rules that most values break.
RULES: dict[str, dict[str, Any]] = {
    "textfield": {"validate": {"required": True, "minLength": 2, "maxLength": 4, "pattern": "^[a-z]*$"}},
    "textarea": {"validate": {"required": True, "maxLength": 10}},
    "email": {"type": "textfield", "validate": {"validationType": "email"}},
    "phone": {"type": "textfield", "validate": {"validationType": "phone"}},
    "number": {"decimalDigits": 1, "validate": {"min": 1, "max": 100}},
    "date": {"type": "datetime", "subtype": "date", "disallowPassedDates": True},
    "checkbox": {"validate": {"required": True}},
    "select": {"values": OPTIONS, "validate": {"required": True}},
    "checklist": {"values": OPTIONS, "validate": {"required": True}},
}
KEPT = diagrams.process(
    '<startEvent id="Start"/>',
    '<userTask id="Keep" name="Keep" camunda:formKey="kept" camunda:candidateGroups="service"/>',
    '<userTask id="After" camunda:candidateGroups="service"/>',
    flow="Start > Keep; Keep > After",
    key="kept",
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
VALUES: list[Any] = [
    True, False, 0, -1, 7, 10**14, 10**40, 0.1, 1e-9, 1e300,
    Decimal("1.10"), Decimal("0.30"), Decimal("5.00"), Decimal("1E+3"), Decimal("-0"), Decimal("1e-30"),
    Decimal("123456789012345.0123456789"), Decimal("99999999999999999999.99"),
    "", " ", "12", "１２．５", "1e", "1e9", "1,000", "two", "true", "1", " padded ", "a\nb", "a\r\nb\r", "\n\nfirst",
    "tab\there", "<b>&amp;\"'</b>", "张三", "🚗", "x" * 900, "nul\x00", "bell\x07", "2026-10-01", "2026-13-45", "14:30",
    "half 2026-1", "2026-10-01T14:30", "2026-10-01T06:30:15Z", "a@b.example", "138 0000 0000",
    date(2026, 10, 1), date(1, 1, 1), date(9999, 12, 31), time(14, 30), time(23, 59, 59, 999_999), time(8, tzinfo=UTC),
    datetime(2026, 10, 1, 6, 30, tzinfo=UTC), datetime(2026, 10, 1, 6, 30, 15, 123_456, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=SHANGHAI), datetime(2026, 10, 1, tzinfo=timezone(timedelta(hours=-11))),
    datetime(9999, 12, 31, 12, tzinfo=UTC), timedelta(days=1, hours=2), timedelta(microseconds=1),
    [], ["1"], ["two", "1"], ["1", "1"], ["1", "gone"], [1], [True], [["1"]], [None], ["a", "b"],
    {}, {"a": 1}, {"$a": [Decimal("1.0")]}, [{"a": None}],
]  # fmt: skip


def drawn(count: int) -> Iterator[Any]:
    """Draw values at random, the same ones each time."""
    dice = random.Random(20_261_001)
    for _ in range(count):
        text = "".join(dice.choices("\t\n\r \"<_张🚗\xa0", k=dice.randint(1, 6)))
        amount = Decimal(dice.randint(-(10**9), 10**9)).scaleb(-dice.randint(0, 12))
        yield dice.choice([
            text, [text, "two"], dice.randint(-(10**18), 10**18), amount,
            datetime.fromtimestamp(dice.randint(0, 10**10), UTC), date.fromordinal(dice.randint(1, 3_000_000)),
        ])  # fmt: skip


@pytest.fixture
def in_request(app: Flask) -> Iterator[None]:
    """A request, so that fields can be rendered."""
    with app.test_request_context("/login"):
        app.preprocess_request()
        yield


def field(kind: str, described: dict[str, Any]) -> engine_forms.Form:
    return engine_forms.read({"components": [{"type": kind, "id": "x", "key": "x", "label": "x", **described}]})


def untouched(form: engine_forms.Form, variables: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What becomes of variables when the form is opened and sent as it is."""
    shown = render_template("forms/fragment.html", fields=forms.fields(form, variables, **options), disabled=False)
    typed = forms.typed(sent(shown))
    return {**variables, **engine_forms.validate(form, typed, g.settings.zone, variables=variables)}


def same(one: object, other: object) -> bool:
    return values.dumps(one) == values.dumps(other)


@pytest.mark.usefixtures("in_request")
def test_untouched__stays_exactly_what_it_was() -> None:
    pool = [*VALUES, *drawn(40)]
    changed = [
        (name, value, after)
        for name, described in FIELDS.items()
        for value in pool
        if not same(value, after := untouched(field(name, described), {"x": value})["x"])
    ]

    assert not changed
    assert len(pool) * len(FIELDS) > 1_500


@pytest.mark.usefixtures("in_request")
def test_untouched__stays_or_is_refused_where_rules_are_broken() -> None:
    kept, refused = 0, 0
    for name, described in RULES.items():
        for value in VALUES:
            try:
                assert same(value, untouched(field(name, described), {"x": value})["x"]), (name, value)
                kept += 1
            except errors.InvalidVariables:
                refused += 1

    assert min(kept, refused) > 100


@pytest.mark.usefixtures("in_request")
def test_null__becomes_what_is_empty_in_the_field() -> None:
    empty = {name: untouched(field(name, described), {"x": None})["x"] for name, described in FIELDS.items()}

    assert empty == {**dict.fromkeys(FIELDS), "checkbox": False, "checklist": [], "taglist": []}


@pytest.mark.usefixtures("in_request")
def test_refused__what_was_typed_stands_there_again() -> None:
    """Also what a browser would throw away: half a date, a number that is none."""
    for kind, typed in (("number", "1e"), ("date", "2026-1"), ("time", "25"), ("moment", "2026-10-01")):
        form = field(kind, FIELDS[kind])
        shown = render_template("forms/fragment.html", fields=forms.fields(form, texts={"x": typed}), disabled=False)
        assert sent(shown)["x"] == typed


@pytest.mark.usefixtures("in_request")
@pytest.mark.parametrize("draft", [False, True])
def test_stored_beside__goes_when_something_else_is_entered(draft: bool) -> None:
    form = field("number", {})
    texts = {"x": "5"} if draft else None
    shown = forms.fields(form, {"x": {"a": 1}}, texts=texts)[0]

    assert (shown.value, shown.stored) == ("5" if draft else "", "a: 1")
    accepted = engine_forms.validate(form, {"x": "5"}, g.settings.zone, variables={"x": {"a": 1}})
    assert accepted == {"x": 5}


#: Pairs of a field and a value that browsers treat in ways of their own, each dozen on a page.
IN_BROWSERS = [
    (name, value)
    for name in sorted(FIELDS.keys() - {"amount", "disabled", "number as text", "radio", "readonly", "taglist"})
    for value in (
        Decimal("0.30"), "1e", " padded ", "a\nb", "\n\nfirst", "2026-13-45", date(2026, 10, 1),
        time(23, 59, 59, 999_999), datetime(2026, 10, 1, 6, 30, 15, 123_456, tzinfo=UTC), True, ["1", "gone"], {"a": 1},
    )
]  # fmt: skip
DOZEN = 12


@pytest.mark.browser
def test_untouched__in_a_browser(page: Page, log_in: LogIn, address: str, rows: Rows) -> None:
    pages = [IN_BROWSERS[at : at + DOZEN] for at in range(0, len(IN_BROWSERS), DOZEN)]
    for number, pairs in enumerate(pages):
        described = [
            {"type": name, "id": f"x{at}", "key": f"x{at}", "label": name, **FIELDS[name]}
            for at, (name, _) in enumerate(pairs)
        ]
        files = {"kept.bpmn": KEPT, "kept.form": json.dumps({"id": "kept", "components": described}).encode()}
        variables = {f"x{at}": value for at, (_, value) in enumerate(pairs)}
        with rows.begin() as session:
            deployments.deploy(session, files, name=f"kept {number}", by=PROGRAM)
            instance = process_instances.start(session, "kept", variables, business_key=f"K{number}", by=PROGRAM).id
            task_id = user_tasks.open_of(session, f"K{number}", "Keep")
        if number == 0:
            log_in("alice")
        page.goto(f"{address}/tasks/{task_id}")
        page.get_by_role("button", name="完成").click()
        expect(page.get_by_role("status").first).to_contain_text("已完成")
        with rows.begin() as session:
            after = process_instances.variables(session, instance)
        assert {key: values.dumps(after[key]) for key in variables} == {
            key: values.dumps(value) for key, value in variables.items()
        }
