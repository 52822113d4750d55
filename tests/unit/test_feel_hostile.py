"""Texts made to hurt: each ends in one of our errors or in a small value, and evaluates nothing but FEEL."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from casepath.engine.decisions.feel import compile_feel, compile_unary_tests
from casepath.engine.decisions.feel.limits import MAX_SIZE, MAX_TEXT
from casepath.engine.decisions.feel.values import Function
from casepath.engine.errors import ExpressionError, ExpressionLimit
from tests.each import each
from tests.unit import feel_probes


def outcome(text: str) -> object:
    """Evaluate a text; give its value, or the error of ours that stopped it."""
    try:
        return compile_feel(text).evaluate({"x": [1, 2], "a": {"a": 1}})
    except ExpressionError as error:
        return error


def label(text: str) -> str:
    return "".join(character if character.isascii() and character.isprintable() else "_" for character in text[:40])


def test_probes__are_many() -> None:
    assert len(feel_probes.ALL) >= 300


@each("text", feel_probes.ALL)
def test_evaluate__hostile_text(text: str) -> None:
    found = outcome(text)

    if isinstance(found, list | str | dict):
        assert len(found) <= MAX_SIZE
    if text in feel_probes.STOPPED:
        assert isinstance(found, ExpressionError)
    if text in feel_probes.ESCAPES:
        assert found is None or isinstance(found, ExpressionError | Decimal | str | list | dict | Function)


@each("text", feel_probes.READ)
def test_unary_tests__hostile_text(text: str) -> None:
    try:
        found = compile_unary_tests(text).matches(1, {})
    except ExpressionError:
        return
    assert found in (True, False, None)


def test_evaluate__text_over_the_limit() -> None:
    with pytest.raises(ExpressionLimit, match=f"at most {MAX_TEXT} characters, but found {MAX_TEXT + 1}"):
        compile_feel("1" * (MAX_TEXT + 1))


def test_evaluate__after_a_limit_was_reached() -> None:
    assert isinstance(outcome("for i in 1..1000000000 return i"), ExpressionLimit)

    assert compile_feel("count(for i in 1..1000 return i)").evaluate({}) == 1000


TOKENS = [
    "1", "2.5", '"a"', "true", "null", "a", "b c", "?", "item", "partial", "+", "-", "*", "/", "**", "=", "!=", "<",
    ">=", "and", "or", "not(", "if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "between",
    "instance of", "number", "list<", ">", "function(", "(", ")", "[", "]", "{", "}", "a:", ",", "..", ".", '@"P1D"',
    '@"2020-01-01"', "date(", "count(", "string(", "sort(", "matches(", "external", "//", "/*", "*/", '"', "\\", "，",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(some.lists(some.sampled_from(TOKENS), max_size=25))
def test_evaluate__any_tokens(tokens: list[str]) -> None:
    outcome(" ".join(tokens))


@settings(max_examples=300, deadline=None)
@given(some.text(max_size=60))
@example("\x00")
@example('"\ud800"')
def test_evaluate__any_text(text: str) -> None:
    outcome(text)


@settings(max_examples=200, deadline=None)
@given(some.lists(some.sampled_from(TOKENS), max_size=20))
def test_unary_tests__any_tokens(tokens: list[str]) -> None:
    try:
        compile_unary_tests(" ".join(tokens)).matches(1, {"a": "x"})
    except ExpressionError:
        return


VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(max_size=5)
    | some.dates()
    | some.datetimes()
    | some.times()
    | some.timedeltas()
    | some.decimals(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
OPERATIONS = [
    "a + b", "a - b", "a * b", "a / b", "a ** b", "a = b", "a < b", "a in b", "a between b and b", "a[b]", "a.b",
    "[a..b]", "a in [b..a]", "for x in a return x", "for x in a..b return x", "a and b", "not(a)", "-a", "{c: a}.c.b",
    "string(a)", "max(a, b)", "sum(a)", "sort(a)", "a instance of list<number>", "a[item = b]", "date(a)", "time(a)",
    "date and time(a)", "duration(a)", "distinct values([a, b])", "union([a], [b])", "substring(a, b)", "abs(a)",
    "decimal(a, b)", "round up(a, b)", "modulo(a, b)", "before(a, b)", "is(a, b)", "context put({}, a, b)",
    "index of([a, b], a)", "years and months duration(a, b)", "day of week(a)", "replace(a, b, a)", "split(a, b)",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(some.sampled_from(OPERATIONS), VALUES, VALUES)
def test_evaluate__any_values(operation: str, left: object, right: object) -> None:
    try:
        compile_feel(operation).evaluate({"a": left, "b": right})
    except ExpressionLimit:
        return
