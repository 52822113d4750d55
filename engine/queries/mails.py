"""The queue of e-mails, for those who operate the engine: what waits, what went out, what did not and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database.models import Mail, Notification, User
from casepath.engine.phrases import Phrase
from casepath.engine.queries import notices

STATES = ("waiting", "sending", "sent", "uncertain", "undeliverable", "given_up")
#: Those that a person should look at.
TROUBLED = ("uncertain", "undeliverable")
#: How many mails a person should look at.
TROUBLED_COUNT = select(func.count()).select_from(Mail).where(Mail.state.in_(TROUBLED)).scalar_subquery()


@dataclass(frozen=True, kw_only=True)
class MailRow:
    """One mail."""

    id: int
    state: str
    username: str
    #: Full name of whoever gets it.
    name: str
    #: Where it went, else where it would go now; None where there is no address.
    address: str | None
    subject: str
    business_key: str | None
    attempts: int
    #: When the next attempt is due, of one that waits.
    due_at: datetime
    #: What the mail server said last.
    answer: str | None
    #: Why the mail server was not asked, or did not answer; else there may be an answer.
    phrase: Phrase | None
    created_at: datetime
    ended_at: datetime | None


def counts(session: Session) -> Mapping[str, int]:
    """Return how many mails there are in each state."""
    found = session.execute(select(Mail.state, func.count()).group_by(Mail.state))
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in found}


def oldest(session: Session) -> datetime | None:
    """Return since when the oldest mail waits; None where none does."""
    return session.scalar(select(func.min(Mail.created_at)).where(Mail.state == "waiting"))


def page(
    session: Session, language: str = "", *, states: Collection[str] = STATES, below: int | None = None, limit: int = 25
) -> tuple[list[MailRow], int | None]:
    """
    Return mails in some states, newest first, those below an id; and below which id the next page begins.

    Their subjects are told in a language where they have words in it; who got one read it in his.
    """
    query = (
        select(Mail, Notification, User.name, User.email)
        .join(Notification, Notification.id == Mail.notification_id)
        .outerjoin(User, User.username == Notification.username)
        .where(Mail.state.in_(states))
        .order_by(Mail.id.desc())
        .limit(limit + 1)
    )
    if below is not None:
        query = query.where(Mail.id < below)
    found = session.execute(query).all()
    rows = [_row(each, language) for each in found[:limit]]
    return rows, rows[-1].id if len(found) > limit else None


def of_notices(session: Session, notification_ids: Sequence[int], language: str = "") -> dict[int, MailRow]:
    """Return the mails of notices, by the notice, in a language as `page` does."""
    query = (
        select(Mail, Notification, User.name, User.email)
        .join(Notification, Notification.id == Mail.notification_id)
        .outerjoin(User, User.username == Notification.username)
        .where(Mail.notification_id.in_(notification_ids))
    )
    return {each[0].notification_id: _row(each, language) for each in session.execute(query)}


def _row(found: Row[Mail, Notification, str, str | None], language: str) -> MailRow:
    mail, notice, name, email = found
    phrase = phrases.loads(mail.answer)
    return MailRow(
        id=mail.id,
        state=mail.state,
        username=notice.username,
        name=name or notice.username,
        address=mail.address or email,
        subject=notices.said(notice, language).subject,
        business_key=notice.business_key,
        attempts=mail.attempts,
        due_at=mail.due_at,
        answer=mail.answer if phrase is None else None,
        phrase=phrase,
        created_at=mail.created_at,
        ended_at=mail.ended_at,
    )
