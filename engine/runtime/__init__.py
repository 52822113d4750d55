"""
The one way a process instance moves: apply a trigger, run to the next wait states, store the difference.

    step      `advance`, `begin`: one trigger in the transaction of the caller
    rows      `lock`, `read`: the row of an instance, alone or together with what belongs to it (`Belonging`)
    storage   the difference as rows; `told` and `measurements` what is kept of the variables beside
    urgency   by what task lists are ordered
    taken_back  what people did that the process could not follow
    services  what elements may ask while they run; `callers` what is asked of those that called a process
"""

from casepath.engine.runtime import storage, told, urgency
from casepath.engine.runtime.rows import Belonging, InstanceRow, lock, read
from casepath.engine.runtime.step import activity_variables, advance, begin, environment, load
from casepath.engine.runtime.taken_back import Moving, moving

__all__ = [
    "Belonging",
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
    "storage",
    "told",
    "urgency",
]
