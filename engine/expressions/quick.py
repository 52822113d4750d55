"""
The Python of operators: plain types at once, all others by `engine.expressions.operators`.

Where the values are of types for which Python's operator does what ours does, that operator stands in the line, behind
checks of the exact types. A check is left out for what is a constant.
"""

from __future__ import annotations

from typing import NamedTuple

from casepath.engine.expressions import nodes, operators

#: How many operators of one precedence stand in one line.
MOST_SIGNS = 8

#: Types that compare with a constant as they should in Python, the likeliest first.
_ALIKE: dict[type, tuple[str, ...]] = {
    bool: ("bool",), float: ("float", "int"), int: ("int", "Decimal", "float"), str: ("str",),
}  # fmt: skip
#: Bounds of results that need no further look; Python compares quickly with numbers that are no larger.
_LEAST, _MOST = -1_000_000_000, 1_000_000_000
_EQUALITY = ("==", "!=")


class Operand(NamedTuple):
    """The name of a value, and the constant that it is, if it is one."""

    name: str
    literal: nodes.Literal | None

    @property
    def is_number(self) -> bool:
        """Tell whether it is a number in the text of the expression."""
        return self.literal is not None and operators.is_number(self.literal.value)


def compared(sign: str, left: Operand, right: Operand) -> str:
    """Compare two values."""
    plain = f"{left.name} {sign} {right.name}"
    slow = f"compare('{sign}', {left.name}, {right.name}, e)"
    if sign in _EQUALITY:
        slow = f"{'not ' if sign == '!=' else ''}equal({left.name}, {right.name}, e)"
    literal, name = (right.literal, left.name) if right.literal else (left.literal, right.name)
    if literal is None:
        same = f"type({left.name}) is type({right.name})"
        if sign in _EQUALITY:
            return f"({plain} if {same} in EQUATABLE else {slow})"
        numbers = f"({_is_number(left.name)}) and ({_is_number(right.name)})"
        return f"({plain} if {numbers} or {same} in ORDERED else {slow})"
    if literal.value is None and sign in _EQUALITY:
        return f"({name} {'is' if sign == '==' else 'is not'} None)"
    if literal.value is None or (isinstance(literal.value, bool) and sign not in _EQUALITY):
        return slow  # null and booleans have no order
    return f"({plain} if {_is_one_of(name, *_ALIKE[type(literal.value)])} else {slow})"


def calculated(signs: list[str], operands: list[Operand], result: str) -> str:
    """Calculate from left to right; `result` is a free name."""
    names = [operand.name for operand in operands]
    slow = f"{'chain' if len(signs) > 1 else 'calculate'}('{''.join(signs)}', {', '.join(names)})"
    checks = [f"({_is_number(operand.name)})" for operand in operands if not operand.is_number]
    left = names[0]
    for sign, right in zip(signs, names[1:], strict=True):
        if sign == "/":
            checks.append(right)
        elif sign == "%":  # what Python and Java agree about
            checks.append(f"{left} >= 0 < {right}")
        checks.append(f"{_LEAST} < ({result} := {left} {sign} {right}) < {_MOST}")
        left = result
    return f"({result} if {' and '.join(checks)} else {slow})"


def negated(name: str) -> str:
    return f"(-{name} if type({name}) is int else negated({name}))"


def truth(name: str) -> str:
    """Take a value as true or false."""
    return f"({name} if {name} is True or {name} is False else truth({name}))"


def emptiness(name: str) -> str:
    return f"({name} is None or (not {name} if type({name}) is str else is_empty({name})))"


def step(name: str, key: str) -> str:
    """Look up a property."""
    return f"({name}.get({key}) if type({name}) is dict else property_of({name}, {key}, e))"


def _is_number(name: str) -> str:
    return _is_one_of(name, "int", "float")


def _is_one_of(name: str, *types: str) -> str:
    """Write a check of the exact type of a value."""
    return " or ".join(f"type({name}) is {cls}" for cls in types)
