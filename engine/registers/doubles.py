"""
Two records that are one: one of them stays and stands for the other from then on, until they are taken apart again.

The one that goes is archived, with everything that it was. What names it, a matter, another record or a form that is
filled in just now, goes on naming it, and is led to the one that stays (`engine.database.merged`). The histories of
both tell of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine import errors, history
from casepath.engine.database import entries, values
from casepath.engine.database.models import ProcessInstance, Record, RecordLink
from casepath.engine.deployments import Register, registers
from casepath.engine.history import Event, EventView
from casepath.engine.people.authorization import Actor, By
from casepath.engine.registers import access, records, rows, rules


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """What does not go back when two records are taken apart."""

    #: Fields that took a value of the one that was merged and that somebody has changed since.
    fields: Sequence[str]
    #: Matters that were begun for the one that stays since then.
    matters: int


def merge(
    session: Session, record_id: int, into: int, taken: Collection[str] = (), *, seen: Mapping[int, int], by: By
) -> Record:
    """
    Have a record stand for another one, which is out of use from then on; return the one that stays.

    `taken` are the fields in which it gets the value of the one that goes, `seen` the revisions by the ids. What was
    merged into the one that goes before goes along. Raises `NotFound` for strangers, `Forbidden`, `InvalidState` where
    one of them is not in use or somebody has changed it since, `InvalidInput` where they are one or of two registers,
    and `InvalidVariables` where what stays does not fit its form or its register.
    """
    goes, stays, declared, actor = _both(session, record_id, into, "merge", by)
    for each in (goes, stays):
        if each.state != "active":
            raise errors.InvalidState("merge", "record", each.key, _state(each))
        if each.revision != seen.get(each.id):
            raise errors.InvalidState("merge", "record", each.key, "changed", each.changed_by)
    before, theirs = records.values_of(stays), records.values_of(goes)
    wanted = {**before, **{name: theirs[name] for name in taken if name in theirs}}
    held = rows.accepted(session, declared, rows.standing(session, declared, wanted), wanted)
    rules.require_fit(session, declared, held, before, stays.key, [goes.key])
    along = session.scalars(select(Record).where(Record.merged_into == goes.id).order_by(Record.id)).all()
    _point(session, stays, [goes, *along])
    _fill_in(
        session,
        declared,
        stays,
        held,
        Event(kind="record.joined", facts={"record": goes.key}, by=actor.signature),
    )
    told = {"into": stays.key, "number": stays.id}
    rows.note(session, goes, Event(kind="record.merged", facts=told, by=actor.signature))
    for one in along:
        rows.note(
            session, one, Event(kind="record.merged", facts={**told, "with": goes.key}, by=actor.signature)
        )
    return stays


def separate(session: Session, record_id: int, *, by: By, despite: Collection[str] = ()) -> Remaining:
    """
    Put a record that was merged into use again, as it was; return what does not go back.

    The one that stood for it gives back what it took, where nobody has changed it since, and those that came along with
    the other one go with it. `despite` are the keys of records with which it may agree. Raises as `records.restore`,
    and `InvalidState` where it was not merged.
    """
    record = records.get(session, record_id, by=by)
    access.merger(session, by, registers.declared(session, record.register), "separate", record.key)
    if record.merged_into is None:
        raise errors.InvalidState("separate", "record", record.key, record.state)
    goes, stays, declared, actor = _both(session, record_id, record.merged_into, "separate", by)
    if goes.merged_into != stays.id:
        raise errors.InvalidState("separate", "record", goes.key, "changed", goes.changed_by)
    # The one that stood for it is known: it gives back what it took.
    rules.require_unlike(session, declared, goes, [*despite, stays.key])
    left = remaining(session, goes.id, by=by)
    held = {**records.values_of(stays), **_before(session, goes, stays, but=left.fields)}
    others = session.scalars(select(Record).where(Record.merged_into == stays.id).order_by(Record.id)).all()
    along = [each for each in others if (told := _merging(session, each.id)) and told.facts.get("with") == goes.key]
    entries.forget(session.connection(), stays.register, [stays.id])
    goes.state = "active"
    _point(session, None, [goes])
    _point(session, goes, along)
    filled = {name: value for name, value in held.items() if value is not None}
    _fill_in(
        session,
        declared,
        stays,
        filled,
        Event(kind="record.released", facts={"record": goes.key}, by=actor.signature),
    )
    rows.enter(session, declared, goes, records.values_of(goes))
    rows.note(session, goes, Event(kind="record.separated", facts={"from": stays.key}, by=actor.signature))
    for one in along:
        earlier = _merging(session, one.id, before_last=True)
        facts = {**(earlier.facts if earlier else {}), "into": goes.key, "number": goes.id}
        rows.note(session, one, Event(kind="record.merged", facts=facts, by=actor.signature))
    return left


def distinguish(session: Session, record_id: int, other_id: int, *, by: By) -> None:
    """Note that two records that might be one are not; raises as `merge` does."""
    one, other, _, actor = _both(session, record_id, other_id, "distinguish", by)
    for each, from_ in ((one, other), (other, one)):
        rows.note(
            session, each, Event(kind="record.distinguished", facts={"from": from_.key}, by=actor.signature)
        )


def remaining(session: Session, record_id: int, *, by: By) -> Remaining:
    """Return what would not go back if a merged record were taken apart now; raises `NotFound`."""
    record = records.get(session, record_id, by=by)
    told = _merging(session, record.id)
    if told is None or record.merged_into is None:
        return Remaining(fields=(), matters=0)
    stays = session.get_one(Record, record.merged_into)
    held, joined = records.values_of(stays), _joining(session, record, stays)
    taken = joined.variables if joined is not None else {}
    begun = (
        select(func.count(RecordLink.root_id.distinct()))
        .join(ProcessInstance, ProcessInstance.id == RecordLink.root_id)
        .where(RecordLink.register == stays.register, RecordLink.key == stays.key, ProcessInstance.started_at > told.at)
    )
    return Remaining(
        fields=[name for name, value in taken.items() if held.get(name) != value], matters=session.scalar(begun) or 0
    )


def _both(session: Session, record_id: int, other_id: int, verb: str, by: By) -> tuple[Record, Record, Register, Actor]:
    """
    Return two records, their register, and who changes them.

    Nobody else changes them until the transaction ends, nor what was merged into one of them.
    """
    one, other = (records.get(session, each, by=by) for each in (record_id, other_id))
    declared = registers.declared(session, one.register)
    actor = access.merger(session, by, declared, verb, one.key)
    if one.id == other.id or one.register != other.register:
        text = "Only two records of one register can be one; {key} and {other} are not."
        raise errors.InvalidInput(text, code="records-not-two", key=one.key, other=other.key)
    along = session.scalars(select(Record.id).where(Record.merged_into.in_([one.id, other.id])))
    # All at once and always in the same order, so that no two wait for each other.
    for number in sorted({one.id, other.id, *along}):
        history.registers.lock(session, number)
    session.refresh(one)
    session.refresh(other)
    return one, other, declared, actor


def _state(record: Record) -> str:
    return "merged" if record.merged_into is not None else record.state


def _point(session: Session, stays: Record | None, merged: Sequence[Record]) -> None:
    for each in merged:
        each.merged_into = stays.id if stays is not None else None
        each.state = "archived" if stays is not None else "active"
    session.flush()


def _fill_in(session: Session, declared: Register, record: Record, held: Mapping[str, Any], event: Event) -> None:
    """Give a record these values, have it be found by them and by those merged into it, and write the event."""
    before = records.values_of(record)
    changed = {name: held.get(name) for name in before.keys() | held.keys() if before.get(name) != held.get(name)}
    if changed:
        record.definition_id, record.values = declared.definition_id, values.dumps(dict(held))
    rows.enter(session, declared, record, held)
    facts = {**event.facts, "definition": record.definition_id}
    rows.note(session, record, Event(kind=event.kind, facts=facts, variables=changed, by=event.by))


def _merging(session: Session, record_id: int, *, before_last: bool = False) -> EventView | None:
    """Return the event by which a record was merged last, or the one before it."""
    found = [event for event in history.registers.events(session, record_id) if event.kind == "record.merged"]
    return next(iter(found[-2:-1] if before_last else found[-1:]), None)


def _joining(session: Session, goes: Record, stays: Record) -> EventView | None:
    """Return the event by which one record took another one in last; None where it came along with a third one."""
    told = history.registers.events(session, stays.id)
    found = [
        event for event in told if event.kind == "record.joined" and event.facts.get("record") == goes.key
    ]
    return next(iter(found[-1:]), None)


def _before(session: Session, goes: Record, stays: Record, *, but: Collection[str]) -> dict[str, Any]:
    """Return what stood in the fields that took a value of the one that goes; None where nothing did."""
    joined = _joining(session, goes, stays)
    if joined is None:
        return {}
    told = history.registers.events(session, stays.id)
    held: dict[str, Any] = {}
    for event in told[: joined.sequence - 1]:
        held |= event.variables if event.kind in history.registers.FILLED_IN else {}
    return {name: held.get(name) for name in joined.variables if name not in but}
