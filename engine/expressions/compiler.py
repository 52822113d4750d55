"""A tree to a function, once; running that function is all that evaluation does."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Never

from engine import errors
from engine.expressions import closures, nodes, operators
from engine.expressions.closures import Code, Test
from engine.expressions.environment import Environment
from engine.expressions.functions import FUNCTIONS, Function
from engine.expressions.methods import METHODS

#: The name under which the process instance is known.
EXECUTION = "execution"
_EXECUTION_PROPERTIES: dict[str, Callable[[Environment], object]] = {
    "businessKey": lambda environment: environment.business_key,
    "processBusinessKey": lambda environment: environment.business_key,
    "processInstanceId": lambda environment: environment.process_instance_id,
}
_EXECUTION_METHODS = {f"get{name[0].upper()}{name[1:]}": code for name, code in _EXECUTION_PROPERTIES.items()}
_VARIABLE_METHODS = ("getVariable", "hasVariable")

_Step = nodes.Property | nodes.Index | nodes.Method


class Compiler:
    """Compiles trees of one text; collects the names of variables and functions on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.functions: set[str] = set()

    def compile(self, node: nodes.Node) -> Code:
        """Return the function of a tree; raises `ExpressionError` for a function or method that does not exist."""
        code: Code
        match node:
            case nodes.Literal(value):
                code = closures.constant(value)
            case nodes.Name():
                code = closures.variable(self.name(node))
            case nodes.Binary():
                code = self.binary(node)
            case nodes.Access():
                code = self.access(node)
            case nodes.Unary():
                code = self.unary(node)
            case nodes.Conditional(condition, then, otherwise):
                code = closures.either(self.test(condition), self.compile(then), self.compile(otherwise))
            case nodes.Call():
                code = self.call(node)
            case nodes.ListOf(items):
                code = closures.list_of([self.compile(item) for item in items])
        return code

    def template(self, parts: list[str | nodes.Node]) -> Code:
        """Return the function of a text with expressions in it."""
        return closures.text_of([part if isinstance(part, str) else self.compile(part) for part in parts])

    def test(self, node: nodes.Node) -> Test:
        """Return the function of a tree whose value is taken as true or false."""
        if isinstance(node, nodes.Name):
            return closures.variable_test(self.name(node))
        if isinstance(node, nodes.Binary):
            if node.rest[0][0] in ("&&", "||"):
                return self.logic(node)
            if len(node.rest) == 1 and node.rest[0][0] in operators.COMPARISONS:
                return self.comparison(node.first, node.rest[0][0], node.rest[0][1])
        if isinstance(node, nodes.Unary) and node.operator != "-":
            return self.negation(node) if node.operator == "!" else self.emptiness(node.operand)
        return closures.test(self.compile(node))

    def name(self, node: nodes.Name) -> str:
        """Note the name of a variable."""
        if node.name == EXECUTION:
            self.refuse(f"Expected a property or method of '{EXECUTION}', but found it alone", node.position)
        self.names.add(node.name)
        return node.name

    def binary(self, node: nodes.Binary) -> Code:
        sign = node.rest[0][0]
        if sign in ("&&", "||") or (sign in operators.COMPARISONS and len(node.rest) == 1):
            return self.test(node)
        if len(node.rest) == 1:
            return closures.calculated(sign, self.compile(node.first), self.compile(node.rest[0][1]))
        rest = [(_combination(sign), self.compile(operand)) for sign, operand, _ in node.rest]
        return closures.chain(self.compile(node.first), rest)

    def logic(self, node: nodes.Binary) -> Test:
        tests = [self.test(operand) for operand in (node.first, *(operand for _, operand, _ in node.rest))]
        return closures.all_of(tests) if node.rest[0][0] == "&&" else closures.any_of(tests)

    def comparison(self, left: nodes.Node, sign: str, right: nodes.Node) -> Test:
        if isinstance(right, nodes.Literal) and isinstance(right.value, bool) and sign not in ("==", "!="):
            return closures.compared(sign, self.compile(left), self.compile(right))  # booleans have no order
        match left, right:
            case nodes.Name(), nodes.Literal(str() | int() | float() as value):
                return closures.variable_compared(sign, self.name(left), value)
            case nodes.Access(nodes.Name(name) as base, (nodes.Property(key),)), nodes.Literal(
                str() | int() | float() as value
            ) if name != EXECUTION:
                return closures.property_compared(sign, self.name(base), key, value)
            case _, nodes.Literal(str() | int() | float() as value):
                return closures.compared_to(sign, self.compile(left), value)
        return closures.compared(sign, self.compile(left), self.compile(right))

    def unary(self, node: nodes.Unary) -> Code:
        if node.operator != "-":
            return self.test(node)
        operand = self.compile(node.operand)
        return lambda variables, environment, reads: operators.negated(operand(variables, environment, reads))

    def negation(self, node: nodes.Unary) -> Test:
        if isinstance(node.operand, nodes.Name):
            return closures.variable_test(self.name(node.operand), wanted=False)
        test = self.test(node.operand)
        return lambda variables, environment, reads: not test(variables, environment, reads)

    def emptiness(self, node: nodes.Node) -> Test:
        """A variable that does not exist is empty."""
        known = isinstance(node, nodes.Name) and self.name(node)
        operand = closures.variable_or_null(closures.constant(known)) if known else self.compile(node)
        return lambda variables, environment, reads: operators.is_empty(operand(variables, environment, reads))

    def call(self, node: nodes.Call) -> Code:
        function = FUNCTIONS.get(node.name)
        if function is None:
            self.refuse_unknown("a function", node.name, FUNCTIONS, node.position)
        self.functions.add(node.name)
        self.check_arguments(node.name, function, node.arguments, node.position)
        return closures.called(function.call, [self.compile(argument) for argument in node.arguments])

    def access(self, node: nodes.Access) -> Code:
        """Compile the steps from a value, those before the first method at once."""
        code, steps, path = self.base(node)
        before = next((place for place, step in enumerate(steps) if isinstance(step, nodes.Method)), len(steps))
        way = tuple(self.step(step) for step in steps[:before])
        if path and len(way) == 1 and isinstance(way[0], str):
            code = closures.property_of_variable(path, way[0])
        elif way:
            code = closures.walk(code, way, path)
        for step in steps[before:]:
            if isinstance(step, nodes.Method):
                code = self.method(code, step)
            else:
                code = closures.walk(code, (self.step(step),), "")
        return code

    def base(self, node: nodes.Access) -> tuple[Code, tuple[_Step, ...], str]:
        """Return the function of the value that the steps begin at, the steps, and its path where it is a variable."""
        if not isinstance(node.base, nodes.Name):
            return self.compile(node.base), node.steps, ""
        if node.base.name == EXECUTION:
            return self.execution(node.steps[0]), node.steps[1:], ""
        return self.compile(node.base), node.steps, node.base.name

    def step(self, step: _Step) -> str | Code:
        """Return the name of a property, or the function that computes an index."""
        return self.compile(step.key) if isinstance(step, nodes.Index) else step.name

    def method(self, base: Code, step: nodes.Method) -> Code:
        function = METHODS.get(step.name)
        if function is None:
            self.refuse_unknown("a method", step.name, METHODS, step.position)
        self.functions.add(step.name)
        self.check_arguments(step.name, function, step.arguments, step.position)
        return closures.called(function.call, [base, *(self.compile(argument) for argument in step.arguments)])

    def execution(self, step: _Step) -> Code:
        """Compile the few things that the process instance tells."""
        name = "" if isinstance(step, nodes.Index) else step.name
        if isinstance(step, nodes.Method):
            if name in _VARIABLE_METHODS and len(step.arguments) == 1:
                argument = self.compile(step.arguments[0])
                if name == "getVariable":
                    return closures.variable_or_null(argument)
                return lambda variables, environment, reads: argument(variables, environment, reads) in variables
            known = None if step.arguments else _EXECUTION_METHODS.get(name)
        else:
            known = _EXECUTION_PROPERTIES.get(name)
        if known is None:
            all_known = [*_EXECUTION_PROPERTIES, *_EXECUTION_METHODS, *_VARIABLE_METHODS]
            self.refuse_unknown(f"something that '{EXECUTION}' tells", name, all_known, step.position)
        tell = known
        return lambda _variables, environment, _reads: tell(environment)

    def check_arguments(self, name: str, function: Function, arguments: tuple[nodes.Node, ...], position: int) -> None:
        """Refuse too few or too many arguments."""
        least, most = function.least, function.most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            expected = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            self.refuse(f"Expected {expected} arguments of {name}(…), but found {len(arguments)}", position)

    def refuse_unknown(self, noun: str, name: str, known: Iterable[str], position: int) -> Never:
        near = difflib.get_close_matches(name[:100], list(known), n=3, cutoff=0.5) or sorted(known)
        self.refuse(f"Expected {noun} such as {', '.join(near)}, but found '{name:.40}'", position)

    def refuse(self, message: str, position: int) -> Never:
        raise errors.ExpressionError(f"{message} at character {position + 1}", text=self.text, position=position)


def _combination(sign: str) -> Callable[[object, object, Environment], object]:
    """Return what an operator does to two values."""
    if sign in operators.COMPARISONS:
        return closures.comparison(sign)
    return lambda left, right, _environment: operators.calculate(sign, left, right)
