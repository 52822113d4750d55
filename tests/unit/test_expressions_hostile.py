"""Expressions that attack: each ends with an error of ours, soon, or harmlessly."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.expressions import Environment, compile_expression
from casepath.engine.time.clock import Calendar
from tests.each import each

ENVIRONMENT = Environment(
    now=datetime(2026, 10, 1, tzinfo=UTC),
    calendar=Calendar.from_json({"zone": "Asia/Shanghai", "country": "CN", "hours": {"mon-fri": [["09:00", "18:00"]]}}),
)


class Secret:
    """What no expression may look into."""

    password = "hunter2"

    def leak(self) -> str:
        return self.password


VARIABLES: dict[str, object] = {
    "s": "x" * 90_000, "huge": "é" * 3_000_000, "big": 10**300, "f": 1e308, "d": Decimal("1E+300"),
    "a": "a" * 5_000 + "b",
    "n": 1, "x": "x", "m": {"k": 1}, "l": list(range(100_000)), "deep": [[[[1]]]], "t": timedelta.max,
    "secret": Secret(),
    "zoned": time(9, tzinfo=UTC), "local": time(9),
    "at": datetime(9998, 12, 31, tzinfo=UTC), "first": datetime(1, 1, 1, tzinfo=UTC), "z": 10**4000, "b": b"bytes",
    "fn": print,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    """End what hangs: the processor needs ten seconds for one text, however busy the machine is."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail("Expected an answer, but it takes too long")

    before = signal.signal(signal.SIGVTALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


DUNDERS = [
    f"__{name}__"
    for name in ("class", "dict", "globals", "init", "subclasses", "builtins", "import", "mro", "code")
]
PROBES = [
    # size and depth of the text
    "1" * 1_000_000, "(" * 1_000_000, "a" * 1_000_000, "'" + "x" * 1_000_000 + "'", "${" * 400_000, " " * 1_000_000,
    "(" * 4_000 + "1" + ")" * 4_000, "[" * 4_000 + "]" * 4_000, "!" * 9_000 + "true", "-" * 9_000 + "1",
    "not " * 2_000 + "true",
    "empty " * 1_000 + "n", "n[" * 2_000 + "0" + "]" * 2_000, "abs(" * 2_000 + "1" + ")" * 2_000,
    "n?" * 2_000 + "1" + ":1" * 2_000,
    "true ? 1 : " * 800 + "1", "1+(" * 2_000 + "1" + ")" * 2_000, "n" + ".k" * 4_000, "m" + "[0]" * 3_000,
    "+".join(["1"] * 4_900),
    " && ".join(["true"] * 1_900), " == ".join(["1"] * 2_400), ("1" * 200), "1." + "0" * 200, "1e400", "1e99999999999",
    "[" + "1," * 4_900 + "1]",
    "min(" + "1," * 4_900 + "1)", "'" * 9_999, '"' * 9_999, "\\" * 9_999, "." * 9_999, "x" + ".trim()" * 1_400,
    "((" * 30 + "1" + "))" * 29,
    # arithmetic
    "z * z * z", "z + z", "big * big * big", "f * f", "f + f + f", "-f - f", "d * d * d * d * d",
    "d / 1e-300 / 1e-300", "1 / 1e-320 * 1e300",
    "*".join(["9999999999999999999999"] * 300), "*".join(["big"] * 900), "big % f", "z % n", "z == n", "z * 1.5",
    "z > f", "number('1e999')",
    "number('9' * 9)", "round(f, 50)", "round(d)", "round(z)", "floor(f)", "abs(z) * z", "sum(z, z)", "sum(l, l)",
    "string(z)", "d * z",
    "n / 0", "n % 0", "f / 0.0", "n / (n - n)", "number('nan')", "number('inf') + 1", "string(z * z)",
    "round(1, 0 - 1000000000)",
    # texts and lists
    "s + s", "s + s + s + s", "huge + huge", "huge.toUpperCase()", "huge.trim()", "huge.contains('y')",
    "huge.matches('.*')", "string(huge)",
    "huge.replace('é', s)", "s.replace('x', s)", "s.replace('', s)", "s.split('x').contains(s)", "join(l)",
    "join(l, s)", "join([s, s], s)",
    "l.contains(-1)", "l.indexOf(-1)", "max(l)", "sum(l)", "l == l", "min(l, l)", "size(l) > l", "string(l).length()",
    "deep == l",
    "s.split('')", "s.substring(0, 1000000)", "s.substring(-5)", "x.substring(n, 99999999999999999999)",
    "x.indexOf(huge)",
    "join(s.split('x'), s)", "'${s}${s}'",
    # regular expressions
    "a.matches('(a+)+$')", "a.matches('(a|a)*$')", "a.matches('(.*)*(.*)*(.*)*c')", "a.matches('(a?){500}a{500}')",
    "a.matches('a{100000}')",
    "a.matches('((a{1,100}){1,100}){1,100}')", "a.matches('(?<=a)b')", "a.matches('\\\\1')", "a.matches('[')",
    "a.matches(s)", "a.matches('(?R)')",
    "a.matches('(x+x+)+y')", "huge.matches('(.+)+z')", "a.matches('(?P<n>a)(?P<n>b)')",
    "x.matches('" + "(" * 900 + ")" * 900 + "')",
    # time
    "at.plusYears(1)", "at.plusDays(1000000000)", "at.plusMonths(999999999)", "first.minusDays(1)",
    "first.minusYears(1)", "at + t", "first - t",
    "t + t", "t * 2", "t * f", "days(1e308)", "hours(big)", "duration('P999999D') * 99999", "duration('P9999999999D')",
    "workingTime(t)",
    "workingTime('PT999999H')", "workingTime(hours(1), at)", "workingTime(hours(-1), first)",
    "workingDays(1000000000)", "workingDays(10000, at)",
    "workingTimeBetween(first, at)", "workingDaysBetween(first, at)", "date(99999, 1, 1)",
    "dateTime('0001-01-01T00:00')",
    "dateTime('9999-12-31T23:59')", "date(first)",
    "isOpen(first)", "isOpen('9999-12-31T00:00')", "first.withTimeAtStartOfDay()", "first < '2026-01-01'",
    "first.year", "date('0001-01-01') < at", "zoned < local", "zoned == local", "max(local, zoned)",
    "first == date('0001-01-01')", "day", "today().plusYears(9000)", "-t - t", "t / 1e-300",
    # ways to Python
    *(f"{value}.{name}" for value in ("x", "n", "secret", "fn", "l", "m.k") for name in DUNDERS),
    *(f"x.{name}()" for name in DUNDERS), *(f"{name}" for name in DUNDERS), *(f"{name}('os')" for name in DUNDERS),
    "secret.password", "secret.leak()", "secret['password']", "secret.get('password')", "secret == 1", "secret > 1",
    "secret + 1", "string(secret)",
    "fn('x')", "fn()", "b.decode()", "b[0]", "b + b", "eval('1')", "exec('1')", "open('/etc/passwd')",
    "getattr(x, 'y')", "import('os')",
    "type(x)", "x.format(secret)", "'{0.password}'.format(secret)", "x % secret", "'%s' % secret", "globals()",
    "locals()", "vars()", "dir()",
    "lambda: 1", "x -> 1", "x := 1", "x = 1", "x; y", "[i for i in l]", "{1: 2}", "#{x}",
    "x.class.forName('java.lang.Runtime')",
    "''.getClass().forName('java.lang.Runtime').getRuntime().exec('id')", "execution.getEngineServices()",
    "execution.processEngineServices",
    "execution.setVariable('x', 1)", "execution.removeVariable('x')", "execution.getVariable(secret)",
    "execution.hasVariable(l)", "l in m", "m in l", "s in huge",
    "execution.getVariables()", "T(java.lang.Runtime)",
    "\x00", "x\x00", "'\ud800'", "\u202e1", "１ + １", "x\u2028", "۵", "⁵", "\ufeff1",
]  # fmt: skip


def evaluated(text: str, *, bare: bool) -> object:
    """Return the value of an expression or the error that refused it; any other error fails the test."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 10)  # for every text anew
    try:
        return compile_expression(text, bare=bare).evaluate(VARIABLES, ENVIRONMENT)
    except errors.ExpressionError as error:
        return error


@each("text", PROBES)
@each("bare", [True, False])
def test_evaluate__hostile(text: str, bare: bool) -> None:
    outcome = evaluated(text if bare else f"x${{{text}}}", bare=bare)

    if isinstance(outcome, errors.ExpressionError):
        assert outcome.message.startswith("Expected")
        assert len(outcome.message) < 2_000
    else:
        assert "hunter2" not in str(outcome)
        assert not callable(outcome)
        assert len(str(outcome)) < 4_000_000


def test_probes__are_many() -> None:
    assert len(PROBES) >= 200


TOKENS = st.sampled_from(
    [
        "1", "2.5", "'a'", '"b"', "x", "n", "m", "l", "at", "t", "m.k", "null", "true", "(", ")", "[", "]", ",", ".",
        "?", ":", "+", "-", "*", "/",
        "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "not", "and", "or", "eq", "div", "empty", "abs(",
        "max(", "now()", "size(",
        "date(", "x.trim()", ".plusDays(", ".contains(", ".length()", "execution.", "getVariable(", "${", "}", "#{",
        "'", "\\", "unknown",
        "workingTime('PT2H')", "round(", "string(", "number(", ".matches(", "duration('P1D')", "secret", "b", "z", "f",
        "d", "deep",
    ]
)  # fmt: skip


@given(
    st.lists(TOKENS, max_size=14).map(" ".join) | st.lists(TOKENS, max_size=10).map("".join) | st.text(max_size=40),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_evaluate__any_text_gives_a_value_or_our_error(text: str, bare: bool) -> None:
    outcome = evaluated(text if bare else f"${{{text}}}", bare=bare)

    if isinstance(outcome, errors.ExpressionError):
        assert outcome.position is None or 0 <= outcome.position <= len(text) + 3
    else:
        assert "hunter2" not in str(outcome)


def larger(tree: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make texts of larger trees from texts of trees."""
    signs = st.sampled_from(["+", "-", "*", "/", "%", "==", "<", ">=", "&&", "||"])
    ends = st.sampled_from([".k", ".trim()", ".size()", "[0]", ".plusDays(1)", ".toString()", ".equals(1)"])
    forms = st.sampled_from(["({})", "-{}", "!{}", "[{}]", "empty {}", "string({})"])
    return (
        st.tuples(tree, signs, tree).map(" ".join)
        | st.tuples(tree, ends).map("".join)
        | st.tuples(forms, tree).map(lambda two: two[0].format(two[1]))
        | st.tuples(tree, tree, tree).map(lambda three: "({} ? {} : {})".format(*three))
    )


LEAVES = st.sampled_from(["1", "x", "n", "null", "m", "'a'", "d", "at", "t", "2.5", "true"])


@given(st.recursive(LEAVES, larger, max_leaves=12))
@settings(max_examples=200, deadline=None)
def test_evaluate__any_tree_gives_a_value_or_our_error(text: str) -> None:
    outcome = evaluated(text, bare=True)

    assert outcome is None or isinstance(
        outcome, str | int | float | Decimal | datetime | timedelta | list | dict | errors.ExpressionError
    )
