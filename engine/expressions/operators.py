"""
What operators do to values: comparison, arithmetic and logic, with the conversions of JUEL where they cannot surprise.

Text that reads as a number, a boolean, a date or a time is converted when it meets one. Null equals only null and is
neither less nor greater than anything. A boolean is no number. What is of different kinds even then is not compared:
it is refused.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from casepath.engine import errors
from casepath.engine.database import values
from casepath.engine.expressions import arithmetic
from casepath.engine.expressions.arithmetic import Number, is_number
from casepath.engine.expressions.environment import Environment
from casepath.engine.phrases import Phrase, shortened
from casepath.engine.time import clock

Comparison = Callable[[object, object, Environment], bool]
#: What Python calls the comparisons, for values of the types that `alike` gives.
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne, "<": operator.lt, "<=": operator.le, "==": operator.eq, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

#: What people call the types; a boolean is an `int` in Python, a date and time a date.
KINDS: dict[type, Phrase] = {
    bool: Phrase("a boolean"),
    str: Phrase("a text"),
    int: Phrase("a number"),
    float: Phrase("a number"),
    Decimal: Phrase("a number"),
    datetime: Phrase("a date and time"),
    date: Phrase("a date"),
    time: Phrase("a time"),
    timedelta: Phrase("a duration"),
    list: Phrase("a list"),
    dict: Phrase("a map"),
}
MAX_TEXT = 100_000
MAX_MEMBERS = 10_000
#: Characters of a value in a refusal.
MAX_SHOWN = 40


def kind(value: object) -> Phrase:
    """Name a value's type in the words of the people who write expressions."""
    if value is None:
        return Phrase("null")
    return next((name for cls, name in KINDS.items() if isinstance(value, cls)), Phrase("something else"))


