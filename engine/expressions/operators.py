"""
What operators do to values: comparison, arithmetic and logic, with the conversions of JUEL where they cannot surprise.

Numbers compare and combine whatever their type; text that reads as a number, a boolean, a date or a time is converted
when it meets one. Null equals only null and is neither less nor greater than anything. A boolean is no number.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, TypeGuard

from casepath.engine import errors
from casepath.engine.database import values
from casepath.engine.expressions.environment import Environment
from casepath.engine.time import clock

Number = int | float | Decimal

MAX_TEXT = 100_000
MAX_BITS = 1_024
MAX_MEMBERS = 10_000
#: How decimals are calculated with. It is never changed, so that threads may share it.
_CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow])


def kind(value: object) -> str:
    """Name a value's type in the words of the people who write expressions."""
    if isinstance(value, bool):
        return "a boolean"
    names: tuple[tuple[type, str], ...] = (
        (str, "text"), (int, "a number"), (float, "a number"), (Decimal, "a number"), (datetime, "a date and time"),
        (date, "a date"), (time, "a time"), (timedelta, "a duration"), (list, "a list"), (dict, "a map"),
    )  # fmt: skip
    return "null" if value is None else next((name for cls, name in names if isinstance(value, cls)), "something else")


def is_number(value: object) -> TypeGuard[Number]:
    return value.__class__ in _NUMBERS or (isinstance(value, (int, float, Decimal)) and not isinstance(value, bool))


def truth(value: object) -> bool:
    """Return a boolean; null is false, and the texts `true` and `false` are what they say."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise errors.ExpressionError(f"Expected true or false, but found {shown(value)}")


def number(value: object) -> Number:
    """Return a number; text that reads as one is converted."""
    if is_number(value):
        return value
    if isinstance(value, str) and (converted := _as_number(value)) is not None:
        return converted
    raise errors.ExpressionError(f"Expected a number, but found {shown(value)}")


def shown(value: object) -> str:
    """Return a value as a message shows it: short."""
    if isinstance(value, str):
        return f"the text '{value[:40]}{'…' if len(value) > 40 else ''}'"
    if isinstance(value, list | dict):
        return f"{kind(value)} of {len(value)}"
    return "null" if value is None else f"{kind(value)} {text(value):.40}"


def text(value: object) -> str:
    """Return a value as text: null as none, dates and durations in ISO 8601, lists and maps as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        _check_size(value, MAX_MEMBERS)
        return values.dumps(values.plain(value))
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) < MAX_BITS else str(value)
    if isinstance(value, date | time | timedelta):
        return str(values.plain(value))
    return str(value)


def limited(value: str) -> str:
    """Return a text; raises `ExpressionLimit` where it is too long."""
    if len(value) > MAX_TEXT:
        raise errors.ExpressionLimit(f"Expected a text of at most {MAX_TEXT} characters, but found {len(value)}")
    return value


def equal(left: object, right: object, environment: Environment) -> bool:
    """Tell whether two values are equal, converting text to what it meets."""
    if left.__class__ is right.__class__ and left.__class__ in EQUATABLE:
        return left == right
    if left is None or right is None:
        return left is right
    left, right = _alike(left, right, environment)
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, list | dict):
        _check_size(left, MAX_MEMBERS)
    return bool(left == right)


def compare(sign: str, left: object, right: object, environment: Environment) -> bool:
    """Tell whether two values are in an order; raises `ExpressionError` where they have none."""
    if left.__class__ is right.__class__ and left.__class__ in ORDERED:
        return COMPARISONS[sign](left, right)
    if left is None or right is None:
        return left is right and sign in ("<=", ">=")
    first, second = _alike(left, right, environment)
    for types in ((int, float, Decimal), str, datetime, date, time, timedelta):
        if isinstance(first, types) and isinstance(second, types) and bool not in (type(first), type(second)):
            return COMPARISONS[sign](first, second)
    raise errors.ExpressionError(f"Expected values that have an order, but found {shown(left)} {sign} {shown(right)}")


