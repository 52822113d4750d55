"""
What one evaluation may use: text, nesting, work and size, counted so that the same text always stops at the same point.

Work is counted in units of roughly half a microsecond. One budget serves one outermost evaluation, with everything it
calls; it is kept per thread, so that the built-in functions need not carry it around.
"""

from __future__ import annotations

import threading
from datetime import datetime

from casepath.engine.decisions.feel.errors import limit_error
from casepath.engine.time import clock

#: Characters of one expression.
MAX_TEXT = 30_000
#: Levels of brackets, `if`, `for`, functions and so on, one inside the other.
MAX_NESTING = 40
#: Sum of the nesting of all functions that are active at the same time; Python itself stops at 1000 frames.
MAX_CALL_NESTING = 700
#: Units of work of one evaluation.
MAX_WORK = 600_000
#: Characters of one string, items of one list.
MAX_SIZE = 200_000
#: Seconds that all regular expressions of one evaluation may take together.
MAX_PATTERN_SECONDS = 0.2


class Budget:
    """What is left for one evaluation."""

    __slots__ = ("nesting", "now", "pattern_seconds", "work")

    def __init__(self, now: datetime | None) -> None:
        #: The present: one moment for the whole evaluation, in the zone whose date is today's.
        self.now = now
        self.work = MAX_WORK
        self.nesting = 0
        self.pattern_seconds = MAX_PATTERN_SECONDS


class _Current(threading.local):
    budget: Budget | None = None


_current = _Current()


class budgeted:  # noqa: N801 - used as a function would be; a class enters and leaves faster
    """Open a budget, unless an outer evaluation in this thread has one; turn exhausted recursion into our own error."""

    __slots__ = ("_now", "_outermost")

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now

    def __enter__(self) -> None:
        self._outermost = _current.budget is None
        if self._outermost:
            _current.budget = Budget(self._now)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._outermost:
            _current.budget = None
            if kind is RecursionError:
                raise limit_error("nesting", MAX_CALL_NESTING) from None


def present() -> datetime:
    """Return the present of the evaluation: as it was given, or that of the clock when it is first asked for."""
    budget = _current.budget
    if budget is None:
        return clock.now()
    if budget.now is None:
        budget.now = clock.now()
    return budget.now


def spend(units: int) -> None:
    """Count work; raises `ExpressionLimit` when the budget is used up. Outside of an evaluation nothing is counted."""
    budget = _current.budget
    if budget is not None:
        budget.work -= units
        if budget.work < 0:
            raise limit_error("work", MAX_WORK)


def enter(levels: int) -> None:
    """Count the nesting of a function that starts; raises `ExpressionLimit`."""
    budget = _current.budget
    if budget is not None:
        budget.nesting += levels
        if budget.nesting > MAX_CALL_NESTING:
            raise limit_error("nesting", MAX_CALL_NESTING)


def leave(levels: int) -> None:
    """Give back the nesting of a function that ended."""
    budget = _current.budget
    if budget is not None:
        budget.nesting -= levels


def check_size(size: int) -> None:
    """Refuse a string or list before it is built; raises `ExpressionLimit`."""
    if size > MAX_SIZE:
        raise limit_error("size", MAX_SIZE)
    spend(size >> 3)


def pattern_seconds() -> float:
    """Say how long the next regular expression may take; raises `ExpressionLimit` when nothing is left."""
    budget = _current.budget
    left = MAX_PATTERN_SECONDS if budget is None else budget.pattern_seconds
    if left <= 0:
        raise limit_error("pattern", MAX_PATTERN_SECONDS)
    return left


def spend_pattern_seconds(seconds: float) -> None:
    """Count the time of a regular expression."""
    budget = _current.budget
    if budget is not None:
        budget.pattern_seconds -= seconds
