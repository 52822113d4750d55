"""Text to tokens: words, numbers, texts in quotes and signs, each with its position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from casepath.engine import errors
from casepath.engine.expressions import arithmetic
from casepath.engine.expressions.arithmetic import Exact
from casepath.engine.expressions.unreadable import TooLarge, Unreadable

#: Spellings in words, and the signs that they stand for; those of Python are signs of their own.
WORDS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&&", "or": "||", "not": "!"}
WORDS |= {"div": "/", "mod": "%"}
WORDS |= {word: word for word in ("in", "not in", "is", "is not")}

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<word>(?:is\s+not|not\s+in)(?![\w$])|[^\W\d][\w$]*|\$[\w$]+)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]}])
  | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    kind: Literal["number", "word", "text", "sign", "end"]
    #: As written; `value` has what a number or a text means, and a word with single blanks.
    text: str
    value: object
    position: int


def scan(text: str, start: int) -> Token:
    """Return the token at a position or after the blanks there; raises `ExpressionError` where there is none."""
    found = _TOKEN.match(text, start)
    if found is None:
        blanks = len(text[start:]) - len(text[start:].lstrip())
        raise _no_token(text, start + blanks)
    kind, position = found.lastgroup, found.start(found.lastgroup or 0)
    written = found[kind or 0]
    if kind == "number":
        return Token("number", written, _number(text, written, position), position)
    if kind == "text":
        return Token("text", written, _unescaped(text, written, position), position)
    if kind == "word":
        return Token("word", written, " ".join(written.split()), position)
    return Token("end" if kind == "end" else "sign", written, None, position)


def end_of(token: Token) -> int:
    """Return the position after a token."""
    return token.position + len(token.text)


def _number(text: str, written: str, position: int) -> Exact:
    most = arithmetic.MAX_CHARACTERS
    if len(written) > most:
        expected, expected_zh = f"a number of at most {most} digits", f"最多 {most} 位的数字"
        raise TooLarge(text, position, expected=expected, expected_zh=expected_zh)
    value = int(written) if written.isdigit() else arithmetic.plain(Decimal(written))
    try:
        return arithmetic.checked(value)
    except errors.ExpressionLimit:
        bits = arithmetic.MAX_BITS
        raise TooLarge(
            text, position, expected=f"a number of at most {bits} bits", expected_zh=f"最多 {bits} 位二进制的数字"
        ) from None


def _unescaped(text: str, written: str, position: int) -> str:
    if "\\" not in written:
        return written[1:-1]
    for found in _ESCAPE.finditer(written):
        if found[1] not in "\\'\"":
            raise Unreadable(
                text, position + found.start(), found=found[0],
                expected="\\\\, \\' or \\\" after a backslash in a text",
                expected_zh="文本中反斜杠之后的 \\\\、\\' 或 \\\"",
            )  # fmt: skip
    return _ESCAPE.sub(r"\1", written[1:-1])


def _no_token(text: str, position: int) -> Unreadable:
    quoted = ("a text that ends with the quotation mark it begins with", "以同一引号开始和结束的文本")
    reasons = {
        "'": quoted,
        '"': quoted,
        "=": ("'==' (an expression compares, it does not assign)", "“==”（表达式只比较，不赋值）"),
        "&": ("'&&'", "“&&”"),
        "|": ("'||'", "“||”"),
    }
    expected, expected_zh = reasons.get(text[position], ("a value, a name or an operator", "值、名称或运算符"))
    return Unreadable(
        text, position, expected=expected, expected_zh=expected_zh, found=text[position : position + 10]
    )
