"""
The queue of e-mails: one row for each notification that goes out by e-mail as well.

A mail is written in the transaction that tells people, and sent afterwards by whoever takes it. `take` gives one to a
worker; just before its text leaves, `hand_over` says so; `settle` says what came of it. A mail server that has taken a
mail sends it on, so a worker that ends between `hand_over` and `settle` leaves a mail that may have arrived: it is
`uncertain` then, and nobody but a person has it sent once more. What has not been handed over is simply taken again.

None of this touches the process instance: however long mail takes, no step waits for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, phrases, texts
from casepath.engine.database import Base
from casepath.engine.database.models import Attachment, Mail, Notification, User
from casepath.engine.history import Event, organisation
from casepath.engine.instances import wordings
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock

#: How long one attempt may take.
LOCK = timedelta(minutes=15)
#: Characters that are kept of what a mail server says.
MAX_ANSWER_LENGTH = 1_000

UNANSWERED = Phrase("The mail server was given the whole mail and did not answer: it may have arrived.")
#: What became of an attempt.
Outcome = Literal["waiting", "sent", "uncertain", "undeliverable"]

_mails = Base.metadata.tables[Mail.__tablename__]
_notifications = Base.metadata.tables[Notification.__tablename__]
_users = Base.metadata.tables[User.__tablename__]
_attachments = Base.metadata.tables[Attachment.__tablename__]


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


def take(session: Session) -> Outgoing | None:
    """
    Give the mail that is due longest to a worker, for `LOCK`; None where none is due.

    What another worker takes at this moment is passed over. Those that were handed over and not settled in time become
    uncertain.
    """
    now = clock.now()
    _doubt(session, now)
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
    session.execute(update(_mails).where(_mails.c.id == row.id).values(attempts=attempt, due_at=now + LOCK))
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


def _doubt(session: Session, now: datetime) -> None:
    session.execute(
        update(_mails)
        .where(_mails.c.state == "sending", _mails.c.due_at <= now)
        .values(state="uncertain", answer=phrases.dumps(UNANSWERED), ended_at=now)
    )


def hand_over(session: Session, mail: Outgoing) -> bool:
    """Note that the text of a mail leaves now; return whether it may: not where another has it, or nobody any more."""
    change = (
        update(_mails)
        .where(_mails.c.id == mail.id, _mails.c.state == "waiting", _mails.c.attempts == mail.attempt)
        .values(state="sending", address=mail.address, due_at=clock.now() + LOCK)
    )
    return bool(session.connection().execute(change).rowcount)


def settle(
    session: Session,
    mail: Outgoing,
    outcome: Outcome,
    *,
    answer: str | Phrase,
    retry_in: timedelta = timedelta(0),
) -> None:
    """
    Note what came of an attempt, and what the mail server said; one that is to wait is tried again in `retry_in`.

    Nothing is noted of an attempt that another one has followed, or that a person has put an end to.
    """
    now = clock.now()
    open_states = ("waiting", "sending", "uncertain") if outcome == "sent" else ("waiting", "sending")
    change: dict[str, Any] = {"state": outcome, "answer": _stored(answer), "address": mail.address}
    change |= {"due_at": now + retry_in} if outcome == "waiting" else {"ended_at": now}
    session.connection().execute(
        update(_mails)
        .where(_mails.c.id == mail.id, _mails.c.attempts == mail.attempt, _mails.c.state.in_(open_states))
        .values(**change)
    )


def _stored(answer: str | Phrase) -> str:
    if isinstance(answer, Phrase):
        return phrases.dumps(answer)
    return texts.storable(" ".join(answer.split()), limit=MAX_ANSWER_LENGTH)


def retry(session: Session, mail_id: int, *, by: By) -> None:
    """
    Have a mail that waits, or that was not delivered, tried at once; the history of the house says so.

    One that is uncertain may arrive twice then, under the same Message-ID. Raises `NotFound`, `Forbidden` or
    `InvalidState`.
    """
    actor = identity.allowed(session, by, authorization.may_operate, "retry", "mail", mail_id)
    change = {"state": "waiting", "due_at": clock.now(), "ended_at": None}
    _change(session, mail_id, "retry", ("waiting", "uncertain", "undeliverable"), change)
    organisation.record(session, Event(kind="mail.retried", facts={"mail": mail_id}, by=actor.signature))


def give_up(session: Session, mail_id: int, *, by: By) -> None:
    """
    Have a mail not sent any more; its notice stays. The history of the house says so.

    Raises `NotFound`, `Forbidden`, or `InvalidState` where it is being sent, was sent, or is given up.
    """
    actor = identity.allowed(session, by, authorization.may_operate, "give up", "mail", mail_id)
    change = {"state": "given_up", "ended_at": clock.now()}
    _change(session, mail_id, "give up", ("waiting", "uncertain", "undeliverable"), change)
    organisation.record(session, Event(kind="mail.given_up", facts={"mail": mail_id}, by=actor.signature))


def _change(session: Session, mail_id: int, verb: str, states: Collection[str], to: dict[str, Any]) -> None:
    guarded = update(_mails).where(_mails.c.id == mail_id, _mails.c.state.in_(states)).values(**to)
    if session.connection().execute(guarded).rowcount:
        return
    state = session.scalar(select(_mails.c.state).where(_mails.c.id == mail_id))
    if state is None:
        raise errors.NotFound("mail", mail_id)
    raise errors.InvalidState(verb, "mail", mail_id, state)
