"""What an expression is compiled to agrees with its operators called one by one, and shows nothing of its text."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.expressions import Environment, compile_expression, nodes, operators, parser, words
from casepath.engine.expressions.compiler import Compiler
from casepath.engine.expressions.methods import element, property_of

ENVIRONMENT = Environment(now=datetime(2026, 10, 1, tzinfo=UTC))
NAMES = ("a", "b", "c", "m", "gone")


class Walker:
    """Evaluates a tree node by node, with the operators only."""

    def __init__(self, variables: Mapping[str, object]) -> None:
        self.variables = variables
        self.reads: dict[str, object] = {}

    def value(self, node: nodes.Node) -> object:
        match node:
            case nodes.Literal(value):
                return value
            case nodes.Name(name):
                if name not in self.variables:
                    raise words.unknown_variable(name, self.variables)
                self.reads[name] = self.variables[name]
                return self.variables[name]
            case nodes.ListOf(items):
                return [self.value(item) for item in items]
            case nodes.Conditional(condition, then, otherwise):
                return self.value(then if operators.truth(self.value(condition)) else otherwise)
            case nodes.Unary(sign, operand):
                return self.unary(sign, operand)
            case nodes.Binary(first, rest):
                return self.binary(first, rest)
            case nodes.Access(base, steps):
                return self.access(base, steps)
        raise AssertionError(node)

    def unary(self, sign: str, operand: nodes.Node) -> object:
        if sign == "empty" and isinstance(operand, nodes.Name):
            self.reads[operand.name] = self.variables.get(operand.name)
            return operators.is_empty(self.reads[operand.name])
        value = self.value(operand)
        if sign == "empty":
            return operators.is_empty(value)
        return operators.negated(value) if sign == "-" else not operators.truth(value)

    def binary(self, first: nodes.Node, rest: tuple[tuple[str, nodes.Node, int], ...]) -> object:
        value = self.value(first)
        for sign, operand, _ in rest:
            if sign in ("&&", "||"):
                holds = operators.truth(value)
                value = holds if holds == (sign == "||") else operators.truth(self.value(operand))
            elif sign in ("==", "!="):
                value = operators.equal(value, self.value(operand), ENVIRONMENT) == (sign == "==")
            elif sign in operators.COMPARISONS:
                value = operators.compare(sign, value, self.value(operand), ENVIRONMENT)
            else:
                value = operators.calculate(sign, value, self.value(operand))
        return value

    def access(self, base: nodes.Node, steps: tuple[nodes.Property | nodes.Index | nodes.Method, ...]) -> object:
        value = self.variables.get(base.name) if isinstance(base, nodes.Name) else self.value(base)
        path = base.name if isinstance(base, nodes.Name) else ""
        for step in steps:
            if isinstance(step, nodes.Index):
                key = self.value(step.key)
                value, path = element(value, key), path + words.bracketed(key)
            else:
                value, path = property_of(value, step.name, ENVIRONMENT), f"{path}.{step.name}"
        if isinstance(base, nodes.Name):
            self.reads[path] = value
        return value


def larger(tree: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make texts of larger trees from texts of trees."""
    signs = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||"])
    forms = st.sampled_from(["({})", "-{}", "!({})", "[{}]", "empty {}", "m[{}]", "m.k[{}].x"])
    chains = st.lists(st.tuples(st.sampled_from("+-*/%"), tree), min_size=2, max_size=12)
    return (
        st.tuples(tree, signs, tree).map(" ".join)
        | st.tuples(tree, chains).map(lambda two: two[0] + "".join(map("".join, two[1])))
        | st.tuples(forms, tree).map(lambda two: two[0].format(two[1]))
        | st.tuples(tree, tree, tree).map(lambda three: "({} ? {} : {})".format(*three))
    )


LEAVES = st.sampled_from(
    [*NAMES, "m.k", "m.n.x", "a.year", "0", "1", "7", "2.5", "-3", "'x'", "'5'", "''", "true", "null", "1e308", "[]"]
)
NUMBERS = (
    st.integers() | st.floats() | st.decimals(-1000, 1000, places=2) | st.sampled_from([0, 10**9, 2**1023, 10**4000])
)
SIMPLE = (
    st.none() | st.booleans() | NUMBERS | st.text("x5é .", max_size=4)
    | st.sampled_from([date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=2), "2026-01-01"])
    | st.just(Decimal("NaN"))
)  # fmt: skip
VALUES = SIMPLE | st.lists(SIMPLE, max_size=3)
VARIABLES = st.fixed_dictionaries(
    {"a": VALUES, "b": VALUES, "c": NUMBERS, "m": st.fixed_dictionaries({"k": VALUES | st.just({"5": {"x": 1}})})}
)


def outcome(text: str, variables: Mapping[str, object]) -> str:
    """Return the value and the values read as text, so that all types can be told apart; nothing for an error."""
    try:
        return repr(compile_expression(text, bare=True).trace(variables, ENVIRONMENT))
    except errors.ExpressionError:
        return ""


def walked(text: str, variables: Mapping[str, object]) -> str:
    """Return the same as `outcome`, by walking the tree."""
    walker = Walker(variables)
    try:
        return repr((walker.value(parser.parse_bare(text)), walker.reads))
    except (errors.ExpressionError, errors.InvalidInput, ArithmeticError):
        return ""


@given(st.recursive(LEAVES, larger, max_leaves=10), VARIABLES)
@settings(max_examples=1000, deadline=None)
def test_compiled__agrees_with_the_operators(text: str, variables: Mapping[str, object]) -> None:
    assert outcome(text, variables) == walked(text, variables)
    assert outcome(text, variables) == walked(text, variables), "the second time Python runs specialised code"


@given(st.recursive(LEAVES, larger, max_leaves=10), VARIABLES)
@settings(max_examples=300, deadline=None)
def test_condition__agrees_with_the_value(text: str, variables: Mapping[str, object]) -> None:
    expression = compile_expression(text, bare=True)
    found = outcome(text, variables)

    try:
        holds = repr(expression.condition(variables, ENVIRONMENT))
    except errors.ExpressionError:
        assert not found.startswith(("(True,", "(False,"))
    else:
        assert holds == found


@pytest.mark.parametrize(
    "text",
    [
        "evil == 'evil'", "evil.evil[evil]['evil'].trim() + 'evil'", "evil > 666e6 || -666 < evil",
        "max(evil, 'evil') * 666", "[evil, 'evil'].contains(evil) ? evil.evil : empty evil", "x${'evil'}y${evil}",
        "execution.getVariable('evil') == execution.businessKey", "'\\'); evil(' == evil",
    ],
)  # fmt: skip
def test_source__holds_nothing_of_the_text(text: str) -> None:
    compiler = Compiler(text)
    compiler.whole(parser.parse_template(text if "${" in text else f"${{{text}}}"))
    lines = compiler.source.text("t0", boolean=False)

    assert "evil" not in lines
    assert "666" not in lines
    found = set(re.findall(r"[A-Za-z_]+\d*", re.sub(r"'(.|..)'", "", lines)))
    ours = {"run", "v", "e", "r", "demand", "error", "environment", "explained", "get", "join"}
    ours |= {*words.WORDS, *keyword.kwlist}
    assert all(re.fullmatch(r"[tc]\d+", word) for word in found - ours)
