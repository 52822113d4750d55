"""
Text to a tree, by operator precedence.

Chains of one precedence (`a && b && c`, `x.y.z`) become one node however long they are, so only brackets, signs in
front, conditionals and operators that bind closer nest; how deep is counted, and neither reading nor evaluating can
exhaust Python's stack.
"""

from __future__ import annotations

from typing import Never

from casepath.engine import errors
from casepath.engine.expressions import nodes, scanner
from casepath.engine.expressions.scanner import unreadable
from casepath.engine.phrases import Phrase

MAX_DEPTH = 64
MAX_NODES = 2_000
MAX_CHARACTERS = 10_000

_ORDER = ("<", "<=", ">", ">=")
_EQUALITY = ("==", "!=", "is", "is not")
_MEMBERSHIP = ("in", "not in")
_LEVELS = (("||",), ("&&",), _EQUALITY, (*_ORDER, *_MEMBERSHIP), ("+", "-"), ("*", "/", "%"))
_PRECEDENCE = {operator: level for level, operators in enumerate(_LEVELS, 1) for operator in operators}
_COMPARISONS = frozenset({*_EQUALITY, *_ORDER, *_MEMBERSHIP})
#: What Python has and JUEL has not: here both have one meaning.
_PYTHON = frozenset({"in", "not in", "is", "is not"})
_CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_RESERVED = frozenset({*scanner.WORDS, *_CONSTANTS, "empty", "instanceof"} - {"in", "is"})


def parse_template(text: str) -> nodes.Node | list[str | nodes.Node]:
    """
    Read text with `${…}` or `#{…}` in it: a tree where it is a single one, else the parts of the text.

    `\\${` stands for itself. Raises `ExpressionError` with the position.
    """
    _check_length(text)
    parts: list[str | nodes.Node] = []
    written, position, count = "", 0, 0
    while position < len(text):
        if text[position] == "\\" and text[position + 1 : position + 3] in ("${", "#{"):
            written, position = written + text[position + 1 : position + 3], position + 3
        elif text[position : position + 2] in ("${", "#{"):
            reader = _Parser(text, position + 2, count)
            if written:
                parts.append(written)
            parts.append(reader.whole("}"))
            written, position, count = "", scanner.end_of(reader.token), reader.count
        else:
            written, position = written + text[position], position + 1
    if written:
        parts.append(written)
    trees = [part for part in parts if not isinstance(part, str)]
    if len(trees) == 1 and all(not isinstance(part, str) or not part.strip() for part in parts):
        return trees[0]
    return parts


def parse_bare(text: str) -> nodes.Node:
    """Read an expression without `${}`; raises `ExpressionError` with the position."""
    _check_length(text)
    return _Parser(text, 0, 0).whole("")


