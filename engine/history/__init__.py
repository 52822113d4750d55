"""
What happened, once, as proof: append to it, read it, verify it, erase values from it. Nothing here changes an event.

Each process instance has a history, each record of a register has, and the house has one:

    organisation  people, groups, the calendar: who could see and do what
    registers     records of registers: what they were and are
    chain         chains events with hashes
    verification  finds every event that was changed, removed or moved
    audit         … and every row, file and number that is not as the events tell: `records`, `work`
    heads         … and what only a copy of the chains' ends, kept elsewhere, can prove
    erasure       removes values and leaves the chain valid
    bundle        all that is known of a matter, signed, in a zip that a stranger verifies
"""

from __future__ import annotations

from casepath.engine.history import bundle, organisation, registers
from casepath.engine.history.audit import deployment_digest, verify_all, verify_instance
from casepath.engine.history.chain import ERROR_TEXT, Event, Sealed, State, new_salt, seal
from casepath.engine.history.erasure import erase, forget_mails
from casepath.engine.history.heads import Heads, compare_heads, parse_heads, read_heads
from casepath.engine.history.log import EventView, events, lock, read_state, record, record_move
from casepath.engine.history.problems import Problem
from casepath.engine.history.verification import check, verify
from casepath.engine.history.work import TAKEN_BACK

__all__ = [
    "ERROR_TEXT",
    "Event",
    "EventView",
    "Heads",
    "Problem",
    "Sealed",
    "State",
    "TAKEN_BACK",
    "bundle",
    "check",
    "compare_heads",
    "deployment_digest",
    "erase",
    "events",
    "forget_mails",
    "lock",
    "new_salt",
    "organisation",
    "parse_heads",
    "read_heads",
    "read_state",
    "record",
    "record_move",
    "registers",
    "seal",
    "verify",
    "verify_all",
    "verify_instance",
]
