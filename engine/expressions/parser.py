"""
Text to a tree, by operator precedence.

Chains of one precedence (`a && b && c`, `x.y.z`) become one node however long they are, so only brackets, signs in
front, conditionals and operators that bind closer nest; how deep is counted, and neither reading nor evaluating can
exhaust Python's stack.
"""

from __future__ import annotations

from typing import Never

from casepath.engine.expressions import nodes, scanner
from casepath.engine.expressions.unreadable import TooLarge, Unreadable

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
_HINTS = {"if": (" (write condition ? this : that)", "（请写作 条件 ? 一值 : 另一值）")}


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
        expected, expected_zh = f"at most {MAX_CHARACTERS} characters", f"最多 {MAX_CHARACTERS} 个字符的表达式"
        raise TooLarge(text, None, expected=expected, expected_zh=expected_zh)


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
            self.refuse("an expression", "表达式")
        node = self.expression()
        if self.token.text != end or (self.token.kind == "end") != (end == ""):
            either, either_zh = (f" or '{end}'", f"或“{end}”") if end else ("", "")
            hint, hint_zh = _HINTS.get(self.token.text, ("", ""))
            self.refuse(f"an operator{either}{hint}", f"运算符{either_zh}{hint_zh}")
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
            row = f"{signs[-1]} … {sign}"
            self.refuse(f"'&&' or brackets between two comparisons ({row})", f"两个比较（{row}）之间的“&&”或括号")

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
                raise Unreadable(
                    self.text, position, found=sign,
                    expected="null, true or false after 'is' (== compares other values)",
                    expected_zh="“is”之后的 null、true 或 false（其他值用 == 比较）",
                )  # fmt: skip
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
            shown = f"not (a {operator} b)"
            self.refuse(f"brackets that show what 'not' is about, such as {shown}", f"标明“not”范围的括号，如 {shown}")
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
        return self.refuse("a value", "值")

    def word(self) -> nodes.Node:
        """Read a constant, a function call or a variable."""
        if self.token.text in _RESERVED and self.token.text not in _CONSTANTS:
            self.refuse("a value", "值")
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
            self.refuse("the name of a property or method", "属性或方法的名称")
        return self.next()

    def expect(self, sign: str) -> None:
        """Go past a sign that must be there."""
        if not self.at(sign):
            self.refuse(f"'{sign}'", f"“{sign}”")
        self.next()

    def descend(self) -> None:
        """Count a level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge(
                self.text, self.token.position,
                expected=f"at most {MAX_DEPTH} brackets, signs and conditionals inside each other",
                expected_zh=f"最多嵌套 {MAX_DEPTH} 层的括号、符号和条件",
            )  # fmt: skip

    def counted(self, position: int) -> int:
        """Count a node and return its position."""
        self.count += 1
        if self.count > MAX_NODES:
            raise TooLarge(
                self.text, position,
                expected=f"at most {MAX_NODES} values and operators", expected_zh=f"最多 {MAX_NODES} 个值和运算符",
            )  # fmt: skip
        return position

    def refuse(self, expected: str, expected_zh: str) -> Never:
        """Say what was expected instead of the next token."""
        found = self.token
        raise Unreadable(
            self.text, found.position, expected=expected, expected_zh=expected_zh, found=found.text
        )
