"""
Expressions of diagrams: `${amount > 1000 && customer.vip}`, the part of JUEL that has no side effects.

A text is compiled once, when it is deployed: `compile_expression` refuses what cannot be read and functions that do not
exist. What is left to do is one function; nothing of Python is reachable from it; depth, size and work are limited.
docs/expressions.md is the guide for people who write them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from casepath.engine.expressions import parser
from casepath.engine.expressions.compiler import Compiler
from casepath.engine.expressions.environment import Environment
from casepath.engine.expressions.evaluation import Condition, Trace, testing, tracing
from casepath.engine.expressions.operators import shown

__all__ = ["Environment", "Expression", "compile_expression", "shown"]


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
    #: Returns the value and the values read for it, by path such as `customer.age`; raises `ExpressionError` where it
    #: has none, `ExpressionLimit` where it is too much.
    trace: Trace
    #: Returns true or false and the values read for it; raises `ExpressionError` where it is anything else.
    condition: Condition

    def evaluate(self, variables: Mapping[str, object], environment: Environment | None = None) -> object:
        """Return the value; raises as `trace` does."""
        return self.trace(variables, environment)[0]


@functools.lru_cache(maxsize=4096)
def compile_expression(text: str, *, bare: bool = False) -> Expression:
    """
    Compile a text with `${…}` or `#{…}` in it, or as `bare` an expression without them.

    Raises `ExpressionError` with the position of what cannot be read or is no function, `ExpressionLimit` for what is
    too large.
    """
    compiler = Compiler(text)
    tree = parser.parse_bare(text) if bare else parser.parse_template(text)
    evaluate = compiler.whole(tree)
    timeless = not compiler.functions
    return Expression(
        text=text,
        names=frozenset(compiler.names),
        functions=frozenset(compiler.functions),
        constant=isinstance(tree, list) and all(isinstance(part, str) for part in tree),
        trace=tracing(text, evaluate, timeless=timeless),
        condition=testing(text, evaluate, timeless=timeless),
    )
