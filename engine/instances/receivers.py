"""To whom a user task may be given."""

from __future__ import annotations

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, Candidacy, Person


def circle(session: Session, whose: Candidacy, actor: Actor) -> Candidacy | None:
    """
    Return among whom somebody may hand on a user task; None for everybody who works here.

    They are its candidates. One without any goes to those who share a group with whoever has it; those who operate the
    engine, and programs, may give it to everybody but themselves.
    """
    if authorization.has_candidates(whose):
        return whose
    if not isinstance(actor, Person) or authorization.may_operate(actor):
        return None
    fellows = identity.groups_of(session, whose.assignee or "").difference(authorization.ROLES)
    return Candidacy(assignee=whose.assignee, candidate_groups=fellows)


def receiver(session: Session, to: str, among: Candidacy | None) -> str:
    """Return the name of somebody who may have a task; raises `InvalidInput`."""
    try:
        found = identity.person(session, to)
    except errors.NotFound:
        text = "Please choose an active user; “{username}” is none."
        raise errors.InvalidInput(text, code="user-inactive", username=to) from None
    fits = authorization.may_have(found, among) if among is not None else not found.is_auditor
    if not fits:
        raise no_candidate(to)
    return found.username


def no_candidate(username: str) -> errors.InvalidInput:
    """Return the refusal of somebody who may not have a task."""
    text = "“{username}” may not have this task; please choose one of those it is meant for."
    return errors.InvalidInput(text, code="not-a-candidate", username=username)
