"""
Rows of records: what a form accepts for one, the keys of new ones, and how they are stored, one or many at once.

Nothing here asks who may; that and what the register asks of a record is the business of whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from casepath.engine import database, errors, forms, history, settings, texts
from casepath.engine.database import Base, entries, merged, numbers, values
from casepath.engine.database.models import Record, RecordStart, RecordValue, RegisterProcess
from casepath.engine.deployments import Register, definitions
from casepath.engine.forms import Form
from casepath.engine.history import Event
from casepath.engine.time import clock

_starts = Base.metadata.tables[RecordStart.__tablename__]
_values = Base.metadata.tables[RecordValue.__tablename__]


def accepted(
    session: Session, declared: Register, submitted: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Return all values that a record has with what was submitted; raises `InvalidVariables`.

    Where it names anew one that was merged, it names the one that stays.
    """
    form = _form(session, declared)
    zone = clock.time_zone(settings.current.time_zone)
    found = forms.validate(form, submitted, zone, variables=before)
    asked = {field.key for field in form.fields if not field.readonly}
    kept = {name: value for name, value in before.items() if name not in asked}
    held = {name: value for name, value in {**kept, **found}.items() if value not in (None, "", [])}
    named = {name: (of, str(held[name])) for name, of in declared.references.items() if name in held}
    anew = {name: pair for name, pair in named.items() if held[name] != before.get(name)}
    stays = merged.standing(session.connection(), list(anew.values()))
    return {**held, **{name: stays[pair] for name, pair in anew.items() if pair in stays}}


def standing(session: Session, declared: Register, held: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in the form of a record that holds these values, as it would be submitted."""
    form, zone = _form(session, declared), clock.time_zone(settings.current.time_zone)
    return {field.key: forms.show(field, held.get(field.key), zone).texts for field in form.fields}


def _form(session: Session, declared: Register) -> Form:
    found = definitions.form(session, declared.form, declared.definition_id)
    if found is None:
        raise errors.NotFound("form definition", declared.form)
    return found


def keys(session: Session, declared: Register, held: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of new records: values of a field, or the next numbers; raises `InvalidVariables`."""
    if declared.key_field is not None:
        return [_written(declared.key_field, each) for each in held]
    zone = clock.time_zone(settings.current.time_zone)
    assert declared.number is not None
    return numbers.several(session, f"register:{declared.key}", declared.number, clock.now(), zone, len(held))


def _written(field: str, held: Mapping[str, Any]) -> str:
    try:
        return texts.checked(str(held.get(field, "")), name="a key", limit=255)
    except errors.InvalidInput as refusal:
        raise errors.InvalidVariables([at(field, refusal)]) from None


def taken(declared: Register, key: str) -> errors.InvalidVariables:
    """Return the refusal of a key that another record has."""
    refusal = errors.InvalidInput("There is a record with this already: {key}.", code="record-key", key=key)
    return errors.InvalidVariables([at(declared.key_field or "", refusal)])


def add(
    session: Session, declared: Register, held: Mapping[str, Mapping[str, Any]], *, by: str | None
) -> dict[str, int]:
    """
    Store new records of a register by their keys, with all by which they are found and their first event.

    Whoever calls has asked what the register asks of them. Returns their ids by their keys, without those whose key is
    taken.
    """
    now = clock.now()
    rows = [
        {
            "register": declared.key,
            "key": key,
            "definition_id": declared.definition_id,
            "state": "active",
            "revision": 1,
            "values": values.dumps(dict(each)),
            "created_at": now,
            "created_by": by,
            "changed_at": now,
            "changed_by": by,
            "history_length": 0,
            "history_hash": "",
        }
        for key, each in held.items()
    ]
    made = database.insert_several(session, Record, rows, unique=("register", "key")) if rows else []
    if not made:
        return {}
    ids = {key: number for number, key in made}
    entered = [
        {"record_id": number, "name": name, **row}
        for key, number in ids.items()
        for name, row in entries.entered(declared.key, key, held[key]).items()
    ]
    session.execute(insert(_values), entered)
    entries.enter(session.connection(), declared.key, declared.search, list(ids.values()))
    told = {"register": declared.key, "definition": declared.definition_id}
    history.registers.begin(session, {
        number: Event(kind="record.created", facts={**told, "key": key}, variables=held[key], by=by)
        for key, number in ids.items()
    })  # fmt: skip
    _note_starts(session, declared.key, list(ids.values()))
    return ids


def _note_starts(session: Session, register: str, ids: Sequence[int]) -> None:
    """Note what new records start: nothing of that happens in the transaction of whoever makes them."""
    processes = session.scalars(select(RegisterProcess.process).where(RegisterProcess.register == register)).all()
    noted = [{"record_id": number, "process": process, "state": "waiting"} for process in processes for number in ids]
    if noted:
        session.execute(insert(_starts), noted)


def enter(session: Session, declared: Register, record: Record, held: Mapping[str, Any]) -> None:
    """Write in what a record is found, and the one into which it was merged."""
    connection = session.connection()
    found = [record.id, *filter(None, [record.merged_into])]
    entries.forget(connection, record.register, found)
    session.execute(delete(_values).where(_values.c.record_id == record.id))
    entered = entries.entered(record.register, record.key, held)
    session.execute(insert(_values), [{"record_id": record.id, "name": name, **row} for name, row in entered.items()])
    entries.enter(connection, record.register, declared.search, found)


def note(session: Session, record: Record, event: Event) -> Record:
    """Write what has happened to a record, once it has; whoever calls holds it."""
    record.revision += 1
    record.changed_at, record.changed_by = clock.now(), event.by
    session.flush()
    history.registers.record(session, record.id, event)
    session.refresh(record)
    return record


def unknown(key: object) -> errors.InvalidInput:
    """Return the refusal of a key that no record in use has."""
    return errors.InvalidInput("There is no record “{key}” in use.", code="record-unknown", key=key)


def at(field: str, refusal: errors.InvalidInput) -> errors.InvalidInput:
    """Return a refusal as that of a field."""
    refusal.field = field
    return refusal
