"""Item definitions to types of FEEL, with their allowed values as tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lxml import etree

from casepath.engine.decisions.dmn.elements import Definitions, child, children, name_of, text_in, type_ref_of
from casepath.engine.decisions.feel import compile_unary_tests
from casepath.engine.decisions.feel.iteration import Scope
from casepath.engine.decisions.feel.scanner import normalized
from casepath.engine.decisions.feel.types import ANY, BUILT_IN, ContextType, FeelType, FunctionType, ListType, NamedType
from casepath.engine.errors import ExpressionError

#: Definitions inside definitions.
_MAX_DEPTH = 40


class ItemTypes:
    """The types of one file: built when first asked for, so that their order does not matter."""

    def __init__(self, definitions: Definitions, imported: Sequence[tuple[str, ItemTypes]]) -> None:
        self._definitions = definitions
        self._imported = imported
        self._xml = {name_of(item): item for item in children(definitions.root, "itemDefinition")}
        self._built: dict[str, FeelType] = {}
        self._building: list[str] = []
        #: Names of entries of contexts, which may stand after a dot.
        self.properties: list[str] = sorted(
            {name_of(component) for component in definitions.root.iter("{*}itemComponent")}
            | {name for _, other in imported for name in other.properties}
        )

    def all(self) -> dict[str, FeelType]:
        """Return all types by name, imported ones behind their prefix, if the import has a name."""
        types: dict[str, FeelType | None] = {}
        for prefix, other in self._imported:
            types |= {f"{prefix}.{name}" if prefix else name: kind for name, kind in other.all().items()}
        types |= {name: self.get(name) for name in self._xml if name}
        return {name: kind for name, kind in types.items() if kind is not None}

    def of(self, element: etree._Element | None) -> FeelType:
        """Return the declared type of an element, `Any` without; adds a finding for a name that is no type."""
        reference = "" if element is None else type_ref_of(element)
        return ANY if element is None or not reference else self.named(reference, element)

    def named(self, reference: str, element: etree._Element) -> FeelType:
        """Return the type of that name; adds a finding for a name that is no type."""
        kind = self.get(normalized(reference))
        if kind is None:
            self._definitions.findings.warning(
                "unknown-type",
                element,
                "Expected the name of a type, but found '{reference}'; it is taken as Any",
                reference=reference,
            )  # fmt: skip
            return ANY
        return kind

    def get(self, name: str) -> FeelType | None:
        """Return the type of that name, None where there is none."""
        if name in self._built:
            return self._built[name]
        if name in self._xml:
            if name in self._building or len(self._building) > _MAX_DEPTH:
                self._definitions.findings.error(
                    "recursive-type",
                    self._xml[name],
                    "Expected a type that does not contain itself, but '{name}' does",
                    name=name,
                )  # fmt: skip
                return ANY
            self._building.append(name)
            self._built[name] = self._build(self._xml[name], name)
            self._building.pop()
            return self._built[name]
        for prefix, other in self._imported:
            if prefix and name.startswith(f"{prefix}."):
                return other.get(name[len(prefix) + 1 :])
            if not prefix and name in other._xml:
                return other.get(name)
        return BUILT_IN.get(name)

    def _build(self, xml: etree._Element, name: str) -> FeelType:
        kind = self._content(xml, name)
        allowed = self._test(child(xml, "allowedValues"))
        if allowed is not None:
            kind = NamedType(name, kind, allowed)
        if xml.get("isCollection") == "true":
            kind = ListType(name, kind)
        constraint = self._test(child(xml, "typeConstraint"))
        return kind if constraint is None else NamedType(name, kind, constraint)

    def _content(self, xml: etree._Element, name: str) -> FeelType:
        components = list(children(xml, "itemComponent"))
        function = child(xml, "functionItem")
        if function is not None:
            return self._function(function, name)
        if components:
            entries = tuple((name_of(part), self._build(part, name_of(part))) for part in components)
            return ContextType(name, entries)
        return self.of(xml)

    def _function(self, function: etree._Element, name: str) -> FeelType:
        parameters = tuple(self.of(parameter) for parameter in children(function, "parameters"))
        result = function.get("outputTypeRef")
        return FunctionType(name, parameters, self.named(result, function) if result else ANY)

    def _test(self, xml: etree._Element | None) -> Callable[[object], bool] | None:
        text = text_in(xml)
        if xml is None or not text:
            return None
        try:
            tests = compile_unary_tests(text)
        except ExpressionError as error:
            self._definitions.findings.expression(xml, error)
            return None
        empty = Scope({}, None)
        return lambda value: tests.test(value, empty) is True
