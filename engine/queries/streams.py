"""
The stream of a record: everything that ever happened about it, one after the other, newest first.

Matters that point to it stand where they began, records of other registers that point to it where what they tell
happened (`moment` of their register), and with the matters their files and messages. Only what somebody may see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from casepath.engine import settings
from casepath.engine.database import merged, values
from casepath.engine.database.models import Attachment, Delivery, ProcessInstance, Record, RecordLink, RecordValue
from casepath.engine.deployments import Register
from casepath.engine.people import access as matters
from casepath.engine.people.authorization import Person
from casepath.engine.queries.records import RecordRow, row
from casepath.engine.registers import access
from casepath.engine.time import clock

#: Of each source, how many are looked at, the newest ones.
MOST = 2_000
#: What an entry is: a matter, a record, a file or a message.
MATTER, RECORD, FILE, MESSAGE = "matter", "record", "file", "message"


class Entry(NamedTuple):
    """Something that happened; the order of the fields is that of the stream."""

    at: datetime
    #: One of those above.
    source: str
    id: int
    #: Key of its process or register; empty for files and messages.
    of: str = ""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a matter."""

    id: int
    name: str
    business_key: str
    created_by: str | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """What went out, or is to go out."""

    id: int
    channel: str
    state: str
    text: str
    business_key: str | None


def entries(session: Session, person: Person, register: str, key: str) -> list[Entry]:
    """Return what happened about a record, newest first."""
    keys = session.scalars(merged.keys(register, key)).all()
    found = [*_records(session, person, register, keys), *_matters(session, person, register, keys)]
    return sorted(found, reverse=True)


def counted(found: Sequence[Entry]) -> Mapping[tuple[str, str], int]:
    """Return how many of each source and of each process or register there are."""
    return Counter((each.source, each.of) for each in found)


def records(session: Session, ids: Collection[int]) -> dict[int, RecordRow]:
    """Return records by their ids."""
    return {record.id: row(record) for record in session.scalars(select(Record).where(Record.id.in_(ids)))}


def files(session: Session, ids: Collection[int]) -> dict[int, File]:
    """Return files by their ids, without what is in them."""
    columns = Attachment.id, Attachment.name, Attachment.business_key, Attachment.created_by
    found = session.execute(select(*columns).where(Attachment.id.in_(ids)))
    return {each.id: File(**each._mapping) for each in found}


def messages(session: Session, ids: Collection[int]) -> dict[int, Message]:
    """Return messages by their ids."""
    columns = Delivery.id, Delivery.channel, Delivery.state, Delivery.text, Delivery.business_key
    found = session.execute(select(*columns).where(Delivery.id.in_(ids)))
    return {each.id: Message(**each._mapping) for each in found}


def _matters(session: Session, person: Person, register: str, keys: Collection[str]) -> Iterator[Entry]:
    """Yield the matters that point to a record and that somebody may see, with their files and messages."""
    pointing = select(RecordLink.root_id).where(RecordLink.register == register, RecordLink.key.in_(keys)).distinct()
    ids = session.scalars(pointing.order_by(RecordLink.root_id.desc()).limit(MOST)).all()
    columns = ProcessInstance.id, ProcessInstance.definition_key, ProcessInstance.started_at
    seen = select(*columns, ProcessInstance.business_key).where(
        ProcessInstance.parent_id.is_(None), ProcessInstance.id.in_(ids), matters.seen_by(person, ids)
    )
    found = session.execute(seen).all()
    yield from (Entry(each.started_at, MATTER, each.id, each.definition_key) for each in found)
    numbers = [each.business_key for each in found if each.business_key]
    yield from _newest(session, FILE, Attachment, Attachment.business_key.in_(numbers))
    parts = select(ProcessInstance.id).where(ProcessInstance.root_id.in_([each.id for each in found]))
    yield from _newest(session, MESSAGE, Delivery, Delivery.process_instance_id.in_(parts))


def _newest(
    session: Session, source: str, model: type[Attachment] | type[Delivery], condition: ColumnElement[bool]
) -> Iterator[Entry]:
    query = select(model.id, model.created_at).where(condition).order_by(model.id.desc()).limit(MOST)
    yield from (Entry(each.created_at, source, each.id) for each in session.execute(query))


def _records(session: Session, person: Person, register: str, keys: Collection[str]) -> Iterator[Entry]:
    """Yield the records that tell what happened and point to a record, of registers that somebody may read."""
    for declared in access.readable(session, person):
        fields = [field for field, of in declared.references.items() if of == register]
        if declared.moment is not None and fields:
            yield from _of_register(session, declared, fields, keys)


def _of_register(session: Session, declared: Register, fields: Sequence[str], keys: Collection[str]) -> Iterator[Entry]:
    pointing = select(RecordValue.record_id).where(
        RecordValue.register == declared.key,
        RecordValue.name.in_(fields),
        RecordValue.value.in_([values.dumps(key) for key in keys]),
    )
    query = (
        select(Record.id, Record.created_at, RecordValue.value)
        .outerjoin(RecordValue, (RecordValue.record_id == Record.id) & (RecordValue.name == declared.moment))
        .where(Record.id.in_(pointing), Record.state == "active")
        .order_by(Record.id.desc())
    )
    for each in session.execute(query.limit(MOST)):
        held: Any = values.loads(each.value) if each.value is not None else None
        yield Entry(_moment(held) or each.created_at, RECORD, each.id, declared.key)


def _moment(held: object) -> datetime | None:
    """Return a day or moment as one of the clock: a day is where it begins in the zone of the house."""
    zone = clock.time_zone(settings.current.time_zone)
    if isinstance(held, datetime):
        return held if held.tzinfo is not None else held.replace(tzinfo=zone)
    return datetime.combine(held, time(), zone) if isinstance(held, date) else None
