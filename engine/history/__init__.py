"""
What happened, once, as proof: append to it, read it, verify it, erase values from it. Nothing here changes an event.

`sealing` chains events with hashes, `verification` finds every event that was changed, removed or moved, `erasure`
removes values and leaves the chain valid.
"""

from __future__ import annotations

from casepath.engine.history.erasure import erase
from casepath.engine.history.log import EventView, events, lock, record
from casepath.engine.history.sealing import ERROR_TEXT, Event, Sealed, seal
from casepath.engine.history.verification import Problem, check, verify, verify_all

__all__ = [
    "ERROR_TEXT",
    "Event",
    "EventView",
    "Problem",
    "Sealed",
    "check",
    "erase",
    "events",
    "lock",
    "record",
    "seal",
    "verify",
    "verify_all",
]
