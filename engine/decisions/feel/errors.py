"""The errors of FEEL: what was expected and what was found."""

from __future__ import annotations

from collections.abc import Mapping

from casepath.engine.errors import ExpressionError, ExpressionLimit

#: What is wrong with a text, by kind.
TEXTS: Mapping[str, str] = {
    "expected": "Expected {expected}, but found {found}",
    "full-width": "Expected half-width punctuation, but found the full-width character '{found}'; write '{instead}'",
    "escape": "Expected a valid escape such as \\n or \\u0041, but found {found}",
    "literal": 'Expected a date, time or duration in @"…", but found "{found}"',
    "type": "Expected the name of a type, but found '{found}'",
    "mixed-arguments": "Expected either named or positional arguments, but found both",
    "duplicate-key": "Expected different keys in a context, but found '{found}' twice",
}
#: What a text asks for more than it may use, by kind.
LIMITS: Mapping[str, str] = {
    "text": "Expected at most {limit} characters, but found {found}",
    "nesting": "Expected at most {limit} levels of nesting, but found more",
    "work": "Expected at most {limit} units of work, but this takes more",
    "size": "Expected strings and lists of at most {limit} elements, but this one is longer",
    "pattern-size": "Expected a regular expression of at most {limit} pieces with its repetitions, but this "
    "one has more",
    "pattern": "Expected a regular expression that is done in {limit} seconds, but this one takes longer",
}


class FeelError(ExpressionError):
    """A FEEL text cannot be read."""

    code = "feel-error"

    def __init__(self, kind: str, text: str, position: int, /, **facts: object) -> None:
        self.kind = kind
        super().__init__(TEXTS[kind], text=text, position=position, **facts)


class FeelLimit(ExpressionLimit):
    """A FEEL text asks for more than it may use."""

    code = "feel-limit"

    def __init__(self, kind: str, limit: float, *, found: object = "", text: str = "") -> None:
        self.kind = kind
        super().__init__(LIMITS[kind], text=text, limit=limit, found=found)


def limit_error(kind: str, limit: float) -> FeelLimit:
    """Make the error for a limit that was reached while evaluating."""
    return FeelLimit(kind, limit)
