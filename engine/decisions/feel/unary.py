"""
Unary tests to closures: functions of the tested value and a scope, with short ways for what decision tables hold most.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal

from casepath.engine.decisions.feel import nodes
from casepath.engine.decisions.feel.iteration import Evaluate, Scope
from casepath.engine.decisions.feel.nodes import Node
from casepath.engine.decisions.feel.operators import COMPARISONS, equal, in_range, matches, negate
from casepath.engine.decisions.feel.values import Range

Test = Callable[[object, Scope], bool | None]


def constant(node: Node | None) -> object:
    """Return the value of a literal, also with a minus; null for all else."""
    if isinstance(node, nodes.Literal):
        return node.value
    if isinstance(node, nodes.Negation) and isinstance(node.operand, nodes.Literal):
        return negate(node.operand.value)
    return None


class UnaryCompiler(ABC):
    """The part of the compiler that makes tests."""

    free: dict[str, int]

    @abstractmethod
    def compile(self, node: Node) -> Evaluate:
        """Return the function that evaluates the node."""

    def any_test(self, tests: Sequence[Test]) -> Test:
        """Join tests: true if one is true, else null if one is null, else false."""
        if len(tests) == 1:
            return tests[0]

        def run(value: object, scope: Scope) -> bool | None:
            answer: bool | None = False
            for test in tests:
                found = test(value, scope)
                if found is True:
                    return True
                if found is None:
                    answer = None
            return answer

        return run

    def unary_tests(self, tests: Sequence[Node]) -> Test:
        """Compile the tests of one cell; in them `?` is the tested value."""
        texts = [node.value for node in tests if isinstance(node, nodes.Literal) and isinstance(node.value, str)]
        if len(texts) == len(tests) > 1:
            return _one_of(frozenset(texts))
        return self.any_test([self._unary_test(test) for test in tests])

    def _unary_test(self, node: Node) -> Test:
        if isinstance(node, nodes.Anything):
            return lambda _value, _scope: True
        if isinstance(node, nodes.Not):
            inner = self.unary_tests(node.tests)

            def run(value: object, scope: Scope) -> bool | None:
                answer = inner(value, scope)
                return None if answer is None else not answer

            return run
        if isinstance(node, nodes.RangeOf | nodes.ListOf) or constant(node) is not None:
            return self._with_question(node, self.membership(node))
        return self._expression_test(node)

    def _with_question(self, node: Node, test: Test) -> Test:
        """Give the scope of a test the tested value as `?`, if the test mentions it."""
        if "?" not in self.free:
            return test
        return lambda value, scope: test(value, Scope({"?": value}, scope))

    def _expression_test(self, node: Node) -> Test:
        outside = self.free.pop("?", None)
        evaluate = self.compile(node)
        asks = "?" in self.free
        if outside is not None:
            self.free["?"] = outside

        def run(value: object, scope: Scope) -> bool | None:
            answer = evaluate(Scope({"?": value}, scope))
            if asks:
                return answer if isinstance(answer, bool) else None if answer is None else matches(value, answer)
            if isinstance(answer, bool) and not isinstance(value, bool):
                return answer
            return matches(value, answer)

        return run

    def membership(self, node: Node) -> Test:
        """Compile what follows `in`: a range, a list, or a value to be equal to."""
        if isinstance(node, nodes.RangeOf):
            return self._range_test(node)
        fixed = constant(node)
        if fixed is not None:
            if type(fixed) in (str, Decimal):
                return lambda value, _scope: value == fixed if type(value) is type(fixed) else equal(value, fixed)
            return lambda value, _scope: equal(value, fixed)
        evaluate = self.compile(node)
        return lambda value, scope: matches(value, evaluate(scope))

    def _range_test(self, node: nodes.RangeOf) -> Test:
        low, high = constant(node.start), constant(node.end)
        if node.form in _BOUNDS and (low is not None or high is not None):
            return _bounded(node.form, high if low is None else low)
        if low is not None and high is not None:
            return _inside(Range(low, high, node.start_included, node.end_included, node.form))
        evaluate = self.compile(node)
        return lambda value, scope: matches(value, evaluate(scope))


_BOUNDS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _one_of(texts: frozenset[str]) -> Test:
    """Test for one of several strings; null for what is no string."""

    def test(value: object, _scope: Scope) -> bool | None:
        if isinstance(value, str):
            return value in texts
        return False if value is None else None

    return test


def _bounded(form: str, limit: object) -> Test:
    """Test against one bound."""
    compare, compare_numbers = COMPARISONS[form], _BOUNDS[form]
    if not isinstance(limit, Decimal):
        return lambda value, _scope: compare(value, limit)
    number = limit
    return lambda value, _scope: compare_numbers(value, number) if isinstance(value, Decimal) else compare(value, limit)


def _inside(fixed: Range) -> Test:
    """Test against a range with fixed ends."""
    low, high = fixed.start, fixed.end
    if fixed.form or not isinstance(low, Decimal) or not isinstance(high, Decimal):
        return lambda value, _scope: in_range(value, fixed)
    first, last = low, high
    above = operator.ge if fixed.start_included else operator.gt
    below = operator.le if fixed.end_included else operator.lt
    return lambda value, _scope: (
        above(value, first) and below(value, last) if isinstance(value, Decimal) else in_range(value, fixed)
    )
