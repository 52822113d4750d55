"""What users are told inside the product; `wordings` has it in the language of each, `mails` what goes out as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import and_, exists, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casepath.engine import errors, history, texts
from casepath.engine.database import Base
from casepath.engine.database.models import Notification, ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.history import Event
from casepath.engine.instances import mails, wordings
from casepath.engine.instances.wordings import Wording
from casepath.engine.time import clock

KINDS = ("notice", "reminder", "escalation", "mention", "news", "digest")
MAX_SUBJECT_LENGTH = 255
MAX_TEXT_LENGTH = 20_000
#: Whether what a notification asks for is done; who only tells something is never settled.
SETTLED: Final = and_(
    Notification.kind.in_(("reminder", "escalation")),
    exists().where(
        ProcessInstance.id == Notification.process_instance_id, ProcessInstance.ended_at.is_not(None)
    ),
)
#: What counts as not read.
UNREAD: Final = (Notification.read_at.is_(None), not_(SETTLED))

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
    wording: Wording,
    translated: Mapping[str, Wording] | None = None,
    business_key: str | None = None,
    idempotency_key: str | None = None,
    process_instance_id: int | None = None,
    by_mail: bool = False,
    attachment_id: int | None = None,
    once_a_day: bool = False,
) -> list[str]:
    """
    Tell users something, each once under an idempotency key; return who is told now.

    Everybody reads it in his language where `translated` has it. `by_mail` has it go out by e-mail as well, with a file
    of the matter where one is named. `once_a_day` tells nobody who was told so of the matter today, in this kind: what
    several deadlines of one matter ask for is asked once. With a process instance its history says who was told what.
    Raises `InvalidInput` for another kind than `KINDS`, or without a subject.
    """
    if kind not in KINDS:
        raise errors.InvalidInput("Expected one of {kinds}, but found '{kind}'", kinds=KINDS, kind=kind)
    wording, translated = _storable(wording), {key: _storable(each) for key, each in (translated or {}).items()}
    if process_instance_id is not None:
        # Before the rows are dated: to wait afterwards would date them long before their event.
        history.lock(session, process_instance_id)
    if once_a_day and business_key is not None:
        idempotency_key = _of_today(session, kind, business_key)
    row = {
        "business_key": business_key,
        "kind": kind,
        "process_instance_id": process_instance_id,
        "subject": wording.subject,
        "text": wording.text,
        "wordings": wordings.dumps(translated),
        "idempotency_key": idempotency_key,
        "created_at": clock.now(),
    }
    connection, statement = session.connection(), _INSERT[session.get_bind().dialect.name]
    told: dict[str, int] = {}
    for username in sorted(set(usernames)):
        written = connection.execute(statement, {**row, "username": username}).scalar()
        if written is not None:
            told[username] = written
    mailed = mails.enqueue(session, list(told.values()), attachment_id=attachment_id) if by_mail else []
    if told and process_instance_id is not None:
        facts = {"kind": kind, "to": list(told), "notifications": list(told.values()), "mailed": mailed}
        variables = {"subject": wording.subject, "text": wording.text, "wordings": wordings.stored(translated)}
        history.record(session, process_instance_id, Event(kind="notification.sent", facts=facts, variables=variables))
    return list(told)


def _of_today(session: Session, kind: str, business_key: str) -> str:
    """Return the idempotency key of what is told once on this day of the house."""
    today = clock.now().astimezone(clock.zone_of(definitions.calendar(session))).date()
    return f"{today} {kind} {sha256(business_key.encode()).hexdigest()}"


def _storable(wording: Wording) -> Wording:
    subject = texts.storable(" ".join(wording.subject.split()), limit=MAX_SUBJECT_LENGTH)
    if not subject:
        raise errors.InvalidInput("Expected a subject, but found none")
    return Wording(subject=subject, text=texts.storable(wording.text, limit=MAX_TEXT_LENGTH))


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


def settle(session: Session, idempotency_key: str) -> None:
    """Note of what was told under a key that nobody need read it any more: what it asks for is done."""
    told = update(_table).where(_table.c.idempotency_key == idempotency_key, _table.c.read_at.is_(None))
    session.connection().execute(told.values(read_at=clock.now()))
