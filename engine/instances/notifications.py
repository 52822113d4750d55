"""What users are told inside the product, and which of it still has to go out by e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casepath.engine import errors, history, texts
from casepath.engine.database import Base
from casepath.engine.database.models import Notification, User
from casepath.engine.history import Event
from casepath.engine.time import clock

KINDS = ("notice", "reminder", "escalation")
MAX_SUBJECT_LENGTH = 255
MAX_TEXT_LENGTH = 20_000

_table = Base.metadata.tables[Notification.__tablename__]


def _inserting(insert: Any) -> Any:
    # Who is tried a second time under the same key has been told already.
    return insert(_table).on_conflict_do_nothing().returning(_table.c.id)


_INSERT = {"postgresql": _inserting(postgresql.insert), "sqlite": _inserting(sqlite.insert)}


def notify(
    session: Session,
    usernames: Iterable[str],
    *,
    kind: str,
    subject: str,
    text: str = "",
    business_key: str | None = None,
    idempotency_key: str | None = None,
    process_instance_id: int | None = None,
) -> list[str]:
    """
    Tell users something, each once under an idempotency key; return who is told now.

    With a process instance its history says so. Raises `InvalidInput` for another kind than notice, reminder and
    escalation, or without a subject.
    """
    if kind not in KINDS:
        raise errors.InvalidInput("Expected one of {kinds}, but found '{kind}'", kinds=KINDS, kind=kind)
    subject = texts.storable(" ".join(subject.split()), limit=MAX_SUBJECT_LENGTH)
    if not subject:
        raise errors.InvalidInput("Expected a subject, but found none")
    text = texts.storable(text, limit=MAX_TEXT_LENGTH)
    statement = _INSERT[session.get_bind().dialect.name]
    if process_instance_id is not None:
        # Before the rows are dated: to wait afterwards would date them long before their event.
        history.lock(session, process_instance_id)
    told: dict[str, int] = {}
    for username in sorted(set(usernames)):
        row = {
            "username": username,
            "business_key": business_key,
            "kind": kind,
            "subject": subject,
            "text": text,
            "idempotency_key": idempotency_key,
            "created_at": clock.now(),
        }
        written = session.connection().execute(statement, row).scalar()
        if written is not None:
            told[username] = written
    if told and process_instance_id is not None:
        facts = {"kind": kind, "to": list(told), "notifications": list(told.values())}
        event = Event(kind="notification.sent", facts=facts, variables={"subject": subject, "text": text})
        history.record(session, process_instance_id, event)
    return list(told)


def unread_count(session: Session, username: str) -> int:
    """Return how many notifications a user has not read."""
    unread = select(func.count()).where(Notification.username == username, Notification.read_at.is_(None))
    return session.scalar(unread) or 0


def mark_read(session: Session, username: str, notification_id: int | None = None) -> str | None:
    """
    Note that a user has read one notification with the others about its matter, or all; return the matter's number.

    Somebody else's notification is left alone, as if it were not there.
    """
    mine = update(_table).where(_table.c.username == username, _table.c.read_at.is_(None)).values(read_at=clock.now())
    if notification_id is None:
        session.connection().execute(mine)
        return None
    business_key = session.scalar(
        select(Notification.business_key).where(Notification.id == notification_id, Notification.username == username)
    )
    of_matter = _table.c.business_key == business_key
    session.connection().execute(mine.where(or_(_table.c.id == notification_id, of_matter)))
    return business_key


def unsent(session: Session, idempotency_key: str) -> list[tuple[int, str]]:
    """Return id and address of the notifications under a key that have not gone out, where there is an address."""
    rows = session.execute(
        select(Notification.id, User.email)
        .join(User, User.username == Notification.username)
        .where(
            Notification.idempotency_key == idempotency_key,
            Notification.sent_at.is_(None),
            User.active,
            User.email.is_not(None),
        )
        .order_by(Notification.id)
    )
    return [(row.id, row.email) for row in rows]


def mark_sent(session: Session, notification_id: int) -> None:
    """Note that the e-mail of a notification has gone out."""
    session.connection().execute(
        update(_table).where(_table.c.id == notification_id, _table.c.sent_at.is_(None)).values(sent_at=clock.now())
    )
