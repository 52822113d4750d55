"""
Numbers: whole ones and decimals of 34 digits, never binary fractions, so that `0.1 + 0.2` is 0.3.

A float, which comes in with JSON, is taken as it is written there. Whole numbers stay exact up to `MAX_BITS`; what a
decimal takes part in has 34 digits, half-even, as in FEEL; a division that comes out even gives a whole number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import TypeGuard

from casepath.engine import errors
from casepath.engine.phrases import shortened

Number = int | float | Decimal
Exact = int | Decimal

MAX_BITS = 1_024
DIGITS = 34
#: Characters of a text that is read as a number.
MAX_CHARACTERS = 100
#: How decimals are calculated with. It is never changed, so that threads may share it.
CONTEXT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow])


def is_number(value: object) -> TypeGuard[Number]:
    """Tell whether a value is a number; a boolean is none."""
    return value.__class__ in _NUMBERS or (isinstance(value, (int, float, Decimal)) and not isinstance(value, bool))


def exact(value: Number) -> Exact:
    """Return a number without binary fractions: a float as it is written."""
    return _as_written(value) if isinstance(value, float) else value


def decimal(value: Number) -> Decimal:
    """Return a number as a decimal; raises `ExpressionLimit` where it is too large."""
    found = exact(value)
    if isinstance(found, Decimal):
        return found
    if found.bit_length() > MAX_BITS:
        raise too_large()
    return Decimal(found)


def read(text: str) -> Exact | None:
    """Return the number that a text is, None where it is none."""
    stripped = text.strip()
    if len(stripped) > MAX_CHARACTERS or "_" in stripped or not stripped.isascii():
        return None
    try:
        return int(stripped)
    except ValueError:
        pass
    try:
        found = Decimal(stripped)
    except InvalidOperation:
        return None
    return plain(found) if found.is_finite() else None


def plain(value: Decimal) -> Exact:
    """Return a decimal such as 3E+3 as the whole number that it is."""
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent > 0 and value.adjusted() < DIGITS else value


def calculate(sign: str, left: Number, right: Number) -> Exact:
    """
    Return the result of `+ - * / %`; the remainder has the sign of the dividend, as in Java.

    Raises `ExpressionError` for a division by zero and `ExpressionLimit` for a huge result.
    """
    if sign in "/%" and not right:
        raise errors.ExpressionError(
            "Expected a number other than 0 to divide by, but found {left} {sign} 0",
            left=shortened(str(left), 40),
            sign=sign,
        )
    first, second = exact(left), exact(right)
    try:
        if isinstance(first, int) and isinstance(second, int):
            return checked(_ON_INTEGERS[sign](first, second))
        return checked(_ON_DECIMALS[sign](decimal(first), decimal(second)))
    except ArithmeticError:
        raise too_large() from None


def negated(value: Number) -> Exact:
    """Return minus a number."""
    found = exact(value)
    return -found if isinstance(found, int) else CONTEXT.minus(found)


def absolute(value: Number) -> Exact:
    """Return a number without its sign."""
    found = exact(value)
    return abs(found) if isinstance(found, int) else CONTEXT.abs(found)


def checked(result: Exact) -> Exact:
    """Return a number; raises `ExpressionLimit` where it is too large."""
    if isinstance(result, Decimal):
        fits = result.is_finite() and -MAX_BITS <= result.adjusted() <= MAX_BITS
    else:
        fits = result.bit_length() <= MAX_BITS
    if not fits:
        raise too_large()
    return result


def too_large() -> errors.ExpressionLimit:
    """Return the error for a number that is too large."""
    return errors.ExpressionLimit("Expected a number of at most {limit} bits, but the result is larger", limit=MAX_BITS)


@functools.lru_cache(maxsize=1024)
def _as_written(value: float) -> Decimal:
    return Decimal(repr(value))


def _quotient(left: int, right: int) -> Exact:
    whole, rest = divmod(left, right)
    return whole if not rest else CONTEXT.divide(decimal(left), decimal(right))


def _remainder(left: int, right: int) -> int:
    result = abs(left) % abs(right)
    return -result if left < 0 else result


_NUMBERS = frozenset({int, float, Decimal})
_ON_INTEGERS: dict[str, Callable[[int, int], Exact]] = {
    "%": _remainder,
    "*": int.__mul__,
    "+": int.__add__,
    "-": int.__sub__,
    "/": _quotient,
}
_ON_DECIMALS: dict[str, Callable[[Decimal, Decimal], Exact]] = {
    "%": CONTEXT.remainder,
    "*": CONTEXT.multiply,
    "+": CONTEXT.add,
    "-": CONTEXT.subtract,
    "/": lambda left, right: plain(CONTEXT.divide(left, right)),
}
