"""
A tree to functions, once; running them is all that evaluation does.

Each compiled function takes the variables, the environment and the values read so far, by path. The forms that
conditions mostly have (a variable against a constant, chains of `&&` and `||`) have functions of their own.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Never

from engine import errors
from engine.expressions import nodes, operators
from engine.expressions.environment import Environment
from engine.expressions.functions import FUNCTIONS, Function, a_text
from engine.expressions.methods import METHODS, element, property_of

Variables = Mapping[str, object]
Reads = dict[str, object]
Code = Callable[[Variables, Environment, Reads], object]

_EXECUTION = "execution"
_EXECUTION_PROPERTIES: dict[str, Callable[[Environment], object]] = {
    "businessKey": lambda environment: environment.business_key,
    "getBusinessKey": lambda environment: environment.business_key,
    "getProcessBusinessKey": lambda environment: environment.business_key,
    "getProcessInstanceId": lambda environment: environment.process_instance_id,
    "processBusinessKey": lambda environment: environment.business_key,
    "processInstanceId": lambda environment: environment.process_instance_id,
}
_EXECUTION_METHODS = ("getVariable", "hasVariable")
_SCALARS = frozenset({str, int, float})


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
                code = _constant(value)
            case nodes.Name():
                code = self.variable(node)
            case nodes.Binary():
                code = self.binary(node)
            case nodes.Access():
                code = self.access(node)
            case nodes.Unary():
                code = self.unary(node)
            case nodes.Conditional():
                code = self.conditional(node)
            case nodes.Call():
                code = self.call(node)
            case nodes.ListOf(items):
                code = _list_of([self.compile(item) for item in items])
        return code

    def template(self, parts: list[str | nodes.Node]) -> Code:
        """Return the function of a text with several expressions in it."""
        codes = [part if isinstance(part, str) else self.compile(part) for part in parts]

        def run(variables: Variables, environment: Environment, reads: Reads) -> object:
            texts = [
                code if isinstance(code, str) else operators.text(code(variables, environment, reads)) for code in codes
            ]
            return operators.limited("".join(map(operators.limited, texts)))

        return run

    def variable(self, node: nodes.Name) -> Code:
        name = node.name
        if name == _EXECUTION:
            self.refuse(f"Expected a property or method of '{_EXECUTION}', but found it alone", node.position)
        self.names.add(name)

        def run(variables: Variables, _environment: Environment, reads: Reads) -> object:
            try:
                value = reads[name] = variables[name]
            except KeyError:
                raise _unknown_variable(name, variables) from None
            return value

        return run

    def binary(self, node: nodes.Binary) -> Code:
        sign = node.rest[0][0]
        if sign in ("&&", "||"):
            return self.logic(sign, [node.first, *(operand for _, operand, _ in node.rest)])
        if len(node.rest) == 1 and sign in operators.COMPARISONS:
            fast = self.variable_against_constant(node.first, sign, node.rest[0][1])
            if fast is not None:
                return fast
        first = self.compile(node.first)
        rest = [(_apply(sign), self.compile(operand)) for sign, operand, _ in node.rest]
        if len(rest) == 1:
            apply, second = rest[0]
            return lambda variables, environment, reads: apply(
                first(variables, environment, reads), second(variables, environment, reads), environment
            )

        def run(variables: Variables, environment: Environment, reads: Reads) -> object:
            value = first(variables, environment, reads)
            for apply, operand in rest:
                value = apply(value, operand(variables, environment, reads), environment)
            return value

        return run

    def variable_against_constant(self, left: nodes.Node, sign: str, right: nodes.Node) -> Code | None:
        """Compile `name == 'text'` and `name > 5` without the general way where the types agree."""
        if not isinstance(left, nodes.Name) or not isinstance(right, nodes.Literal) or left.name == _EXECUTION:
            return None
        constant, cls, name, general = right.value, type(right.value), left.name, _apply(sign)
        if cls not in _SCALARS:
            return None
        compared = operators.COMPARISONS[sign]
        self.names.add(name)

        def run(variables: Variables, environment: Environment, reads: Reads) -> object:
            try:
                value = reads[name] = variables[name]
            except KeyError:
                raise _unknown_variable(name, variables) from None
            if value.__class__ is cls:
                return compared(value, constant)
            return general(value, constant, environment)

        return run

    def logic(self, sign: str, operands: list[nodes.Node]) -> Code:
        codes = [self.compile(operand) for operand in operands]
        decisive = sign == "||"

        def run(variables: Variables, environment: Environment, reads: Reads) -> object:
            for code in codes:
                value = code(variables, environment, reads)
                if (value if value.__class__ is bool else operators.truth(value)) is decisive:
                    return decisive
            return not decisive

        if len(codes) > 2:
            return run
        first, second = codes

        def run_two(variables: Variables, environment: Environment, reads: Reads) -> object:
            value = first(variables, environment, reads)
            if (value if value.__class__ is bool else operators.truth(value)) is decisive:
                return decisive
            value = second(variables, environment, reads)
            return value if value.__class__ is bool else operators.truth(value)

        return run_two

    def unary(self, node: nodes.Unary) -> Code:
        if node.operator == "empty":
            return self.empty(node.operand)
        operand = self.compile(node.operand)
        if node.operator == "!":
            return lambda variables, environment, reads: not operators.truth(operand(variables, environment, reads))
        return lambda variables, environment, reads: operators.negated(operand(variables, environment, reads))

    def empty(self, operand: nodes.Node) -> Code:
        """A variable that does not exist is empty."""
        if isinstance(operand, nodes.Name) and operand.name != _EXECUTION:
            name = operand.name
            self.names.add(name)
            return lambda variables, _environment, reads: operators.is_empty(_variable_or_null(name, variables, reads))
        code = self.compile(operand)
        return lambda variables, environment, reads: operators.is_empty(code(variables, environment, reads))

    def conditional(self, node: nodes.Conditional) -> Code:
        condition, then, otherwise = map(self.compile, (node.condition, node.then, node.otherwise))
        return lambda variables, environment, reads: (
            then if operators.truth(condition(variables, environment, reads)) else otherwise
        )(variables, environment, reads)

    def call(self, node: nodes.Call) -> Code:
        function = FUNCTIONS.get(node.name)
        if function is None:
            self.refuse_unknown("a function", node.name, FUNCTIONS, node.position)
        self.functions.add(node.name)
        return self.called(f"{node.name}(…)", function, None, node.arguments, node.position)

    def called(
        self, label: str, function: Function, base: Code | None, arguments: tuple[nodes.Node, ...], position: int
    ) -> Code:
        if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
            most = "more" if function.most is None else function.most
            range_ = f"{function.least}" if function.least == most else f"{function.least} to {most}"
            self.refuse(f"Expected {range_} arguments of {label}, but found {len(arguments)}", position)
        codes = [self.compile(argument) for argument in arguments]
        if base is not None:
            codes = [base, *codes]
        call = function.call
        return lambda variables, environment, reads: call(
            environment, *[code(variables, environment, reads) for code in codes]
        )

    def access(self, node: nodes.Access) -> Code:
        if isinstance(node.base, nodes.Name) and node.base.name == _EXECUTION:
            code, steps, path = self.execution(node.steps[0]), node.steps[1:], ""
        else:
            code, steps = self.compile(node.base), node.steps
            path = node.base.name if isinstance(node.base, nodes.Name) else ""
        way = tuple(self.step(step) for step in steps[: _until_method(steps)])
        if way:
            code = _walk(code, way, path)
        for step in steps[len(way) :]:
            code = self.method(code, step) if isinstance(step, nodes.Method) else _walk(code, (self.step(step),), "")
        return code

    def step(self, step: nodes.Property | nodes.Index | nodes.Method) -> str | Code:
        """Return the name of a property, or the function that computes an index."""
        if isinstance(step, nodes.Index):
            return self.compile(step.key)
        return step.name

    def method(self, base: Code, step: nodes.Method) -> Code:
        function = METHODS.get(step.name)
        if function is None:
            self.refuse_unknown("a method", step.name, METHODS, step.position)
        self.functions.add(step.name)
        return self.called(f".{step.name}(…)", function, base, step.arguments, step.position)

    def execution(self, step: nodes.Property | nodes.Index | nodes.Method) -> Code:
        """Compile the few things that `execution` knows."""
        name = "" if isinstance(step, nodes.Index) else step.name
        arguments = step.arguments if isinstance(step, nodes.Method) else ()
        if name in _EXECUTION_METHODS and len(arguments) == 1:
            argument = self.compile(arguments[0])
            if name == "hasVariable":
                return lambda variables, environment, reads: (
                    a_text(argument(variables, environment, reads)) in variables
                )
            return lambda variables, environment, reads: _variable_or_null(
                a_text(argument(variables, environment, reads)), variables, reads
            )
        known = _EXECUTION_PROPERTIES.get(name)
        if known is None or arguments or name.startswith("get") != isinstance(step, nodes.Method):
            self.refuse_unknown(
                f"a property of {_EXECUTION}", name, [*_EXECUTION_PROPERTIES, *_EXECUTION_METHODS], step.position
            )
        return lambda _variables, environment, _reads: known(environment)

    def refuse_unknown(self, noun: str, name: str, known: Iterable[str], position: int) -> Never:
        near = difflib.get_close_matches(name[:100], list(known), n=3, cutoff=0.5) or sorted(known)
        self.refuse(f"Expected {noun} such as {', '.join(near)}, but found '{name:.40}'", position)

    def refuse(self, message: str, position: int) -> Never:
        raise errors.ExpressionError(f"{message} at character {position + 1}", text=self.text, position=position)


def _constant(value: object) -> Code:
    return lambda _variables, _environment, _reads: value


def _list_of(members: list[Code]) -> Code:
    return lambda variables, environment, reads: [member(variables, environment, reads) for member in members]


def _walk(base: Code, way: tuple[str | Code, ...], path: str) -> Code:
    """Return the function that goes from a value along properties and indexes, and notes where it has been."""
    if path and len(way) == 1 and isinstance(way[0], str):
        name, whole_path = way[0], f"{path}.{way[0]}"

        def run_property(variables: Variables, environment: Environment, reads: Reads) -> object:
            value = base(variables, environment, {})
            value = value.get(name) if value.__class__ is dict else property_of(value, name, environment)
            reads[whole_path] = value
            return value

        return run_property

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


def _until_method(steps: tuple[nodes.Property | nodes.Index | nodes.Method, ...]) -> int:
    """Return how many steps come before the first method."""
    return next((place for place, step in enumerate(steps) if isinstance(step, nodes.Method)), len(steps))


def _variable_or_null(name: str, variables: Variables, reads: Reads) -> object:
    try:
        value = variables[name]
    except KeyError:
        value = None
    reads[name] = value
    return value


def _unknown_variable(name: str, variables: Variables) -> errors.ExpressionError:
    known = [str(key) for key in variables][:1_000]
    near = ", ".join(f"'{key:.40}'" for key in difflib.get_close_matches(name[:100], known, n=3, cutoff=0.5))
    hint = f" (near it: {near})" if near else ""
    return errors.ExpressionError(f"Expected variable '{name:.80}', but there is none{hint}")


def _apply(sign: str) -> Callable[[object, object, Environment], object]:
    """Return what an operator does."""
    if sign == "==":
        return operators.equal
    if sign == "!=":
        return lambda left, right, environment: not operators.equal(left, right, environment)
    if sign in ("<", "<=", ">", ">="):
        return lambda left, right, environment: operators.compare(sign, left, right, environment)
    return lambda left, right, _environment: operators.calculate(sign, left, right)


