"""
What happened, once, as proof: append to it, read it, verify it, erase values from it. Nothing here changes an event.

`sealing` chains events with hashes, `verification` finds every event that was changed, removed or moved, `erasure`
removes values and leaves the chain valid.
"""

from __future__ import annotations

from engine.history.erasure import erase
from engine.history.log import EventView, events, lock, record
from engine.history.sealing import ERROR_TEXT, Event, Sealed, seal
from engine.history.verification import Problem, check, verify, verify_all

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
