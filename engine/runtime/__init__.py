"""
The one way a process instance moves: apply a trigger, run to the next wait states, store the difference.

    step      `advance`, `begin`, `lock`: one trigger in the transaction of the caller
    storing   the difference as rows
    urgency   by what task lists are ordered
    taken_back  what people did that the process could not follow
    services  what elements may ask while they run; `callers` what is asked of those that called a process
"""

from casepath.engine.runtime import storing, urgency
from casepath.engine.runtime.step import activity_variables, advance, begin, environment, load, lock, read
from casepath.engine.runtime.storing import InstanceRow
from casepath.engine.runtime.taken_back import Moving, moving

__all__ = [
    "InstanceRow",
    "Moving",
    "activity_variables",
    "advance",
    "begin",
    "environment",
    "load",
    "lock",
    "moving",
    "read",
    "storing",
    "urgency",
]
