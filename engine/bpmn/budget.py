"""
What one step may use, with everything that comes of it: moves, time, and room for what it sets.

A diagram that runs in circles without ever waiting would otherwise move for hours, in a transaction for which others
wait. A step over budget is taken back as a whole, so that nothing of it is left and no other instance feels it.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf
from time import perf_counter, thread_time
from typing import Any

from casepath.engine import errors, settings

#: Seconds on the wall for one of the processor: for scripts, which run in processes of their own, and for a machine
#: that has much else to do.
PATIENCE = 10


class _Aside(threading.local):
    #: Seconds of the processor that this thread has spent on what counts against no step.
    seconds = 0.0
    #: When the collection of garbage that runs in this thread has begun.
    collecting_since = 0.0


_aside = _Aside()


@contextmanager
def aside() -> Iterator[None]:
    """Do what is done once for all process instances, such as reading a diagram: it counts against no step."""
    begun = thread_time()
    try:
        yield
    finally:
        _aside.seconds += thread_time() - begun


def _collecting(phase: str, found: dict[str, int]) -> None:
    """Set a whole collection of garbage aside: it clears what all have left, and takes longer the more they have."""
    if found["generation"] == 2:
        now = thread_time()
        if phase == "start":
            _aside.collecting_since = now
        else:
            _aside.seconds += now - _aside.collecting_since


gc.callbacks.append(_collecting)


class Budget:
    """What is left for one step. Time is that of the processor: a busy machine is no fault of the diagram."""

    __slots__ = ("_began", "_began_at", "_characters", "_moves", "characters", "moves", "seconds")

    def __init__(self, *, seconds: float = inf) -> None:
        self.seconds = seconds
        self.moves = self._moves = settings.current.step_moves
        self.characters = self._characters = settings.current.step_characters
        self._began = perf_counter()
        self._began_at = thread_time() - _aside.seconds

    def move(self, element_id: str) -> None:
        """Count one move; raises `OverBudget`."""
        self._moves -= 1
        if self._moves < 0:
            raise errors.OverBudget(
                "The process should come to rest somewhere, but it still moves after {limit} moves, last at {element}. "
                "Nothing was changed; please tell the process owner.",
                code="never-waits",
                limit=self.moves,
                element=element_id,
            )
        self.check_time(element_id)

    def check_time(self, element_id: str) -> None:
        """Raise `OverBudget` where the step has taken too long."""
        wall = perf_counter() - self._began
        # The clock on the wall is asked first: it costs a tenth.
        if wall > self.seconds and (
            wall > self.seconds * PATIENCE or thread_time() - _aside.seconds - self._began_at > self.seconds
        ):
            raise errors.OverBudget(
                "The process should come to rest within {limit} seconds, but it still moves, last at {element}. "
                "Nothing was changed; please tell the process owner.",
                code="step-too-long",
                limit=self.seconds,
                element=element_id,
            )

    def keep(self, variables: Mapping[str, Any], element_id: str) -> None:
        """Count what is set; raises `OverBudget`."""
        self._characters -= sum(_size(value, self._characters) for value in variables.values())
        if self._characters < 0:
            raise errors.OverBudget(
                "A step should set values of at most {limit} characters together, but it sets more, last at {element}. "
                "Nothing was changed; please tell the process owner.",
                code="step-too-large",
                limit=self.characters,
                element=element_id,
            )


def _size(value: object, enough: int) -> int:
    """Return about how many characters a value has; what has more than enough is not counted to its end."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, (dict, list)):
        return 8
    size, left = 0, [value]
    while left and size <= enough:
        member = left.pop()
        members = member.values() if isinstance(member, dict) else member
        if isinstance(member, dict):
            size += sum(map(len, map(str, member)))
        size += 8 * len(members)
        for child in members:
            if isinstance(child, str):
                size += len(child)
            elif isinstance(child, (dict, list)):
                left.append(child)
    return size
