"""What diagrams say in another language than their own: `texts.<language>.json` beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from casepath.engine import errors, expressions
from casepath.engine.bpmn import read_texts
from casepath.engine.phrases import Phrase

#: What a diagram says in another language than its own: element id → name, and id with what follows → expression; and
#: words for variables.
CODE = "element-texts"
FILE = re.compile(r"texts\.[a-zA-Z_-]+\.json")
TOLD = (".subject", ".text")


def is_file(file: str) -> bool:
    """Tell whether a file of a deployment says what diagrams say in another language."""
    return FILE.fullmatch(PurePosixPath(file).name) is not None


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


def unnamed(resources: Mapping[str, bytes], processes: Iterable[tuple[str, str]]) -> Iterator[errors.Finding]:
    """
    Yield a warning for each element without a name in a language in which the deployment has names.

    `resources` are its files, `processes` the file and the key of each process.
    """
    said = [found for file, source in resources.items() if is_file(file) and (found := _names(source))]
    for file, key in processes if said else ():
        # Data are named by variables, which are no words.
        named = {
            each: name
            for each, name in read_texts(resources[file], key).names.items()
            if not (name.isascii() and name.isidentifier())
        }
        for element_id, name in ((each, name) for texts in said for each, name in named.items() if not texts.get(each)):
            yield errors.Finding(
                level="warning",
                code="name-missing",
                file=file,
                element_id=element_id,
                name=name,
                phrase=Phrase("Expected a name in the other language too, as others have one, but found none"),
            )


def _names(source: bytes) -> dict[str, Any]:
    """Return the names of elements; what is said beside them, or of variables, has dots in its key."""
    return {key: name for key, name in json.loads(source).items() if "." not in key}
