"""What a user was told, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database.models import Notification
from casepath.engine.phrases import Phrase
from casepath.engine.queries.tasks import COUNT_LIMIT


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notification."""

    id: int
    business_key: str | None
    #: `notice`, `reminder` or `escalation`.
    kind: str
    subject: str
    text: str
    created_at: datetime
    is_read: bool

    @property
    def phrase(self) -> Phrase | None:
        """What the engine itself says, to be told in the language of the reader; None for a diagram's own words."""
        return phrases.loads(self.text)


@dataclass(frozen=True, kw_only=True)
class NoticePage:
    """One page of them."""

    rows: Sequence[Notice]
    #: The next page begins below this id; None on the last one.
    next: int | None


def page(session: Session, username: str, *, below: int | None = None, limit: int = 25) -> NoticePage:
    """Return notifications of a user, newest first, those below an id."""
    statement = select(Notification).where(Notification.username == username)
    if below is not None:
        statement = statement.where(Notification.id < below)
    found = session.scalars(statement.order_by(Notification.id.desc()).limit(limit + 1)).all()
    rows = [
        Notice(
            id=each.id,
            business_key=each.business_key,
            kind=each.kind,
            subject=each.subject,
            text=each.text,
            created_at=each.created_at,
            is_read=each.read_at is not None,
        )
        for each in found[:limit]
    ]
    return NoticePage(rows=rows, next=rows[-1].id if len(found) > limit else None)


def unread(session: Session, username: str) -> int:
    """Return how many of them are not read, at most `COUNT_LIMIT`."""
    some = (
        select(Notification.id)
        .where(Notification.username == username, Notification.read_at.is_(None))
        .limit(COUNT_LIMIT)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0
