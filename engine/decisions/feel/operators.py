"""Equality, order, membership and arithmetic between values, with null where the standard has no answer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

from casepath.engine.decisions.feel.limits import check_size, spend
from casepath.engine.decisions.feel.temporal import (
    DAY_SECONDS,
    NANO,
    Date,
    DateTime,
    DaysTime,
    Time,
    YearsMonths,
    add_months,
    at_midnight,
    date_of_ordinal,
    from_value,
    time_of_day,
)
from casepath.engine.decisions.feel.temporal_text import MAX_MONTHS, MAX_NANOSECONDS
from casepath.engine.decisions.feel.values import NUMBERS, Range

#: Days of the calendar: years of up to nine digits, both ways.
MAX_ORDINAL = 365_242_000_000


def equal(left: object, right: object) -> bool | None:
    """Return whether two values are equal; null where their types differ. Nothing but null equals null."""
    kind = type(left)
    if kind is not type(right):
        return False if left is None or right is None else None
    if isinstance(left, list) and isinstance(right, list):
        return _lists_equal(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return _contexts_equal(left, right)
    if isinstance(left, Time | DateTime) and isinstance(right, Time | DateTime):
        return _clocks_equal(left, right)
    if isinstance(left, Range) and isinstance(right, Range):
        alike = (left.form, left.start_included, left.end_included) == (
            right.form, right.start_included, right.end_included,
        )  # fmt: skip
        return alike and same(left.start, right.start) and same(left.end, right.end)
    return left == right


def same(left: object, right: object) -> bool:
    """Say whether two values are equal, taking no answer for no."""
    return equal(left, right) is True


def _lists_equal(left: list[object], right: list[object]) -> bool:
    spend(2 + (len(left) >> 1))
    return len(left) == len(right) and all(map(same, left, right))


def _contexts_equal(left: dict[str, object], right: dict[str, object]) -> bool:
    spend(2 + (len(left) >> 1))
    return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())


def _clocks_equal(left: Time | DateTime, right: Time | DateTime) -> bool:
    """Whole seconds count, as in the value functions of the standard; with and without a zone are different."""
    return not _mixed(left, right) and left.value // NANO == right.value // NANO


def _zone_of(value: Time | DateTime) -> object:
    return value.time.zone if isinstance(value, DateTime) else value.zone


def place(value: object) -> int | None:
    """Return the place of a date, time or duration among its kind; None for a type without order."""
    if isinstance(value, Date):
        return value.ordinal
    if isinstance(value, DateTime | Time):
        return value.value
    if isinstance(value, DaysTime):
        return value.nanoseconds
    if isinstance(value, YearsMonths):
        return value.total_months
    return None


def compare(left: object, right: object) -> int | None:
    """Return -1, 0 or 1 for two values of the same ordered type, null for all else."""
    kind = type(left)
    if kind is not type(right):
        return None
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if isinstance(left, Time | DateTime) and isinstance(right, Time | DateTime) and _mixed(left, right):
        return None
    first, second = place(left), place(right)
    return None if first is None or second is None else (first > second) - (first < second)


def less(left: object, right: object) -> bool | None:
    """`<`."""
    order = compare(left, right)
    return None if order is None else order < 0


def at_most(left: object, right: object) -> bool | None:
    """`<=`."""
    order = compare(left, right)
    return None if order is None else order <= 0


def greater(left: object, right: object) -> bool | None:
    """`>`."""
    order = compare(left, right)
    return None if order is None else order > 0


def at_least(left: object, right: object) -> bool | None:
    """`>=`."""
    order = compare(left, right)
    return None if order is None else order >= 0


def unequal(left: object, right: object) -> bool | None:
    """`!=`."""
    answer = equal(left, right)
    return None if answer is None else not answer


COMPARISONS: dict[str, Callable[[object, object], bool | None]] = {
    "=": equal, "!=": unequal, "<": less, "<=": at_most, ">": greater, ">=": at_least,
}  # fmt: skip


def between(value: object, low: object, high: object) -> bool | None:
    """`between`: both ends included; null where an end cannot be compared, unless the other already says no."""
    above, below = at_least(value, low), at_most(value, high)
    if above is False or below is False:
        return None if above is None or below is None else False
    return None if above is None or below is None else True


def in_range(value: object, bounds: Range) -> bool | None:
    """Return whether a range holds the value; null where they cannot be compared."""
    if bounds.form == "!=":
        return unequal(value, bounds.start)
    if bounds.form == "=":
        return equal(value, bounds.start)
    answer: bool | None = None
    if bounds.start is not None:
        order = compare(value, bounds.start)
        if order is None:
            return None
        answer = order > 0 or (order == 0 and bounds.start_included)
    elif not bounds.form:
        return None
    if bounds.end is not None:
        order = compare(value, bounds.end)
        if order is None:
            return None
        return answer is not False and (order < 0 or (order == 0 and bounds.end_included))
    return answer if bounds.form else None


def matches(value: object, test: object) -> bool | None:
    """Return whether a value passes a test given as a value: equal to it, in its range, or in its list."""
    if isinstance(test, Range):
        if isinstance(value, Range):
            return equal(value, test)
        return in_range(value, test)
    if isinstance(test, list):
        spend(1 + (len(test) >> 1))
        if isinstance(value, list) and same(value, test):
            return True
        answer: bool | None = False
        for item in test:
            holds = isinstance(item, Range) and not isinstance(value, Range)
            found = in_range(value, item) if isinstance(item, Range) and holds else same(value, item)
            if found:
                return True
            if found is None:
                answer = None
        return answer
    return equal(value, test)


def _add(left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str):
        check_size(len(left) + len(right))
        return left + right
    if isinstance(right, DaysTime | YearsMonths):
        return shift(left, right, 1)
    return shift(right, left, 1) if isinstance(left, DaysTime | YearsMonths) else None


def _subtract(left: object, right: object) -> object:
    if isinstance(right, DaysTime | YearsMonths):
        return shift(left, right, -1)
    if isinstance(left, Time) and isinstance(right, Time):
        return None if _mixed(left, right) else DaysTime(left.value - right.value)
    if isinstance(left, Date) and isinstance(right, Date):
        return duration((left.ordinal - right.ordinal) * DAY_SECONDS * NANO)
    if isinstance(left, Date | DateTime) and isinstance(right, Date | DateTime):
        first = at_midnight(left) if isinstance(left, Date) else left
        second = at_midnight(right) if isinstance(right, Date) else right
        return None if _mixed(first, second) else duration(first.value - second.value)
    return None


def _mixed(left: Time | DateTime, right: Time | DateTime) -> bool:
    return (_zone_of(left) is None) != (_zone_of(right) is None)


def shift(value: object, by: DaysTime | YearsMonths, sign: int) -> object:
    """Add a duration to a date, time or duration; sign -1 takes it away. Null beyond the calendar."""
    if isinstance(by, YearsMonths):
        months = by.total_months * sign
        if isinstance(value, YearsMonths):
            return _months(value.total_months + months)
        if isinstance(value, Date):
            return add_months(value, months)
        if isinstance(value, DateTime):
            moved = add_months(value.date, months)
            return None if moved is None else DateTime(moved, value.time)
        return None
    nanoseconds = by.nanoseconds * sign
    if isinstance(value, DaysTime):
        return duration(value.nanoseconds + nanoseconds)
    if isinstance(value, Time):
        return time_of_day(value.of_day + nanoseconds, value.zone)
    if isinstance(value, Date):
        ordinal = value.ordinal + nanoseconds // (DAY_SECONDS * NANO)
        return date_of_ordinal(ordinal) if abs(ordinal) < MAX_ORDINAL else None
    if isinstance(value, DateTime):
        instant = value.value + nanoseconds
        return from_value(instant, value.time.zone) if abs(instant) < MAX_NANOSECONDS else None
    return None


def duration(nanoseconds: int) -> DaysTime | None:
    """Return a duration of days and time, null where it is longer than the calendar."""
    return DaysTime(nanoseconds) if abs(nanoseconds) <= MAX_NANOSECONDS else None


def _months(total: int) -> YearsMonths | None:
    return YearsMonths(total) if abs(total) <= MAX_MONTHS else None


def _multiply(left: object, right: object) -> object:
    if isinstance(left, Decimal):
        left, right = right, left
    if not isinstance(right, Decimal):
        return None
    return _scaled(left, right, NUMBERS.multiply)


def _divide(left: object, right: object) -> object:
    if isinstance(right, Decimal):
        return _scaled(left, right, NUMBERS.divide)
    if isinstance(left, DaysTime) and isinstance(right, DaysTime):
        return _finite(NUMBERS.divide(Decimal(left.nanoseconds), Decimal(right.nanoseconds)))
    if isinstance(left, YearsMonths) and isinstance(right, YearsMonths):
        return _finite(NUMBERS.divide(Decimal(left.total_months), Decimal(right.total_months)))
    return None


def _scaled(value: object, by: Decimal, operation: Callable[[Decimal, Decimal], Decimal]) -> object:
    if isinstance(value, DaysTime):
        amount = _whole(operation(Decimal(value.nanoseconds), by))
        return None if amount is None else duration(amount)
    if isinstance(value, YearsMonths):
        amount = _whole(operation(Decimal(value.total_months), by))
        return None if amount is None else _months(amount)
    return None


def _whole(value: Decimal) -> int | None:
    """Cut to an integer, None where that would be a monster."""
    return int(value) if value.is_finite() and value.adjusted() < 40 else None


def _finite(value: Decimal) -> Decimal | None:
    return value if value.is_finite() else None


def _on_numbers(
    operation: Callable[[Decimal, Decimal], Decimal], otherwise: Callable[[object, object], object]
) -> Callable[[object, object], object]:
    def operate(left: object, right: object) -> object:
        if type(left) is Decimal and type(right) is Decimal:
            result = operation(left, right)
            return result if result.is_finite() else None
        return otherwise(left, right)

    return operate


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Raise to a power; a long exponent costs more work."""
    spend(20)
    return NUMBERS.power(base, exponent) if exponent else Decimal(1)


ARITHMETIC: dict[str, Callable[[object, object], object]] = {
    "+": _on_numbers(NUMBERS.add, _add),
    "-": _on_numbers(NUMBERS.subtract, _subtract),
    "*": _on_numbers(NUMBERS.multiply, _multiply),
    "/": _on_numbers(NUMBERS.divide, _divide),
    "**": _on_numbers(power, lambda _left, _right: None),
}


def negate(value: object) -> object:
    """`-value`; null for what has no opposite."""
    if type(value) is Decimal:
        return NUMBERS.minus(value)
    if isinstance(value, DaysTime):
        return DaysTime(-value.nanoseconds)
    return YearsMonths(-value.total_months) if isinstance(value, YearsMonths) else None


def floor_modulo(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    """Return the remainder with the sign of the divisor; null for a divisor of zero."""
    if not divisor:
        return None
    quotient = NUMBERS.divide(dividend, divisor)
    if not quotient.is_finite() or quotient.adjusted() > 33:
        return None
    whole = quotient.to_integral_value(ROUND_FLOOR)
    return _finite(NUMBERS.subtract(dividend, NUMBERS.multiply(divisor, whole)))
