"""
A tree to a Python function, once; running that function is all that evaluation does.

Each method returns the Python of a value, to be used at once and once, after the lines written before it. What
conditions mostly are takes no call: where two values have the same plain type, Python's own operator stands in the
line, behind a check of the exact types; `engine.expressions.operators` decides about all others.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Never

from casepath.engine import errors
from casepath.engine.expressions import nodes, operators, quick, words
from casepath.engine.expressions.environment import Environment
from casepath.engine.expressions.functions import FUNCTIONS, Function
from casepath.engine.expressions.methods import METHODS
from casepath.engine.expressions.source import Run, Source, Test

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
    """Compiles the trees of one text; collects the names of variables and functions on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.functions: set[str] = set()
        self.source = Source({"explained": words.explainer(text)})

    def whole(self, tree: nodes.Node | list[str | nodes.Node]) -> tuple[Run, Test]:
        """
        Return the functions of an expression, or of a text with expressions in it; see `Source.functions`.

        Raises `ExpressionError` for a function or method that does not exist.
        """
        if isinstance(tree, list):
            parts = [nodes.Literal(part, 0) if isinstance(part, str) else part for part in tree]
            value, boolean = f"joined({self.values(parts)})", False
        else:
            value, boolean = self.value(tree), _is_test(tree)
        self.source.constants["environment"] = Environment if self.functions else words.timeless
        return self.source.functions(value, words.WORDS, boolean=boolean)

    def value(self, node: nodes.Node) -> str:
        """Write what computes a value."""
        match node:
            case nodes.Literal(value):
                return self.source.constant(value)
            case nodes.Name():
                return self.read(node)
            case nodes.Binary():
                return self.binary(node)
            case nodes.Access():
                return self.access(node)
            case nodes.Unary():
                return self.unary(node)
            case nodes.Conditional():
                return self.conditional(node)
            case nodes.Call():
                return self.call(node)
            case nodes.ListOf(items):
                return f"[{self.values(items)}]"

    def values(self, parts: Iterable[nodes.Node]) -> str:
        """Write what computes values one after the other."""
        return ", ".join([self.source.held(self.value(part)) for part in parts])

    def held(self, node: nodes.Node) -> str:
        return self.source.held(self.value(node))

    def test(self, node: nodes.Node) -> str:
        """Write what takes a value as true or false."""
        if _is_test(node):
            return self.value(node)
        return quick.truth(self.held(node))

    def name(self, node: nodes.Name) -> str:
        """Note the name of a variable; return the constant that it is."""
        if node.name == EXECUTION:
            self.refuse(f"Expected a property or method of '{EXECUTION}', but found it alone", node.position)
        self.names.add(node.name)
        return self.source.constant(node.name)

    def read(self, node: nodes.Name) -> str:
        name, value = self.name(node), self.source.fresh()
        self.source.line(f"{value} = r[{name}] = v[{name}]")
        return value

    def binary(self, node: nodes.Binary) -> str:
        """Combine operands from left to right, as many at once as fit in a line."""
        signs = [sign for sign, _, _ in node.rest]
        if signs[0] in ("&&", "||"):
            return self.logic(signs[0], [node.first, *(operand for _, operand, _ in node.rest)])
        comparing = signs[0] in operators.COMPARISONS
        width = 1 if comparing else quick.MOST_SIGNS
        value, literal = self.value(node.first), _literal(node.first)
        for begin in range(0, len(signs), width):
            operands = [quick.Operand(self.source.held(value), literal)]
            for _, operand, _ in node.rest[begin : begin + width]:
                operands.append(quick.Operand(self.held(operand), _literal(operand)))
            if comparing:
                value = quick.compared(signs[begin], *operands)
            else:
                value = quick.calculated(signs[begin : begin + width], operands, self.source.fresh())
            literal = None
        return value

    def logic(self, sign: str, operands: list[nodes.Node]) -> str:
        """Write `&&` or `||`: what stands to the right is computed only where it matters."""
        result = self.source.fresh()
        self.source.line(f"{result} = {self.test(operands[0])}")
        for operand in operands[1:]:
            with self.source.block(f"if {result}:" if sign == "&&" else f"if not {result}:"):
                self.source.line(f"{result} = {self.test(operand)}")
        return result

    def unary(self, node: nodes.Unary) -> str:
        if node.operator == "!":
            return f"(not {self.test(node.operand)})"
        if node.operator == "-":
            known = _literal(node)
            return self.source.constant(known.value) if known else quick.negated(self.held(node.operand))
        if not isinstance(node.operand, nodes.Name):
            return quick.emptiness(self.held(node.operand))
        name, value = self.name(node.operand), self.source.fresh()
        self.source.line(f"{value} = r[{name}] = v.get({name})")  # a variable that does not exist is empty
        return quick.emptiness(value)

    def conditional(self, node: nodes.Conditional) -> str:
        result = self.source.fresh()
        with self.source.block(f"if {self.test(node.condition)}:"):
            self.source.line(f"{result} = {self.value(node.then)}")
        with self.source.block("else:"):
            self.source.line(f"{result} = {self.value(node.otherwise)}")
        return result

    def call(self, node: nodes.Call) -> str:
        function = FUNCTIONS.get(node.name)
        if function is None:
            self.refuse_unknown("a function", node.name, FUNCTIONS, node.position)
        self.check_arguments(node.name, function, node.arguments, node.position)
        return f"{self.source.constant(function.call)}(e, {self.values(node.arguments)})"

    def access(self, node: nodes.Access) -> str:
        """Write the steps from a value; those from a variable to the first method are one path."""
        base, steps = node.base, node.steps
        if isinstance(base, nodes.Name) and base.name == EXECUTION:
            value, steps = self.execution(steps[0]), steps[1:]
        elif isinstance(base, nodes.Name):
            before = next((place for place, step in enumerate(steps) if isinstance(step, nodes.Method)), len(steps))
            value, steps = self.path(base, steps[:before]), steps[before:]
        else:
            value = self.value(base)
        for step in steps:
            value = self.step(self.source.held(value), step)
        return value

    def path(self, base: nodes.Name, steps: tuple[_Step, ...]) -> str:
        """Write the way from a variable, and note what is found at its end."""
        if not steps:
            return self.read(base)
        value, written = f"v[{self.name(base)}]", base.name
        parts: list[str] = []
        for step in steps:
            value = self.source.held(value)
            if isinstance(step, nodes.Index):
                key, literal = self.held(step.key), _literal(step.key)
                value = self.source.held(f"element({value}, {key})")
                if literal is not None:
                    written += words.bracketed(literal.value)
                else:
                    parts += [self.source.constant(written), self.source.held(f"bracketed({key})")]
                    written = ""
            else:
                value, written = self.step(value, step), f"{written}.{step.name}"
        path = self.source.constant(written)
        if parts:
            path = f"''.join(({', '.join([*parts, path])}))"
        found = self.source.fresh()
        self.source.line(f"{found} = r[{path}] = {value}")
        return found

    def step(self, value: str, step: _Step) -> str:
        """Write one step from a value."""
        if isinstance(step, nodes.Index):
            return f"element({value}, {self.held(step.key)})"
        if isinstance(step, nodes.Property):
            return quick.step(value, self.source.constant(step.name))
        function = METHODS.get(step.name)
        if function is None:
            self.refuse_unknown("a method", step.name, METHODS, step.position)
        self.check_arguments(step.name, function, step.arguments, step.position)
        return f"{self.source.constant(function.call)}(e, {value}, {self.values(step.arguments)})"

    def execution(self, step: _Step) -> str:
        """Write the few things that the process instance tells."""
        name = "" if isinstance(step, nodes.Index) else step.name
        if isinstance(step, nodes.Method):
            if name in _VARIABLE_METHODS and len(step.arguments) == 1:
                argument = self.held(step.arguments[0])
                return f"named({argument}, v, r)" if name == "getVariable" else f"is_known({argument}, v)"
            known = None if step.arguments else _EXECUTION_METHODS.get(name)
        else:
            known = _EXECUTION_PROPERTIES.get(name)
        if known is None:
            all_known = [*_EXECUTION_PROPERTIES, *_EXECUTION_METHODS, *_VARIABLE_METHODS]
            self.refuse_unknown(f"something that '{EXECUTION}' tells", name, all_known, step.position)
        return f"{self.source.constant(known)}(e)"

    def check_arguments(self, name: str, function: Function, arguments: tuple[nodes.Node, ...], position: int) -> None:
        """Note the name; refuse too few or too many arguments."""
        self.functions.add(name)
        least, most = function.least, function.most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            expected = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            self.refuse(f"Expected {expected} arguments of {name}(…), but found {len(arguments)}", position)

    def refuse_unknown(self, noun: str, name: str, known: Iterable[str], position: int) -> Never:
        near = difflib.get_close_matches(name[:100], list(known), n=3, cutoff=0.5) or sorted(known)
        self.refuse(f"Expected {noun} such as {', '.join(near)}, but found '{name:.40}'", position)

    def refuse(self, message: str, position: int) -> Never:
        raise errors.ExpressionError(f"{message} at character {position + 1}", text=self.text, position=position)


def _is_test(node: nodes.Node) -> bool:
    """Tell whether nothing but true or false can come out."""
    if isinstance(node, nodes.Binary):
        return node.rest[0][0] in ("&&", "||") or node.rest[0][0] in operators.COMPARISONS
    return isinstance(node, nodes.Unary) and node.operator != "-"


def _literal(node: nodes.Node) -> nodes.Literal | None:
    """Return the constant that an expression is, a negative number too."""
    if isinstance(node, nodes.Unary) and node.operator == "-":
        inner = _literal(node.operand)
        if inner is not None and isinstance(inner.value, int | float) and not isinstance(inner.value, bool):
            return nodes.Literal(-inner.value, node.position)
        return None
    return node if isinstance(node, nodes.Literal) else None
