"""Text to tokens: words, numbers, texts in quotes and signs, each with its position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from casepath.engine import errors
from casepath.engine.expressions import arithmetic
from casepath.engine.expressions.arithmetic import Exact
from casepath.engine.phrases import Phrase, shortened

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


def unreadable(text: str, position: int, expected: Phrase, found: str) -> errors.ExpressionError:
    """Return the error for a text that goes on as it must not; an empty `found` is its end."""
    return errors.ExpressionError(
        "Expected {expected}, but found {found} at character {at}",
        text=text,
        position=position,
        expected=expected,
        found=Phrase("'{word}'", word=shortened(found, 40)) if found else Phrase("the end"),
        at=position + 1,
    )


def _number(text: str, written: str, position: int) -> Exact:
    if len(written) > arithmetic.MAX_CHARACTERS:
        raise errors.ExpressionLimit(
            "Expected a number of at most {limit} digits, but found {count}",
            text=text, position=position, limit=arithmetic.MAX_CHARACTERS, count=len(written),
        )  # fmt: skip
    value = int(written) if written.isdigit() else arithmetic.plain(Decimal(written))
    try:
        return arithmetic.checked(value)
    except errors.ExpressionLimit as error:
        raise errors.ExpressionLimit(error.phrase, text=text, position=position) from None


def _unescaped(text: str, written: str, position: int) -> str:
    if "\\" not in written:
        return written[1:-1]
    for found in _ESCAPE.finditer(written):
        if found[1] not in "\\'\"":
            expected = Phrase("\\\\, \\' or \\\" after a backslash in a text")
            raise unreadable(text, position + found.start(), expected, found[0])
    return _ESCAPE.sub(r"\1", written[1:-1])


def _no_token(text: str, position: int) -> errors.ExpressionError:
    quoted = Phrase("a text that ends with the quotation mark it begins with")
    reasons = {
        "'": quoted,
        '"': quoted,
        "=": Phrase("'==' (an expression compares, it does not assign)"),
        "&": Phrase("'{word}'", word="&&"),
        "|": Phrase("'{word}'", word="||"),
    }
    expected = reasons.get(text[position], Phrase("a value, a name or an operator"))
    return unreadable(text, position, expected, text[position : position + 10])
