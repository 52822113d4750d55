"""
What somebody has begun to fill in and not sent: into the form that starts a process, where there is no task yet.

Drafts are their author's own; nobody else sees them. They go when they are sent or discarded, or after `KEPT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import values
from casepath.engine.database.models import Draft
from casepath.engine.time import clock

#: Characters of the JSON of a draft, and drafts of one person.
MAX_LENGTH = 200_000
MAX_COUNT = 50
#: What nobody has touched for so long is about people whom nobody thinks of any more.
KEPT = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A form that somebody has begun to fill in."""

    id: int
    #: Of the process that it would start.
    definition_key: str
    typed: Mapping[str, Any]
    saved_at: datetime


def text_of(submitted: Mapping[str, Any]) -> str:
    """Return what was typed as it is stored; raises `InvalidInput` if it is too long."""
    typed = values.dumps(dict(submitted))
    if len(typed) > MAX_LENGTH:
        text = "A draft has at most {limit} characters; yours has {length}."
        raise errors.InvalidInput(text, code="draft-too-long", limit=MAX_LENGTH, length=len(typed))
    return typed


def save(
    session: Session, definition_key: str, submitted: Mapping[str, Any], *, by: str, draft_id: int | None = None
) -> int:
    """
    Keep what was typed into the start form of a process, in the place of the draft it began as; return its id.

    Raises `InvalidInput` if it is too long, or one has too many drafts.
    """
    typed, now = text_of(submitted), clock.now()
    session.execute(delete(Draft).where(Draft.username == by, Draft.saved_at < now - KEPT))
    draft = _own(session, draft_id, by)
    if draft is None:
        count = session.scalar(select(func.count()).select_from(Draft).where(Draft.username == by)) or 0
        if count >= MAX_COUNT:
            text = "You have {count} drafts, and at most {limit} are possible; please send or discard some."
            raise errors.InvalidInput(text, code="too-many-drafts", count=count, limit=MAX_COUNT)
        draft = Draft(username=by, definition_key=definition_key, typed=typed, saved_at=now)
        session.add(draft)
    draft.typed, draft.saved_at = typed, now
    session.flush()
    return draft.id


def list_of(session: Session, definition_key: str | None = None, *, by: str) -> list[Begun]:
    """Return what a user has begun, of a process where one is named, the newest first."""
    own = select(Draft).where(Draft.username == by)
    if definition_key is not None:
        own = own.where(Draft.definition_key == definition_key)
    return [_begun(draft) for draft in session.scalars(own.order_by(Draft.saved_at.desc(), Draft.id.desc()))]


def get(session: Session, draft_id: int, *, by: str) -> Begun:
    """Return one's own draft; raises `NotFound`."""
    draft = _own(session, draft_id, by)
    if draft is None:
        raise errors.NotFound("draft", draft_id)
    return _begun(draft)


def discard(session: Session, draft_id: int, *, by: str) -> None:
    """Remove one's own draft, if it is still there."""
    session.execute(delete(Draft).where(Draft.id == draft_id, Draft.username == by))


def _own(session: Session, draft_id: int | None, by: str) -> Draft | None:
    return session.scalar(select(Draft).where(Draft.id == draft_id, Draft.username == by))


def _begun(draft: Draft) -> Begun:
    typed: Any = values.loads(draft.typed)
    return Begun(id=draft.id, definition_key=draft.definition_key, typed=typed, saved_at=draft.saved_at)
