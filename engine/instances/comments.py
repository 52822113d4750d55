"""What people note about a matter."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, history, texts
from casepath.engine.database.models import Comment, ProcessInstance
from casepath.engine.history import Event
from casepath.engine.instances import mentions
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.time import clock

MAX_LENGTH = 10_000


def add(
    session: Session, business_key: str, text: str, *, by: By, process_instance_id: int | None = None
) -> Comment:
    """
    Note something about a matter, in the history of one of its process instances; the newest where none is named.

    Whom it mentions is told (`mentions`).

    Raises `InvalidInput` for an empty or long text, `NotFound` for strangers, `Forbidden` for those who only look.
    """
    text = texts.checked(text.replace("\r\n", "\n"), name="a comment", limit=MAX_LENGTH)
    actor = access.contributor(session, by, business_key)
    instance_id = instance_of(session, business_key, process_instance_id)
    history.lock(session, instance_id)
    comment = Comment(
        business_key=business_key,
        process_instance_id=instance_id,
        text=text,
        created_at=clock.now(),
        created_by=actor.signature,
    )
    session.add(comment)
    session.flush()
    # The text may be personal: as a variable of the event, under a name of its own, it can be erased.
    variables = {_variable(comment.id): text}
    event = Event(kind="comment.added", facts={"comment": comment.id}, variables=variables, by=actor.signature)
    history.record(session, instance_id, event)
    mentions.tell(session, business_key, instance_id, text, by=actor)
    return comment


def remove(session: Session, comment_id: int, *, by: By, reason: str) -> None:
    """
    Destroy a comment because of what it says; the history keeps that it was there, and who removed it.

    Raises `NotFound`, `Forbidden`, and `InvalidInput` without a reason.
    """
    actor = identity.allowed(session, by, authorization.may_erase, "remove", "comment", comment_id)
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise errors.NotFound("comment", comment_id)
    if comment.process_instance_id is not None:
        history.erase(session, comment.process_instance_id, [_variable(comment_id)], by=actor.signature, reason=reason)
    session.delete(comment)
    session.flush()


def page(
    session: Session, business_key: str, *, below: int | None = None, limit: int = 50
) -> tuple[list[Comment], int | None]:
    """Return what was noted last about a matter, below an id, in order; and below which id the earlier ones begin."""
    query = select(Comment).where(Comment.business_key == business_key).order_by(Comment.id.desc())
    if below is not None:
        query = query.where(Comment.id < below)
    found = list(session.scalars(query.limit(limit + 1)))
    return found[:limit][::-1], found[limit - 1].id if len(found) > limit else None


def instance_of(session: Session, business_key: str, process_instance_id: int | None = None) -> int:
    """
    Return the process instance of a matter whose history tells what is added to it.

    Raises `NotFound` where there is no such matter, or the instance belongs to another one.
    """
    of_matter = select(ProcessInstance.id).where(ProcessInstance.business_key == business_key)
    if process_instance_id is not None:
        of_matter = of_matter.where(ProcessInstance.id == process_instance_id)
    found = session.scalars(of_matter.order_by(ProcessInstance.id.desc()).limit(1)).first()
    if found is None:
        raise errors.NotFound("matter", business_key)
    return found


def _variable(comment_id: int) -> str:
    return f"comment_{comment_id}"
