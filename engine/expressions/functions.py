"""The functions that an expression may call. What is not here cannot be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

from casepath.engine import errors
from casepath.engine.expressions import arithmetic, operators
from casepath.engine.expressions.arithmetic import Number
from casepath.engine.expressions.environment import Environment
from casepath.engine.time import clock
from casepath.engine.time.periods import Period


@dataclass(frozen=True, kw_only=True)
class Function:
    """Something that can be called, and how many arguments it takes; `most` is None where there is no limit."""

    call: Callable[..., object]
    least: int
    most: int | None


def signature(call: Callable[..., object], *, given: int) -> Function:
    """Read how many arguments a function takes beyond those that it is always given."""
    parameters = list(inspect.signature(call).parameters.values())[given:]
    positional = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_POSITIONAL]
    least = sum(parameter.default is parameter.empty for parameter in positional)
    return Function(call=call, least=least, most=len(positional) if len(positional) == len(parameters) else None)


def present(environment: Environment) -> datetime:
    """The moment of evaluation."""
    return environment.now


def current_user(environment: Environment) -> str | None:
    """The name of the user who acts; null where the engine or a program does."""
    return environment.user


def current_group(environment: Environment, *keys: object) -> str | None:
    """The first of these groups by whose right the user acts; null where it is none of them, or nobody acts."""
    held = environment.groups()
    return next((key for key in map(a_text, members(keys)) if key in held), None)


def today(environment: Environment) -> date:
    """The local day of evaluation."""
    return environment.now.astimezone(environment.zone).date()


def a_date(environment: Environment, value: object, month: object = None, day: object = None) -> date | None:
    """`date('2026-10-01')`, `date(2026, 10, 1)`, or the local day of a date and time."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(environment.zone).date()
    if isinstance(value, date):
        return value
    try:
        if month is not None and day is not None:
            return date(whole(value), whole(month), whole(day))
        return date.fromisoformat(a_text(value))
    except ValueError:
        found = operators.shown(value)
        raise errors.ExpressionError("Expected a date such as '2026-10-01', but found {found}", found=found) from None


def a_datetime(environment: Environment, value: object = "") -> datetime | None:
    """`dateTime()` is now; `dateTime('2026-10-01T09:00')` is local where it names no zone."""
    if value is None:
        return None
    if value == "":
        return environment.now
    if isinstance(value, date):
        return operators.instant(value, environment)
    try:
        at = datetime.fromisoformat(a_text(value))
        return at if at.tzinfo else clock.local_moment(at, environment.zone)
    except (ValueError, OverflowError):
        found = operators.shown(value)
        raise errors.ExpressionError(
            "Expected a date and time such as '2026-10-01T09:00:00+08:00', but found {found}",
            found=found,
        ) from None


