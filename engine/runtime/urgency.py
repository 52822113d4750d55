"""By what task lists are ordered: when a task is due, brought forward or put back by its priority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: The priority of a task that says nothing.
ORDINARY = 50
#: By how much each point above it brings a task forward: the highest counts as if it were due a day earlier.
POINT = timedelta(minutes=30)
#: No priority moves a task further than that.
FURTHEST = ORDINARY * POINT
#: When a task without a due date counts as due.
FAR_FUTURE = datetime(9999, 12, 1, tzinfo=UTC)


def sort_at(due_at: datetime | None, priority: int) -> datetime:
    """Return by what a task is ordered in lists."""
    forward = (priority - ORDINARY) * POINT
    try:
        return (due_at or FAR_FUTURE) - max(-FURTHEST, min(FURTHEST, forward))
    except OverflowError:  # the ends of the calendar
        return due_at or FAR_FUTURE
