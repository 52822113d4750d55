"""
The history of records: one chain for each, sealed as those of process instances are (`chain`).

Where the events of others have the number of their process instance, those of a record have its number below zero, so
that none of the one fits among the other. An event has the values that it changed; what they were before stands in the
events before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, texts
from casepath.engine.database import Base, entries, values
from casepath.engine.database.models import BatchItem, Record, RecordEvent, RecordStart, RecordValue
from casepath.engine.history import log, records, verification
from casepath.engine.history.chain import Event, seal, without
from casepath.engine.history.erasure import MAX_REASON
from casepath.engine.history.log import EventView
from casepath.engine.history.problems import Problem
from casepath.engine.history.records import Found
from casepath.engine.history.verification import ERASED
from casepath.engine.time import clock

CREATED, CHANGED, ARCHIVED, RESTORED = "record.created", "record.changed", "record.archived", "record.restored"
#: Of the one that goes, and of the one that stays, when both are one, and when they are taken apart again.
MERGED, SEPARATED = "record.merged", "record.separated"
JOINED, RELEASED = "record.joined", "record.released"
#: The state of a record after an event of this kind.
STATES = {CREATED: "active", ARCHIVED: "archived", RESTORED: "active", MERGED: "archived", SEPARATED: "active"}
#: What may give a record other values; such an event says by which version of its register it was filled in then.
FILLED_IN = (CREATED, CHANGED, JOINED, RELEASED)
#: What the events of process instances have beside.
_ELSEWHERE: Mapping[str, Any] = {
    "activity_instance": None,
    "element_id": None,
    "state_before": None,
    "state_after": None,
}

_records = Base.metadata.tables[Record.__tablename__]
_values = Base.metadata.tables[RecordValue.__tablename__]
_events = Base.metadata.tables[RecordEvent.__tablename__]
_batch_items = Base.metadata.tables[BatchItem.__tablename__]
_record_starts = Base.metadata.tables[RecordStart.__tablename__]


def lock(session: Session, record_id: int) -> tuple[int, str]:
    """Have nobody else change a record until the transaction ends; return length and last hash; raises `NotFound`."""
    query = select(_records.c.history_length, _records.c.history_hash).where(_records.c.id == record_id)
    end = session.execute(query.with_for_update(key_share=True)).one_or_none()
    if end is None:
        raise errors.NotFound("record", record_id)
    return end.history_length, end.history_hash


def record(session: Session, record_id: int, event: Event) -> None:
    """Append an event, in the transaction that makes it true; raises `NotFound`."""
    length, head = lock(session, record_id)
    sealed = seal(-record_id, length, head, [event], at=clock.now())
    (row,) = sealed.rows
    own = {name: value for name, value in row.items() if name in _events.c}
    session.execute(insert(_events), {**own, "record_id": record_id})
    ends = {"history_length": sealed.length, "history_hash": sealed.head}
    session.execute(update(_records).where(_records.c.id == record_id).values(**ends))


def begin(session: Session, created: Mapping[int, Event]) -> None:
    """Write the first event of each of these records, in the transaction that makes them."""
    at = clock.now()
    rows, ends = [], []
    for record_id, event in created.items():
        sealed = seal(-record_id, 0, "", [event], at=at)
        (row,) = sealed.rows
        rows.append({**{name: value for name, value in row.items() if name in _events.c}, "record_id": record_id})
        ends.append({"number": record_id, "length": sealed.length, "head": sealed.head})
    session.execute(insert(_events), rows)
    end: dict[str, Any] = {"history_length": bindparam("length"), "history_hash": bindparam("head")}
    session.connection().execute(update(_records).where(_records.c.id == bindparam("number")).values(end), ends)


def events(session: Session, record_id: int) -> list[EventView]:
    """Return the events of a record, in their order."""
    query = select(_events).where(_events.c.record_id == record_id).order_by(_events.c.sequence)
    return [log.view({**_ELSEWHERE, **row}) for row in session.execute(query).mappings()]


def merged_into(told: Sequence[EventView]) -> int | None:
    """Return the number of the record that stands for one, as its history tells; None where it stands for itself."""
    last = next((event for event in reversed(told) if event.kind in STATES), None)
    return int(str(last.facts["number"])) if last is not None and last.kind == MERGED else None


def erase(session: Session, record_id: int, names: Collection[str], *, by: str | None, reason: str) -> int:
    """
    Remove the values of these fields from all events of a record, and from itself; return how many events had one.

    Why a process could not be started for it is forgotten, too.

    `by` is how the history names whoever does; the noun asks whether he may. Raises `NotFound`, and `InvalidInput`
    without a reason.
    """
    reason = texts.checked(reason, name="a reason", limit=MAX_REASON)
    lock(session, record_id)
    erased: dict[str, list[str]] = {}
    mine = _events.c.record_id == record_id
    for sequence, text in session.execute(select(_events.c.sequence, _events.c.variables).where(mine)).all():
        left, gone = without(text or "{}", names)
        if gone:
            erased[str(sequence)] = gone
            session.execute(update(_events).where(mine, _events.c.sequence == sequence).values(variables=left))
    # Why nothing was started for it may quote what it held.
    for table in (_batch_items, _record_starts):
        session.execute(update(table).where(table.c.record_id == record_id).values(answer=None))
    record(session, record_id, Event(kind=ERASED, by=by, facts={"erased": erased, "reason": reason}))
    return len(erased)


def verify(session: Session) -> Iterator[Problem]:
    """Yield what is wrong with the history of any record; with an intact one, what is not as it tells."""
    for row in session.execute(select(_records).order_by(_records.c.id)).all():
        mine = _events.c.record_id == row.id
        stored = verification.stored(session, _events, _events.c.sequence, where=mine)
        own = [{**_ELSEWHERE, "process_instance_id": -row.id, **event} for event in stored]
        problems = verification.check(own, -row.id, length=row.history_length, head=row.history_hash)
        yield from problems
        if not problems:
            for what, message in _compare(session, row, events(session, row.id)):
                yield Problem(process_instance_id=-row.id, what=what, message=message)


def _compare(session: Session, row: Row[Any], told: Sequence[EventView]) -> Iterator[Found]:
    """Yield where a record and in what it is found are not what its history tells."""
    if not told or told[0].kind != CREATED:
        yield "unrecorded", "no event tells how it came"
        return
    first, changes = told[0], [event for event in told if event.kind in FILLED_IN]
    # What was erased is gone from every event until then, the last one that set it among them.
    told_last = {name: event for event in changes for name in (*event.variables, *event.erased)}
    left = {name: event.variables.get(name) for name, event in told_last.items()}
    held = {name: value for name, value in left.items() if value is not None}
    last = next(event for event in reversed(told) if event.kind != ERASED)
    expected = {
        "register": first.facts["register"],
        "key": first.facts["key"],
        "definition_id": changes[-1].facts["definition"],
        "revision": sum(event.kind != ERASED for event in told),
        "state": next(STATES[event.kind] for event in reversed(told) if event.kind in STATES),
        "merged_into": merged_into(told),
        "values": values.dumps(held),
        "created_at": first.at,
        "created_by": first.by,
        "changed_at": last.at,
        "changed_by": last.by,
    }
    yield from records.differing("the record", dict(row._mapping), expected)
    found = {
        each.name: {"register": each.register, "value": each.value, "compared": each.compared}
        for each in session.execute(select(_values).where(_values.c.record_id == row.id))
    }
    entered = entries.entered(row.register, row.key, held)
    for name in sorted(found.keys() | entered.keys()):
        if found.get(name) != entered.get(name):
            yield "altered", f"the value by which it is found as {name} is not the one that it has"
