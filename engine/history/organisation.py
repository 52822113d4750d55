"""
The history of the house itself: people, groups, memberships, what groups see and distribute, and the calendar.

One chain for all, sealed as those of process instances are (`chain`), with 0 as the number of the process instance:
so it can be told later who could see and do what at any moment. Names and addresses of people stand in `variables`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from casepath.engine import database, texts
from casepath.engine.database import Base
from casepath.engine.database.models import OrganisationEvent, OrganisationHistory
from casepath.engine.history import log, verification
from casepath.engine.history.chain import Event, seal, without
from casepath.engine.history.erasure import MAX_REASON
from casepath.engine.history.log import EventView
from casepath.engine.history.problems import Problem
from casepath.engine.history.verification import ERASED
from casepath.engine.time import clock

#: Stands where the events of others have a process instance.
NUMBER = 0
#: Values of a user's events that tell who it is.
PERSONAL = ("name", "email")
#: What the events of process instances have beside.
_ELSEWHERE: Mapping[str, Any] = {
    "process_instance_id": NUMBER,
    "activity_instance": None,
    "element_id": None,
    "state_before": None,
    "state_after": None,
}

_events = Base.metadata.tables[OrganisationEvent.__tablename__]
_history = Base.metadata.tables[OrganisationHistory.__tablename__]


def lock(session: Session) -> tuple[int, str]:
    """
    Have nobody else change people or groups, or deploy, until the transaction ends; return length and last hash.

    Whoever changes them locks first, so that no two wait for each other.
    """
    database.insert_new(session, OrganisationHistory, {"id": NUMBER, "length": 0, "hash": ""})
    end = session.execute(select(_history.c.length, _history.c.hash).with_for_update()).one()
    return end.length, end.hash


def record(session: Session, *events: Event) -> None:
    """Append events, in the transaction that makes them true."""
    if not events:
        return
    length, head = lock(session)
    sealed = seal(NUMBER, length, head, events, at=clock.now())
    own = [{name: value for name, value in row.items() if name not in _ELSEWHERE} for row in sealed.rows]
    session.execute(insert(_events), own)
    session.execute(update(_history).values(length=sealed.length, hash=sealed.head))


def erase(session: Session, username: str, *, by: str | None, reason: str) -> int:
    """
    Remove name and address of a user from all events, and leave their digests; return how many values were removed.

    `by` is how the history names whoever does; the nouns ask whether they may. Raises `InvalidInput` without a reason.
    """
    reason = texts.checked(reason, name="a reason", limit=MAX_REASON)
    lock(session)
    erased: dict[str, list[str]] = {}
    of_people = _events.c.kind.startswith("user.") & _events.c.variables.is_not(None)
    stored = select(_events.c.sequence, _events.c.facts, _events.c.variables).where(of_people)
    for row in session.execute(stored.order_by(_events.c.sequence)).all():
        if json.loads(row.facts).get("user") == username:
            rest, gone = without(row.variables, PERSONAL)
            if gone:
                erased[str(row.sequence)] = gone
                session.execute(update(_events).where(_events.c.sequence == row.sequence).values(variables=rest))
    record(session, Event(kind=ERASED, facts={"user": username, "erased": erased, "reason": reason}, by=by))
    return sum(len(gone) for gone in erased.values())


def events(session: Session, *, after: int = 0, limit: int | None = None, kind: str | None = None) -> list[EventView]:
    """Return the events with a sequence greater than `after`, in their order; of one kind where it is named."""
    query = select(_events).where(_events.c.sequence > after).order_by(_events.c.sequence).limit(limit)
    if kind is not None:
        query = query.where(_events.c.kind == kind)
    return [log.view({**_ELSEWHERE, **row}) for row in session.execute(query).mappings()]


def verify(session: Session) -> list[Problem]:
    """Return what is wrong with the history of the house."""
    end = session.execute(select(_history.c.length, _history.c.hash)).one_or_none()
    rows = verification.stored(session, _events, _events.c.sequence)
    length, head = (end.length, end.hash) if end is not None else (0, "")
    return verification.check([{**_ELSEWHERE, **row} for row in rows], NUMBER, length=length, head=head)
