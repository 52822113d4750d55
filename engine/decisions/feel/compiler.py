"""
Syntax tree to closures: each node becomes a Python function of a scope, so that evaluating looks nothing up twice.

While compiling, the compiler notes which names come from outside, how deep the code nests (for the limit on recursion)
and how much a loop's body weighs (for the limit on work).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator as Iterating
from contextlib import contextmanager
from decimal import Decimal
from typing import ClassVar

from casepath.engine.decisions.feel import nodes
from casepath.engine.decisions.feel.builtins import BUILT_INS
from casepath.engine.decisions.feel.functions import Defined, Invocable
from casepath.engine.decisions.feel.iteration import Evaluate, NotIterable, Scope, Source, filtered, item_at, scopes
from casepath.engine.decisions.feel.limits import spend
from casepath.engine.decisions.feel.nodes import Node
from casepath.engine.decisions.feel.operators import ARITHMETIC, COMPARISONS, between, negate
from casepath.engine.decisions.feel.properties import property_of
from casepath.engine.decisions.feel.types import NullType, without_tests
from casepath.engine.decisions.feel.unary import UnaryCompiler
from casepath.engine.decisions.feel.values import Function, Range

#: Frames that a call of a defined function takes beside its body.
_CALL_FRAMES = 4
_BOOLEAN_NODES = (nodes.Comparison, nodes.Logic, nodes.Quantified, nodes.InstanceOf, nodes.In, nodes.Between)


class Compiler(UnaryCompiler):
    """Compiles one tree; `free` has the names that come from outside, with their first place in the text."""

    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        #: Of these, the ones that stand inside a filter, where they may be entries of the items.
        self.filtered: set[str] = set()
        self._bound: list[str] = []
        self._filters = 0
        self._count = 0
        self._level = 0
        self.deepest = 0

    def compile(self, node: Node) -> Evaluate:
        """Return the function that evaluates the node."""
        self._count += 1
        self._level += 1
        self.deepest = max(self.deepest, self._level)
        evaluate: Evaluate = self._COMPILERS[type(node)](self, node)
        self._level -= 1
        return evaluate

    @contextmanager
    def _binding(self, *names: str) -> Iterating[None]:
        """Take names as defined while the block runs."""
        size = len(self._bound)
        self._bound += names
        yield
        del self._bound[size:]

    def _weighed(self, node: Node) -> tuple[Evaluate, int]:
        """Compile the body of a loop; a step costs as much as it has nodes."""
        before = self._count
        evaluate = self.compile(node)
        return evaluate, 2 + self._count - before

    # Values -----------------------------------------------------------------------------------------------------------

    def _literal(self, node: nodes.Literal) -> Evaluate:
        value = node.value
        return lambda scope: value

    def _name(self, node: nodes.Name) -> Evaluate:
        name = node.name
        if name not in self._bound:
            self.free.setdefault(name, node.position)
            if self._filters:
                self.filtered.add(name)
        default = BUILT_INS.get(name)

        def look_up(scope: Scope | None) -> object:
            while scope is not None:
                values = scope.values
                if name in values:
                    return values[name]
                scope = scope.parent
            return default

        return look_up

    def _list(self, node: nodes.ListOf) -> Evaluate:
        items = [self.compile(item) for item in node.items]
        return lambda scope: [item(scope) for item in items]

    def _context(self, node: nodes.ContextOf) -> Evaluate:
        entries: list[tuple[str, Evaluate]] = []
        with self._binding():
            for key, value in node.entries:
                # A function may call itself by the key under which it stands.
                with self._binding(*([key] if isinstance(value, nodes.FunctionOf) else [])):
                    entries.append((key, self.compile(value)))
                self._bound.append(key)

        def evaluate(scope: Scope) -> object:
            values: dict[str, object] = {}
            inner = Scope(values, scope)
            for key, value in entries:
                values[key] = value(inner)
            return values

        return evaluate

    def _range(self, node: nodes.RangeOf) -> Evaluate:
        nothing: Evaluate = lambda scope: None  # noqa: E731
        start = nothing if node.start is None else self.compile(node.start)
        end = start if node.end is node.start else nothing if node.end is None else self.compile(node.end)
        return lambda scope: Range(start(scope), end(scope), node.start_included, node.end_included, node.form)

    def _function(self, node: nodes.FunctionOf) -> Evaluate:
        parameters = [(parameter.name, parameter.type) for parameter in node.parameters]
        if node.body is None:
            return lambda scope: Defined(parameters, lambda arguments: None)
        level, deepest = self._level, self.deepest
        self._level = self.deepest = 0
        with self._binding(*(name for name, _ in parameters)):
            body, weight = self._weighed(node.body)
        nesting = self.deepest + _CALL_FRAMES
        self._level, self.deepest = level, max(deepest, level + self.deepest)
        return lambda scope: Defined(
            parameters, lambda arguments: body(Scope(arguments, scope)), nesting=nesting, weight=weight
        )

    # Operators --------------------------------------------------------------------------------------------------------

    def _arithmetic(self, node: nodes.Arithmetic) -> Evaluate:
        first = self.compile(node.first)
        rest = [(ARITHMETIC[operator], self.compile(operand)) for operator, operand in node.rest]
        if len(rest) == 1:
            operation, second = rest[0]
            return lambda scope: operation(first(scope), second(scope))

        def evaluate(scope: Scope) -> object:
            value = first(scope)
            for operation, operand in rest:
                value = operation(value, operand(scope))
            return value

        return evaluate

    def _negation(self, node: nodes.Negation) -> Evaluate:
        if isinstance(node.operand, nodes.Literal):
            constant = negate(node.operand.value)
            return lambda scope: constant
        operand = self.compile(node.operand)
        return lambda scope: negate(operand(scope))

    def _comparison(self, node: nodes.Comparison) -> Evaluate:
        compare = COMPARISONS[node.operator]
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda scope: compare(left(scope), right(scope))

    def _between(self, node: nodes.Between) -> Evaluate:
        value, low, high = self.compile(node.value), self.compile(node.low), self.compile(node.high)
        return lambda scope: between(value(scope), low(scope), high(scope))

    def _in(self, node: nodes.In) -> Evaluate:
        value = self.compile(node.value)
        test = self.any_test([self.membership(test) for test in node.tests])
        return lambda scope: test(value(scope), scope)

    def _logic(self, node: nodes.Logic) -> Evaluate:
        operands = [self.compile(operand) for operand in node.operands]
        decisive = node.operator == "or"

        def evaluate(scope: Scope) -> bool | None:
            answer: bool | None = not decisive
            for operand in operands:
                value = operand(scope)
                if value is decisive:
                    return decisive
                if value is not True and value is not False:
                    answer = None
            return answer

        return evaluate

    def _if(self, node: nodes.If) -> Evaluate:
        branches = [(self.compile(condition), self.compile(value)) for condition, value in node.branches]
        otherwise = self.compile(node.otherwise)

        def evaluate(scope: Scope) -> object:
            for condition, value in branches:
                answer = condition(scope)
                if answer is True:
                    return value(scope)
                if answer is not False and answer is not None:
                    return None
            return otherwise(scope)

        return evaluate

    def _instance_of(self, node: nodes.InstanceOf) -> Evaluate:
        value, kind = self.compile(node.value), without_tests(node.type)
        if isinstance(kind, NullType):
            return lambda scope: value(scope) is None

        def evaluate(scope: Scope) -> bool:
            tested = value(scope)
            return tested is not None and kind.has(tested)

        return evaluate

    # Loops ------------------------------------------------------------------------------------------------------------

    def _sources(self, iterators: tuple[nodes.Iterator, ...]) -> list[Source]:
        sources: list[Source] = []
        for iterator in iterators:
            last = None if iterator.last is None else self.compile(iterator.last)
            sources.append((iterator.name, self.compile(iterator.source), last))
            self._bound.append(iterator.name)
        return sources

    def _for(self, node: nodes.For) -> Evaluate:
        free = dict(self.free)
        with self._binding():
            sources = self._sources(node.iterators)
            body, weight = self._weighed(node.body)
        uses_partial = "partial" in self.free and "partial" not in free
        if uses_partial:
            del self.free["partial"]

        def evaluate(scope: Scope) -> object:
            results: list[object] = []
            try:
                for inner in scopes(sources, scope, weight):
                    if uses_partial:
                        spend(len(results) >> 2)
                        inner.values["partial"] = list(results)
                    results.append(body(inner))
            except NotIterable:
                return None
            return results

        return evaluate

    def _quantified(self, node: nodes.Quantified) -> Evaluate:
        with self._binding():
            sources = self._sources(node.iterators)
            body, weight = self._weighed(node.body)
        decisive = node.kind == "some"

        def evaluate(scope: Scope) -> bool | None:
            answer: bool | None = not decisive
            try:
                for inner in scopes(sources, scope, weight):
                    value = body(inner)
                    if value is decisive:
                        return decisive
                    if value is None:
                        answer = None
                    elif value is not (not decisive):
                        return None  # no truth value at all
            except NotIterable:
                return None
            return answer

        return evaluate

    # Postfix ----------------------------------------------------------------------------------------------------------

    def _postfix(self, node: nodes.Postfix) -> Evaluate:
        base = self.compile(node.base)
        default = BUILT_INS.get(node.base.name) if isinstance(node.base, nodes.Name) else None
        steps: list[Callable[[object, Scope], object]] = []
        for index, step in enumerate(node.steps):
            if isinstance(step, nodes.Path):
                steps.append(_path(step.name))
            elif isinstance(step, nodes.Filter):
                steps.append(self._filter(step))
            else:
                steps.append(self._call(step, default if index == 0 else None))
        if len(steps) == 1:
            only = steps[0]
            return lambda scope: only(base(scope), scope)

        def evaluate(scope: Scope) -> object:
            value = base(scope)
            for step in steps:
                value = step(value, scope)
            return value

        return evaluate

    def _filter(self, step: nodes.Filter) -> Callable[[object, Scope], object]:
        self._filters += 1
        with self._binding("item"):
            condition, weight = self._weighed(step.condition)
        self._filters -= 1
        is_condition = isinstance(step.condition, _BOOLEAN_NODES)

        def select(value: object, scope: Scope) -> object:
            if value is None:
                return None
            items = value if isinstance(value, list) else [value]
            if not is_condition:
                index = condition(scope)
                if isinstance(index, Decimal):
                    return item_at(items, index)
            return filtered(items, condition, scope, weight)

        return select

    def _call(self, step: nodes.Call, default: Invocable | None) -> Callable[[object, Scope], object]:
        arguments = [self.compile(argument) for argument in step.arguments]
        names = step.names

        def call(function: object, scope: Scope) -> object:
            if not isinstance(function, Function):
                function = default
            if not isinstance(function, Invocable):
                return None
            values = [argument(scope) for argument in arguments]
            if names:
                return function.call_named(dict(zip(names, values, strict=True)))
            return function.call(values)

        return call

    _COMPILERS: ClassVar[dict[type[Node], Callable[..., Evaluate]]] = {
        nodes.Literal: _literal, nodes.Name: _name, nodes.ListOf: _list, nodes.ContextOf: _context,
        nodes.RangeOf: _range, nodes.FunctionOf: _function, nodes.Arithmetic: _arithmetic, nodes.Negation: _negation,
        nodes.Comparison: _comparison, nodes.Between: _between, nodes.In: _in, nodes.Logic: _logic, nodes.If: _if,
        nodes.InstanceOf: _instance_of, nodes.For: _for, nodes.Quantified: _quantified, nodes.Postfix: _postfix,
    }  # fmt: skip


def _path(name: str) -> Callable[[object, Scope], object]:
    return lambda value, scope: value.get(name) if type(value) is dict else property_of(value, name)
