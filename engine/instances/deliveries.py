"""
The queue of what goes out to people and systems outside through channels: text messages, chats, other systems.

A delivery is written in the transaction of the step that asks for it, once under its idempotency key, which goes out
with it so that the other side can drop a double; `outgoing` says how it leaves. Whether whoever is to have it consents
is asked here and nowhere else, just before it leaves: the field of the record that the channel names says so. What
the other side tells later of one that it has, `report` notes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from casepath.engine import database, errors, history, texts
from casepath.engine.database import Base, entries, merged, values
from casepath.engine.database.models import Delivery, Record, RecordTerm
from casepath.engine.deployments import Channel, Recipients, registers
from casepath.engine.history import Event
from casepath.engine.instances import outgoing
from casepath.engine.instances.outgoing import Outcome, Queue
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock

MAX_TEXT_LENGTH = 20_000
MAX_ADDRESS_LENGTH = 255

UNANSWERED = Phrase("The server was given all of it and did not answer: it may have arrived.")
WITHHELD = Phrase("Whoever was to have it has not agreed to that.")
#: After how many that may not go out no more are settled in one transaction.
WITHHELD_AT_ONCE = 20
#: What stands between several addresses in one field; the first one is written to.
_BETWEEN = re.compile(r"[、,，;；/]|或")
#: What the other side tells of one that it has.
Report = Literal["delivered", "failed"]

_deliveries = Base.metadata.tables[Delivery.__tablename__]
_queue = Queue(_deliveries, "delivery", UNANSWERED)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """Something that a worker sends."""

    id: int
    channel: str
    #: Which attempt it is, from 1.
    attempt: int
    #: By which the other side knows that it has it already.
    key: str
    #: None where there is none any more.
    address: str | None
    text: str
    #: The values that the channel fills in beside the text.
    fields: Mapping[str, Any]
    business_key: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a worker was given; where that is nothing, but some were withheld, more may be due."""

    items: Sequence[Outgoing]
    #: How many do not go out, because whoever was to have them has not agreed to that.
    withheld: int


