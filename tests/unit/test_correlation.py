"""What is equal where messages are correlated, and what is not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from casepath.engine import errors
from casepath.engine.database import correlation

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EQUAL = [
    (1, 1.0, Decimal("1"), Decimal("1.00")),
    (1.1, Decimal("1.1"), Decimal("1.10")),
    (0, -0.0, Decimal("0E+3")),
    (-100, Decimal("-1E+2"), -100.0),
    (NOON, NOON.astimezone(ZoneInfo("Asia/Shanghai"))),
]
DIFFERENT = [
    *(None, True, False, 0, 1, 10, -1, 1.1, 11, 1e300, 2**80, "", "null", "true", "1", "1.1", "A", "a"),
    *(date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC), time(12), timedelta(days=1), "2026-03-02"),
]


@pytest.mark.parametrize("equal", EQUAL, ids=str)
def test_text__equal_values(equal: tuple[object, ...]) -> None:
    assert len({correlation.text(value) for value in equal}) == 1


def test_text__different_values() -> None:
    found = [correlation.text(value) for value in DIFFERENT]

    assert None not in found
    assert len(set(found)) == len(DIFFERENT)


@pytest.mark.parametrize("value", [[], {}, (), "x" * 256, "收" * 254 + '"', 10**300 + 1], ids=repr)
def test_text__what_is_not_compared(value: object) -> None:
    assert correlation.text(value) is None


def test_text__at_the_ends_of_the_calendar() -> None:
    first = datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

    assert correlation.text(first) != correlation.text(first.replace(hour=1))


def test_key__order_does_not_matter_and_types_do() -> None:
    assert correlation.key({"a": 1, "b": 2}) == correlation.key({"b": Decimal(2), "a": 1.0})
    assert correlation.key({"a": 1}) != correlation.key({"a": True})
    assert correlation.key({"a": 1}) != correlation.key({"b": 1})
    assert correlation.key({}) == ""


def test_key__is_short() -> None:
    long = {"a": "x" * 300, "b": [1, 2]}

    assert len(correlation.key(long)) <= correlation.MAX_LENGTH
    assert correlation.key(long) != correlation.key({**long, "b": [2, 1]})


def test_fitting__all_properties_some_or_none() -> None:
    fits = correlation.fitting({"a": 1, "b": 2})

    assert fits == ["", correlation.key({"a": 1}), correlation.key({"b": 2}), correlation.key({"a": 1, "b": 2})]


def test_fitting__too_many_properties() -> None:
    assert len(correlation.fitting(dict.fromkeys("abcdefgh", 1))) == 2**8
    with pytest.raises(errors.InvalidInput, match="at most 8 correlation properties, but found 9"):
        correlation.fitting(dict.fromkeys("abcdefghi", 1))