def _check_length(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise errors.ExpressionLimit(
            "Expected an expression of at most {limit} characters, but found {count}",
            text=text, limit=MAX_CHARACTERS, count=len(text),
        )  # fmt: skip


class _Parser:
    """Reads one expression; `token` is the next that is not read yet."""

    def __init__(self, text: str, start: int, count: int) -> None:
        self.text = text
        self.token = scanner.scan(text, start)
        #: Nodes so far, and brackets around the present position.
        self.count = count
        self.depth = 0

    def whole(self, end: str) -> nodes.Node:
        """Read an expression up to the sign that ends it, or to the end of the text."""
        if self.token.text == end:
            self.refuse(Phrase("an expression"))
        node = self.expression()
        if self.token.text != end or (self.token.kind == "end") != (end == ""):
            if self.token.text == "if":
                self.refuse(Phrase("an operator (write condition ? this : that)"))
            self.refuse(Phrase("an operator or '{word}'", word=end) if end else Phrase("an operator"))
        return node

    def expression(self) -> nodes.Node:
        """Read a conditional or what is below."""
        self.descend()
        node = self.binary(1)
        if self.at("?"):
            position = self.next().position
            then = self.expression()
            self.expect(":")
            node = nodes.Conditional(node, then, self.expression(), self.counted(position))
        self.depth -= 1
        return node

    def binary(self, level: int, first: nodes.Node | None = None) -> nodes.Node:
        """Read operands and the operators between them that bind at least so close."""
        node = self.unary() if first is None else first
        while (precedence := _PRECEDENCE.get(self.operator(), 0)) >= level:
            position = self.token.position
            rest: list[tuple[str, nodes.Node]] = []
            while _PRECEDENCE.get(operator := self.operator()) == precedence:
                self.check_row([sign for sign, _ in rest], operator)
                self.counted(self.next().position)
                self.descend()
                rest.append((operator, self.binary(precedence + 1)))
                self.depth -= 1
            node = self.combined(node, tuple(rest), position)
        return node

    def check_row(self, signs: list[str], sign: str) -> None:
        """Refuse comparisons in a row, except by order, where Python alone gives them a meaning."""
        if signs and sign in _COMPARISONS and not {*signs, sign} <= {*_ORDER}:
            text = "'&&' or brackets between two comparisons ({first} … {second})"
            self.refuse(Phrase(text, first=signs[-1], second=sign))

    def combined(self, first: nodes.Node, rest: tuple[tuple[str, nodes.Node], ...], position: int) -> nodes.Node:
        """Return the node of operands with operators of one precedence between them."""
        sign = rest[0][0]
        if sign in ("&&", "||"):
            return nodes.Logic(sign, (first, *(operand for _, operand in rest)), position)
        if sign not in _COMPARISONS:
            return nodes.Calculated(first, rest, position)
        if sign.startswith("is"):
            constant = rest[0][1]
            if not isinstance(constant, nodes.Literal) or not isinstance(constant.value, bool | None):
                expected = Phrase("null, true or false after 'is' (== compares other values)")
                raise unreadable(self.text, position, expected, sign)
            rest = (("==" if sign == "is" else "!=", constant),)
        return nodes.Compared(first, rest, position)

    def operator(self) -> str:
        """Return the operator that the next token is, or nothing."""
        if self.token.kind == "word":
            return scanner.WORDS.get(str(self.token.value), "")
        return self.token.text if self.token.kind == "sign" else ""

    def unary(self) -> nodes.Node:
        operator = "empty" if self.token.text == "empty" and self.token.kind == "word" else self.operator()
        if operator not in ("!", "-", "empty"):
            return self.access()
        token = self.next()
        self.descend()
        operand = self.unary()
        if token.text == "not":
            operand = self.denied(operand)
        node = nodes.Unary(operator, operand, self.counted(token.position))
        self.depth -= 1
        return node

    def denied(self, operand: nodes.Node) -> nodes.Node:
        """Read on after `not x`: JUEL denies x, Python the comparison that begins with it; where both could, refuse."""
        operator = self.operator()
        if operator in _PYTHON:
            return self.binary(_PRECEDENCE[operator], operand)
        if operator in _PRECEDENCE and operator not in ("&&", "||"):
            text = "brackets that show what 'not' is about, such as not (a {operator} b)"
            self.refuse(Phrase(text, operator=operator))
        return operand

    def access(self) -> nodes.Node:
        """Read a value and the steps from it."""
        base = self.primary()
        steps: list[nodes.Property | nodes.Index | nodes.Method] = []
        while self.at(".", "["):
            sign = self.next()
            if sign.text == "[":
                steps.append(nodes.Index(self.expression(), self.counted(sign.position)))
                self.expect("]")
                continue
            name = self.next_word()
            if self.at("("):
                steps.append(nodes.Method(name.text, self.arguments(")"), self.counted(name.position)))
            else:
                steps.append(nodes.Property(name.text, self.counted(name.position)))
        return nodes.Access(base, tuple(steps), base.position) if steps else base

    def primary(self) -> nodes.Node:
        token, position = self.token, self.token.position
        if token.kind in ("number", "text"):
            return nodes.Literal(self.next().value, self.counted(position))
        if token.kind == "word":
            return self.word()
        if self.at("("):
            self.next()
            node = self.expression()
            self.expect(")")
            return node
        if self.at("["):
            return nodes.ListOf(self.arguments("]"), self.counted(position))
        return self.refuse(Phrase("a value"))

    def word(self) -> nodes.Node:
        """Read a constant, a function call or a variable."""
        if self.token.text in _RESERVED and self.token.text not in _CONSTANTS:
            self.refuse(Phrase("a value"))
        word = self.next()
        if word.text in _CONSTANTS:
            return nodes.Literal(_CONSTANTS[word.text], self.counted(word.position))
        if self.at("("):
            return nodes.Call(word.text, self.arguments(")"), self.counted(word.position))
        return nodes.Name(word.text, self.counted(word.position))

    def at(self, *signs: str) -> bool:
        """Tell whether the next token is one of these signs."""
        return self.token.kind == "sign" and self.token.text in signs

    def arguments(self, end: str) -> tuple[nodes.Node, ...]:
        """Read expressions with commas between them, from the opening to the closing bracket."""
        self.next()
        found: list[nodes.Node] = []
        while not self.at(end):
            if found:
                self.expect(",")
            found.append(self.expression())
        self.next()
        return tuple(found)

    def next(self) -> scanner.Token:
        """Return the next token and go past it."""
        token = self.token
        self.token = scanner.scan(self.text, scanner.end_of(token))
        return token

    def next_word(self) -> scanner.Token:
        """Return the name of a property or method and go past it."""
        if self.token.kind != "word":
            self.refuse(Phrase("the name of a property or method"))
        return self.next()

    def expect(self, sign: str) -> None:
        """Go past a sign that must be there."""
        if not self.at(sign):
            self.refuse(Phrase("'{word}'", word=sign))
        self.next()

    def descend(self) -> None:
        """Count a level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise errors.ExpressionLimit(
                "Expected at most {limit} brackets, signs and conditionals inside each other, but found more",
                text=self.text, position=self.token.position, limit=MAX_DEPTH,
            )  # fmt: skip

    def counted(self, position: int) -> int:
        """Count a node and return its position."""
        self.count += 1
        if self.count > MAX_NODES:
            raise errors.ExpressionLimit(
                "Expected at most {limit} values and operators, but found more",
                text=self.text, position=position, limit=MAX_NODES,
            )  # fmt: skip
        return position

    def refuse(self, expected: Phrase) -> Never:
        """Say what was expected instead of the next token."""
        raise unreadable(self.text, self.token.position, expected, self.token.text)