def chain(signs: str, value: object, *others: object) -> object:
    """Calculate from left to right; raises as `calculate` does."""
    for sign, other in zip(signs, others, strict=True):
        value = calculate(sign, value, other)
    return value


def calculate(sign: str, left: object, right: object) -> object:
    """Return the result of `+ - * / %`; raises `ExpressionError` where the values do not fit."""
    if left.__class__ is Decimal and right.__class__ in _EXACT and sign in "+-*":  # amounts of money, mostly
        result = _DECIMAL_ARITHMETIC[sign](left, right)
        if _LEAST < result < _MOST:
            return result
    if is_number(left) and is_number(right):
        return arithmetic(sign, left, right)
    if isinstance(left, date | timedelta) or isinstance(right, date | timedelta):
        return _temporal(sign, left, right)
    if sign == "+":
        if isinstance(left, str) and isinstance(right, str):
            return limited(left + right)
        raise errors.ExpressionError(
            f"Expected two numbers or two texts to add (see number(…) and string(…)), "
            f"but found {shown(left)} + {shown(right)}"
        )
    return arithmetic(sign, number(left), number(right))


def arithmetic(sign: str, left: Number, right: Number) -> Number:
    """Return a number; raises `ExpressionError` for a division by zero and `ExpressionLimit` for a huge result."""
    if sign in "/%" and not right:
        raise errors.ExpressionError(f"Expected a number other than 0 to divide by, but found {shown(left)} {sign} 0")
    try:
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            return checked(_DECIMAL_ARITHMETIC[sign](decimal(left), decimal(right)))
        return checked(_ARITHMETIC[sign](left, right))
    except ArithmeticError:
        raise _too_large() from None


def checked(result: Number) -> Number:
    """Return a number; raises `ExpressionLimit` where it is too large."""
    if isinstance(result, Decimal):
        fits = result.is_finite() and -MAX_BITS <= result.adjusted() <= MAX_BITS
    elif isinstance(result, int):
        fits = result.bit_length() <= MAX_BITS
    else:
        fits = abs(result) < float("inf")
    if not fits:
        raise _too_large()
    return result


def decimal(value: Number) -> Decimal:
    """Return a number as a decimal; a float as it is written."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        return _as_written(value)
    if value.bit_length() > MAX_BITS:
        raise _too_large()
    return Decimal(value)


@functools.lru_cache(maxsize=1024)
def _as_written(value: float) -> Decimal:
    return Decimal(repr(value))


def negated(value: object) -> object:
    """Return minus a number or duration."""
    return -value if isinstance(value, timedelta) else -number(value)


def is_empty(value: object) -> bool:
    """Tell whether a value is null, or a text, list or map of nothing."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def instant(value: date, environment: Environment) -> datetime:
    """Return a date and time as UTC; a date is its local midnight."""
    if isinstance(value, datetime):
        return clock.aware(value).astimezone(UTC)
    return clock.local_moment(datetime.combine(value, time()), environment.zone)


def _alike(left: object, right: object, environment: Environment) -> tuple[object, object]:
    """Return two values as one type where the one can become the other."""
    if isinstance(left, Decimal) and isinstance(right, float):
        return left, decimal(right)
    if isinstance(right, Decimal) and isinstance(left, float):
        return decimal(left), right
    if isinstance(left, str) and not isinstance(right, str):
        return _converted(left, right), right
    if isinstance(right, str) and not isinstance(left, str):
        return left, _converted(right, left)
    if isinstance(left, date) and isinstance(right, date) and (type(left) is not date or type(right) is not date):
        return instant(left, environment), instant(right, environment)
    return left, right


def _converted(value: str, other: object) -> object:
    """Return text as the type of the other value, or as it is."""
    try:
        if isinstance(other, bool):
            return {"true": True, "false": False}.get(value.lower(), value)
        if isinstance(other, int | float | Decimal):
            found = _as_number(value)
            if isinstance(other, Decimal) and found is not None:
                return decimal(found)
            return value if found is None else found
        if isinstance(other, datetime):
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=other.tzinfo)
        if isinstance(other, date):
            return date.fromisoformat(value)
        if isinstance(other, time):
            return time.fromisoformat(value)
    except ValueError:
        return value
    return value


