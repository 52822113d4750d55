"""
The functions that expressions are compiled to, each made for one form of expression.

Each takes the variables, the environment and the values read so far, by path. They are the hot path of every gateway;
hence forms of their own for what conditions mostly are: a variable or property against a constant, and `&&` and `||`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from engine import errors
from engine.expressions import operators
from engine.expressions.environment import Environment
from engine.expressions.methods import element, property_of

Variables = Mapping[str, object]
Reads = dict[str, object]
Code = Callable[[Variables, Environment, Reads], object]
#: A function that gives nothing but true or false.
Test = Callable[[Variables, Environment, Reads], bool]


def constant(value: object) -> Code:
    return lambda _variables, _environment, _reads: value


def list_of(members: list[Code]) -> Code:
    return lambda variables, environment, reads: [member(variables, environment, reads) for member in members]


def text_of(parts: list[str | Code]) -> Code:
    """Join texts and values."""

    def run(variables: Variables, environment: Environment, reads: Reads) -> str:
        texts: list[str] = []
        for part in parts:
            value = part if isinstance(part, str) else operators.text(part(variables, environment, reads))
            texts.append(operators.limited(value))
        return operators.limited("".join(texts))

    return run


def variable(name: str) -> Code:
    def run(variables: Variables, _environment: Environment, reads: Reads) -> object:
        try:
            value = reads[name] = variables[name]
        except KeyError:
            raise unknown_variable(name, variables) from None
        return value

    return run


def variable_or_null(name: Code) -> Code:
    """Read the variable that a text names; null where there is none."""

    def run(variables: Variables, environment: Environment, reads: Reads) -> object:
        key = name(variables, environment, reads)
        if not isinstance(key, str):
            raise errors.ExpressionError(f"Expected the name of a variable, but found {operators.shown(key)}")
        try:
            value = variables[key]
        except KeyError:
            value = None
        reads[key] = value
        return value

    return run


def test(code: Code) -> Test:
    """Take a value as true or false."""

    def run(variables: Variables, environment: Environment, reads: Reads) -> bool:
        return operators.truth(code(variables, environment, reads))

    return run


def property_of_variable(name: str, key: str) -> Code:
    path = f"{name}.{key}"

    def run(variables: Variables, environment: Environment, reads: Reads) -> object:
        try:
            base = variables[name]
        except KeyError:
            raise unknown_variable(name, variables) from None
        value = reads[path] = base.get(key) if isinstance(base, dict) else property_of(base, key, environment)
        return value

    return run


def walk(base: Code, way: tuple[str | Code, ...], path: str) -> Code:
    """Go from a value along properties and indexes; note what is found at the end where the value has a path."""

    def run(variables: Variables, environment: Environment, reads: Reads) -> object:
        value = base(variables, environment, {} if path else reads)
        walked = path
        for step in way:
            if isinstance(step, str):
                value, walked = property_of(value, step, environment), f"{walked}.{step}"
            else:
                key = step(variables, environment, reads)
                value, walked = element(value, key), f"{walked}[{operators.text(key):.100}]"
        if path:
            reads[walked] = value
        return value

    return run


def compared(sign: str, left: Code, right: Code) -> Test:
    """Compare two values."""
    compare = comparison(sign)
    return lambda variables, environment, reads: compare(
        left(variables, environment, reads), right(variables, environment, reads), environment
    )


def variable_test(name: str, *, wanted: bool = True) -> Test:
    """Take a variable as true or false, and tell whether it is the one that is wanted."""

    def run(variables: Variables, _environment: Environment, reads: Reads) -> bool:
        try:
            value = reads[name] = variables[name]
        except KeyError:
            raise unknown_variable(name, variables) from None
        return (value if value is True or value is False else operators.truth(value)) is wanted

    return run


def variable_compared(sign: str, name: str, right: str | float) -> Test:
    """Compare a variable with a text or number; where their types agree, nothing needs converting."""
    compare, cls, fast = comparison(sign), type(right), operators.COMPARISONS[sign]

    def run(variables: Variables, environment: Environment, reads: Reads) -> bool:
        try:
            value = reads[name] = variables[name]
        except KeyError:
            raise unknown_variable(name, variables) from None
        return fast(value, right) if type(value) is cls else compare(value, right, environment)

    return run


def property_compared(sign: str, name: str, key: str, right: str | float) -> Test:
    """Compare a property of a variable with a text or number."""
    compare, cls, fast, path = comparison(sign), type(right), operators.COMPARISONS[sign], f"{name}.{key}"

    def run(variables: Variables, environment: Environment, reads: Reads) -> bool:
        try:
            base = variables[name]
        except KeyError:
            raise unknown_variable(name, variables) from None
        if type(base) is dict and key in base:
            value = reads[path] = base[key]
        else:
            value = reads[path] = property_of(base, key, environment)
        return fast(value, right) if type(value) is cls else compare(value, right, environment)

    return run


def all_of(tests: list[Test]) -> Test:
    """Tell whether all are true, up to the first that is not."""
    if len(tests) == 2:
        first, second = tests
        return lambda variables, environment, reads: (
            first(variables, environment, reads) and second(variables, environment, reads)
        )
    if len(tests) == 3:
        one, two, three = tests
        return lambda variables, environment, reads: (
            one(variables, environment, reads)
            and two(variables, environment, reads)
            and three(variables, environment, reads)
        )

    def run(variables: Variables, environment: Environment, reads: Reads) -> bool:
        for test in tests:  # noqa: SIM110 a generator costs more than the tests
            if not test(variables, environment, reads):
                return False
        return True

    return run


def any_of(tests: list[Test]) -> Test:
    """Tell whether one is true, up to the first that is."""
    if len(tests) == 2:
        first, second = tests
        return lambda variables, environment, reads: (
            first(variables, environment, reads) or second(variables, environment, reads)
        )

    def run(variables: Variables, environment: Environment, reads: Reads) -> bool:
        for test in tests:  # noqa: SIM110 a generator costs more than the tests
            if test(variables, environment, reads):
                return True
        return False

    return run


def compared_to(sign: str, left: Code, right: str | float) -> Test:
    """Compare a value with a text or number."""
    compare, cls, fast = comparison(sign), type(right), operators.COMPARISONS[sign]

    def run(variables: Variables, environment: Environment, reads: Reads) -> bool:
        value = left(variables, environment, reads)
        return fast(value, right) if type(value) is cls else compare(value, right, environment)

    return run


def comparison(sign: str) -> Callable[[object, object, Environment], bool]:
    """Return what a sign of comparison does to two values of any type."""
    if sign == "==":
        return operators.equal
    if sign == "!=":
        return lambda left, right, environment: not operators.equal(left, right, environment)
    return lambda left, right, environment: operators.compare(sign, left, right, environment)


def calculated(sign: str, left: Code, right: Code) -> Code:
    """Combine two values; for whole numbers that is quick."""
    combine = operators.ARITHMETIC[sign]
    exact = sign in ("+", "-", "*")

    def run(variables: Variables, environment: Environment, reads: Reads) -> object:
        one, two = left(variables, environment, reads), right(variables, environment, reads)
        if exact and type(one) is int and type(two) is int:
            result = combine(one, two)
            if -operators.HUGE < result < operators.HUGE:
                return result
        return operators.calculate(sign, one, two)

    return run


def chain(first: Code, rest: list[tuple[Callable[[object, object, Environment], object], Code]]) -> Code:
    """Combine values from left to right."""

    def run(variables: Variables, environment: Environment, reads: Reads) -> object:
        value = first(variables, environment, reads)
        for combine, operand in rest:
            value = combine(value, operand(variables, environment, reads), environment)
        return value

    return run


def either(condition: Test, then: Code, otherwise: Code) -> Code:
    return lambda variables, environment, reads: (
        then(variables, environment, reads)
        if condition(variables, environment, reads)
        else otherwise(variables, environment, reads)
    )


def called(call: Callable[..., object], arguments: list[Code]) -> Code:
    return lambda variables, environment, reads: call(
        environment, *[argument(variables, environment, reads) for argument in arguments]
    )


def unknown_variable(name: str, variables: Variables) -> errors.ExpressionError:
    """Return the error for a variable that does not exist, with those of similar names."""
    known = [str(key) for key in variables][:1_000]
    near = ", ".join(f"'{key:.40}'" for key in difflib.get_close_matches(name[:100], known, n=3, cutoff=0.5))
    hint = f" (near it: {near})" if near else ""
    return errors.ExpressionError(f"Expected variable '{name:.80}', but there is none{hint}")


