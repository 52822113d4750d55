"""
Records of registers: filled in by the form of their register, changed, archived, erased.

A record is active or archived. Its key is given to it once and stays. Whoever changes a record names the revision that
he saw; whoever stores one that agrees with others in a field in which none should names these others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors, history
from casepath.engine.database import Base, entries, values
from casepath.engine.database.models import Record, RecordValue
from casepath.engine.database.models.states import TRANSITIONS
from casepath.engine.deployments import Register, registers
from casepath.engine.history import Event
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By
from casepath.engine.registers import access, rows, rules

_values = Base.metadata.tables[RecordValue.__tablename__]


def get(session: Session, record_id: int, *, by: By) -> Record:
    """Return a record as it is now; raises `NotFound`, also for whoever may not read its register."""
    found = session.get(Record, record_id, populate_existing=True)
    if found is None or not access.may_read(identity.actor(session, by), registers.declared(session, found.register)):
        raise errors.NotFound("record", record_id)
    return found


def values_of(record: Record) -> dict[str, Any]:
    """Return the values of a record, by field; what is left empty is not among them."""
    held: Any = values.loads(record.values)
    return dict(held)


def create(
    session: Session, register: str, submitted: Mapping[str, Any], *, by: By, despite: Collection[str] = ()
) -> Record:
    """
    Fill in a new record of a register.

    `despite` are the keys of records with which it may agree in fields in which none should. Raises `NotFound` for
    strangers, `Forbidden` for those who only read, and `InvalidVariables` with everything that is wrong by the form,
    else by the register.
    """
    declared = registers.declared(session, register)
    actor = access.writer(session, by, declared, "add to", "register", register)
    held = rows.accepted(session, declared, submitted, {})
    rules.require_fit(session, declared, held, {}, None, despite)
    (key,) = rows.keys(session, declared, [held])
    number = rows.add(session, declared, {key: held}, by=actor.signature).get(key)
    if number is None:
        raise rows.taken(declared, key)
    return session.get_one(Record, number)


def change(
    session: Session,
    record_id: int,
    submitted: Mapping[str, Any],
    *,
    revision: int,
    by: By,
    despite: Collection[str] = (),
) -> Record:
    """
    Fill in a record anew; `revision` is the one that was seen, `despite` as for `create`.

    Its history tells what it was. What its form asks no more, or only shows, stays. Raises `NotFound` for strangers,
    `Forbidden` for those who only read, `InvalidState` where it is archived or somebody has changed it since, and
    `InvalidVariables` as `create` does.
    """
    record, declared, actor = _held(session, record_id, by, "change")
    if record.state != "active":
        raise errors.InvalidState("change", "record", record.key, record.state)
    if record.revision != revision:
        raise errors.InvalidState("change", "record", record.key, "changed", record.changed_by)
    before = values_of(record)
    held = rows.accepted(session, declared, submitted, before)
    rules.require_fit(session, declared, held, before, record.key, despite)
    changed = {name: held.get(name) for name in before.keys() | held.keys() if before.get(name) != held.get(name)}
    if not changed:
        return record
    record.definition_id, record.values = declared.definition_id, values.dumps(held)
    rows.enter(session, declared, record, held)
    told = {"definition": declared.definition_id}
    return rows.note(session, record, Event(kind="record.changed", facts=told, variables=changed, by=actor.signature))


def archive(session: Session, record_id: int, *, by: By) -> Record:
    """Take a record out of use; raises as `change` does."""
    return _move(session, record_id, "archived", "archive", "record.archived", by)


def restore(session: Session, record_id: int, *, by: By, despite: Collection[str] = ()) -> Record:
    """
    Put an archived record into use again, `despite` as for `create`.

    Raises as `change` does, also where others have come to agree with it in what none should.
    """
    return _move(session, record_id, "active", "restore", "record.restored", by, despite)


def erase(session: Session, record_id: int, names: Collection[str], *, by: By, reason: str) -> int:
    """
    Remove the values of these fields from an archived record and its history; return how many events had any.

    Raises `NotFound` for strangers, `Forbidden`, `InvalidState` where it is active, and `InvalidInput` for the field
    that is its key, which stays, and without a reason.
    """
    record = get(session, record_id, by=by)
    actor = identity.allowed(session, by, authorization.may_erase, "erase", "record", record.key)
    history.registers.lock(session, record_id)
    session.refresh(record)
    if record.state != "archived":
        raise errors.InvalidState("erase", "record", record.key, record.state)
    declared = registers.declared(session, record.register)
    for stays in (entries.KEY, declared.key_field):
        if stays is not None and stays in names:
            raise rules.key_stays(stays)
    count = history.registers.erase(session, record_id, names, by=actor.signature, reason=reason)
    held = {name: value for name, value in values_of(record).items() if name not in names}
    record.values = values.dumps(held)
    session.flush()
    rows.enter(session, declared, record, held)
    session.refresh(record)
    return count


def _held(session: Session, record_id: int, by: By, verb: str) -> tuple[Record, Register, Actor]:
    """Return a record that nobody else changes until the transaction ends, its register, and who changes it."""
    record = get(session, record_id, by=by)
    declared = registers.declared(session, record.register)
    actor = access.writer(session, by, declared, verb, "record", record.key)
    history.registers.lock(session, record_id)
    session.refresh(record)
    return record, declared, actor


def _move(
    session: Session, record_id: int, state: str, verb: str, kind: str, by: By, despite: Collection[str] = ()
) -> Record:
    record, declared, actor = _held(session, record_id, by, verb)
    if state not in TRANSITIONS["records"][record.state] or record.merged_into is not None:
        state_now = "merged" if record.merged_into is not None else record.state
        raise errors.InvalidState(verb, "record", record.key, state_now)
    # Whatever comes into use is asked, by whichever way: what others have come to agree with meanwhile.
    if state == "active":
        rules.require_unlike(session, declared, record, despite)
    record.state = state
    return rows.note(session, record, Event(kind=kind, by=actor.signature))
