"""The words that a written function may use: the types it checks, the operators, and how variables are read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Never

from casepath.engine import errors
from casepath.engine.expressions import operators
from casepath.engine.expressions.environment import Environment
from casepath.engine.expressions.methods import element, property_of

#: What evaluation may meet: errors of ours, a variable that is not there, and values at the ends of what Python can do.
EXPECTED = (errors.ExpressionError, errors.InvalidInput, KeyError, ArithmeticError, RecursionError, MemoryError)
_TIMELESS = Environment(now=datetime.min.replace(tzinfo=UTC))


def timeless() -> Environment:
    """Return an environment for what asks neither for the time nor for the process instance; it costs nothing."""
    return _TIMELESS


def explainer(text: str) -> Callable[[Exception, Mapping[str, object]], errors.ExpressionError]:
    """Return what turns an exception into an error of ours that tells the text in which it happened."""

    def explained(error: Exception, variables: Mapping[str, object]) -> errors.ExpressionError:
        if isinstance(error, KeyError):
            error = unknown_variable(str(error.args[0]), variables)
        if isinstance(error, errors.ExpressionError):
            return type(error)(f"{error.message}, in {text:.200}", text=text, position=error.position)
        if isinstance(error, errors.InvalidInput):
            return errors.ExpressionError(f"{error.message}, in {text:.200}", text=text)
        return errors.ExpressionLimit(f"Expected smaller values and less work, in {text:.200}", text=text)

    return explained


def unknown_variable(name: str, variables: Mapping[str, object]) -> errors.ExpressionError:
    """Return the error for a variable that does not exist, with those of similar names."""
    known = [str(key) for key in variables][:1_000]
    near = ", ".join(f"'{key:.40}'" for key in difflib.get_close_matches(name[:100], known, n=3, cutoff=0.5))
    hint = f" (near it: {near})" if near else ""
    return errors.ExpressionError(f"Expected variable '{name:.80}', but there is none{hint}")


def joined(*parts: object) -> str:
    """Join values as one text."""
    return operators.limited("".join([operators.limited(operators.text(part)) for part in parts]))


def bracketed(key: object) -> str:
    """Return an index as it stands in the path of a value."""
    return f"[{operators.text(key):.100}]"


def named(name: object, variables: Mapping[str, object], reads: dict[str, object]) -> object:
    """Read the variable that a text names; null where there is none."""
    if not isinstance(name, str):
        raise errors.ExpressionError(f"Expected the name of a variable, but found {operators.shown(name)}")
    value = reads[name] = variables.get(name)
    return value


def is_known(name: object, variables: Mapping[str, object]) -> bool:
    """Tell whether there is a variable of the name."""
    return isinstance(name, str) and name in variables


def unfit(value: object) -> Never:
    """Refuse the value of a condition that is neither true nor false."""
    raise errors.ExpressionError(f"Expected true or false, but found {operators.shown(value)}")


WORDS: dict[str, object] = {
    "Decimal": Decimal, "EQUATABLE": operators.EQUATABLE, "EXPECTED": EXPECTED, "ORDERED": operators.ORDERED,
    "bool": bool, "bracketed": bracketed, "calculate": operators.calculate, "chain": operators.chain,
    "compare": operators.compare, "dict": dict, "element": element, "equal": operators.equal, "float": float,
    "int": int, "is_empty": operators.is_empty, "is_known": is_known, "joined": joined, "named": named,
    "negated": operators.negated, "property_of": property_of, "str": str, "truth": operators.truth, "type": type,
    "unfit": unfit,
}  # fmt: skip
