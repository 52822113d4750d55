"""
Digests: one e-mail a day with what somebody was told and has not read, at an hour that he has chosen.

What went out by an e-mail of its own is not told again. `workers.digests` has the words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from casepath.engine import settings
from casepath.engine.database.models import Mail, Notification, User
from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.time import clock

KIND = "digest"
#: Digests that are written in one transaction, and notices that one tells of.
TOGETHER, MOST = 20, 200
#: Longer than any day, even one on which clocks are put back, and shorter than two.
LONGER_THAN_A_DAY = timedelta(hours=30)


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What somebody has not read."""

    username: str
    #: Number of a matter, or None → kind of notice → how many.
    matters: Mapping[str | None, Mapping[str, int]]


def are_due(session: Session) -> bool:
    """Tell whether a digest is to be written."""
    return session.scalar(select(User.username).where(_due(clock.now())).limit(1)) is not None


def take(session: Session) -> Sequence[Digest] | None:
    """
    Return the digests that are due, and note when the next ones are; None where none is due.

    Each tells what has come since the hour of the day before the one at which it was due: older notices were in the
    digest of that day. Nobody who has read everything is among them.
    """
    now, zone = clock.now(), clock.time_zone(settings.current.time_zone)
    due = select(User.username, User.digest_hour, User.digest_at).where(_due(now))
    rows = session.execute(due.order_by(User.digest_at, User.username).limit(TOGETHER)).all()
    found = []
    for row in rows:
        following = clock.next_hour(row.digest_hour, now, zone)
        change = update(User).where(User.username == row.username, User.digest_at == row.digest_at)
        # Two workers that look at the same time send one.
        if session.connection().execute(change.values(digest_at=following)).rowcount:
            since = clock.next_hour(row.digest_hour, row.digest_at - LONGER_THAN_A_DAY, zone)
            matters = _unread(session, row.username, since)
            found += [Digest(username=row.username, matters=matters)] if matters else []
    return found if rows else None


def write(session: Session, digest: Digest, said: Mapping[str, Wording], *, language: str) -> None:
    """Have a digest go out by e-mail, in these languages; the pages tell its notices themselves."""
    notifications.notify(
        session, [digest.username], kind=KIND, wording=said[language], translated=said, by_mail=True
    )


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(User.digest_at <= now, User.active)


def _unread(session: Session, username: str, since: datetime) -> dict[str | None, dict[str, int]]:
    mailed = select(Mail.id).where(Mail.notification_id == Notification.id).exists()
    query = (
        select(Notification.business_key, Notification.kind)
        .where(
            Notification.username == username,
            *notifications.UNREAD,
            Notification.created_at >= since,
            Notification.kind != KIND,
            ~mailed,
        )
        .order_by(Notification.id.desc())
        .limit(MOST)
    )
    found: dict[str | None, dict[str, int]] = {}
    for business_key, kind in session.execute(query):
        counts = found.setdefault(business_key, {})
        counts[kind] = counts.get(kind, 0) + 1
    return found
