"""
FEEL, the expression language of DMN: `compile_feel` and `compile_unary_tests`, compiled once, evaluated often.

Values are Python's own: `Decimal`, `str`, `bool`, `None`, `list`, `dict`, `date`, `time`, `datetime`, `timedelta`;
beside them `YearsMonths` for durations of years and months, and `Range`. What Python's date types cannot hold (years
beyond 9999) comes back as `Date` or `DateTime`, a duration too long for `timedelta` as `DaysTime`. `int` and `float`
are taken as numbers. An expression that makes no sense for its values is null, as the standard says; a text that
cannot be read raises `ExpressionError`, one that asks for more than it may use `ExpressionLimit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from casepath.engine.decisions.feel.compiler import Compiler
from casepath.engine.decisions.feel.errors import FeelError, FeelLimit
from casepath.engine.decisions.feel.functions import BUILT_INS
from casepath.engine.decisions.feel.iteration import Scope
from casepath.engine.decisions.feel.limits import MAX_NESTING, budgeted
from casepath.engine.decisions.feel.nodes import Node
from casepath.engine.decisions.feel.parser import Parser
from casepath.engine.decisions.feel.scanner import normalized
from casepath.engine.decisions.feel.temporal import Date, DateTime, DaysTime, Time, YearsMonths
from casepath.engine.decisions.feel.types import FeelType
from casepath.engine.decisions.feel.values import Range, from_python, to_python

__all__ = [
    "Date", "DateTime", "DaysTime", "Feel", "FeelError", "FeelLimit", "Range", "Time", "UnaryTests", "YearsMonths",
    "budgeted", "compile_feel", "compile_unary_tests",
]  # fmt: skip

Names = Iterable[str]


class _Compiled:
    """What an expression and unary tests share: the text, and the names they use."""

    def __init__(self, text: str, compiler: Compiler, names: frozenset[str]) -> None:
        self.text = text
        #: Names that come from outside, with their first place in the text.
        self.free: Mapping[str, int] = {
            name: position for name, position in compiler.free.items() if name not in BUILT_INS and name != "?"
        }
        #: Of these, the ones that nobody declared and that cannot be entries of items in a filter.
        self.unknown: Mapping[str, int] = {
            name: position
            for name, position in self.free.items()
            if name not in names and name not in compiler.filtered
        }
        #: Built-in functions that are used.
        self.called = frozenset(name for name in compiler.free if name in BUILT_INS)
        self._outside = tuple(compiler.free)

    def scope(self, context: Mapping[str, object]) -> Scope:
        """Return the scope that the context gives, with only what is used."""
        return Scope({name: from_python(context[name]) for name in self._outside if name in context}, None)


class Feel(_Compiled):
    """A compiled expression."""

    def __init__(self, text: str, node: Node, names: frozenset[str]) -> None:
        compiler = Compiler()
        with _compiling(text):
            self.evaluate_in = compiler.compile(node)
        super().__init__(text, compiler, names)
        self.node = node
        #: Levels of nesting, for the limit on recursion of whoever calls this as a function.
        self.nesting = compiler.deepest

    def evaluate(self, context: Mapping[str, object], *, now: datetime | None = None) -> object:
        """
        Return the value, null where it makes no sense; raises `ExpressionLimit`.

        `now` is what `now()` gives, and in its zone the date of `today()`; the clock's, in UTC, if none is given.
        """
        with budgeted(now):
            return to_python(self.evaluate_in(self.scope(context)))


class UnaryTests(_Compiled):
    """Compiled tests of one cell of a decision table."""

    def __init__(self, text: str, tests: tuple[Node, ...], names: frozenset[str]) -> None:
        compiler = Compiler()
        with _compiling(text):
            self.test = compiler.unary_tests(tests)
        super().__init__(text, compiler, names)
        self.nodes = tests

    def matches(self, value: object, context: Mapping[str, object], *, now: datetime | None = None) -> bool | None:
        """Return whether the value passes, null where that cannot be said; raises `ExpressionLimit`."""
        with budgeted(now):
            return self.test(from_python(value), self.scope(context))


@contextmanager
def _compiling(text: str) -> Iterator[None]:
    """Turn exhausted recursion into our own error."""
    try:
        yield
    except RecursionError:
        raise FeelLimit("nesting", MAX_NESTING, text=text) from None


def compile_feel(
    text: str,
    names: Names = (),
    *,
    properties: Names = (),
    types: Mapping[str, FeelType] | None = None,
) -> Feel:
    """
    Compile an expression; raises `ExpressionError` with the position, or `ExpressionLimit`.

    `names` are the variables that exist: needed for names with operators in them, and to tell unknown ones.
    `properties` are names that may stand after a dot or in a filter, `types` those that a model defines.
    """
    known = frozenset(map(normalized, names))
    with _compiling(text):
        node = Parser(text, [*BUILT_INS, *known], properties=properties, types=types).whole_expression()
    return Feel(text, node, known)


def compile_unary_tests(
    text: str,
    names: Names = (),
    *,
    properties: Names = (),
    types: Mapping[str, FeelType] | None = None,
) -> UnaryTests:
    """Compile the tests of a cell, such as `< 10, [20..30]` or `not("a")`; as `compile_feel`."""
    known = frozenset(map(normalized, names))
    with _compiling(text):
        tests = Parser(text, [*BUILT_INS, *known], properties=properties, types=types).whole_unary_tests()
    return UnaryTests(text, tests, known)
