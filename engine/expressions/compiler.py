"""
A tree to closures, once: each node becomes a function, and running the outermost is all that evaluation does.

On the way the compiler notes the names of variables and functions, and refuses functions that do not exist.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Never

from casepath.engine import errors
from casepath.engine.expressions import nodes, operators
from casepath.engine.expressions.arithmetic import is_number
from casepath.engine.expressions.environment import Environment
from casepath.engine.expressions.evaluation import Evaluate
from casepath.engine.expressions.functions import FUNCTIONS, Function
from casepath.engine.expressions.methods import METHODS, element, property_of
from casepath.engine.expressions.scanner import unreadable
from casepath.engine.phrases import Phrase

#: The name under which the process instance is known.
EXECUTION = "execution"
_EXECUTION_PROPERTIES: dict[str, Callable[[Environment], object]] = {
    "businessKey": lambda environment: environment.business_key,
    "processBusinessKey": lambda environment: environment.business_key,
    "processInstanceId": lambda environment: environment.process_instance_id,
}
_EXECUTION_METHODS = {f"get{name[0].upper()}{name[1:]}": code for name, code in _EXECUTION_PROPERTIES.items()}
_VARIABLE_METHODS = ("getVariable", "hasVariable")
#: What Python calls by another name; told to those who write it.
_FROM_PYTHON = {
    "endswith": "endsWith", "float": "number", "index": "indexOf", "int": "number", "len": "size",
    "lower": "toLowerCase", "startswith": "startsWith", "str": "string", "strip": "trim", "upper": "toUpperCase",
}  # fmt: skip

_Step = nodes.Property | nodes.Index | nodes.Method
#: A step from a value to another.
_Take = Callable[[object, Mapping[str, object], Environment, dict[str, object]], object]


class Compiler:
    """Compiles the trees of one text; collects the names of variables and functions on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.functions: set[str] = set()

    def whole(self, tree: nodes.Node | list[str | nodes.Node]) -> Evaluate:
        """
        Return the function of an expression, or of a text with expressions in it.

        Raises `ExpressionError` for a function or method that does not exist.
        """
        if not isinstance(tree, list):
            return self.value(tree)
        parts = self.values(nodes.Literal(part, 0) if isinstance(part, str) else part for part in tree)
        return lambda v, e, r: _joined([part(v, e, r) for part in parts])

    def value(self, node: nodes.Node) -> Evaluate:
        """Return the function of a node."""
        match node:
            case nodes.Literal(value):
                return lambda v, e, r: value
            case nodes.Name():
                return self.read(node)
            case nodes.Compared():
                return self.compared(node)
            case nodes.Logic():
                return self.logic(node)
            case nodes.Calculated():
                return self.calculated(node)
            case nodes.Access():
                return self.access(node)
            case nodes.Unary():
                return self.unary(node)
            case nodes.Conditional():
                return self.conditional(node)
            case nodes.Call():
                return self.call(node)
            case nodes.ListOf(items):
                parts = self.values(items)
                return lambda v, e, r: [part(v, e, r) for part in parts]

    def values(self, parts: Iterable[nodes.Node]) -> list[Evaluate]:
        return [self.value(part) for part in parts]

    def name(self, node: nodes.Name) -> str:
        """Note the name of a variable."""
        if node.name == EXECUTION:
            self.refuse(Phrase("a property or method of '{name}'", name=EXECUTION), EXECUTION, node.position)
        self.names.add(node.name)
        return node.name

    def read(self, node: nodes.Name) -> Evaluate:
        name = self.name(node)

        def read(v: Mapping[str, object], _e: Environment, r: dict[str, object]) -> object:
            value = r[name] = v[name]
            return value

        return read

    # Operators --------------------------------------------------------------------------------------------------------

    def compared(self, node: nodes.Compared) -> Evaluate:
        first = self.value(node.first)
        if len(node.rest) == 1:
            sign, operand = node.rest[0]
            return _with_constant(first, sign, operand) or _compared(first, sign, self.value(operand))
        rest = [(operators.COMPARISONS[sign], self.value(operand)) for sign, operand in node.rest]

        def row(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> bool:
            left = first(v, e, r)
            for compare, operand in rest:
                right = operand(v, e, r)
                if not compare(left, right, e):
                    return False
                left = right
            return True

        return row

    def logic(self, node: nodes.Logic) -> Evaluate:
        """Compile `&&` or `||`: what stands to the right is computed only where it matters."""
        return _halves(node.sign, [self.test(operand) for operand in node.operands])

    def test(self, node: nodes.Node) -> Evaluate:
        """Compile what is taken as true or false."""
        if isinstance(node, nodes.Name):
            return _tested(self.name(node), when=True)
        evaluate = self.value(node)
        if isinstance(node, nodes.Compared | nodes.Logic) or (isinstance(node, nodes.Unary) and node.operator != "-"):
            return evaluate  # nothing else can come out
        return lambda v, e, r: operators.truth(evaluate(v, e, r))

    def calculated(self, node: nodes.Calculated) -> Evaluate:
        first = self.value(node.first)
        rest = [(operators.ARITHMETIC[sign], self.value(operand)) for sign, operand in node.rest]
        if len(rest) == 1:
            operation, second = rest[0]
            return lambda v, e, r: operation(first(v, e, r), second(v, e, r))

        def calculated(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> object:
            value = first(v, e, r)
            for operation, operand in rest:
                value = operation(value, operand(v, e, r))
            return value

        return calculated

    def unary(self, node: nodes.Unary) -> Evaluate:
        if node.operator == "!":
            if isinstance(node.operand, nodes.Name):
                return _tested(self.name(node.operand), when=False)
            operand = self.test(node.operand)
            return lambda v, e, r: not operand(v, e, r)
        if node.operator == "-":
            return _negated(self.value(node.operand), node.operand)
        if not isinstance(node.operand, nodes.Name):
            operand = self.value(node.operand)
            return lambda v, e, r: operators.is_empty(operand(v, e, r))
        name = self.name(node.operand)

        def empty(v: Mapping[str, object], _e: Environment, r: dict[str, object]) -> bool:
            value = r[name] = v.get(name)  # a variable that does not exist is empty
            return operators.is_empty(value)

        return empty

    def conditional(self, node: nodes.Conditional) -> Evaluate:
        condition, then, otherwise = self.test(node.condition), self.value(node.then), self.value(node.otherwise)
        return lambda v, e, r: then(v, e, r) if condition(v, e, r) else otherwise(v, e, r)

    # Calls and steps --------------------------------------------------------------------------------------------------

    def call(self, node: nodes.Call) -> Evaluate:
        function = FUNCTIONS.get(node.name)
        if function is None:
            self.refuse_unknown(Phrase("a function"), node.name, FUNCTIONS, node.position)
        self.check_arguments(node.name, function, node.arguments, node.position)
        call, arguments = function.call, self.values(node.arguments)
        return lambda v, e, r: call(e, *[argument(v, e, r) for argument in arguments])

    def access(self, node: nodes.Access) -> Evaluate:
        """Compile the steps from a value; those from a variable to the first method are one path."""
        base, steps = node.base, node.steps
        if isinstance(base, nodes.Name) and base.name == EXECUTION:
            value, steps = self.execution(steps[0]), steps[1:]
        elif isinstance(base, nodes.Name):
            before = next((place for place, step in enumerate(steps) if isinstance(step, nodes.Method)), len(steps))
            value, steps = self.path(base, steps[:before]), steps[before:]
        else:
            value = self.value(base)
        return _stepped(value, [self.step(step) for step in steps]) if steps else value

    def path(self, base: nodes.Name, steps: tuple[_Step, ...]) -> Evaluate:
        """Compile the way from a variable; what is found at its end is noted by the whole path."""
        if not steps:
            return self.read(base)
        name = self.name(base)
        if all(isinstance(step, nodes.Property) for step in steps):
            return _properties(name, [step.name for step in steps if isinstance(step, nodes.Property)])
        parts = [(self.value(step.key), "") if isinstance(step, nodes.Index) else (None, step.name) for step in steps]

        def path(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> object:
            value, written = v[name], name
            for index, property_name in parts:
                if index is None:
                    value, written = property_of(value, property_name, e), f"{written}.{property_name}"
                else:
                    key = index(v, e, r)
                    value, written = element(value, key), f"{written}[{operators.text(key):.100}]"
            r[written] = value
            return value

        return path

    def step(self, step: _Step) -> _Take:
        """Compile one step from a value."""
        if isinstance(step, nodes.Index):
            key = self.value(step.key)
            return lambda value, v, e, r: element(value, key(v, e, r))
        if isinstance(step, nodes.Property):
            name = step.name
            return lambda value, v, e, r: property_of(value, name, e)
        function = METHODS.get(step.name)
        if function is None:
            self.refuse_unknown(Phrase("a method"), step.name, METHODS, step.position)
        self.check_arguments(step.name, function, step.arguments, step.position)
        call, arguments = function.call, self.values(step.arguments)
        return lambda value, v, e, r: call(e, value, *[argument(v, e, r) for argument in arguments])

    def execution(self, step: _Step) -> Evaluate:
        """Compile the few things that the process instance tells."""
        name = "" if isinstance(step, nodes.Index) else step.name
        if isinstance(step, nodes.Method):
            if name in _VARIABLE_METHODS and len(step.arguments) == 1:
                return _variable(name, self.value(step.arguments[0]))
            known = None if step.arguments else _EXECUTION_METHODS.get(name)
        else:
            known = _EXECUTION_PROPERTIES.get(name)
        if known is None:
            all_known = [*_EXECUTION_PROPERTIES, *_EXECUTION_METHODS, *_VARIABLE_METHODS]
            noun = Phrase("something that '{name}' tells", name=EXECUTION)
            self.refuse_unknown(noun, name or "[", all_known, step.position)
        return lambda v, e, r: known(e)

    def check_arguments(self, name: str, function: Function, arguments: tuple[nodes.Node, ...], position: int) -> None:
        """Note the name; refuse too few or too many arguments."""
        self.functions.add(name)
        least, most = function.least, function.most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            expected: object = Phrase("{least} to {most}", least=least, most=most)
            if least == most:
                expected = least
            elif most is None:
                expected = Phrase("{least} or more", least=least)
            text = "{expected} arguments of {name}(…)"
            self.refuse(Phrase(text, expected=expected, name=name), str(len(arguments)), position)

    def refuse_unknown(self, noun: Phrase, name: str, known: Iterable[str], position: int) -> Never:
        known = sorted(known)
        python = _FROM_PYTHON.get(name)
        near = [python] if python in known else difflib.get_close_matches(name[:100], known, n=3, cutoff=0.5) or known
        self.refuse(Phrase("{noun} such as {near}", noun=noun, near=near), name, position)

    def refuse(self, expected: Phrase, found: str, position: int) -> Never:
        raise unreadable(self.text, position, expected, found)


def _compared(left: Evaluate, sign: str, right: Evaluate) -> Evaluate:
    compare = operators.COMPARISONS[sign]
    return lambda v, e, r: compare(left(v, e, r), right(v, e, r), e)


def _with_constant(left: Evaluate, sign: str, operand: nodes.Node) -> Evaluate | None:
    """Return the quicker comparison with a constant, which most conditions are; None for what is no constant."""
    if not isinstance(operand, nodes.Literal) or sign not in operators.RELATIONS:
        return None
    constant, compare, relation = operand.value, operators.COMPARISONS[sign], operators.RELATIONS[sign]
    alike = operators.alike(constant, sign)

    def compared(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> bool:
        value = left(v, e, r)
        return relation(value, constant) if value.__class__ in alike else compare(value, constant, e)

    return compared


def _tested(name: str, *, when: bool) -> Evaluate:
    """Return what tells whether a variable is true, or whether it is false."""

    def tested(v: Mapping[str, object], _e: Environment, r: dict[str, object]) -> bool:
        value = r[name] = v[name]
        return value is when if value is True or value is False else operators.truth(value) is when

    return tested


def _halves(sign: str, operands: list[Evaluate]) -> Evaluate:
    """Join tests by halves, so that a long row of them nests little."""
    if len(operands) == 1:
        return operands[0]
    middle = len(operands) // 2
    left, right = _halves(sign, operands[:middle]), _halves(sign, operands[middle:])
    if sign == "&&":
        return lambda v, e, r: left(v, e, r) and right(v, e, r)
    return lambda v, e, r: left(v, e, r) or right(v, e, r)


def _negated(evaluate: Evaluate, operand: nodes.Node) -> Evaluate:
    if isinstance(operand, nodes.Literal) and is_number(operand.value):
        constant = operators.negated(operand.value)
        return lambda v, e, r: constant
    return lambda v, e, r: operators.negated(evaluate(v, e, r))


def _joined(parts: list[object]) -> str:
    """Join values as one text."""
    return operators.limited("".join([operators.limited(operators.text(part)) for part in parts]))


def _stepped(base: Evaluate, steps: list[_Take]) -> Evaluate:
    """Return what goes steps from a value."""

    def stepped(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> object:
        value = base(v, e, r)
        for step in steps:
            value = step(value, v, e, r)
        return value

    return stepped


def _properties(name: str, names: list[str]) -> Evaluate:
    """Return what reads `customer.address.city`."""
    written = ".".join([name, *names])

    def path(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> object:
        value = v[name]
        for part in names:
            value = value.get(part) if type(value) is dict else property_of(value, part, e)
        r[written] = value
        return value

    return path


def _variable(method: str, named: Evaluate) -> Evaluate:
    """Return what reads the variable that a text names, null where there is none, or tells whether there is one."""

    def get(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> object:
        name = named(v, e, r)
        if not isinstance(name, str):
            raise errors.ExpressionError(
                "Expected the name of a variable, but found {found}", found=operators.shown(name)
            )
        value = r[name] = v.get(name)
        return value

    def has(v: Mapping[str, object], e: Environment, r: dict[str, object]) -> bool:
        name = named(v, e, r)
        return isinstance(name, str) and name in v

    return get if method == "getVariable" else has
