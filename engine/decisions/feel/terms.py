"""
The innermost expressions of FEEL: names, constants, brackets of all kinds, and what begins with a keyword.

`Terms` reads them and leaves operators to its subclass, the parser.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

from casepath.engine.decisions.feel import nodes
from casepath.engine.decisions.feel.errors import FeelError, FeelLimit
from casepath.engine.decisions.feel.limits import MAX_NESTING
from casepath.engine.decisions.feel.nodes import Node
from casepath.engine.decisions.feel.scanner import Scanner
from casepath.engine.decisions.feel.temporal_text import parse_literal
from casepath.engine.decisions.feel.type_names import TypeNames
from casepath.engine.decisions.feel.types import ANY, FeelType
from casepath.engine.phrases import Phrase

_CONSTANTS: dict[str, object] = {"true": True, "false": False, "null": None}
_COMPARISONS = ("<=", ">=", "!=", "=", "<", ">")


class Terms(ABC):
    """Reads one text; `names` are the variables that may be used, `types` those a model defines."""

    def __init__(
        self,
        text: str,
        names: Iterable[str] = (),
        *,
        properties: Iterable[str] = (),
        types: Mapping[str, FeelType] | None = None,
    ) -> None:
        self.scanner = Scanner(text, names, properties)
        self._types = TypeNames(self.scanner, types or {}, self._deeper)
        self._nesting = 0
        self._range_end = False

    @abstractmethod
    def expression(self) -> Node:
        """Read an expression."""

    @abstractmethod
    def operand(self) -> Node:
        """Read the operand of a comparison: no comparison, `and` or `or` outside of brackets."""

    def _deeper(self) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise FeelLimit("nesting", MAX_NESTING, text=self.scanner.text)

    # Primary expressions ----------------------------------------------------------------------------------------------

    def _primary(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        known = scanner.known_name()
        word = scanner.word()
        if known is not None and known[1] > start + len(word):
            scanner.advance_to(known[1])
            return nodes.Name(start, known[0])
        if word in self._KEYWORD_READERS:
            return self._KEYWORD_READERS[word](self)
        if word in _CONSTANTS:
            scanner.take_keyword(word)
            return nodes.Literal(start, _CONSTANTS[word])
        if word == "not":
            scanner.take_keyword(word)
            return nodes.Name(start, word)
        name = scanner.take_name()
        if name is not None:
            return nodes.Name(start, name)
        number = scanner.take_number()
        if number is not None:
            return nodes.Literal(start, number)
        string = scanner.take_string()
        if string is not None:
            return nodes.Literal(start, string)
        return self._symbol()

    def _symbol(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        if scanner.take("?"):
            return nodes.Name(start, "?")
        if scanner.take("@"):
            text = scanner.take_string()
            value = None if text is None else parse_literal(text)
            if value is None:
                raise FeelError("literal", scanner.text, start, found=(text or "")[:60])
            return nodes.Literal(start, value)
        if scanner.take("("):
            return self._parenthesis(start)
        if scanner.take("["):
            return self._list_or_range(start)
        if scanner.take("]"):
            return self._range(start, self.expression(), start_included=False)
        if scanner.take("{"):
            return self._context(start)
        raise scanner.expected(Phrase("an expression"))

    def _comparison_operator(self) -> str:
        for operator in _COMPARISONS:
            if self.scanner.take(operator):
                return operator
        return ""

    def _parenthesis(self, start: int) -> Node:
        scanner = self.scanner
        operator = self._comparison_operator()
        if operator:
            test = comparison_range(start, operator, self.operand())
            scanner.expect(")")
            return test
        node = self.expression()
        if scanner.at(".."):
            return self._range(start, node, start_included=False)
        scanner.expect(")")
        return node

    def _list_or_range(self, start: int) -> Node:
        scanner = self.scanner
        items: list[Node] = []
        while not scanner.at("]"):
            items.append(self._list_item())
            if len(items) == 1 and scanner.at(".."):
                return self._range(start, items[0], start_included=True)
            if not scanner.take(","):
                break
        scanner.expect("]")
        return nodes.ListOf(start, tuple(items))

    def _list_item(self) -> Node:
        """Read an item, which may be a comparison such as `<= 10` in a list that serves as a test."""
        start = self.scanner.position
        operator = self._comparison_operator()
        return comparison_range(start, operator, self.operand()) if operator else self.expression()

    def _range(self, start: int, low: Node, *, start_included: bool) -> Node:
        scanner = self.scanner
        scanner.expect("..")
        before, self._range_end = self._range_end, True
        high = self.operand()
        self._range_end = before
        if scanner.take("]"):
            return nodes.RangeOf(start, low, high, start_included, True)
        if scanner.take(")") or scanner.take("["):
            return nodes.RangeOf(start, low, high, start_included, False)
        raise scanner.expected(Phrase("']', ')' or '['"))

    def _context(self, start: int) -> Node:
        scanner = self.scanner
        entries: dict[str, Node] = {}
        scanner.names.push(())
        while not scanner.at("}"):
            place = scanner.position
            key = scanner.take_key()
            if key is None:
                raise scanner.expected(Phrase("a key with a colon"))
            if key in entries:
                raise FeelError("duplicate-key", scanner.text, place, found=key[:60])
            scanner.expect(":")
            entries[key] = self.expression()
            scanner.names.add(key)
            scanner.properties.add(key)
            if not scanner.take(","):
                break
        scanner.names.pop()
        scanner.expect("}")
        return nodes.ContextOf(start, tuple(entries.items()))

    def _read_type(self) -> FeelType:
        nesting = self._nesting
        kind = self._types.read()
        self._nesting = nesting
        return kind

    # Keywords ---------------------------------------------------------------------------------------------------------

    def _if(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        branches: list[tuple[Node, Node]] = []
        while scanner.take_keyword("if"):
            condition = self.expression()
            scanner.expect_keyword("then")
            branches.append((condition, self.expression()))
            scanner.expect_keyword("else")
        return nodes.If(start, tuple(branches), self.expression())

    def _for(self) -> Node:
        start = self.scanner.position
        self.scanner.take_keyword("for")
        iterators = self._iterators()
        self.scanner.expect_keyword("return")
        self.scanner.names.add("partial")
        body = self.expression()
        self.scanner.names.pop()
        return nodes.For(start, iterators, body)

    def _quantified(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        kind = "some" if scanner.take_keyword("some") else "every"
        scanner.take_keyword("every")
        iterators = self._iterators()
        scanner.expect_keyword("satisfies")
        body = self.expression()
        scanner.names.pop()
        return nodes.Quantified(start, "some" if kind == "some" else "every", iterators, body)

    def _iterators(self) -> tuple[nodes.Iterator, ...]:
        """Read `x in xs, …`; leaves a frame of names open for what follows."""
        scanner = self.scanner
        scanner.names.push(())
        iterators: list[nodes.Iterator] = []
        while True:
            name = scanner.take_new_name("in")
            if name is None:
                raise scanner.expected(Phrase("a name"))
            scanner.expect_keyword("in")
            start = scanner.position
            source = self.expression()
            last = self.expression() if scanner.take("..") else None
            iterators.append(nodes.Iterator(start, name, source, last))
            scanner.names.add(name)
            if not scanner.take(","):
                return tuple(iterators)

    def _function(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        scanner.take_keyword("function")
        scanner.expect("(")
        parameters: list[nodes.Parameter] = []
        while not scanner.at(")"):
            name = scanner.take_new_name(",", ":", ")")
            if name is None:
                raise scanner.expected(Phrase("the name of a parameter"))
            parameters.append(nodes.Parameter(name, self._read_type() if scanner.take(":") else ANY))
            if not scanner.take(","):
                break
        scanner.expect(")")
        scanner.names.push(parameter.name for parameter in parameters)
        external = scanner.take_keyword("external")
        body = self.expression()
        scanner.names.pop()
        return nodes.FunctionOf(start, tuple(parameters), None if external else body)

    _KEYWORD_READERS: Mapping[str, Callable[[Terms], Node]] = {
        "if": _if, "for": _for, "some": _quantified, "every": _quantified, "function": _function,
    }  # fmt: skip


def comparison_range(start: int, operator: str, operand: Node) -> nodes.RangeOf:
    """Return the range that a unary comparison such as `< 10` stands for."""
    included = operator in ("<=", ">=", "=")
    low = None if operator in ("<", "<=") else operand
    high = None if operator in (">", ">=") else operand
    return nodes.RangeOf(
        start, low, high, included and low is not None, included and high is not None, operator
    )
