"""
The types of FEEL: which values belong to them, and the implicit conversions where a value meets a declared type.

A value that does not fit even after conversion becomes null, as the standard says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from casepath.engine.decisions.feel.limits import spend
from casepath.engine.decisions.feel.temporal import Date, DateTime, DaysTime, Time, YearsMonths, at_midnight
from casepath.engine.decisions.feel.values import MISSING, Function, Range


@dataclass(frozen=True, slots=True)
class FeelType:
    """A type by name; this class itself is `Any`."""

    name: str

    def has(self, value: object) -> bool:
        """Say whether a value that is not null belongs to the type."""
        return True

    def accepts(self, value: object) -> bool:
        """Say whether a value may stand where the type is declared: null may, too."""
        return value is None or self.has(value)

    def __str__(self) -> str:
        return self.name


ANY = FeelType("Any")


@dataclass(frozen=True, slots=True)
class NullType(FeelType):
    """The type of null alone."""

    def has(self, value: object) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class SimpleType(FeelType):
    """A built-in type without parts."""

    python: tuple[type, ...]

    def has(self, value: object) -> bool:
        return type(value) in self.python


@dataclass(frozen=True, slots=True)
class ListType(FeelType):
    """A list whose items have a type."""

    item: FeelType

    def has(self, value: object) -> bool:
        if not isinstance(value, list):
            return False
        spend(1 + (len(value) >> 1))
        return self.item is ANY or all(map(self.item.accepts, value))


@dataclass(frozen=True, slots=True)
class RangeType(FeelType):
    """A range whose endpoints have a type."""

    item: FeelType

    def has(self, value: object) -> bool:
        return isinstance(value, Range) and self.item.accepts(value.start) and self.item.accepts(value.end)


@dataclass(frozen=True, slots=True)
class ContextType(FeelType):
    """A context that has at least these entries."""

    entries: tuple[tuple[str, FeelType], ...]

    def has(self, value: object) -> bool:
        if not isinstance(value, dict):
            return False
        spend(len(self.entries))
        return all(key in value and entry.accepts(value[key]) for key, entry in self.entries)


@dataclass(frozen=True, slots=True)
class FunctionType(FeelType):
    """A function with types of parameters and result; `parameters` is None for any function."""

    parameters: tuple[FeelType, ...] | None
    result: FeelType

    def has(self, value: object) -> bool:
        if not isinstance(value, Function):
            return False
        return self.parameters is None or value.fits(self.parameters, self.result)


@dataclass(frozen=True, slots=True)
class NamedType(FeelType):
    """A type that a model defines: a base with, where given, a test that every value must pass."""

    base: FeelType
    allowed: Callable[[object], bool] | None = field(default=None, compare=False)

    def has(self, value: object) -> bool:
        return self.base.has(value) and (self.allowed is None or self.allowed(value))


NUMBER = SimpleType("number", (Decimal,))
STRING = SimpleType("string", (str,))
BOOLEAN = SimpleType("boolean", (bool,))
DATE = SimpleType("date", (Date,))
TIME = SimpleType("time", (Time,))
DATE_TIME = SimpleType("date and time", (DateTime,))
DAYS_TIME = SimpleType("days and time duration", (DaysTime,))
YEARS_MONTHS = SimpleType("years and months duration", (YearsMonths,))
DURATION = SimpleType("duration", (DaysTime, YearsMonths))
ANY_LIST = ListType("list", ANY)
ANY_CONTEXT = ContextType("context", ())
ANY_RANGE = RangeType("range", ANY)
ANY_FUNCTION = FunctionType("function", None, ANY)

#: Names of types that need no model, with the spellings of the XML schema and of older files.
BUILT_IN: dict[str, FeelType] = {
    **{
        kind.name: kind
        for kind in (
            ANY, NUMBER, STRING, BOOLEAN, DATE, TIME, DATE_TIME, DAYS_TIME, YEARS_MONTHS, DURATION, ANY_LIST,
            ANY_CONTEXT, ANY_RANGE, ANY_FUNCTION,
        )
    },
    "Null": NullType("Null"),
    "dateTime": DATE_TIME,
    "date time": DATE_TIME,
    "dayTimeDuration": DAYS_TIME,
    "yearMonthDuration": YEARS_MONTHS,
    "any": ANY,
    # Names that Camunda's modeler offers.
    **dict.fromkeys(("integer", "long", "double"), NUMBER),
}  # fmt: skip


def conforms(actual: FeelType, expected: FeelType) -> bool:
    """Say whether every value of one type may stand where the other is declared."""
    if expected is ANY or actual is ANY or actual == expected:
        return True
    if isinstance(actual, NamedType):
        return conforms(actual.base, expected)
    if isinstance(expected, NamedType):
        return conforms(actual, expected.base)
    if isinstance(actual, ListType) and isinstance(expected, ListType):
        return conforms(actual.item, expected.item)
    if isinstance(actual, RangeType) and isinstance(expected, RangeType):
        return conforms(actual.item, expected.item)
    if isinstance(actual, ContextType) and isinstance(expected, ContextType):
        entries = dict(actual.entries)
        return all(key in entries and conforms(entries[key], kind) for key, kind in expected.entries)
    if isinstance(actual, SimpleType) and isinstance(expected, SimpleType):
        return set(actual.python) <= set(expected.python)
    return isinstance(actual, FunctionType) and isinstance(expected, FunctionType) and _functions_conform(
        actual, expected
    )


def _functions_conform(actual: FunctionType, expected: FunctionType) -> bool:
    if expected.parameters is None:
        return True
    if actual.parameters is None or len(actual.parameters) != len(expected.parameters):
        return False
    return conforms(actual.result, expected.result) and all(map(conforms, expected.parameters, actual.parameters))


def convert(value: object, kind: FeelType) -> object:
    """
    Return the value as the type has it, or `MISSING` where it cannot be.

    A list of one item gives its item, an item gives a list of one, a date gives its midnight in UTC.
    """
    if kind is ANY or kind.accepts(value):
        return value
    if isinstance(value, list) and len(value) == 1 and not isinstance(_base(kind), ListType):
        return value[0] if kind.has(value[0]) else MISSING
    if isinstance(_base(kind), ListType) and not isinstance(value, list):
        return [value] if kind.has([value]) else MISSING
    if isinstance(value, Date) and _base(kind) is DATE_TIME:
        return at_midnight(value)
    return MISSING


def without_tests(kind: FeelType) -> FeelType:
    """Return the type without allowed values, which `instance of` does not ask for."""
    if isinstance(kind, NamedType):
        return without_tests(kind.base)
    if isinstance(kind, ListType):
        return ListType(kind.name, without_tests(kind.item))
    if isinstance(kind, ContextType):
        return ContextType(kind.name, tuple((key, without_tests(entry)) for key, entry in kind.entries))
    return kind


def coerce(value: object, kind: FeelType) -> object:
    """Return the value as the type has it, or null where it cannot be."""
    converted = convert(value, kind)
    return None if converted is MISSING else converted


def _base(kind: FeelType) -> FeelType:
    while isinstance(kind, NamedType):
        kind = kind.base
    return kind
