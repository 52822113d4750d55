"""
Who does the user tasks of somebody who is away, for a period: named by that one, or by an administrator.

A substitute sees and does these tasks for the other (`authorization.acting_as`); they stay the other's. Changes are
events in the history of the house.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from casepath.engine import errors
from casepath.engine.database.models import Substitution, User
from casepath.engine.history import Event, organisation
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person
from casepath.engine.time import clock

#: How long somebody is away at most.
LONGEST = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """A substitution that is not over, with the names of both."""

    id: int
    username: str
    name: str
    substitute: str
    substitute_name: str
    begins_at: datetime
    ends_at: datetime

    @property
    def last_moment(self) -> datetime:
        """When it is for the last time: until a midnight means the day before."""
        return self.ends_at - timedelta(microseconds=1)


def appoint(
    session: Session, username: str, substitute: str, *, begins_at: datetime, ends_at: datetime, by: By
) -> Substitution:
    """
    Have somebody do the tasks of a user from one moment until before another.

    Raises `NotFound`, `Forbidden` for whoever is neither that user nor an administrator, and `InvalidInput` for a
    period that is over or too long, or a substitute who is not active, audits, or is the user.
    """
    absent = identity.get(session, username).username
    actor = _allowed(session, by, absent)
    if not begins_at < ends_at or ends_at <= clock.now() or ends_at - begins_at > LONGEST:
        raise errors.InvalidInput(
            "A period begins before it ends, ends in the future, and is no longer than {limit} days.",
            code="period",
            limit=LONGEST.days,
        )
    try:
        chosen = identity.person(session, substitute)
    except errors.NotFound:
        text = "Please choose an active user; “{username}” is none."
        raise errors.InvalidInput(text, code="user-inactive", username=substitute) from None
    if chosen.username == absent or chosen.is_auditor:
        raise errors.InvalidInput(
            "“{username}” cannot stand in here: nobody does for himself, and who audits changes nothing.",
            code="substitute",
            username=chosen.username,
        )
    row = Substitution(
        username=absent,
        substitute=chosen.username,
        begins_at=begins_at,
        ends_at=ends_at,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    _record(session, "substitute.appointed", row, actor)
    return row


def dismiss(session: Session, substitution_id: int, *, by: By) -> None:
    """End a substitution at once; raises `NotFound` and `Forbidden`."""
    row = session.get(Substitution, substitution_id)
    if row is None:
        raise errors.NotFound("substitution", substitution_id)
    actor = _allowed(session, by, row.username)
    _record(session, "substitute.dismissed", row, actor)
    session.delete(row)
    session.flush()


def concerning(
    session: Session, username: str, *, after: int | None = None, limit: int = 50
) -> tuple[list[Appointment], int | None]:
    """
    Return the substitutions of a user, and those for others, that are not over, in the order of time.

    Those behind an id; and behind which the next page begins. Behind one that is not there, the list begins anew.
    """
    absent, substitute = aliased(User), aliased(User)
    order = (Substitution.begins_at, Substitution.id)
    query = (
        select(Substitution, absent.name, substitute.name)
        .join(absent, absent.username == Substitution.username)
        .join(substitute, substitute.username == Substitution.substitute)
        .where(
            or_(Substitution.username == username, Substitution.substitute == username),
            Substitution.ends_at > clock.now(),
        )
        .order_by(*order)
        .limit(limit + 1)
    )
    behind = session.get(Substitution, after) if after is not None else None
    if behind is not None:
        query = query.where(tuple_(*order) > tuple_(literal(behind.begins_at, Substitution.begins_at.type), behind.id))
    found = [
        Appointment(
            id=row.id,
            username=row.username,
            name=name,
            substitute=row.substitute,
            substitute_name=substitute_name,
            begins_at=row.begins_at,
            ends_at=row.ends_at,
        )
        for row, name, substitute_name in session.execute(query)
    ]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def _allowed(session: Session, by: By, username: str) -> Actor:
    """Return who appoints a substitute for a user: that one, an administrator, or a program; raises `Forbidden`."""
    actor = identity.actor(session, by)
    is_own = isinstance(actor, Person) and actor.username == username
    if isinstance(actor, Person) and not authorization.may_appoint(actor, is_own=is_own):
        raise errors.Forbidden("appoint a substitute for", "user", username, actor.username)
    organisation.lock(session)
    return actor


def _record(session: Session, kind: str, row: Substitution, actor: Actor) -> None:
    facts = {
        "user": row.username,
        "substitute": row.substitute,
        "begins_at": row.begins_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }
    organisation.record(session, Event(kind=kind, facts=facts, by=actor.signature))
