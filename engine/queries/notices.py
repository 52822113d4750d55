"""What a user was told, by matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select
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
class NoticesOfMatter:
    """What a user was told about one matter, newest first; a notice about none stands alone."""

    business_key: str | None
    notices: Sequence[Notice]

    @property
    def unread(self) -> int:
        """How many of them are not read."""
        return sum(not each.is_read for each in self.notices)


@dataclass(frozen=True, kw_only=True)
class NoticePage:
    """One page of matters, the one that was told of last first."""

    rows: Sequence[NoticesOfMatter]
    #: The next page begins below this id; None on the last one.
    next: int | None


def page(
    session: Session, username: str, *, below: int | None = None, unread_only: bool = False, limit: int = 25
) -> NoticePage:
    """Return what a user was told, by matters, those told of last below an id; all of it, or what is not read."""
    newest = func.max(Notification.id)
    # What is about no matter is told apart by its number.
    alone = case((Notification.business_key.is_(None), Notification.id))
    own = [Notification.username == username]
    if unread_only:
        own.append(Notification.read_at.is_(None))
    grouped = select(Notification.business_key, newest).where(*own).group_by(Notification.business_key, alone)
    if below is not None:
        grouped = grouped.having(newest < below)
    found = session.execute(grouped.order_by(newest.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    keys = [key for key, _ in shown if key is not None]
    numbers = [number for key, number in shown if key is None]
    belonging = or_(Notification.business_key.in_(keys), Notification.id.in_(numbers))
    told: dict[str | int, list[Notice]] = {}
    for each in session.scalars(select(Notification).where(*own, belonging).order_by(Notification.id.desc())):
        told.setdefault(each.business_key or each.id, []).append(_notice(each))
    rows = [NoticesOfMatter(business_key=key, notices=told[key or number]) for key, number in shown]
    return NoticePage(rows=rows, next=shown[-1][1] if len(found) > limit else None)


def _notice(of: Notification) -> Notice:
    return Notice(
        id=of.id,
        business_key=of.business_key,
        kind=of.kind,
        subject=of.subject,
        text=of.text,
        created_at=of.created_at,
        is_read=of.read_at is not None,
    )


def unread(session: Session, username: str) -> int:
    """Return how many of them are not read, at most `COUNT_LIMIT`."""
    some = (
        select(Notification.id)
        .where(Notification.username == username, Notification.read_at.is_(None))
        .limit(COUNT_LIMIT)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0
