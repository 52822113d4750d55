"""What a diagram says in another language than its own: `texts.<language>.json`, element id → text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from casepath.engine import errors, expressions
from casepath.engine.phrases import Phrase

#: How these files are called.
FILE = re.compile(r"texts\.[a-zA-Z_-]+\.json")
#: What people are told, by an expression that stands under the id of an element with this behind it.
TOLD = (".subject", ".text")


def check(file: str, said: Mapping[str, Any]) -> Iterator[errors.Finding]:
    """Yield an error for what is no text, and for what people are told with an expression that cannot be read."""
    for key, text in sorted(said.items()):
        if not isinstance(text, str):
            wanted = "Expected a text for each element, but found something else for '{element}'"
            yield _finding(file, Phrase(wanted, element=key))
        elif key.endswith(TOLD):
            try:
                expressions.compile_expression(text)
            except errors.ExpressionError as error:
                told = "The text of '{element}' cannot be read: {reason}"
                yield _finding(file, Phrase(told, element=key, reason=error.phrase))


def _finding(file: str, phrase: Phrase) -> errors.Finding:
    return errors.Finding(code="element-texts", file=file, phrase=phrase)
