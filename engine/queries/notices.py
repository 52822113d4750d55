"""What a user was told, by matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database.models import Notification
from casepath.engine.instances import wordings
from casepath.engine.instances.digests import KIND
from casepath.engine.instances.notifications import SETTLED, UNREAD
from casepath.engine.instances.wordings import Wording
from casepath.engine.phrases import Phrase
from casepath.engine.queries.tasks import COUNT_LIMIT

#: What is about no matter is told apart by its number.
_ALONE = case((Notification.business_key.is_(None), Notification.id)).label("alone")
#: Each page asks for it.
_UNREAD_COUNT = select(func.count()).select_from(
    select(Notification.business_key, _ALONE)
    .where(Notification.username == bindparam("username"), Notification.kind != KIND, *UNREAD)
    .distinct()
    .limit(COUNT_LIMIT)
    .subquery()
)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notification."""

    id: int
    #: Who was told.
    username: str
    business_key: str | None
    #: One of `notifications.KINDS`.
    kind: str
    subject: str
    text: str
    created_at: datetime
    is_read: bool
    #: Whether what it asks for is done: a reminder or an escalation of a process instance that has ended.
    is_settled: bool

    @property
    def phrase(self) -> Phrase | None:
        """What the engine itself says, to be told in the language of the reader; None for a diagram's own words."""
        return phrases.loads(self.text)

    @property
    def batch(self) -> int | None:
        """The batch that it is about; None where it is about none."""
        number = self.phrase.facts.get("batch") if self.phrase is not None else None
        return number if isinstance(number, int) else None


@dataclass(frozen=True, kw_only=True)
class NoticesOfMatter:
    """What a user was told about one matter, newest first; a notice about none stands alone."""

    business_key: str | None
    notices: Sequence[Notice]

    @property
    def unread(self) -> int:
        """How many of them are not read and still count."""
        return sum(not each.is_read and not each.is_settled for each in self.notices)


@dataclass(frozen=True, kw_only=True)
class NoticePage:
    """One page of matters, the one that was told of last first."""

    rows: Sequence[NoticesOfMatter]
    #: The next page begins below this id; None on the last one.
    next: int | None


def page(
    session: Session,
    username: str,
    language: str = "",
    *,
    below: int | None = None,
    unread_only: bool = False,
    limit: int = 25,
) -> NoticePage:
    """
    Return what a user was told, by matters, those told of last below an id; all of it, or what counts as not read.

    It is told in a language where it has words in it, else as it was written.
    """
    newest = func.max(Notification.id)
    own = [Notification.username == username, Notification.kind != KIND]
    if unread_only:
        own += UNREAD
    grouped = select(Notification.business_key, newest).where(*own).group_by(Notification.business_key, _ALONE)
    if below is not None:
        grouped = grouped.having(newest < below)
    found = session.execute(grouped.order_by(newest.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    keys = [key for key, _ in shown if key is not None]
    numbers = [number for key, number in shown if key is None]
    belonging = or_(Notification.business_key.in_(keys), Notification.id.in_(numbers))
    told: dict[str | int, list[Notice]] = {}
    statement = select(Notification, SETTLED).where(*own, belonging).order_by(Notification.id.desc())
    for each, is_settled in session.execute(statement):
        told.setdefault(each.business_key or each.id, []).append(_notice(each, language, is_settled))
    rows = [NoticesOfMatter(business_key=key, notices=told[key or number]) for key, number in shown]
    return NoticePage(rows=rows, next=shown[-1][1] if len(found) > limit else None)


def batch_of(session: Session, username: str, notification_id: int) -> int | None:
    """Return the batch of which a user was told; None for anything else that he was told, or somebody else."""
    mine = (Notification.id == notification_id, Notification.username == username)
    found = session.execute(select(Notification, SETTLED).where(*mine)).one_or_none()
    return _notice(found[0], "", found[1]).batch if found is not None else None


def of_matter(
    session: Session, business_key: str, language: str = "", *, below: int | None = None, limit: int = 50
) -> tuple[list[Notice], int | None]:
    """Return what people were told about a matter, newest first, below an id; and below which id the earlier begin."""
    query = select(Notification, SETTLED).where(Notification.business_key == business_key)
    if below is not None:
        query = query.where(Notification.id < below)
    found = session.execute(query.order_by(Notification.id.desc()).limit(limit + 1)).all()
    rows = [_notice(each, language, is_settled) for each, is_settled in found[:limit]]
    return rows, rows[-1].id if len(found) > limit else None


def every(session: Session, language: str = "", *, limit: int = 200) -> list[Notice]:
    """Return what anybody was told about anything, newest first."""
    found = session.execute(select(Notification, SETTLED).order_by(Notification.id.desc()).limit(limit))
    return [_notice(each, language, is_settled) for each, is_settled in found]


def said(of: Notification, language: str) -> Wording:
    """Return what a notification says to a reader of a language."""
    return wordings.told(Wording(subject=of.subject, text=of.text), wordings.loads(of.wordings), language)


def _notice(of: Notification, language: str, is_settled: bool) -> Notice:
    told = said(of, language)
    return Notice(
        id=of.id,
        username=of.username,
        business_key=of.business_key,
        kind=of.kind,
        subject=told.subject,
        text=told.text,
        created_at=of.created_at,
        is_read=of.read_at is not None,
        is_settled=is_settled,
    )


def unread(session: Session, username: str) -> int:
    """Return of how many matters somebody has something to read, at most `COUNT_LIMIT`; many about one count once."""
    return session.scalar(_UNREAD_COUNT, {"username": username}) or 0
