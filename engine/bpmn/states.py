"""
The states of a token, with SpiffWorkflow's numbers: from which one it may come to which, and how each is stored.

    FUTURE      made, not yet where it goes: only within a move
    WAITING     at a join, for other tokens; or its event has just come
    READY       in the queue
    STARTED     it waits for something from outside, or for what is inside
    COMPLETED   done; only within a move, then it is gone
    ERROR       its element failed; it can be run again
    CANCELLED   taken away before it was done
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from SpiffWorkflow.util.task import TaskState

FUTURE: Final[int] = TaskState.FUTURE
WAITING: Final[int] = TaskState.WAITING
READY: Final[int] = TaskState.READY
STARTED: Final[int] = TaskState.STARTED
COMPLETED: Final[int] = TaskState.COMPLETED
ERROR: Final[int] = TaskState.ERROR
CANCELLED: Final[int] = TaskState.CANCELLED

TRANSITIONS: Final[Mapping[int, frozenset[int]]] = {
    FUTURE: frozenset({WAITING, READY, CANCELLED}),
    WAITING: frozenset({READY, STARTED, COMPLETED, ERROR, CANCELLED}),
    READY: frozenset({STARTED, COMPLETED, ERROR, CANCELLED}),
    STARTED: frozenset({WAITING, READY, COMPLETED, ERROR, CANCELLED}),
    # It had completed, but could not leave.
    COMPLETED: frozenset({ERROR}),
    ERROR: frozenset({READY, STARTED}),
    CANCELLED: frozenset(),
}

#: The states that outlast a step, as they are stored.
LETTERS: Final[Mapping[int, str]] = {STARTED: "S", WAITING: "W", ERROR: "E", READY: "R"}
BY_LETTER: Final[Mapping[str, int]] = {letter: state for state, letter in LETTERS.items()}
