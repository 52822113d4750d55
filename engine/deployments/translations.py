"""What diagrams say in another language than their own: `texts.<language>.json` beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from casepath.engine import errors, expressions
from casepath.engine.phrases import Phrase

#: What a diagram says in another language than its own: element id → name, and id with what follows → expression; and
#: words for variables.
CODE = "element-texts"
FILE = re.compile(r"texts\.[a-zA-Z_-]+\.json")
TOLD = (".subject", ".text")


def check(file: str, said: Mapping[str, Any]) -> Iterator[errors.Finding]:
    """Find what is no text, and what people are told with an expression that cannot be read."""
    for key, text in sorted(said.items()):
        if not isinstance(text, str):
            wrong = "Expected a text for each element, but found something else for '{element}'"
            other = Phrase(wrong, element=key)
            yield errors.Finding(code=CODE, file=file, phrase=other)
        elif key.endswith(TOLD):
            try:
                expressions.compile_expression(text)
            except errors.ExpressionError as error:
                unreadable = Phrase(
                    "The text of '{element}' cannot be read: {reason}", element=key, reason=error.phrase
                )
                yield errors.Finding(code=CODE, file=file, phrase=unreadable)