def truth(value: object) -> bool:
    """Return a boolean; null is false, and the texts `true` and `false` are what they say."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise neither_true_nor_false(value)


def neither_true_nor_false(value: object) -> errors.ExpressionError:
    """Return the error for a value that should be a boolean."""
    return errors.ExpressionError("Expected true or false, but found {found}", found=shown(value))


def number(value: object) -> Number:
    """Return a number; text that reads as one is converted."""
    if is_number(value):
        return value
    if isinstance(value, str) and (converted := arithmetic.read(value)) is not None:
        return converted
    raise errors.ExpressionError("Expected a number, but found {found}", found=shown(value))


def shown(value: object) -> Phrase:
    """Return a value as a refusal shows it: short."""
    if isinstance(value, str):
        return Phrase("the text '{text}'", text=shortened(value, MAX_SHOWN))
    if isinstance(value, list | dict):
        return Phrase("{kind} of {count}", kind=kind(value), count=len(value))
    return kind(value) if value is None else Phrase("{kind} {text}", kind=kind(value), text=text(value)[:MAX_SHOWN])


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
    if isinstance(value, float | Decimal):
        found = arithmetic.decimal(value)
        return f"{found:f}" if abs(found.adjusted()) < arithmetic.MAX_BITS else str(found)
    if isinstance(value, date | time | timedelta):
        return str(values.plain(value))
    return str(value)


def limited(value: str) -> str:
    """Return a text; raises `ExpressionLimit` where it is too long."""
    if len(value) > MAX_TEXT:
        raise errors.ExpressionLimit(
            "Expected a text of at most {limit} characters, but found {count}",
            limit=MAX_TEXT,
            count=len(value),
        )
    return value


def same(left: object, right: object, environment: Environment) -> bool:
    """Tell whether two values are equal, converting text to what it meets; values of different kinds never are."""
    if left.__class__ is right.__class__ and left.__class__ in _EQUATABLE:
        return left == right
    if left is None or right is None:
        return left is right
    _check_size(left, MAX_MEMBERS)
    return _identical(*_alike(left, right, environment))


def equal(left: object, right: object, environment: Environment) -> bool:
    """Tell whether two values are equal, as `same` does; raises `ExpressionError` where their kinds differ."""
    if left.__class__ is right.__class__ and left.__class__ in _EQUATABLE:
        return left == right
    if left is None or right is None:
        return left is right
    first, second = _alike(left, right, environment)
    if kind(first) != kind(second):
        if first == "" or second == "":
            return False  # who compares with the empty text asks whether there is something
        raise errors.ExpressionError(
            "Expected two values of one kind to compare, but found {left} and {right}",
            left=shown(left),
            right=shown(right),
        )
    _check_size(first, MAX_MEMBERS)
    return _identical(first, second)


def unequal(left: object, right: object, environment: Environment) -> bool:
    """Tell whether two values differ; raises as `equal` does."""
    return not equal(left, right, environment)


def contains(value: object, wanted: object, environment: Environment) -> bool:
    """Tell whether a list has a member, a text a part, a map a key; raises `ExpressionError` for all else."""
    if isinstance(value, list):
        _check_size(value, MAX_MEMBERS)
        return any(same(member, wanted, environment) for member in value)
    if isinstance(value, str | dict) and isinstance(wanted, str):
        return wanted in (limited(value) if isinstance(value, str) else value)
    raise errors.ExpressionError(
        "Expected a list, or a text in a text or map, but found {wanted} in {value}",
        wanted=shown(wanted),
        value=shown(value),
    )


def _identical(left: object, right: object) -> bool:
    """Compare without conversion: members of lists and maps are equal where they are of one kind."""
    if is_number(left) and is_number(right):
        return arithmetic.exact(left) == arithmetic.exact(right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_identical, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_identical(left[key], right[key]) for key in left)
    return kind(left) == kind(right) and left == right


def _ordering(sign: str) -> Comparison:
    """Return the comparison by order; it raises `ExpressionError` for values that have none."""
    relation = RELATIONS[sign]

    def compare(left: object, right: object, environment: Environment) -> bool:
        if left.__class__ is right.__class__ and left.__class__ in _ORDERED:
            return relation(left, right)
        if left is None or right is None:
            return left is right and sign in ("<=", ">=")
        first, second = _alike(left, right, environment)
        if is_number(first) and is_number(second):
            return relation(arithmetic.exact(first), arithmetic.exact(second))
        for types in (str, datetime, date, time, timedelta):
            if isinstance(first, types) and isinstance(second, types):
                with contextlib.suppress(TypeError):  # times with and without a zone
                    return relation(first, second)
        raise errors.ExpressionError(
            "Expected values that have an order, but found {left} {sign} {right}",
            left=shown(left),
            sign=sign,
            right=shown(right),
        )

    return compare


#: Comparisons by their sign.
COMPARISONS: dict[str, Comparison] = {
    "!=": unequal,
    "<": _ordering("<"),
    "<=": _ordering("<="),
    "==": equal,
    ">": _ordering(">"),
    ">=": _ordering(">="),
    "in": lambda left, right, environment: contains(right, left, environment),
    "not in": lambda left, right, environment: not contains(right, left, environment),
}


def calculate(sign: str, left: object, right: object) -> object:
    """Return the result of `+ - * / %`; raises `ExpressionError` where the values do not fit."""
    if is_number(left) and is_number(right):
        return arithmetic.calculate(sign, left, right)
    if isinstance(left, date | timedelta) or isinstance(right, date | timedelta):
        return _temporal(sign, left, right)
    if sign == "+":
        if isinstance(left, str) and isinstance(right, str):
            return limited(left + right)
        raise errors.ExpressionError(
            "Expected two numbers or two texts to add (see number(…) and string(…)), but found {left} + {right}",
            left=shown(left),
            right=shown(right),
        )
    return arithmetic.calculate(sign, number(left), number(right))


def _calculating(
    sign: str, on_integers: Callable[[int, int], int], on_decimals: Callable[..., Decimal]
) -> Callable[[object, object], object]:
    """Return `calculate` of a sign, quicker for whole numbers and amounts of money."""

    def calculating(left: Any, right: Any) -> object:
        if right.__class__ is int and left.__class__ is int:
            whole = on_integers(left, right)
            if -_QUICK < whole < _QUICK:
                return whole
        elif left.__class__ is Decimal and right.__class__ in _EXACT:
            result = on_decimals(left, right)
            if -_QUICK_DECIMAL < result < _QUICK_DECIMAL:
                return result
        return calculate(sign, left, right)

    return calculating


def negated(value: object) -> object:
    """Return minus a number or duration."""
    return -value if isinstance(value, timedelta) else arithmetic.negated(number(value))


def is_empty(value: object) -> bool:
    """Tell whether a value is null, or a text, list or map of nothing."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def instant(value: date, environment: Environment) -> datetime:
    """Return a date and time as UTC; a date is its local midnight."""
    if isinstance(value, datetime):
        return clock.aware(value).astimezone(UTC)
    return clock.local_moment(datetime.combine(value, time()), environment.zone)


