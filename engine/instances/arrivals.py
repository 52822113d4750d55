"""
What comes in through channels: reports on what went out, replies, recordings, and items that start a process.

The other side names each by a number of its own. What comes again under it changes nothing and is answered as at first;
something else under a known number is refused. What belongs to a process instance stands in its history.

    report     one that went out was delivered, or failed
    reply      an answer to one that went out, by its number or by the address, however written, that it went to last
    recording  what was spoken, with number and time, for the matter of a business key, of what went out, or in which
               somebody has that number: of the open ones the newest
    item       of another system: starts the process that the channel names, once, with its number
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal, get_args

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from casepath.engine import database, errors, history, texts
from casepath.engine.database import Base, entries, terms, values
from casepath.engine.database.models import Arrival, Delivery, ProcessInstance
from casepath.engine.deployments import Channel, channels
from casepath.engine.history import Event
from casepath.engine.instances import deliveries, messages, process_instances
from casepath.engine.people.authorization import Program
from casepath.engine.time import clock

Kind = Literal["report", "reply", "recording", "item"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: What each says beside its number, and what of it it has to say.
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "report": ("delivery", "state", "text"),
    "reply": ("delivery", "address", "text", "at"),
    "recording": ("delivery", "address", "business_key", "at", "seconds", "url", "text"),
    "item": ("variables",),
}
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "report": ("delivery", "state"),
    "reply": ("text",),
    "recording": ("at",),
    "item": ("variables",),
}
MAX_TEXT_LENGTH = 20_000
#: Digits of the shortest number by which a matter is meant, and newest matters among which the open ones come first.
LEAST_OF_NUMBER, FEW = 7, 50
#: Of what is said; of everything else a text.
_TYPES: Mapping[str, tuple[type, ...]] = {"variables": (dict,), "seconds": (int, float)}

_arrivals = Base.metadata.tables[Arrival.__tablename__]
_deliveries = Base.metadata.tables[Delivery.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of something that came in."""

    id: int
    #: Whether it had come before: nothing was changed this time.
    is_known: bool
    #: What it answers, and whom it has moved, started or been noted with.
    delivery_id: int | None
    process_instance_id: int | None


def take(session: Session, channel: str, kind: Kind, number: str, said: Mapping[str, Any]) -> Taken:
    """
    Take what has come in through a channel; the entry point has made sure who says it.

    Raises `NotFound` where there is no such channel, or nothing that is answered or reported on or went to the address,
    and `InvalidInput` for what it does not say as it should, or says otherwise than before under the same number. An
    item raises as `process_instances.start` does. Of a report that changes nothing no history tells.
    """
    declared = channels.declared(session, channel)
    number = texts.checked(number, name="a number", limit=255)
    content = _checked(kind, said)
    text = values.dumps(content)
    digest = sha256(text.encode()).hexdigest()
    row = {
        "channel": channel,
        "kind": kind,
        "number": number,
        "sha256": digest,
        "content": text,
        "arrived_at": clock.now(),
    }
    is_new = database.insert_new(session, Arrival, row, unique=("channel", "kind", "number"))
    same = (_arrivals.c.channel == channel, _arrivals.c.kind == kind, _arrivals.c.number == number)
    found = session.execute(select(_arrivals).where(*same)).one()
    if not is_new:
        return _known(found, digest)
    by = Program(f"channel-{channel}")
    delivery: Row[Any] | None = None
    if kind == "item":
        instance_id = _start(session, declared, number, content["variables"], by)
    elif content.get("business_key") and not content.get("delivery"):
        instance_id = _of_matter(session, content["business_key"])
    elif kind == "recording" and not content.get("delivery") and (known := _with_number(session, content)) is not None:
        instance_id = known
    else:
        delivery = _answered(session, declared, content)
        instance_id = delivery.process_instance_id
    where = {"delivery_id": delivery.id if delivery is not None else None, "process_instance_id": instance_id}
    session.execute(update(_arrivals).where(_arrivals.c.id == found.id).values(**where))
    is_told = True
    if kind == "report" and delivery is not None:
        is_told = deliveries.report(session, delivery.id, content["state"], answer=content.get("text", ""))
    if is_told:
        _note(session, instance_id, found.id, declared, kind, number, content, by)
    _tell(session, declared, kind, instance_id, number, content, by)
    return Taken(id=found.id, is_known=False, **where)


def is_known(session: Session, channel: str, number: str) -> bool:
    """Tell whether an item has come before under a number."""
    same = (_arrivals.c.channel == channel, _arrivals.c.kind == "item", _arrivals.c.number == number)
    return session.scalar(select(_arrivals.c.id).where(*same)) is not None


def count_within(session: Session, channel: str, span: timedelta, *, most: int) -> int:
    """Return how many items have come through a channel within a span of time until now, of `most` at the most."""
    items = select(_arrivals.c.arrived_at).where(_arrivals.c.channel == channel, _arrivals.c.kind == "item")
    newest = session.scalars(items.order_by(_arrivals.c.id.desc()).limit(most))
    since = clock.now() - span
    return sum(at > since for at in newest)


def _known(found: Row[Any], digest: str) -> Taken:
    """Return what became of something when it came first; raises `InvalidInput` where it was something else then."""
    if found.sha256 != digest:
        raise errors.InvalidInput(
            "The number “{number}” was used before for something else.", code="arrival-differs", number=found.number
        )
    return Taken(
        id=found.id, is_known=True, delivery_id=found.delivery_id, process_instance_id=found.process_instance_id
    )


