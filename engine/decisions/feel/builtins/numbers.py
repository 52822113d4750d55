"""Functions on numbers and booleans."""

from __future__ import annotations

import re
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)

from casepath.engine.decisions.feel import limits
from casepath.engine.decisions.feel.functions import built_in
from casepath.engine.decisions.feel.operators import floor_modulo
from casepath.engine.decisions.feel.temporal import DaysTime, YearsMonths
from casepath.engine.decisions.feel.values import MISSING, NUMBERS, number

_MIN_SCALE, _MAX_SCALE = -6111, 6176
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9})?", re.ASCII)
_WIDE = Context(prec=7000, Emin=-20_000, Emax=20_000, traps=[])


def _rounded(value: Decimal, scale: object, rounding: str) -> Decimal | None:
    places = 0 if scale is MISSING else int(scale) if isinstance(scale, Decimal) and scale.adjusted() < 9 else None
    if places is None or not _MIN_SCALE <= places <= _MAX_SCALE:
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return value
    limits.spend(10)
    # `+ 0` turns the exponent of hundreds and the like back into plain digits, and minus zero into zero.
    return number(_WIDE.add(value.quantize(Decimal(1).scaleb(-places, _WIDE), rounding, _WIDE), Decimal(0)))


@built_in("decimal", "n: number, scale: number")
def _decimal(n: Decimal, scale: Decimal) -> Decimal | None:
    return _rounded(n, scale, ROUND_HALF_EVEN)


@built_in("floor", "n: number, scale?: number")
def _floor(n: Decimal, scale: object) -> Decimal | None:
    return _rounded(n, scale, ROUND_FLOOR)


@built_in("ceiling", "n: number, scale?: number")
def _ceiling(n: Decimal, scale: object) -> Decimal | None:
    return _rounded(n, scale, ROUND_CEILING)


@built_in("round up", "n: number, scale?: number")
def _round_up(n: Decimal, scale: object) -> Decimal | None:
    return _rounded(n, scale, ROUND_UP)


@built_in("round down", "n: number, scale?: number")
def _round_down(n: Decimal, scale: object) -> Decimal | None:
    return _rounded(n, scale, ROUND_DOWN)


@built_in("round half up", "n: number, scale?: number")
def _round_half_up(n: Decimal, scale: object) -> Decimal | None:
    return _rounded(n, scale, ROUND_HALF_UP)


@built_in("round half down", "n: number, scale?: number")
def _round_half_down(n: Decimal, scale: object) -> Decimal | None:
    return _rounded(n, scale, ROUND_HALF_DOWN)


@built_in("abs", "n: number")
def _abs(n: Decimal) -> Decimal:
    return NUMBERS.abs(n)


@built_in("abs", "n: days and time duration")
def _abs_days(n: DaysTime) -> DaysTime:
    return DaysTime(abs(n.nanoseconds))


@built_in("abs", "n: years and months duration")
def _abs_months(n: YearsMonths) -> YearsMonths:
    return YearsMonths(abs(n.total_months))


@built_in("modulo", "dividend: number, divisor: number")
def _modulo(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    return floor_modulo(dividend, divisor)


@built_in("sqrt", "number: number")
def _sqrt(n: Decimal) -> Decimal | None:
    limits.spend(10)
    return number(NUMBERS.sqrt(n))


@built_in("log", "number: number")
def _log(n: Decimal) -> Decimal | None:
    limits.spend(60)
    return number(NUMBERS.ln(n)) if n > 0 else None


@built_in("exp", "number: number")
def _exp(n: Decimal) -> Decimal | None:
    limits.spend(60)
    return number(NUMBERS.exp(n))


@built_in("odd", "number: number")
def _odd(n: Decimal) -> bool:
    return abs(NUMBERS.remainder(n, Decimal(2))) == 1


@built_in("even", "number: number")
def _even(n: Decimal) -> bool:
    return NUMBERS.remainder(n, Decimal(2)) == 0


@built_in("number", "from: string")
def _number(text: str) -> Decimal | None:
    return number(NUMBERS.create_decimal(text)) if _NUMBER.fullmatch(text) else None


@built_in("number", "from: number")
def _number_itself(value: Decimal) -> Decimal:
    return value


@built_in("number", "from: string, grouping separator: string?, decimal separator: string?")
def _number_grouped(text: str, grouping: str | None, point: str | None) -> Decimal | None:
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (grouping and grouping == point):
        return None
    if grouping:
        text = text.replace(grouping, "")
    if point == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    return number(NUMBERS.create_decimal(text)) if _NUMBER.fullmatch(text) else None


@built_in("not", "negand: boolean")
def _not(negand: bool) -> bool:
    return not negand
