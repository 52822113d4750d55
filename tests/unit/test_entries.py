"""In what values of records are found, and how they are compared and ordered."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from casepath.engine.database import entries
from tests.each import each


@each(
    "one, other",
    [("139 0000 0000", "13900000000"), ("沪Ａ·3I072", "沪a3i072"), (True, True), (12, Decimal("12.0")), ("-", "－")],
)
def test_compared__what_is_written_otherwise(one: object, other: object) -> None:
    assert entries.compared(one) == entries.compared(other)


@each("one, other", [(12.5, 125), (-1, 1), ("-", "/"), (True, False), (["a", "b"], ["a"])])
def test_compared__what_is_something_else(one: object, other: object) -> None:
    assert entries.compared(one) != entries.compared(other)


@each(
    "values",
    [
        [-(10**14), Decimal("-12.5"), -12, 0, Decimal("0.5"), 9, 10, 10**14],
        [date(1999, 12, 31), date(2026, 2, 9), date(2026, 11, 1)],
        ["A 10", "a-11", "b"],
    ],
)
def test_compared__is_in_order(values: list[object]) -> None:
    found = [entries.compared(value) for value in values]

    assert found == sorted(found)


def test_compared__long_texts_by_their_beginning() -> None:
    assert len(entries.compared("x" * 5_000)) == entries.COMPARED


def test_compared__lists_by_all_that_is_in_them() -> None:
    assert entries.compared(["oxygen", "lamp"]) == "oxygenlamp"
