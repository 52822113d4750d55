"""Conditions and scripts of the models: comparison, logic, arithmetic, lists; spelled as `${…}` or as Python."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

#: ("value", 3), ("name", "x"), ("list", …), ("not", …), or an operator with two operands.
Tree = tuple[object, ...]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+)|(?P<text>"[^"]*"|'[^']*')|(?P<word>[^\W\d]\w*)"""
    r"""|(?P<sign>[=!<>]=|&&|\|\||[-+*%<>!()\[\],.]))"""
)
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_SIGNS = {"&&": "and", "||": "or", "!": "not", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"or"}), frozenset({"and"}), frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}), frozenset({"*", "%"}),
)
_OPERATORS: dict[str, Callable[[Any, Any], object]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "%": operator.mod, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "in": lambda a, b: operator.contains(b, a),
}


class Unreadable(ValueError):
    """The text is no expression, or has no value with these variables."""


class _Reader:
    """Reads one text by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.tokens: list[tuple[str, object]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise Unreadable(f"Expected an expression, but found {text[position:]!r} in {text!r}")
            self.tokens.append(_token(match))
            position = match.end()

    def take(self, *signs: str) -> str | None:
        if self.at < len(self.tokens):
            kind, sign = self.tokens[self.at]
            if kind == "sign" and sign in signs:
                self.at += 1
                return str(sign)
        return None

    def need(self, sign: str) -> None:
        if self.take(sign) is None:
            raise Unreadable(f"Expected {sign!r} in {self.text!r}")

    def level(self, number: int) -> Tree:
        if number == 2 and self.take("not"):
            return ("not", self.level(2))
        if number == len(_LEVELS):
            return self.unary()
        tree = self.level(number + 1)
        while sign := self.take(*_LEVELS[number]):
            tree = (sign, tree, self.level(number + 1))
        return tree

    def unary(self) -> Tree:
        if self.take("-"):
            return ("-", ("value", 0), self.unary())
        if self.take("not"):
            return ("not", self.unary())
        tree = self.primary()
        while self.take("."):
            if self.tokens[self.at] != ("name", "contains"):
                raise Unreadable(f"Expected the method contains in {self.text!r}")
            self.at += 1
            self.need("(")
            tree = ("in", self.level(0), tree)
            self.need(")")
        return tree

    def primary(self) -> Tree:
        if self.take("("):
            tree = self.level(0)
            self.need(")")
            return tree
        if self.take("["):
            members: list[object] = []
            while not self.take("]"):
                members.append(self.level(0))
                if not self.take(","):
                    self.need("]")
                    break
            return ("list", *members)
        if self.at == len(self.tokens) or self.tokens[self.at][0] == "sign":
            raise Unreadable(f"Expected a value in {self.text!r}")
        self.at += 1
        return self.tokens[self.at - 1]


def _token(match: re.Match[str]) -> tuple[str, object]:
    text = match.group(match.lastgroup or 0)
    match match.lastgroup:
        case "number":
            return ("value", int(text))
        case "text":
            return ("value", text[1:-1])
        case "word" if text in _CONSTANTS:
            return ("value", _CONSTANTS[text])
        case "word" if text not in ("and", "or", "not", "in", *_SIGNS):
            return ("name", text)
    return ("sign", _SIGNS.get(text, text))


@lru_cache(maxsize=10_000)
def parse(text: str) -> Tree:
    """Read an expression; raises `Unreadable`."""
    text = text.strip()
    if text.startswith(("${", "#{")) and text.endswith("}"):
        text = text[2:-1]
    reader = _Reader(text)
    tree = reader.level(0)
    if reader.at < len(reader.tokens):
        raise Unreadable(f"Expected the end of {text!r}, but found {reader.tokens[reader.at]}")
    return tree


@lru_cache(maxsize=10_000)
def parse_script(text: str) -> tuple[tuple[str, Tree], ...]:
    """Read assignments, one a line; raises `Unreadable`."""
    assignments = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line == "pass":
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Unreadable(f"Expected an assignment, but found {line!r}")
        assignments.append((name.strip(), parse(value)))
    return tuple(assignments)


def evaluate(tree: Tree, lookup: Callable[[str], object]) -> object:
    """Return the value; `lookup` raises `KeyError` for an unknown name. Raises `Unreadable`."""
    kind, *operands = tree
    if kind == "value":
        return operands[0]
    if kind == "name":
        try:
            return lookup(str(operands[0]))
        except KeyError:
            raise Unreadable(f"Expected a variable {operands[0]}, but there is none") from None
    if kind == "list":
        return [evaluate(member, lookup) for member in operands]  # type: ignore[arg-type]
    left = evaluate(operands[0], lookup)  # type: ignore[arg-type]
    if kind == "not":
        return not left
    if kind in ("and", "or"):
        return left if bool(left) == (kind == "or") else evaluate(operands[1], lookup)  # type: ignore[arg-type]
    right = evaluate(operands[1], lookup)  # type: ignore[arg-type]
    try:
        return _OPERATORS[str(kind)](left, right)
    except TypeError as error:
        raise Unreadable(f"Expected operands of {kind}, but found {left!r} and {right!r}: {error}") from None
