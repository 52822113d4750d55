"""What expressions are compiled to agrees with the operators called one by one, and calculates as FEEL does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.decisions import feel
from casepath.engine.expressions import Environment, arithmetic, compile_expression, nodes, operators, parser
from casepath.engine.expressions.evaluation import unknown_variable
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
                    raise unknown_variable(name, self.variables)
                self.reads[name] = self.variables[name]
                return self.variables[name]
            case nodes.ListOf(items):
                return [self.value(item) for item in items]
            case nodes.Conditional(condition, then, otherwise):
                return self.value(then if operators.truth(self.value(condition)) else otherwise)
            case nodes.Unary(sign, operand):
                return self.unary(sign, operand)
            case nodes.Calculated(first, rest):
                return self.calculated(first, rest)
            case nodes.Compared(first, rest):
                return self.compared(first, rest)
            case nodes.Logic(sign, operands):
                return self.logic(sign, operands)
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

    def calculated(self, first: nodes.Node, rest: tuple[tuple[str, nodes.Node], ...]) -> object:
        value = self.value(first)
        for sign, operand in rest:
            value = operators.calculate(sign, value, self.value(operand))
        return value

    def compared(self, first: nodes.Node, rest: tuple[tuple[str, nodes.Node], ...]) -> bool:
        left = self.value(first)
        for sign, operand in rest:
            right = self.value(operand)
            if not operators.COMPARISONS[sign](left, right, ENVIRONMENT):
                return False
            left = right
        return True

    def logic(self, sign: str, operands: tuple[nodes.Node, ...]) -> bool:
        for operand in operands:
            if operators.truth(self.value(operand)) == (sign == "||"):
                return sign == "||"
        return sign == "&&"

    def access(self, base: nodes.Node, steps: tuple[nodes.Property | nodes.Index | nodes.Method, ...]) -> object:
        value = self.variables.get(base.name) if isinstance(base, nodes.Name) else self.value(base)
        path = base.name if isinstance(base, nodes.Name) else ""
        for step in steps:
            if isinstance(step, nodes.Index):
                key = self.value(step.key)
                value, path = element(value, key), f"{path}[{operators.text(key):.100}]"
            else:
                value, path = property_of(value, step.name, ENVIRONMENT), f"{path}.{step.name}"
        if isinstance(base, nodes.Name):
            self.reads[path] = value
        return value


def larger(tree: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make texts of larger trees from texts of trees."""
    signs = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in", "not in"])
    forms = st.sampled_from(
        ["({})", "-{}", "!({})", "[{}]", "empty {}", "m[{}]", "m.k[{}].x", "(not ({}))", "({} is null)"]
    )
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
@settings(max_examples=400, deadline=None)
def test_compiled__agrees_with_the_operators(text: str, variables: Mapping[str, object]) -> None:
    assert outcome(text, variables) == walked(text, variables)


@given(st.recursive(LEAVES, larger, max_leaves=10), VARIABLES)
@settings(max_examples=150, deadline=None)
def test_condition__agrees_with_the_value(text: str, variables: Mapping[str, object]) -> None:
    found = outcome(text, variables)

    try:
        holds = repr(compile_expression(text, bare=True).condition(variables, ENVIRONMENT))
    except errors.ExpressionError:
        assert not found.startswith(("(True,", "(False,"))
    else:
        assert holds == found


COMMON = (
    st.integers(-(10**15), 10**15)
    | st.floats(-1e15, 1e15)
    | st.decimals(-(10**12), 10**12, places=2)
    | st.sampled_from([0.1, 0.2, 0.3, 1e22, 10**22, 1e23, 10**23, Decimal("0.30"), Decimal("1E+5")])
)


@given(COMMON, st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">="]), COMMON)
@settings(max_examples=400, deadline=None)
def test_numbers__as_in_feel(a: int | float | Decimal, sign: str, b: int | float | Decimal) -> None:
    variables: dict[str, object] = {"a": a, "b": b}
    theirs = feel.compile_feel(f"a {'=' if sign == '==' else sign} b").evaluate(variables)

    if theirs is None:  # a division by zero
        assert not outcome(f"a {sign} b", variables)
        return
    ours = compile_expression(f"a {sign} b", bare=True).evaluate(variables)
    # A whole number has all its digits here, 34 of them there.
    assert (arithmetic.CONTEXT.create_decimal(ours) if type(ours) is int else ours) == theirs
    assert not isinstance(ours, float)
