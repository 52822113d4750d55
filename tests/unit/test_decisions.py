"""The adapter through which conformance runs call decisions and expressions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from casepath.engine.decisions.feel import Range, YearsMonths
from casepath.engine.errors import DecisionError
from tests import decisions
from tests.unit.dmn_files import decision, definitions, literal
from tests.unit.test_dmn_model import IMPORTED, IMPORTING, SERVICE

FILES = [("a.dmn", IMPORTING), ("b.dmn", IMPORTED)]


def test_decide__by_name_in_any_of_the_files() -> None:
    assert decisions.decide(FILES, "Answer", {"Name": "Alice"}) == "Hello, Alice!"
    assert decisions.decide(FILES[::-1], "Answer", {"Name": "Alice"}) == "Hello, Alice!"
    assert decisions.decide(FILES, "Greeting", {"Name": "Bob"}) == "Hello, Bob"


def test_decide__what_cannot_be_read_is_null() -> None:
    files = [("a.dmn", definitions(decision("Bad", literal("1 +")), decision("Good", literal("1"))))]

    assert decisions.decide(files, "Bad", {}) is None
    assert decisions.decide(files, "Good", {}) == 1


def test_decide__unknown_decision() -> None:
    with pytest.raises(DecisionError, match="Expected 'Other' in a"):
        decisions.decide(FILES, "Other", {})


def test_invoke() -> None:
    assert decisions.invoke([("a.dmn", definitions(*SERVICE))], "S", {"x": 1}) == 20


def test_feel__values() -> None:
    assert decisions.feel('first name + "!"', {"first name": "Li"}) == "Li!"
    assert decisions.feel("1.50", {}) == Decimal("1.50")
    assert decisions.feel('duration("P1Y2M")', {}) == YearsMonths(14)
    assert decisions.feel("[1..2)", {}) == Range(Decimal(1), Decimal(2), end_included=False)
    assert decisions.feel("at", {"at": datetime(2026, 3, 1, tzinfo=UTC)}) == datetime(2026, 3, 1, tzinfo=UTC)


def test_unary_test() -> None:
    assert decisions.unary_test("< limit", 4, {"limit": 5}) is True
    assert decisions.unary_test("< limit", None, {"limit": 5}) is None


def test_condition() -> None:
    value, read = decisions.condition("${amount > 1000}", {"amount": 1500, "other": 1})

    assert value is True
    assert read == {"amount": 1500}