def _alike(left: object, right: object, environment: Environment) -> tuple[object, object]:
    """Return two values as one kind where the one can become the other."""
    if isinstance(left, str) and not isinstance(right, str):
        return _converted(left, right), right
    if isinstance(right, str) and not isinstance(left, str):
        return left, _converted(right, left)
    if isinstance(left, date) and isinstance(right, date) and (type(left) is not date or type(right) is not date):
        return instant(left, environment), instant(right, environment)
    return left, right


def _converted(value: str, other: object) -> object:
    """Return text as the kind of the other value, or as it is."""
    try:
        if isinstance(other, bool):
            return {"true": True, "false": False}.get(value.lower(), value)
        if is_number(other):
            found = arithmetic.read(value)
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


def _temporal(sign: str, left: object, right: object) -> object:
    try:
        if isinstance(right, timedelta) and sign in "+-" and isinstance(left, date | timedelta):
            return _moved(left, right if sign == "+" else -right)
        if isinstance(left, timedelta):
            if isinstance(right, date) and sign == "+":
                return _moved(right, left)
            if is_number(right) and sign in "*/":
                return _scaled(sign, left, right)
            if isinstance(right, timedelta) and sign == "/" and right:
                return arithmetic.calculate("/", left // _MICROSECOND, right // _MICROSECOND)
        if is_number(left) and isinstance(right, timedelta) and sign == "*":
            return _scaled(sign, right, left)
        if sign == "-" and isinstance(left, date) and isinstance(right, date):
            if isinstance(left, datetime) and isinstance(right, datetime):
                return clock.aware(left).astimezone(UTC) - clock.aware(right).astimezone(UTC)
            if not isinstance(left, datetime) and not isinstance(right, datetime):
                return left - right
    except (ArithmeticError, ValueError):
        raise errors.ExpressionLimit("Expected a moment within the years 1 to 9999, but found a later one") from None
    raise errors.ExpressionError(
        "Expected values that combine, but found {left} {sign} {right}",
        left=shown(left),
        sign=sign,
        right=shown(right),
    )


def duration(unit: timedelta, count: Number) -> timedelta:
    """Return so many units, to the microsecond; raises `ExpressionLimit` where they are too many."""
    return _scaled("*", unit, count)


def _scaled(sign: str, value: timedelta, by: Number) -> timedelta:
    microseconds = arithmetic.calculate(sign, value // _MICROSECOND, by)
    try:
        return timedelta(microseconds=round(microseconds))
    except OverflowError:
        raise errors.ExpressionLimit(
            "Expected a shorter duration than {found} microseconds", found=shown(microseconds)
        ) from None


def _moved(start: date | timedelta, by: timedelta) -> date | timedelta:
    if isinstance(start, datetime):
        return (clock.aware(start).astimezone(UTC) + by).astimezone(start.tzinfo)
    if isinstance(start, date) and by % timedelta(days=1):
        raise errors.ExpressionError("Expected whole days to move a date by, but found {found}", found=shown(by))
    return start + by


def _check_size(value: object, members: int) -> None:
    """Raise `ExpressionLimit` where lists and maps have more members than may be compared."""
    level: list[object] = [value]
    while level:
        members -= len(level)
        if members < 0:
            raise errors.ExpressionLimit(
                "Expected at most {limit} members, but found more",
                limit=MAX_MEMBERS,
            )
        level = [
            child
            for member in level
            if isinstance(member, list | dict)
            for child in (member.values() if isinstance(member, dict) else member)
        ]


_MICROSECOND = timedelta(microseconds=1)
_EXACT = frozenset({Decimal, int})
#: Results within this need no further look.
_QUICK = 10**18
_QUICK_DECIMAL = Decimal(_QUICK)
#: Types of which Python compares two values as they should be.
_ORDERED = frozenset({Decimal, date, float, int, str, timedelta})
_EQUATABLE = _ORDERED | {bool}

#: Arithmetic by its sign.
ARITHMETIC: dict[str, Callable[[object, object], object]] = {
    "%": functools.partial(calculate, "%"),
    "*": _calculating("*", operator.mul, arithmetic.CONTEXT.multiply),
    "+": _calculating("+", operator.add, arithmetic.CONTEXT.add),
    "-": _calculating("-", operator.sub, arithmetic.CONTEXT.subtract),
    "/": functools.partial(calculate, "/"),
}


def alike(value: object, sign: str) -> frozenset[type]:
    """Return the types of which a value compares with this one as it does in Python."""
    if value.__class__ in _EXACT:
        return _EXACT
    return frozenset({value.__class__} & (_EQUATABLE if sign in ("==", "!=") else _ORDERED))
