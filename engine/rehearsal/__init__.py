"""
Rehearsing: a draft is played on an engine of its own, in memory, with a clock of its own; nothing leaves it.

What is kept of a rehearsal is its recording, the inputs in their order: whoever has draft and recording plays it again,
in any process, and finds the same. The engine is the one that runs everything else, on a database that is made for
one request and thrown away: what is deployed and the roles are copied into it, and neither matters, records, passwords
nor addresses.

    recording   the inputs, as JSON; how many there may be
    sandbox     the database in memory, and what is copied into it
    playing     play a recording, and take one more input
    standing    how it stands then: what is open, what is awaited, what is due
    scenarios   recordings that say which way they went: played all together, with what none of them reaches
"""

from casepath.engine.rehearsal.playing import Draft, Rehearsal, Work, rehearse
from casepath.engine.rehearsal.recording import MAX_INPUTS, Input, Recording, begun, read, span
from casepath.engine.rehearsal.scenarios import MAX_SCENARIOS, Coverage, Outcome, path, run
from casepath.engine.rehearsal.standing import OpenTask, OpenWork, Standing, of

__all__ = [
    "MAX_INPUTS",
    "MAX_SCENARIOS",
    "Coverage",
    "Draft",
    "Input",
    "OpenTask",
    "OpenWork",
    "Outcome",
    "Recording",
    "Rehearsal",
    "Standing",
    "Work",
    "begun",
    "of",
    "path",
    "read",
    "rehearse",
    "run",
    "span",
]
