"""
What happened, once, as proof: append to it, read it, verify it, erase values from it. Nothing here changes an event.

Each process instance has a history, and the house has one: `organisation`. `sealing` chains events with hashes,
`verification` finds every event that was changed, removed or moved, `erasure` removes values and leaves the chain
valid.
"""

from __future__ import annotations

from casepath.engine.history import organisation
from casepath.engine.history.erasure import erase
from casepath.engine.history.log import EventView, events, lock, record
from casepath.engine.history.organisation import verify_all
from casepath.engine.history.sealing import ERROR_TEXT, Event, Sealed, seal
from casepath.engine.history.verification import Problem, check, verify

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
    "organisation",
    "record",
    "seal",
    "verify",
    "verify_all",
]
