"""What users are told inside the product, each in his language; `mails` has what goes out by e-mail as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casepath.engine import errors, history, texts
from casepath.engine.database import Base, values
from casepath.engine.database.models import Notification, User
from casepath.engine.history import Event
from casepath.engine.instances import mails
from casepath.engine.time import clock

KINDS = ("notice", "reminder", "escalation")
MAX_SUBJECT_LENGTH = 255
MAX_TEXT_LENGTH = 20_000

_table = Base.metadata.tables[Notification.__tablename__]


def _inserting(insert: Any) -> Any:
    # Who is tried a second time under the same key has been told already.
    return insert(_table).on_conflict_do_nothing().returning(_table.c.id)


_INSERT = {"postgresql": _inserting(postgresql.insert), "sqlite": _inserting(sqlite.insert)}


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What people are told, in one language."""

    subject: str
    text: str = ""


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
) -> list[str]:
    """
    Tell users something, each once under an idempotency key; return who is told now.

    Whoever reads a language of `translated` gets that wording, and finds the others where he changes it. `by_mail` has
    it go out by e-mail as well, with a file of the matter where one is named. With a process instance its history says
    who was told what, one event for each wording. Raises `InvalidInput` for another kind than notice, reminder and
    escalation, or without a subject.
    """
    if kind not in KINDS:
        raise errors.InvalidInput("Expected one of {kinds}, but found '{kind}'", kinds=KINDS, kind=kind)
    wording, translated = _storable(wording), {key: _storable(each) for key, each in (translated or {}).items()}
    if process_instance_id is not None:
        # Before the rows are dated: to wait afterwards would date them long before their event.
        history.lock(session, process_instance_id)
    statement = _INSERT[session.get_bind().dialect.name]
    wordings = _by_language(translated)
    told: list[str] = []
    for said, readers in _readers(session, usernames, wording, translated).items():
        numbers: dict[str, int] = {}
        for username in readers:
            row = {
                "username": username,
                "business_key": business_key,
                "kind": kind,
                "process_instance_id": process_instance_id,
                "subject": said.subject,
                "text": said.text,
                "wordings": wordings,
                "idempotency_key": idempotency_key,
                "created_at": clock.now(),
            }
            written = session.connection().execute(statement, row).scalar()
            if written is not None:
                numbers[username] = written
        mailed = mails.enqueue(session, list(numbers.values()), attachment_id=attachment_id) if by_mail else []
        if numbers and process_instance_id is not None:
            facts = {"kind": kind, "to": list(numbers), "notifications": list(numbers.values()), "mailed": mailed}
            variables = {"subject": said.subject, "text": said.text}
            event = Event(kind="notification.sent", facts=facts, variables=variables)
            history.record(session, process_instance_id, event)
        told += numbers
    return sorted(told)


def _storable(wording: Wording) -> Wording:
    subject = texts.storable(" ".join(wording.subject.split()), limit=MAX_SUBJECT_LENGTH)
    if not subject:
        raise errors.InvalidInput("Expected a subject, but found none")
    return Wording(subject=subject, text=texts.storable(wording.text, limit=MAX_TEXT_LENGTH))


def _by_language(translated: Mapping[str, Wording]) -> str | None:
    """Return how a notice keeps what it says in other languages; None where it says it in one."""
    return values.dumps({key: [said.subject, said.text] for key, said in translated.items()}) if translated else None


def _readers(
    session: Session, usernames: Iterable[str], wording: Wording, translated: Mapping[str, Wording]
) -> dict[Wording, list[str]]:
    """Return who gets which wording, in the order of names."""
    names = sorted(set(usernames))
    found = session.execute(select(User.username, User.language).where(User.username.in_(names)))
    languages = {row.username: row.language for row in found}
    readers: dict[Wording, list[str]] = {}
    for username in names:
        readers.setdefault(translated.get(languages.get(username, ""), wording), []).append(username)
    return readers


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
