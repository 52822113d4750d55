"""What attributes of tasks give when a token is there: texts, names, points in time, numbers, versions."""

from __future__ import annotations

from datetime import datetime

from casepath.engine import errors
from casepath.engine.bpmn.model import Binding
from casepath.engine.bpmn.tree import Token
from casepath.engine.expressions import Expression
from casepath.engine.time import timers

MAX_PRIORITY = 2**31 - 1


def text(expression: Expression | None, token: Token) -> str | None:
    """Evaluate an attribute that gives a text; blank and null are None."""
    if expression is None:
        return None
    value = expression.evaluate(token.variables(), token.workflow.environment)
    return str(value).strip() or None if value is not None else None


def names(expression: Expression | None, token: Token) -> tuple[str, ...]:
    """Evaluate an attribute that gives names: a list, or a text with commas between them."""
    if expression is None:
        return ()
    value = expression.evaluate(token.variables(), token.workflow.environment)
    parts = value if isinstance(value, (list, tuple)) else str(value or "").split(",")
    return tuple(dict.fromkeys(name for part in parts if (name := str(part).strip())))


def instant(expression: Expression | None, token: Token) -> datetime | None:
    """Evaluate an attribute that gives a point in time: a datetime, a date (its midnight), or a duration from now."""
    if expression is None:
        return None
    environment = token.workflow.environment
    value = expression.evaluate(token.variables(), environment)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return timers.resolve(value, environment.now, environment.zone.key)
    except errors.InvalidInput as error:
        raise errors.InvalidInput("{reason}, in {text}", reason=error.phrase, text=expression.text) from None


def integer(expression: Expression | None, token: Token, default: int) -> int:
    """Evaluate an attribute that gives a whole number."""
    value = text(expression, token)
    if value is None:
        return default
    try:
        number = int(float(value))
    except (ValueError, OverflowError):
        raise errors.InvalidInput("Expected a whole number, but found '{value}'", value=value) from None
    if abs(number) > MAX_PRIORITY:
        raise errors.InvalidInput(
            "Expected a whole number up to {limit}, but found {value}",
            limit=MAX_PRIORITY,
            value=value,
        )
    return number


def version(binding: Binding, token: Token) -> int | None:
    """Evaluate the number of the version that is meant; None where another binding is."""
    return integer(binding.version, token, 0) if binding.version is not None else None