def put(
    session: Session,
    channel: Channel,
    *,
    text: str,
    to: str = "",
    record_key: str = "",
    variables: Mapping[str, Any] | None = None,
    idempotency_key: str,
    process_instance_id: int,
    business_key: str | None = None,
) -> bool:
    """
    Have a text go out through a channel, to an address or to a record; return whether it is new under its key.

    Whoever asks for it has the process instance for himself.

    `variables` fill in what the channel sends beside it. The history of the process instance says what goes to whom.
    Raises `InvalidInput` without a text, or without anybody to have it where the channel has recipients.
    """
    text = texts.checked(text, name="a message", limit=MAX_TEXT_LENGTH)
    to = texts.require(to.strip(), name="an address", limit=MAX_ADDRESS_LENGTH)
    register = channel.recipients.register if channel.recipients is not None else None
    if (record_key and register is None) or (register is not None and not (to or record_key)):
        raise errors.InvalidInput(
            "Expected an address, or a record of the register of “{channel}”, but found none",
            code="recipient-missing",
            channel=channel.key,
        )
    now = clock.now()
    held = {name: value for name, value in (variables or {}).items() if name in channel.variables}
    row = {
        "channel": channel.key,
        "idempotency_key": idempotency_key,
        "process_instance_id": process_instance_id,
        "business_key": business_key,
        "record_key": record_key or None,
        "address": to or None,
        "text": text,
        "fields": values.dumps(held),
        "state": "waiting",
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
    # What is asked for a second time under the same key is there already.
    written = database.insert_several(session, Delivery, [row], unique=("idempotency_key",))
    if not written:
        return False
    ((number, _),) = written
    event = Event(
        kind="delivery.queued",
        facts={"channel": channel.key, "delivery": number, "register": register},
        variables={"text": text, "to": to or record_key},
    )
    history.record(session, process_instance_id, event)
    return True


def are_due(session: Session) -> bool:
    """Tell whether `due` has anything to say or to note; this only reads."""
    return _queue.are_due(session)


def due(session: Session) -> list[str]:
    """Return the channels through which something is to go out now."""
    now = clock.now()
    _queue.doubt(session, now)
    waiting = select(_deliveries.c.channel).where(_deliveries.c.state == "waiting", _deliveries.c.due_at <= now)
    return list(session.scalars(waiting.distinct().order_by(_deliveries.c.channel)))


def take(session: Session, channel: Channel, *, limit: int = 1) -> Taken:
    """
    Give those that are due longest to a worker, for `LOCK`.

    What another worker takes at this moment is passed over. What may not go out is settled, until there have been
    `WITHHELD_AT_ONCE` of these: others may want to write.
    """
    columns = _deliveries.c
    query = (
        select(_deliveries)
        .where(columns.state == "waiting", columns.channel == channel.key, columns.due_at <= clock.now())
        .order_by(columns.due_at, columns.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken: list[Outgoing] = []
    withheld = 0
    while not taken and withheld < WITHHELD_AT_ONCE and (rows := session.execute(query).all()):
        records = _records(session, channel, rows)
        for row in rows:
            item = _outgoing(row, channel, records.get(row.id, ()))
            _queue.begin(session, row.id, item.attempt)
            if channel.recipients is not None and _objects(channel, records.get(row.id, ())):
                settle(session, item, "withheld", answer=WITHHELD)
                withheld += 1
            else:
                taken.append(item)
    return Taken(items=taken, withheld=withheld)


def _records(session: Session, channel: Channel, rows: Sequence[Row[Any]]) -> dict[int, list[Mapping[str, Any]]]:
    """Return the values of the records that are meant by deliveries, or that have their addresses."""
    wanted = channel.recipients
    if wanted is None:
        return {}
    named: dict[str, Any] = {}
    if keys := {row.record_key for row in rows if row.record_key is not None}:
        stays = merged.standing(session.connection(), [(wanted.register, key) for key in keys])
        meant = {key: stays.get((wanted.register, key), key) for key in keys}
        query = select(Record.key, Record.values).where(*_in_use(wanted), Record.key.in_(meant.values()))
        found = {row.key: values.loads(row.values) for row in session.execute(query)}
        named = {key: found[one] for key, one in meant.items() if one in found}
    addresses = {row.address or "" for row in rows if row.record_key is None} if wanted.consent else set[str]()
    having = {address: _having(session, wanted, _addresses(address)) for address in addresses}
    return {
        row.id: having.get(row.address or "", [])
        if row.record_key is None
        else [named[key] for key in (row.record_key,) if key in named]
        for row in rows
    }


def _having(session: Session, wanted: Recipients, addresses: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the values of the records in use that have one of these addresses, alone or beside others."""
    register = registers.declared(session, wanted.register)
    found: dict[int, Any] = {}
    for address in addresses:
        # The last letters of a number tell more than the first ones.
        word = address[-RecordTerm.SIZE :]
        ids = (
            entries.found_by(session.connection(), register.key, register.search, word)
            if wanted.address in register.search
            else entries.holding(register.key, wanted.address, word)
        )
        query = select(Record.id, Record.values).where(*_in_use(wanted), Record.id.in_(ids))
        found |= {row.id: values.loads(row.values) for row in session.execute(query)}
    return [held for held in found.values() if not _addresses(held.get(wanted.address)).isdisjoint(addresses)]


def _in_use(wanted: Recipients) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Record.register == wanted.register, Record.state == "active"


def _addresses(written: object) -> set[str]:
    """Return the addresses that stand in a field, as they are compared."""
    return {entries.compared(each) for each in _BETWEEN.split(str(written or "")) if each.strip()}


def _outgoing(row: Row[Any], channel: Channel, records: Sequence[Mapping[str, Any]]) -> Outgoing:
    address = row.address
    if row.record_key is not None and channel.recipients is not None:
        held = str(records[0].get(channel.recipients.address) or "") if records else ""
        address = _BETWEEN.split(held)[0].strip()[:MAX_ADDRESS_LENGTH] or None
    fields: Any = values.loads(row.fields)
    return Outgoing(
        id=row.id,
        channel=row.channel,
        attempt=row.attempts + 1,
        key=row.idempotency_key,
        address=address,
        text=row.text,
        fields=fields,
        business_key=row.business_key,
        created_at=row.created_at,
    )


def _objects(channel: Channel, records: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether any of those who have an address does not agree to be written to."""
    consent = channel.recipients.consent if channel.recipients is not None else ""
    return bool(consent) and any(record.get(consent) is not True for record in records)


def hand_over(session: Session, item: Outgoing) -> bool:
    """Note that a delivery leaves now; return whether it may: not where another has it, or nobody any more."""
    return _queue.hand_over(session, item.id, item.attempt, item.address)


def settle(
    session: Session,
    item: Outgoing,
    outcome: Outcome,
    *,
    answer: str | Phrase,
    retry_in: timedelta = timedelta(0),
    number: str | None = None,
) -> None:
    """Note what came of an attempt, as `Queue.settle` does; `number` is what the other side calls it."""
    more: dict[str, object] = {"address": item.address}
    if number is not None:
        more["number"] = texts.storable(number, limit=255)
    _queue.settle(session, item.id, item.attempt, outcome, answer=answer, retry_in=retry_in, **more)


def report(session: Session, delivery_id: int, told: Report, *, answer: str = "") -> bool:
    """
    Note what the other side tells of a delivery that it has; return whether that is new.

    It may have one that counts as refused here, or waits to be tried again: that is delivered then, and not sent again.
    One that was erased does not fail any more: nobody could send it again.
    """
    columns = _deliveries.c
    known: ColumnElement[bool] = columns.state.in_(("sending", "sent", "uncertain"))
    if told == "delivered":
        tried = columns.state.in_(("waiting", "undeliverable")) & (columns.attempts > 0)
        known |= (columns.state == "failed") | tried
    else:
        known &= columns.text != ""
    change = {"state": told, "ended_at": clock.now(), **({"answer": outgoing.stored(answer)} if answer else {})}
    guarded = update(_deliveries).where(columns.id == delivery_id, known).values(**change)
    return bool(session.connection().execute(guarded).rowcount)


def retry(session: Session, delivery_id: int, *, by: By) -> None:
    """Have a delivery tried at once, as `Queue.retry` does; one that is uncertain may arrive twice then."""
    _queue.retry(session, delivery_id, by=by)


def give_up(session: Session, delivery_id: int, *, by: By) -> None:
    """Have a delivery not sent any more, as `Queue.give_up` does."""
    _queue.give_up(session, delivery_id, by=by)
