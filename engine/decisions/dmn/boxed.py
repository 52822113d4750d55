"""
Boxed expressions to functions of a scope: what DMN writes as XML around the FEEL texts.

A text that cannot be read becomes null and a finding, so that all findings of a file are seen at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import ClassVar

from lxml import etree

from casepath.engine.decisions.dmn.checks import Column
from casepath.engine.decisions.dmn.elements import Definitions, child, children, name_of, text_in
from casepath.engine.decisions.dmn.findings import place_of
from casepath.engine.decisions.dmn.item_types import ItemTypes
from casepath.engine.decisions.dmn.tables import DecisionTable
from casepath.engine.decisions.feel import Feel, UnaryTests, compile_feel, compile_unary_tests
from casepath.engine.decisions.feel.functions import BUILT_INS, Defined, Invocable
from casepath.engine.decisions.feel.iteration import Evaluate, NotIterable, Scope, filtered, scopes
from casepath.engine.decisions.feel.limits import spend
from casepath.engine.decisions.feel.types import ANY, FeelType, FunctionType, coerce
from casepath.engine.errors import ExpressionError

Names = frozenset[str]
#: Work of one step of a boxed loop, and nesting of a call of a boxed function.
_WEIGHT = 8
_NESTING = 12
_MAX_HINTS = 100


def nothing(_scope: Scope) -> object:
    """Evaluate to null."""
    return None


class BoxedCompiler:
    """Compiles the expressions of one file."""

    def __init__(self, definitions: Definitions, types: ItemTypes, properties: list[str]) -> None:
        self.findings = definitions.findings
        self.types = types
        self._feel_types = types.all()
        self._properties = properties
        #: Names that the element being compiled uses and that the model does not know.
        self.undeclared: set[str] = set()
        #: The decision tables that were compiled, for display and for checks.
        self.tables: list[tuple[DecisionTable, list[Column], etree._Element]] = []

    def compile(self, xml: etree._Element | None, names: Names) -> Evaluate:
        """Return the function for a boxed expression, converted to its declared type; null for none."""
        if xml is None:
            return nothing
        evaluate = self.KINDS[etree.QName(xml).localname](self, xml, names)
        kind = self.types.of(xml) if xml.get("typeRef") else ANY
        return evaluate if kind is ANY else converted(evaluate, kind)

    def compile_inside(self, xml: etree._Element | None, names: Names) -> Evaluate:
        """Compile the boxed expression inside an element."""
        return self.compile(None if xml is None else child(xml, *self.KINDS), names)

    # Texts ------------------------------------------------------------------------------------------------------------

    def feel(self, xml: etree._Element, text: str, names: Names) -> Feel | None:
        """Compile an expression; adds a finding where it cannot be read."""
        try:
            feel = compile_feel(text, names, properties=self._properties, types=self._feel_types)
        except ExpressionError as error:
            self.findings.expression(xml, error)
            return None
        self.note_unknown(xml, feel, names)
        return feel

    def tests(self, xml: etree._Element, text: str, names: Names) -> UnaryTests | None:
        """Compile unary tests; adds a finding where they cannot be read."""
        try:
            tests = compile_unary_tests(text, names, properties=self._properties, types=self._feel_types)
        except ExpressionError as error:
            self.findings.expression(xml, error)
            return None
        self.note_unknown(xml, tests, names)
        return tests

    def note_unknown(self, xml: etree._Element, compiled: Feel | UnaryTests, names: Names) -> None:
        """Note names that nobody declares: they are taken from the inputs as they come, with a warning."""
        for name, position in compiled.unknown.items():
            if name in self.undeclared:
                continue
            self.undeclared.add(name)
            # Comparing names is slow; whoever has so many unknown ones does not need hints.
            few = len(self.findings.all) < _MAX_HINTS
            near = difflib.get_close_matches(name[:60], [*names, *BUILT_INS], n=3) if few else []
            self.findings.warning(
                "unknown-name", xml,
                "Expected a name that the model declares, but found '{name}' at character {position} of {place}; "
                "the nearest known: {near}",
                name=name, position=position + 1, place=place_of(xml), near=near,
            )  # fmt: skip

    def literal(self, xml: etree._Element, names: Names) -> Evaluate:
        """Compile a literal expression."""
        text = text_in(xml)
        if not text:
            self.findings.error(
                "empty-expression", xml, "Expected {place} to have a text, but found none", place=place_of(xml)
            )
            return nothing
        feel = self.feel(xml, text, names)
        return nothing if feel is None else feel.evaluate_in

    # Structures -------------------------------------------------------------------------------------------------------

    def _context(self, xml: etree._Element, names: Names) -> Evaluate:
        entries: list[tuple[str, Evaluate]] = []
        result: Evaluate | None = None
        for entry in children(xml, "contextEntry"):
            variable = child(entry, "variable")
            # A function may call itself by the name of its entry.
            own = frozenset() if variable is None else frozenset((name_of(variable),))
            inside = names | own if child(entry, "functionDefinition") is not None else names
            evaluate = self.compile_inside(entry, inside)
            if variable is None:
                result = evaluate
                continue
            kind = self.types.of(variable)
            entries.append((name_of(variable), evaluate if kind is ANY else converted(evaluate, kind)))
            names |= own

        def run(scope: Scope) -> object:
            values: dict[str, object] = {}
            inner = Scope(values, scope)
            for name, evaluate in entries:
                values[name] = evaluate(inner)
            return values if result is None else result(inner)

        return run

    def _list(self, xml: etree._Element, names: Names) -> Evaluate:
        items = [self.compile(item, names) for item in children(xml, *self.KINDS)]
        return lambda scope: [item(scope) for item in items]

    def _relation(self, xml: etree._Element, names: Names) -> Evaluate:
        columns = [(name_of(column), self.types.of(column)) for column in children(xml, "column")]
        rows: list[list[tuple[str, Evaluate]]] = []
        for row in children(xml, "row"):
            cells = [self.compile(cell, names) for cell in children(row, *self.KINDS)]
            if len(cells) != len(columns):
                self.findings.error(
                    "relation-row",
                    row,
                    "Expected {expected} cells in a row of a relation, but found {count}",
                    expected=len(columns),
                    count=len(cells),
                )  # fmt: skip
            pairs = zip(columns, cells, strict=False)
            rows.append([(name, cell if kind is ANY else converted(cell, kind)) for (name, kind), cell in pairs])
        return lambda scope: [{name: cell(scope) for name, cell in row} for row in rows]

    def _function(self, xml: etree._Element, names: Names) -> Evaluate:
        parameters = [(name_of(part), self.types.of(part)) for part in children(xml, "formalParameter")]
        kind = (xml.get("kind") or "FEEL").strip().upper()
        if kind != "FEEL":
            self.findings.warning(
                "external-function",
                xml,
                "Expected a function in FEEL, but found one in {kind}; it is never executed and gives null",
                kind=kind,
            )  # fmt: skip
            return lambda scope: Defined(parameters, lambda arguments: None)
        body = self.compile(child(xml, *self.KINDS), names | {name for name, _ in parameters})
        return lambda scope: Defined(
            parameters, lambda arguments: body(Scope(arguments, scope)), nesting=_NESTING, weight=_WEIGHT
        )

    def _invocation(self, xml: etree._Element, names: Names) -> Evaluate:
        function = self.compile(child(xml, *self.KINDS), names)
        bindings: list[tuple[str, Evaluate]] = []
        for binding in children(xml, "binding"):
            parameter = child(binding, "parameter")
            bindings.append(("" if parameter is None else name_of(parameter), self.compile_inside(binding, names)))

        def run(scope: Scope) -> object:
            called = function(scope)
            if not isinstance(called, Invocable):
                return None
            return called.call_named({name: value(scope) for name, value in bindings})

        return run

    def _conditional(self, xml: etree._Element, names: Names) -> Evaluate:
        condition, then, otherwise = (
            self.compile_inside(child(xml, part), names) for part in ("if", "then", "else")
        )

        def run(scope: Scope) -> object:
            answer = condition(scope)
            if answer is True:
                return then(scope)
            return otherwise(scope) if answer is False or answer is None else None

        return run

    def _for(self, xml: etree._Element, names: Names) -> Evaluate:
        name = xml.get("iteratorVariable") or "item"
        source = self.compile_inside(child(xml, "in"), names)
        body = self.compile_inside(child(xml, "return"), names | {name, "partial"})

        def run(scope: Scope) -> object:
            results: list[object] = []
            try:
                for inner in scopes([(name, source, None)], scope, _WEIGHT):
                    spend(len(results) >> 2)
                    inner.values["partial"] = list(results)
                    results.append(body(inner))
            except NotIterable:
                return None
            return results

        return run

    def _filter(self, xml: etree._Element, names: Names) -> Evaluate:
        source = self.compile_inside(child(xml, "in"), names)
        # Entries of the items may be used by their names, which are not known here.
        known = names | {"item", *self._properties}
        condition = self.compile_inside(child(xml, "match"), known)

        def run(scope: Scope) -> object:
            value = source(scope)
            if value is None:
                return None
            return filtered(value if isinstance(value, list) else [value], condition, scope, _WEIGHT)

        return run

    def _quantified(self, xml: etree._Element, names: Names) -> Evaluate:
        name = xml.get("iteratorVariable") or "item"
        source = self.compile_inside(child(xml, "in"), names)
        condition = self.compile_inside(child(xml, "satisfies"), names | {name})
        decisive = etree.QName(xml).localname == "some"

        def run(scope: Scope) -> object:
            answer: bool | None = not decisive
            try:
                for inner in scopes([(name, source, None)], scope, _WEIGHT):
                    value = condition(inner)
                    if value is decisive:
                        return decisive
                    if value is not True and value is not False:
                        answer = None
            except NotIterable:
                return None
            return answer

        return run

    #: By tag; the package adds decision tables.
    KINDS: ClassVar[dict[str, Callable[[BoxedCompiler, etree._Element, Names], Evaluate]]] = {
        "literalExpression": literal, "context": _context, "list": _list, "relation": _relation,
        "functionDefinition": _function, "invocation": _invocation, "conditional": _conditional, "for": _for,
        "filter": _filter, "some": _quantified, "every": _quantified,
    }  # fmt: skip


def converted(evaluate: Evaluate, kind: FeelType) -> Evaluate:
    """Return the function with its result converted to a type."""
    return lambda scope: coerce(evaluate(scope), kind)


def result_type(kind: FeelType) -> FeelType:
    """Return the type of the result where a knowledge model declares its type: as a function or as its result."""
    return kind.result if isinstance(kind, FunctionType) else kind
