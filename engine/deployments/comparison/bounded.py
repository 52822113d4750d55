"""Two versions compared in a process of its own: whoever deployed them may have made them for standing still."""

from __future__ import annotations

import json
from collections.abc import Mapping

from casepath.engine import errors
from casepath.engine.deployments import apart
from casepath.engine.deployments.comparison import files, values
from casepath.engine.deployments.comparison.values import Compared
from casepath.engine.phrases import Size


def compare_apart(
    before: Mapping[str, bytes], after: Mapping[str, bytes], *, seconds: int = apart.SECONDS, memory: int = apart.MEMORY
) -> list[Compared]:
    """
    Return what `compare` does; at most so many seconds of the processor and bytes of memory.

    Raises `InvalidInput` where it takes more.
    """
    pairs = {name: (before.get(name), after.get(name)) for name in before.keys() | after.keys()}
    # What is the same needs no other process, but for the texts of languages.
    if all(old == new for old, new in pairs.values()):
        return []
    found = apart.answer(_compare, dict(before), dict(after), seconds=seconds, memory=memory)
    if found is None:
        raise errors.InvalidInput(
            "Expected files that can be compared in {seconds} s with {memory}, but these take more.",
            code="compare-too-long",
            seconds=seconds,
            memory=Size(memory),
        )
    return values.read(json.loads(found))


def _compare(before: dict[str, bytes], after: dict[str, bytes]) -> bytes:
    return json.dumps(values.written(files.compare(before, after)), ensure_ascii=False).encode(
        errors="surrogatepass"
    )
