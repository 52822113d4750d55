"""
FEEL text to syntax tree: recursive descent, with binary operators by precedence.

Nesting is counted and limited, and what can be written as a long chain is read in a loop, so that no text makes the
parser recurse deeply. Errors say what was expected, what was found, and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from casepath.engine.decisions.feel import nodes
from casepath.engine.decisions.feel.errors import FeelError
from casepath.engine.decisions.feel.nodes import Node
from casepath.engine.decisions.feel.terms import Terms, comparison_range
from casepath.engine.decisions.feel.types import FeelType
from casepath.engine.phrases import Phrase

#: Names with blanks that values have by themselves.
PROPERTIES = ("time offset", "start included", "end included")
_OR, _AND, _COMPARISON, _ADDITION, _MULTIPLICATION, _POWER, _NO_OPERATOR = 1, 2, 3, 4, 5, 6, 0
_SYMBOLS = (
    ("**", _POWER), ("<=", _COMPARISON), (">=", _COMPARISON), ("!=", _COMPARISON), ("=", _COMPARISON),
    ("<", _COMPARISON), (">", _COMPARISON), ("+", _ADDITION), ("-", _ADDITION), ("*", _MULTIPLICATION),
    ("/", _MULTIPLICATION),
)  # fmt: skip
_SYMBOL_STARTS = frozenset("*<>!=+-/")
_WORDS = {"or": _OR, "and": _AND, "between": _COMPARISON, "in": _COMPARISON}
#: Comparisons of comparisons, as in `a = b = c`.
_MAX_COMPARED = 3
#: What may follow a range, and can never begin a filter; tells the `[` that ends a range from one that begins a filter.
_AFTER_RANGE = (")", "]", "}", ",", "=", "!", "<", ">", "+", "*", "/", ".")
_AFTER_RANGE_WORDS = frozenset(("and", "or", "then", "else", "return", "satisfies", "instance", "between", "in"))


class Parser(Terms):
    """Reads one text; `names` may be used in it, `properties` after a dot and in filters, `types` where types stand."""

    def __init__(
        self,
        text: str,
        names: Iterable[str] = (),
        *,
        properties: Iterable[str] = (),
        types: Mapping[str, FeelType] | None = None,
    ) -> None:
        super().__init__(text, names, properties=[*PROPERTIES, *properties], types=types)

    def whole_expression(self) -> Node:
        """Read the text as one expression; raises `FeelError`."""
        node = self.expression()
        self._end()
        return node

    def whole_unary_tests(self) -> tuple[Node, ...]:
        """Read the text as the tests of an input of a decision table; raises `FeelError`."""
        scanner = self.scanner
        start = scanner.position
        if scanner.take("-") and scanner.at_end():
            return (nodes.Anything(start),)
        scanner.position = start
        if scanner.take_keyword("not") and scanner.take("("):
            tests = self._tests()
            scanner.expect(")")
            if scanner.at_end():
                return (nodes.Not(start, tests),)
        scanner.position = start
        tests = self._tests()
        self._end()
        return tests

    def _end(self) -> None:
        if not self.scanner.at_end():
            raise self.scanner.expected(Phrase("an operator or the end"))

    def expression(self) -> Node:
        """Read an expression."""
        self._deeper()
        range_end, self._range_end = self._range_end, False
        node = self._binary(_OR)
        self._range_end = range_end
        self._nesting -= 1
        return node

    def operand(self) -> Node:
        """Read the operand of a comparison: no comparison, `and` or `or` outside of brackets."""
        self._deeper()
        node = self._binary(_ADDITION)
        self._nesting -= 1
        return node

    # Operators --------------------------------------------------------------------------------------------------------

    def _next_operator(self) -> tuple[str, int]:
        scanner = self.scanner
        if scanner.text[scanner.position : scanner.position + 1] in _SYMBOL_STARTS:
            for symbol, precedence in _SYMBOLS:
                if scanner.at(symbol):
                    return symbol, precedence
        word = scanner.word()
        return word, _WORDS.get(word, _NO_OPERATOR)

    def _binary(self, floor: int) -> Node:
        """Read operands joined by operators that bind at least as tightly as `floor`."""
        start = self.scanner.position
        node = self._unary()
        compared = 0
        while True:
            operator, precedence = self._next_operator()
            if precedence < floor or precedence == _NO_OPERATOR:
                return node
            if precedence in (_OR, _AND):
                node = self._logic(start, node, operator, precedence)
            elif precedence == _COMPARISON:
                compared += 1
                if compared > _MAX_COMPARED:
                    raise self.scanner.expected(Phrase("brackets around comparisons of comparisons"))
                node = self._comparison(start, node, operator)
            else:
                node = self._arithmetic(start, node, precedence)

    def _logic(self, start: int, first: Node, operator: str, precedence: int) -> Node:
        operands = [first]
        while self.scanner.take_keyword(operator):
            operands.append(self._binary(precedence + 1))
        return nodes.Logic(start, "or" if operator == "or" else "and", tuple(operands))

    def _arithmetic(self, start: int, first: Node, precedence: int) -> Node:
        rest: list[tuple[str, Node]] = []
        while True:
            operator, found = self._next_operator()
            if found != precedence:
                return nodes.Arithmetic(start, first, tuple(rest))
            self.scanner.take(operator)
            rest.append((operator, self._binary(precedence + 1)))

    def _comparison(self, start: int, left: Node, operator: str) -> Node:
        scanner = self.scanner
        scanner.take(operator)
        if operator == "between":
            low = self.operand()
            scanner.expect_keyword("and")
            return nodes.Between(start, left, low, self.operand())
        if operator == "in":
            return nodes.In(start, left, self._in_tests())
        return nodes.Comparison(start, operator, left, self.operand())

    def _unary(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        minus = 0
        while scanner.take("-"):
            minus += 1
        node = self._postfix()
        if minus:
            node = nodes.Negation(start, node)
        if minus and minus % 2 == 0:
            node = nodes.Negation(start, node)
        if scanner.word() == "instance":
            scanner.take_keyword("instance")
            scanner.expect_keyword("of")
            node = nodes.InstanceOf(start, node, self._read_type())
        return node

    # Tests ------------------------------------------------------------------------------------------------------------

    def _tests(self) -> tuple[Node, ...]:
        """Read unary tests, separated by commas."""
        tests = [self._test()]
        while self.scanner.take(","):
            tests.append(self._test())
        return tuple(tests)

    def _test(self) -> Node:
        start = self.scanner.position
        operator = self._comparison_operator()
        return comparison_range(start, operator, self.operand()) if operator else self.expression()

    def _in_tests(self) -> tuple[Node, ...]:
        """Read what follows `in`: a test without brackets, or tests in brackets, or a range that begins with one."""
        scanner = self.scanner
        start = scanner.position
        operator = self._comparison_operator()
        if operator:
            return (comparison_range(start, operator, self.operand()),)
        if not scanner.take("("):
            return (self.operand(),)
        self._deeper()
        tests = self._tests()
        if len(tests) == 1 and scanner.at(".."):
            tests = (self._range(start, tests[0], start_included=False),)
        else:
            scanner.expect(")")
        self._nesting -= 1
        return tests

    # Paths, filters, calls --------------------------------------------------------------------------------------------

    def _postfix(self) -> Node:
        scanner = self.scanner
        start = scanner.position
        base = self._primary()
        steps: list[nodes.Path | nodes.Filter | nodes.Call] = []
        while True:
            if scanner.at(".") and not scanner.at(".."):
                scanner.take(".")
                steps.append(nodes.Path(self._property_name()))
            elif scanner.at("[") and not (self._range_end and self._closes_range()):
                steps.append(self._filter())
            elif scanner.at("("):
                steps.append(self._call())
            else:
                return nodes.Postfix(start, base, tuple(steps)) if steps else base

    def _property_name(self) -> str:
        scanner = self.scanner
        scanner.filters += 1
        name = scanner.take_name()
        scanner.filters -= 1
        if name is None and (word := scanner.word()):
            scanner.advance_to(scanner.position + len(word))
            name = word
        if name is None:
            raise scanner.expected(Phrase("a name"))
        return name

    def _filter(self) -> nodes.Filter:
        scanner = self.scanner
        scanner.expect("[")
        scanner.filters += 1
        condition = self.expression()
        scanner.filters -= 1
        scanner.expect("]")
        return nodes.Filter(condition)

    def _closes_range(self) -> bool:
        scanner = self.scanner
        start = scanner.position
        scanner.take("[")
        closes = (
            scanner.at_end()
            or scanner.text.startswith(_AFTER_RANGE, scanner.position)
            or scanner.word() in _AFTER_RANGE_WORDS
        )
        scanner.position = start
        return closes

    def _call(self) -> nodes.Call:
        scanner = self.scanner
        scanner.expect("(")
        arguments: list[Node] = []
        names: list[str] = []
        while not scanner.at(")"):
            place = scanner.position
            name = scanner.take_key()
            if name is not None:
                scanner.expect(":")
                names.append(name)
            arguments.append(self.expression())
            if names and len(names) != len(arguments):
                raise FeelError("mixed-arguments", scanner.text, place)
            if not scanner.take(","):
                break
        scanner.expect(")")
        return nodes.Call(tuple(arguments), tuple(names))
