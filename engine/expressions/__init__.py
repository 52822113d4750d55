"""
Expressions of diagrams: `${amount > 1000 && customer.vip}`, the part of JUEL that has no side effects.

A text is compiled once, when it is deployed: `compile_expression` refuses what cannot be read and functions that do not
exist. Evaluating runs small functions over the variables; nothing of Python is reachable; depth, size and work are
limited. docs/expressions.md is the guide for people who write them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from engine import errors
from engine.expressions import operators, parser
from engine.expressions.closures import Code
from engine.expressions.compiler import Compiler
from engine.expressions.environment import Environment

#: What evaluation may meet: errors of ours, and values at the ends of what Python can compute.
_EXPECTED = (errors.ExpressionError, errors.InvalidInput, ArithmeticError, RecursionError, MemoryError)

__all__ = ["Environment", "Expression", "compile_expression"]


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Expression:
    """A compiled text: one `${…}`, a text with several in it, or a constant."""

    text: str
    #: Variables that it may read.
    names: frozenset[str]
    #: Functions and methods that it calls.
    functions: frozenset[str]
    #: Whether it is a text without any `${…}`.
    constant: bool
    code: Code

    def evaluate(self, variables: Mapping[str, object], environment: Environment | None = None) -> object:
        """Return the value; raises `ExpressionError` where it has none, `ExpressionLimit` where it is too much."""
        return self.trace(variables, environment)[0]

    def trace(
        self, variables: Mapping[str, object], environment: Environment | None = None
    ) -> tuple[object, dict[str, object]]:
        """Return the value and the values read for it, by path such as `customer.age`; raises as `evaluate` does."""
        reads: dict[str, object] = {}
        try:
            return self.code(variables, Environment() if environment is None else environment, reads), reads
        except _EXPECTED as error:
            raise self._explained(error) from None

    def condition(
        self, variables: Mapping[str, object], environment: Environment | None = None
    ) -> tuple[bool, dict[str, object]]:
        """Return true or false and the values read for it; raises `ExpressionError` where it is anything else."""
        reads: dict[str, object] = {}
        try:
            value = self.code(variables, Environment() if environment is None else environment, reads)
        except _EXPECTED as error:
            raise self._explained(error) from None
        if value is True or value is False:
            return value, reads
        found = operators.shown(value)
        raise errors.ExpressionError(f"Expected true or false, but found {found}, in {self.text:.200}", text=self.text)

    def _explained(self, error: Exception) -> errors.ExpressionError:
        """Return the error with the text in which it happened."""
        if isinstance(error, errors.ExpressionError):
            return type(error)(f"{error.message}, in {self.text:.200}", text=self.text, position=error.position)
        if isinstance(error, errors.InvalidInput):
            return errors.ExpressionError(f"{error.message}, in {self.text:.200}", text=self.text)
        return errors.ExpressionLimit(f"Expected smaller values and less work, in {self.text:.200}", text=self.text)


@functools.lru_cache(maxsize=4096)
def compile_expression(text: str, *, bare: bool = False) -> Expression:
    """
    Compile a text with `${…}` or `#{…}` in it, or as `bare` an expression without them.

    Raises `ExpressionError` with the position of what cannot be read or is no function, `ExpressionLimit` for what is
    too large.
    """
    compiler = Compiler(text)
    tree = parser.parse_bare(text) if bare else parser.parse_template(text)
    constant = isinstance(tree, list) and all(isinstance(part, str) for part in tree)
    code = compiler.template(tree) if isinstance(tree, list) else compiler.compile(tree)
    return Expression(
        text=text,
        names=frozenset(compiler.names),
        functions=frozenset(compiler.functions),
        constant=constant,
        code=code,
    )