def _checked(kind: Kind, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said; raises `InvalidInput` for what is missing, unknown or of another type."""
    for name in sorted(said.keys() - set(FIELDS[kind])):
        raise errors.InvalidInput(
            "Expected only {known}, but found “{entry}”", code="arrival-unknown", known=FIELDS[kind], entry=name
        )
    for name in REQUIRED[kind]:
        if said.get(name) in (None, ""):
            raise errors.InvalidInput("Expected “{entry}”, but it is not there", code="arrival-missing", entry=name)
    for name, value in said.items():
        expected = _TYPES.get(name, (str,))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise errors.InvalidInput(
                "Expected another type as “{entry}”, but found {found}",
                code="arrival-type",
                entry=name,
                found=repr(value),
            )
        if isinstance(value, str):
            texts.require(value, name="a message", limit=MAX_TEXT_LENGTH)
    if kind == "report" and said["state"] not in get_args(deliveries.Report):
        raise errors.InvalidInput(
            "Expected one of {known} as “{entry}”, but found “{found}”",
            code="arrival-state",
            known=get_args(deliveries.Report),
            entry="state",
            found=said["state"],
        )
    return dict(said)


def _answered(session: Session, channel: Channel, content: Mapping[str, Any]) -> Row[Any]:
    """
    Return the delivery that is meant: by the number that the other side gave it, by our key, or by its address.

    Raises `InvalidInput` where neither a number nor an address is said, `NotFound` where nothing has it.
    """
    columns = _deliveries.c
    of_channel = select(_deliveries).where(columns.channel == channel.key).order_by(columns.id.desc()).limit(1)
    if wanted := content.get("delivery"):
        by_key = of_channel.where(columns.idempotency_key == wanted)
        found = session.execute(of_channel.where(columns.number == wanted)).one_or_none()
        found = found or session.execute(by_key).one_or_none()
        if found is None:
            raise errors.NotFound("delivery", wanted)
        return found
    if not (address := content.get("address")):
        raise errors.InvalidInput("Expected “{entry}”, but it is not there", code="arrival-missing", entry="address")
    # The index has all addresses of a channel: no row is read to find how this one was written.
    written = select(columns.address).where(columns.channel == channel.key, entries.spelled(columns.address, address))
    went = columns.state.not_in(("waiting", "withheld", "given_up"))
    found = session.execute(of_channel.where(columns.address.in_(written), went)).one_or_none()
    if found is None:
        raise errors.NotFound("address", address)
    return found


def _of_matter(session: Session, key: str) -> int:
    """Return the first process instance of the matter that is named; raises `NotFound` where there is none."""
    query = select(_instances.c.id).where(_instances.c.business_key == key).order_by(_instances.c.id).limit(1)
    found: int | None = session.scalar(query)
    if found is None:
        raise errors.NotFound("matter", key)
    return found


def _with_number(session: Session, content: Mapping[str, Any]) -> int | None:
    """Return the newest matter that people know by a telephone number, an open one first; None where there is none."""
    number = entries.compared(content.get("address") or "")
    if not number.isdecimal() or len(number) < LEAST_OF_NUMBER:
        return None
    roots = terms.newest(terms.words(number), below=None, limit=FEW)
    is_open = _instances.c.ended_at.is_(None)
    query = select(_instances.c.id).where(_instances.c.id.in_(roots.scalar_subquery()))
    found: int | None = session.scalar(query.order_by(is_open.desc(), _instances.c.id.desc()).limit(1))
    return found


def _start(session: Session, channel: Channel, number: str, variables: Mapping[str, Any], by: Program) -> int:
    starts = channel.starts
    if starts is None:
        raise errors.InvalidInput("“{channel}” takes no items.", code="arrival-item", channel=channel.key)
    variables = {**variables, **starts.values}
    if channel.is_public:
        # Nobody outside is to choose a number: the process makes its own.
        return process_instances.start(session, starts.process, variables, by=by).id
    if not starts.number:
        return process_instances.start(session, starts.process, variables, business_key=number, by=by).id
    return process_instances.start(session, starts.process, {**variables, starts.number: number}, by=by).id


def _note(
    session: Session,
    instance_id: int,
    arrival_id: int,
    channel: Channel,
    kind: Kind,
    number: str,
    content: Mapping[str, Any],
    by: Program,
) -> None:
    """Write into the history of a process instance what has come in."""
    facts = {"channel": channel.key, "arrival": arrival_id, "number": number, "state": content.get("state")}
    told = {name: value for name, value in content.items() if name in ("text", "address", "at", "seconds", "url")}
    known = {name: value for name, value in facts.items() if value is not None}
    event = Event(kind=f"arrival.{kind}", facts=known, variables=told or None, by=by.signature)
    history.record(session, instance_id, event)


def _tell(
    session: Session,
    channel: Channel,
    kind: Kind,
    instance_id: int,
    number: str,
    content: Mapping[str, Any],
    by: Program,
) -> None:
    """Give the message of the channel to whoever waits for it in the matter; where nobody does, it stands there."""
    name = channel.messages.get(kind)
    if name is None:
        return
    key = session.scalar(select(_instances.c.business_key).where(_instances.c.id == instance_id))
    variables = {f"{kind}_{each}": content[each] for each in ("text", "at", "url") if each in content}
    whom: dict[str, Any] = {"business_key": key} if key is not None else {"process_instance_id": instance_id}
    try:
        with session.begin_nested():
            messages.correlate(session, name, variables={**variables, f"{kind}_number": number}, by=by, **whom)
    except (errors.NotWaiting, errors.SeveralWaiting):
        return
