"""
How a compiled expression runs: with variables, an environment, and a map that notes the values read by their path.

The three go from function to function as they are; an object that holds them would cost as much as a comparison does.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from casepath.engine import errors
from casepath.engine.expressions import operators
from casepath.engine.expressions.environment import Environment

#: The function that a node of the tree becomes.
Evaluate = Callable[[Mapping[str, object], Environment, dict[str, object]], object]

#: What evaluation may meet: errors of ours, a variable that is not there, and values at the ends of what Python can do.
_EXPECTED = (errors.ExpressionError, errors.InvalidInput, KeyError, ArithmeticError, RecursionError, MemoryError)
#: For what asks neither for the time nor for the process instance; it costs nothing.
_TIMELESS = Environment(now=datetime.min.replace(tzinfo=UTC))

#: Where something went wrong.
IN = "{reason}, in {source}"


class Trace(Protocol):
    """A function that gives a value and the values read for it, by path such as `customer.age`."""

    def __call__(
        self, variables: Mapping[str, object], environment: Environment | None = None, /
    ) -> tuple[object, dict[str, object]]: ...


class Condition(Protocol):
    """A function that gives true or false and the values read for it."""

    def __call__(
        self, variables: Mapping[str, object], environment: Environment | None = None, /
    ) -> tuple[bool, dict[str, object]]: ...


def tracing(text: str, evaluate: Evaluate, *, timeless: bool) -> Trace:
    """Return what evaluates an expression; `timeless` says that it never asks its environment."""

    def trace(
        variables: Mapping[str, object], environment: Environment | None = None, /
    ) -> tuple[object, dict[str, object]]:
        if environment is None:
            environment = _TIMELESS if timeless else Environment()
        reads: dict[str, object] = {}
        try:
            return evaluate(variables, environment, reads), reads
        except _EXPECTED as error:
            raise _explained(text, error, variables) from None

    return trace


def testing(text: str, evaluate: Evaluate, *, timeless: bool) -> Condition:
    """Return the same for a condition: raises `ExpressionError` for what is neither true nor false."""

    def condition(
        variables: Mapping[str, object], environment: Environment | None = None, /
    ) -> tuple[bool, dict[str, object]]:
        if environment is None:
            environment = _TIMELESS if timeless else Environment()
        reads: dict[str, object] = {}
        try:
            value = evaluate(variables, environment, reads)
            if value is True or value is False:
                return value, reads
            raise operators.neither_true_nor_false(value)
        except _EXPECTED as error:
            raise _explained(text, error, variables) from None

    return condition


def _explained(text: str, error: Exception, variables: Mapping[str, object]) -> errors.ExpressionError:
    """Return an error of ours that tells the expression in which it happened."""
    if isinstance(error, KeyError):
        error = unknown_variable(str(error.args[0]), variables)
    if isinstance(error, errors.ExpressionError):
        return type(error)(IN, text=text, position=error.position, reason=error.phrase, source=text)
    if isinstance(error, errors.InvalidInput):
        return errors.ExpressionError(IN, text=text, reason=error.phrase, source=text)
    return errors.ExpressionLimit("Expected smaller values and less work, in {source}", text=text, source=text)


def unknown_variable(name: str, variables: Mapping[str, object]) -> errors.ExpressionError:
    """Return the error for a variable that does not exist, with those of similar names."""
    known = [str(key) for key in variables][:1_000]
    near = [f"'{key:.40}'" for key in difflib.get_close_matches(name[:100], known, n=3, cutoff=0.5)]
    if not near:
        return errors.ExpressionError("Expected variable '{name}', but there is none", name=name)
    text = "Expected variable '{name}', but there is none (near it: {near})"
    return errors.ExpressionError(text, name=name, near=near)
