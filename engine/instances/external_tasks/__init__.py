"""
External tasks: work for workers, waiting under a topic.

A worker has a task until its lock ends; after that anybody may fetch it again, and only who has it now may report. Work
is done at least once, so each task carries an idempotency key for what has effects elsewhere.
"""

from __future__ import annotations

from casepath.engine.instances.external_tasks.locks import (
    FetchedTask,
    Topic,
    are_waiting,
    extend_lock,
    fetch_and_lock,
    lock,
    set_priority,
    unlock,
)
from casepath.engine.instances.external_tasks.reports import complete, fail, hand_over, set_retries, throw_error
from casepath.engine.instances.external_tasks.rows import get

__all__ = [
    "FetchedTask",
    "Topic",
    "are_waiting",
    "complete",
    "extend_lock",
    "fail",
    "fetch_and_lock",
    "get",
    "hand_over",
    "lock",
    "set_priority",
    "set_retries",
    "throw_error",
    "unlock",
]
