"""
The queue of e-mails: one row for each notification that goes out by e-mail as well.

A mail is written in the transaction that tells people; `outgoing` says how it leaves. None of this touches the process
instance: however long mail takes, no step waits for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from casepath.engine.database import Base
from casepath.engine.database.models import Mail, Notification, User
from casepath.engine.instances import wordings
from casepath.engine.instances.outgoing import Outcome, Queue
from casepath.engine.instances.wordings import Wording
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock

UNANSWERED = Phrase("The mail server was given the whole mail and did not answer: it may have arrived.")

_mails = Base.metadata.tables[Mail.__tablename__]
_notifications = Base.metadata.tables[Notification.__tablename__]
_users = Base.metadata.tables[User.__tablename__]
_queue = Queue(_mails, "mail", UNANSWERED)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A mail that a worker sends."""

    id: int
    #: Which attempt it is, from 1.
    attempt: int
    #: Begins the Message-ID.
    token: str
    #: Full name of whoever gets it, and the address as it is now; None where there is none any more.
    name: str
    address: str | None
    subject: str
    text: str
    business_key: str | None
    attachment_id: int | None
    #: When people were told.
    created_at: datetime


def enqueue(session: Session, notification_ids: Collection[int], *, attachment_id: int | None = None) -> list[int]:
    """Have notifications go out by e-mail to those who are active and have an address; return which ones do."""
    reachable = (
        select(_notifications.c.id)
        .join(_users, _users.c.username == _notifications.c.username)
        .where(_notifications.c.id.in_(notification_ids), _users.c.active, _users.c.email != "")
        .order_by(_notifications.c.id)
    )
    ids = list(session.scalars(reachable))
    now = clock.now()
    common = {"attachment_id": attachment_id, "state": "waiting", "attempts": 0, "due_at": now, "created_at": now}
    rows = [{**common, "notification_id": each, "token": secrets.token_hex(16)} for each in ids]
    if rows:
        session.connection().execute(insert(_mails), rows)
    return ids


def are_due(session: Session) -> bool:
    """Tell whether a mail is due, or was handed over and not settled in time."""
    return _queue.are_due(session)


def take(session: Session) -> Outgoing | None:
    """
    Give the mail that is due longest to a worker, for `LOCK`; None where none is due.

    What another worker takes at this moment is passed over. Those that were handed over and not settled in time become
    uncertain.
    """
    now = clock.now()
    _queue.doubt(session, now)
    due = (
        select(
            _mails.c.id,
            _mails.c.attempts,
            _mails.c.token,
            _mails.c.attachment_id,
            _users.c.name,
            _users.c.email,
            _users.c.active,
            _users.c.language,
            _notifications.c.username,
            _notifications.c.subject,
            _notifications.c.text,
            _notifications.c.wordings,
            _notifications.c.business_key,
            _notifications.c.created_at,
        )
        .join(_notifications, _notifications.c.id == _mails.c.notification_id)
        .outerjoin(_users, _users.c.username == _notifications.c.username)
        .where(_mails.c.state == "waiting", _mails.c.due_at <= now)
        .order_by(_mails.c.due_at, _mails.c.id)
        .limit(1)
        .with_for_update(of=_mails, skip_locked=True)
    )
    row = session.execute(due).one_or_none()
    if row is None:
        return None
    attempt = row.attempts + 1
    own, others = Wording(subject=row.subject, text=row.text), wordings.loads(row.wordings)
    said = wordings.told(own, others, row.language or "")
    _queue.begin(session, row.id, attempt)
    return Outgoing(
        id=row.id,
        attempt=attempt,
        token=row.token,
        name=row.name or row.username,
        address=row.email if row.active else None,
        subject=said.subject,
        text=said.text,
        business_key=row.business_key,
        attachment_id=row.attachment_id,
        created_at=row.created_at,
    )


def hand_over(session: Session, mail: Outgoing) -> bool:
    """Note that the text of a mail leaves now; return whether it may: not where another has it, or nobody any more."""
    return _queue.hand_over(session, mail.id, mail.attempt, mail.address)


def settle(
    session: Session,
    mail: Outgoing,
    outcome: Outcome,
    *,
    answer: str | Phrase,
    retry_in: timedelta = timedelta(0),
) -> None:
    """Note what came of an attempt, and what the mail server said, as `Queue.settle` does."""
    _queue.settle(session, mail.id, mail.attempt, outcome, answer=answer, retry_in=retry_in, address=mail.address)


def retry(session: Session, mail_id: int, *, by: By) -> None:
    """
    Have a mail that waits, or that was not delivered, tried at once; the history of the house says so.

    One that is uncertain may arrive twice then, under the same Message-ID. Raises `NotFound`, `Forbidden` or
    `InvalidState`.
    """
    _queue.retry(session, mail_id, by=by)


def give_up(session: Session, mail_id: int, *, by: By) -> None:
    """Have a mail not sent any more, as `Queue.give_up` does; its notice stays."""
    _queue.give_up(session, mail_id, by=by)
