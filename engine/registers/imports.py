"""
Many records at once: those of a file, row by row.

A row that names a record changes it, and leaves alone what it says nothing of; any other one adds a record. A row that
is refused leaves nothing behind, and the others are taken: the same file taken again adds nothing that has a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, forms, settings
from casepath.engine.database.models import Record
from casepath.engine.deployments import Register, definitions, registers
from casepath.engine.people.authorization import By
from casepath.engine.registers import access, records
from casepath.engine.time import clock

#: What becomes of a row.
Done = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a file."""

    #: Where it stands, from 1.
    line: int
    #: Field → what was written, as for a form.
    submitted: Mapping[str, Any]
    #: The number of a record; empty where records have none, or it is a new one.
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A row that was not taken, and why."""

    row: Row
    reason: errors.EngineError


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of rows."""

    #: What became of each that was taken.
    done: Sequence[Done]
    refused: Sequence[Refused]


def take(session: Session, register: str, rows: Iterable[Row], *, by: By) -> Taken:
    """Add and change records; raises `NotFound` for strangers, `Forbidden` for those who only read."""
    declared = registers.declared(session, register)
    access.writer(session, by, declared, "add to", "register", register)
    done: list[Done] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            with session.begin_nested():
                done.append(_take(session, declared, row, by))
        except (errors.InvalidInput, errors.InvalidState) as reason:
            refused.append(Refused(row=row, reason=reason))
    return Taken(done=done, refused=refused)


def _take(session: Session, declared: Register, row: Row, by: By) -> Done:
    key = row.key if declared.key_field is None else str(row.submitted.get(declared.key_field, ""))
    there = select(Record).where(Record.register == declared.key, Record.key == key)
    record = session.scalars(there).one_or_none() if key else None
    if record is not None:
        submitted = {**_standing(session, declared, record), **row.submitted}
        revision = record.revision
        record = records.change(session, record.id, submitted, revision=revision, by=by)
        return "changed" if record.revision > revision else "unchanged"
    if row.key:
        raise records.unknown(row.key)
    records.create(session, declared.key, row.submitted, by=by)
    return "created"


def _standing(session: Session, declared: Register, record: Record) -> dict[str, Any]:
    """Return what stands in the form of a record."""
    form = definitions.form(session, declared.form, declared.definition_id)
    held, zone = records.values_of(record), clock.time_zone(settings.current.time_zone)
    return {field.key: forms.show(field, held.get(field.key), zone).texts for field in form.fields} if form else {}
