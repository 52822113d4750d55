"""Values of variables: what they may be, and their text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.database import values
from tests.each import each

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False, allow_infinity=False)
    # Not the hour that a change of the clocks skips: it is read as the moment that it stands for.
    | st.datetimes(
        timezones=st.sampled_from([UTC, ZoneInfo("Asia/Shanghai"), timezone(timedelta(hours=-3))]),
        allow_imaginary=False,
    )
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["$", "$date", "$$date", "$x"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=15
)


@given(VALUES)
def test_loads__what_dumps_wrote(value: object) -> None:
    assert values.loads(values.dumps(value)) == value


@given(VALUES)
def test_dumps__of_loads_is_the_same_text(value: object) -> None:
    text = values.dumps(value)

    assert values.dumps(values.loads(text)) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_canonical__is_the_format_that_is_hashed(value: object) -> None:
    text = values.canonical(value)

    assert text == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert values.canonical(json.loads(text)) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical__refuses_what_json_has_not(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        values.canonical([value])


@given(st.text())
def test_loads__any_text_is_a_value_or_refused(text: str) -> None:
    try:
        value = values.loads(text)
    except errors.InvalidInput:
        return
    assert values.loads(values.dumps(value)) == value


@each(
    "value, text",
    [
        ({"b": 1, "a": "投诉"}, '{"a":"投诉","b":1}'),
        (date(2026, 1, 2), '{"$date":"2026-01-02"}'),
        (datetime(2026, 1, 2, 10, tzinfo=UTC), '{"$dateTime":"2026-01-02T10:00:00+00:00"}'),
        (
            datetime(2026, 1, 2, 10, tzinfo=ZoneInfo("Europe/Berlin")),
            '{"$dateTime":"2026-01-02T10:00:00+01:00[Europe/Berlin]"}',
        ),
        (time(9, 30), '{"$time":"09:30:00"}'),
        (timedelta(days=1, hours=2, seconds=1.5), '{"$duration":"P1DT2H1.5S"}'),
        (timedelta(0), '{"$duration":"PT0S"}'),
        (-timedelta(minutes=90), '{"$duration":"-PT1H30M"}'),
        (Decimal("1.10"), '{"$decimal":"1.10"}'),
        ({"$date": "x"}, '{"$$date":"x"}'),
        ({"$date": "x", "y": 1}, '{"$date":"x","y":1}'),
        ((1, 2), "[1,2]"),
        (True, "true"),
    ],
)
def test_dumps__canonical(value: object, text: str) -> None:
    assert values.dumps(value) == text


@each(
    "value",
    [
        b"bytes", object(), float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), {1, 2}, 1j, {1: 2},
        {"a": {None: 1}}, [{"a": [object()]}], datetime.fromisoformat("2026-01-01"), "\ud800", {"\ud800": 1}, 10**5000,
        range(3),
        Exception("x"), "x" * (values.MAX_CHARACTERS + 1),
    ],
)  # fmt: skip
def test_dumps__refuses_what_is_no_value(value: object) -> None:
    with pytest.raises(errors.InvalidInput) as refusal:
        values.dumps(value)

    assert refusal.value.code.startswith("value-")


def test_dumps__refuses_endless_nesting() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(errors.InvalidInput, match="inside each other"):
        values.dumps(endless)


@each(
    "value, code, facts",
    [
        ({1: 2}, "value-key", {"found": "int"}),
        ([{"a": {None: 1}}], "value-key", {"found": "NoneType"}),
        (b"bytes", "value-type", {"found": "bytes"}),
        ("\ud800", "value-characters", {}),
    ],
)
def test_dumps__says_what_was_found(value: object, code: str, facts: dict[str, object]) -> None:
    with pytest.raises(errors.InvalidInput) as refusal:
        values.dumps(value)

    assert (refusal.value.code, dict(refusal.value.phrase.facts)) == (code, facts)


def test_dumps__refuses_a_list_that_multiplies() -> None:
    multiplied: list[object] = []
    for _ in range(60):
        multiplied = [multiplied, multiplied]

    with pytest.raises(errors.InvalidInput) as refusal:
        values.dumps(multiplied)

    assert refusal.value.code == "value-too-wide"
    assert dict(refusal.value.phrase.facts) == {"limit": values.MAX_CONTAINERS}


@each(
    "text",
    [
        "", "{", "NaN", "Infinity", "1e999", '{"$date":"x"}', '{"$date":5}', '{"$what":"x"}', '{"$decimal":"NaN"}',
        '{"$duration":"P1Y"}', '{"$duration":"1D"}', '{"$dateTime":"2026-01-01T00:00:00"}', "[" * 100_000,
        '{"$dateTime":"2026-01-01T00:00:00+01:00[Nowhere/Land]"}', '{"$decimal":"a"}', '{"$time":"25:00"}',
        "1" * 5000,
    ],
)  # fmt: skip
def test_loads__refuses_what_is_no_text_of_a_value(text: str) -> None:
    with pytest.raises(errors.InvalidInput) as refusal:
        values.loads(text)

    assert refusal.value.code.startswith("value-")


def test_plain__only_json_types() -> None:
    value = {
        "day": date(2026, 1, 2), "price": Decimal("1.10"), "count": Decimal("3.00"), "list": [time(9), (1,)],
        "wait": timedelta(hours=2), "text": "x", "nothing": None,
    }  # fmt: skip

    plain = values.plain(value)

    assert plain == {
        "day": "2026-01-02", "price": 1.1, "count": 3, "list": ["09:00:00", [1]], "wait": "PT2H", "text": "x",
        "nothing": None,
    }  # fmt: skip


def test_plain__refuses_what_is_no_value() -> None:
    with pytest.raises(errors.InvalidInput, match="this one is object"):
        values.plain([object()])


def test_loads__the_longest_text_that_dumps_writes() -> None:
    longest = "x" * (values.MAX_CHARACTERS - 2)

    assert values.loads(values.dumps(longest)) == longest


@each("duration", [timedelta(days=days, hours=hours) for days in (-2, 0, 2) for hours in (-1, 0, 1)])
def test_loads__durations_of_whole_days_and_hours(duration: timedelta) -> None:
    assert values.loads(values.dumps(duration)) == duration