def a_time(environment: Environment, value: object) -> time | None:
    """`time('09:30')`, or the local time of a date and time."""
    if value is None or (isinstance(value, time)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(environment.zone).time()
    try:
        return time.fromisoformat(a_text(value))
    except ValueError:
        raise errors.ExpressionError(
            "Expected a time such as '09:30', but found {found}",
            found=operators.shown(value),
        ) from None


def a_duration(_environment: Environment, value: object) -> timedelta:
    """`duration('P1DT2H')`; years and months have no fixed length, see `plusMonths`."""
    if isinstance(value, timedelta):
        return value
    period = Period.parse(a_text(value))
    if period.months:
        raise errors.ExpressionError("Expected a duration without years and months; add them with plusMonths(…)")
    return timedelta(days=period.days) + period.exact


def working_time(environment: Environment, amount: object, start: object = None) -> datetime:
    """The moment at which so much working time has passed since now, or since the start."""
    begin = environment.now if start is None else moment(environment, start)
    return environment.working_time.add(begin, a_duration(environment, amount))


def working_days(environment: Environment, count: object, start: object = None) -> datetime:
    """The same time of day on the n-th working day after now, or after the start."""
    begin = environment.now if start is None else moment(environment, start)
    return environment.working_time.add_working_days(begin, whole(count))


def working_days_between(environment: Environment, first: object, last: object) -> int:
    """The number of working days after the day of one moment until that of another."""
    return environment.working_time.working_days_between(moment(environment, first), moment(environment, last))


def working_time_between(environment: Environment, first: object, last: object) -> timedelta:
    """The working time between two moments."""
    return environment.working_time.working_between(moment(environment, first), moment(environment, last))


def is_working_day(environment: Environment, day: object = None) -> bool:
    """Whether the business is open on the day."""
    found = a_date(environment, environment.now if day is None else day)
    return found is not None and environment.working_time.is_working_day(found)


def is_open(environment: Environment, at: object = None) -> bool:
    """Whether the business is open at the moment."""
    return environment.working_time.is_open(environment.now if at is None else moment(environment, at))


def rounded(_environment: Environment, value: object, digits: object = 0) -> Number:
    """Rounded to so many digits after the point, a half away from zero."""
    return _quantized(operators.number(value), whole(digits), ROUND_HALF_UP)


def floor(_environment: Environment, value: object) -> Number:
    return _quantized(operators.number(value), 0, ROUND_FLOOR)


def ceiling(_environment: Environment, value: object) -> Number:
    return _quantized(operators.number(value), 0, ROUND_CEILING)


def absolute(_environment: Environment, value: object) -> object:
    return abs(value) if isinstance(value, timedelta) else arithmetic.absolute(operators.number(value))


def smallest(environment: Environment, *found: object) -> object:
    """The smallest of the arguments, or of the members of a list."""
    return _extreme(environment, found, "<")


def largest(environment: Environment, *found: object) -> object:
    """The largest of the arguments, or of the members of a list."""
    return _extreme(environment, found, ">")


def total(_environment: Environment, *found: object) -> Number:
    """The sum of the arguments, or of the members of a list."""
    result: Number = 0
    for member in members(found):
        result = arithmetic.calculate("+", result, operators.number(member))
    return result


def size(_environment: Environment, value: object) -> int:
    """The number of members of a list or map, or of characters of a text; 0 for null."""
    if isinstance(value, (str, list, dict)):
        return len(value)
    if value is None:
        return 0
    raise errors.ExpressionError("Expected a text, list or map, but found {found}", found=operators.shown(value))


def a_number(_environment: Environment, value: object) -> Number | None:
    """The number that a text is."""
    return None if value is None else operators.number(value)


def as_text(_environment: Environment, value: object) -> str:
    """The value as text."""
    return operators.limited(operators.text(value))


def coalesce(_environment: Environment, *found: object) -> object:
    """The first argument that is not null."""
    return next((value for value in found if value is not None), None)


def join(_environment: Environment, value: object, separator: object = ", ") -> str:
    """The members of a list as text, with a separator between them."""
    between, texts, length = a_text(separator), [], 0
    for member in members((value,)):
        texts.append(operators.limited(operators.text(member)))
        length += len(texts[-1]) + len(between)
        if length > operators.MAX_TEXT + len(between):
            raise errors.ExpressionLimit(
                "Expected a text of at most {limit} characters, but found more",
                limit=operators.MAX_TEXT,
            )
    return operators.limited(between.join(texts))


def a_text(value: object) -> str:
    """Return a text; raises `ExpressionError` where it is none."""
    if isinstance(value, str):
        return value
    raise errors.ExpressionError("Expected a text, but found {found}", found=operators.shown(value))


def whole(value: object) -> int:
    """Return a whole number of reasonable size; raises `ExpressionError` where it is none."""
    found = operators.number(value)
    if not -1_000_000_000 <= found <= 1_000_000_000 or found != int(found):
        raise errors.ExpressionError("Expected a whole number, but found {found}", found=operators.shown(value))
    return int(found)


def moment(environment: Environment, value: object) -> datetime:
    """Return a date and time; a date or text is read as one."""
    found = a_datetime(environment, value)
    if found is None:
        raise errors.ExpressionError("Expected a date and time, but found null")
    return found


def members(found: tuple[object, ...]) -> list[object]:
    """Return the arguments, or the members of the list that is the only one."""
    only = found[0] if len(found) == 1 else None
    listed = only if isinstance(only, list) else list(found)
    if len(listed) > operators.MAX_MEMBERS:
        raise errors.ExpressionLimit(
            "Expected at most {limit} members, but found {count}",
            limit=operators.MAX_MEMBERS,
            count=len(listed),
        )
    return listed


def _extreme(environment: Environment, found: tuple[object, ...], sign: str) -> object:
    known = [member for member in members(found) if member is not None]
    best = known[0] if known else None
    for member in known[1:]:
        if operators.COMPARISONS[sign](member, best, environment):
            best = member
    return best


def _quantized(value: Number, digits: int, rounding: str) -> Number:
    """Round; without digits after the point the result is a whole number."""
    if isinstance(value, int) and digits >= 0:
        return value
    if not -100 <= digits <= 100:
        raise errors.ExpressionError("Expected at most 100 digits to round to, but found {digits}", digits=digits)
    with localcontext(prec=1_000):
        found = arithmetic.decimal(arithmetic.checked(arithmetic.exact(value)))
        result = found.quantize(Decimal(1).scaleb(-digits), rounding=rounding)
        return arithmetic.checked(result if digits > 0 else int(result))


def _duration_of(unit: timedelta) -> Callable[..., object]:
    return lambda _environment, count: operators.duration(unit, operators.number(count))


_CALLS: dict[str, Callable[..., object]] = {
    "abs": absolute,
    "ceiling": ceiling,
    "coalesce": coalesce,
    "currentGroup": current_group,
    "currentUser": current_user,
    "date": a_date,
    "dateTime": a_datetime,
    "days": _duration_of(timedelta(days=1)),
    "duration": a_duration,
    "floor": floor,
    "hours": _duration_of(timedelta(hours=1)),
    "isOpen": is_open,
    "isWorkingDay": is_working_day,
    "join": join,
    "max": largest,
    "min": smallest,
    "minutes": _duration_of(timedelta(minutes=1)),
    "now": present,
    "number": a_number,
    "round": rounded,
    "size": size,
    "string": as_text,
    "sum": total,
    "time": a_time,
    "today": today,
    "workingDays": working_days,
    "workingDaysBetween": working_days_between,
    "workingTime": working_time,
    "workingTimeBetween": working_time_between,
}
#: What can be called, by name; each is given the environment and the arguments.
FUNCTIONS = {name: signature(call, given=1) for name, call in _CALLS.items()}
