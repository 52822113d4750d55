"""
What tokens and scopes remember between triggers: the keys of the stored format, all of them.

They are stored with the instance as they stand here, so a name is never given another meaning. Values are JSON.
"""

from __future__ import annotations

from typing import Any, TypedDict


class Memo(TypedDict, total=False):
    """What the element of a token has to remember."""

    # -- work and waits ----------------------------------------------------------------------------------------------

    #: It has work for a person or a worker.
    work: bool
    #: It has called a process; and the variables that came back, until they are taken over.
    called: bool
    returned: dict[str, Any]
    #: What it waits for has come: before it was reached, or while it waited.
    caught: bool
    event_fired: bool
    #: Event → indexes of what has come of an event that needs several things.
    came: dict[str, list[int]]
    #: Events that an event-based gateway still waits for; empty: it waits for nothing.
    left: list[str]

    # -- save points and failures ------------------------------------------------------------------------------------

    #: It waits at a save point; and has been let through.
    continuation: bool
    continued: bool
    #: It stands at the save point behind its activity.
    after: bool
    #: How often it was tried again by itself.
    tried: int
    #: It had completed, but could not leave.
    leaving: bool

    # -- joins -------------------------------------------------------------------------------------------------------

    #: It goes on for others too.
    joined: bool
    #: It waits for more tokens, as many as the activity needs to start.
    gathers: bool

    # -- loops and containers ----------------------------------------------------------------------------------------

    #: Of a round: its number, from 0.
    loop: int
    #: Of the body of a loop: what there is a round for, and what each has given.
    items: list[Any]
    results: list[Any]
    #: Of a round: what was handed in, until it is gathered.
    submitted: dict[str, Any]
    #: Start event by which an event sub-process began.
    start: str
    #: Activities of a sequential ad-hoc sub-process that have not begun.
    todo: list[str]

    # -- compensation ------------------------------------------------------------------------------------------------

    #: Of who drives a compensation: the records that are left; that all is done; the transaction to leave then.
    compensate: list[dict[str, Any]]
    compensated: bool
    transaction: int
    #: It drives for an event that has not waited.
    driver: bool
    #: It compensates, for this driver.
    compensates: int


class ScopeMemo(TypedDict, total=False):
    """What a scope has to remember."""

    #: An interrupting event sub-process has ended everything else in it.
    interrupted: bool
    #: Event → indexes of what has come of a start event that needs several things.
    came: dict[str, list[int]]
    #: Complex gateway → flows whose stragglers it still swallows.
    reset: dict[str, list[str]]
    #: Of the process: conditions that hold, names of the variables set for its caller, that nothing can move any more.
    holds: dict[str, bool]
    set: list[str]
    stuck: bool
    #: Of the process: how many processes called each other down to it.
    depth: int