def _as_number(value: str) -> int | float | None:
    stripped = value.strip()
    if len(stripped) > 100 or "_" in stripped or not stripped.isascii():
        return None
    try:
        return int(stripped)
    except ValueError:
        pass
    try:
        found = float(stripped)
    except ValueError:
        return None
    return found if found - found == 0 else None


def _temporal(sign: str, left: object, right: object) -> object:
    try:
        if isinstance(right, timedelta) and sign in "+-" and isinstance(left, date | timedelta):
            return _moved(left, right if sign == "+" else -right)
        if isinstance(left, timedelta):
            if isinstance(right, date) and sign == "+":
                return _moved(right, left)
            if is_number(right) and sign in "*/" and (right or sign == "*"):
                factor = number(right)
                return left * float(factor) if sign == "*" else left / float(factor)
            if isinstance(right, timedelta) and sign == "/" and right:
                return left / right
        if is_number(left) and isinstance(right, timedelta) and sign == "*":
            return right * float(number(left))
        if sign == "-" and isinstance(left, date) and isinstance(right, date):
            if isinstance(left, datetime) and isinstance(right, datetime):
                return clock.aware(left).astimezone(UTC) - clock.aware(right).astimezone(UTC)
            if not isinstance(left, datetime) and not isinstance(right, datetime):
                return left - right
    except (ArithmeticError, ValueError):
        raise errors.ExpressionLimit("Expected a moment within the years 1 to 9999, but found a later one") from None
    raise errors.ExpressionError(f"Expected values that combine, but found {shown(left)} {sign} {shown(right)}")


def _moved(start: date | timedelta, by: timedelta) -> date | timedelta:
    if isinstance(start, datetime):
        return (clock.aware(start).astimezone(UTC) + by).astimezone(start.tzinfo)
    if isinstance(start, date) and by % timedelta(days=1):
        raise errors.ExpressionError(f"Expected whole days to move a date by, but found {shown(by)}")
    return start + by


def _remainder(left: float, right: float) -> float:
    """Return the remainder with the sign of the dividend, as in Java."""
    result = abs(left) % abs(right)
    return -result if left < 0 else result


def _check_size(value: object, members: int) -> None:
    """Raise `ExpressionLimit` where lists and maps have more members than may be compared."""
    level: list[object] = [value]
    while level:
        members -= len(level)
        if members < 0:
            raise errors.ExpressionLimit(f"Expected at most {MAX_MEMBERS} members, but found more")
        level = [
            child
            for member in level
            if isinstance(member, list | dict)
            for child in (member.values() if isinstance(member, dict) else member)
        ]


def _too_large() -> errors.ExpressionLimit:
    return errors.ExpressionLimit(f"Expected a number of at most {MAX_BITS} bits, but the result is larger")


_EXACT = frozenset({Decimal, int})
_NUMBERS = frozenset({*_EXACT, float})
#: Bounds of decimals that need no further look.
_LEAST, _MOST = Decimal("-1E+18"), Decimal("1E+18")
_PLAIN = {*_NUMBERS, date, str, timedelta}
#: Types of which Python compares two values as they should be.
EQUATABLE = frozenset({*_PLAIN, bool})
ORDERED = frozenset(_PLAIN)

#: What the signs of comparison do to two values of one type.
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
#: What the other signs do to two numbers of one type.
_ARITHMETIC: dict[str, Callable[..., Number]] = {
    "%": _remainder,
    "*": operator.mul,
    "+": operator.add,
    "-": operator.sub,
    "/": operator.truediv,
}
_DECIMAL_ARITHMETIC: dict[str, Callable[..., Decimal]] = {
    "%": _CONTEXT.remainder,
    "*": _CONTEXT.multiply,
    "+": _CONTEXT.add,
    "-": _CONTEXT.subtract,
    "/": _CONTEXT.divide,
}
