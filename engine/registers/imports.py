"""
Many records at once: those of a file, row by row.

A row that names a record changes it, and leaves alone what it says nothing of; any other one adds a record. A row that
is refused leaves nothing behind, and the others are taken: the same file taken again adds nothing that has a key. Of
two rows with the same key the second changes what the first has made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import entries
from casepath.engine.database.models import Record, RecordValue
from casepath.engine.deployments import Register, registers
from casepath.engine.people.authorization import By
from casepath.engine.registers import access, records
from casepath.engine.registers import rows as rows_of

#: What becomes of a row.
Done = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, kw_only=True, eq=False)
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
    """
    Add and change records; raises `NotFound` for strangers, `Forbidden` for those who only read.

    New ones are stored together; what is asked of them is asked of the database once for all. Only those that seem to
    agree with others are taken one after the other, as somebody would fill them in.
    """
    declared = registers.declared(session, register)
    actor = access.writer(session, by, declared, "add to", "register", register)
    rows = list(rows)
    there = _there(session, declared, rows)
    done: list[Done] = []
    refused: list[Refused] = []
    new: dict[Row, dict[str, Any]] = {}
    for row in rows:
        try:
            if (record := there.get(_key(declared, row))) is not None:
                done.append(_change(session, declared, record, row, by))
            elif row.key:
                raise rows_of.unknown(row.key)
            else:
                new[row] = rows_of.accepted(session, declared, row.submitted, {})
        except (errors.InvalidInput, errors.InvalidState) as reason:
            refused.append(Refused(row=row, reason=reason))
    alike = _alike(session, declared, new)
    several = {row: held for row, held in new.items() if row not in alike}
    keys = _keys(session, declared, several)
    stored = rows_of.add(session, declared, {key: several[row] for row, key in keys.items()}, by=actor.signature)
    done += ["created"] * len(stored)
    for row in [row for row in new if keys.get(row) not in stored]:
        try:
            # A row before it may have made the record that it names.
            if (record := _named(session, declared, new[row])) is not None:
                done.append(_change(session, declared, record, row, by))
                continue
            with session.begin_nested():
                records.create(session, declared.key, row.submitted, by=by)
                done.append("created")
        except (errors.InvalidInput, errors.InvalidState) as reason:
            refused.append(Refused(row=row, reason=reason))
    return Taken(done=done, refused=sorted(refused, key=lambda each: each.row.line))


def _key(declared: Register, row: Row) -> str:
    return row.key if declared.key_field is None else str(row.submitted.get(declared.key_field, ""))


def _there(session: Session, declared: Register, rows: Sequence[Row]) -> dict[str, Record]:
    """Return the records that rows name, by their keys."""
    keys = {key for row in rows if (key := _key(declared, row))}
    found = session.scalars(select(Record).where(Record.register == declared.key, Record.key.in_(keys)))
    return {record.key: record for record in found}


def _named(session: Session, declared: Register, held: Mapping[str, Any]) -> Record | None:
    """Return the record that has the key of what would be a new one; None where there is none."""
    if declared.key_field is None:
        return None
    key = str(held.get(declared.key_field, ""))
    return session.scalars(select(Record).where(Record.register == declared.key, Record.key == key)).one_or_none()


def _change(session: Session, declared: Register, record: Record, row: Row, by: By) -> Done:
    """Change a record where a row says anything else."""
    held = records.values_of(record)
    submitted = {**rows_of.standing(session, declared, held), **row.submitted}
    if record.state == "active" and rows_of.accepted(session, declared, submitted, held) == held:
        return "unchanged"
    revision = record.revision
    with session.begin_nested():
        changed = records.change(session, record.id, submitted, revision=revision, by=by)
    return "changed" if changed.revision > revision else "unchanged"


def _keys(session: Session, declared: Register, new: Mapping[Row, Mapping[str, Any]]) -> dict[Row, str]:
    """Return the keys of new records; those that cannot be one are left to whoever takes them one by one."""
    if declared.key_field is None:
        return dict(zip(new, rows_of.keys(session, declared, list(new.values())), strict=True)) if new else {}
    found: dict[Row, str] = {}
    for row, held in new.items():
        with contextlib.suppress(errors.InvalidVariables):
            found[row] = rows_of.keys(session, declared, [held])[0]
    return found


def _alike(session: Session, declared: Register, new: Mapping[Row, Mapping[str, Any]]) -> set[Row]:
    """Return the new ones that agree with others, or with those before them, where none should, or name nobody."""
    found: set[Row] = set()
    for field in (*declared.unique, *declared.references, *filter(None, [declared.key_field])):
        texts = {row: entries.compared(held[field]) for row, held in new.items() if field in held}
        seen = _known(session, declared, field, set(texts.values()))
        names_another = field in declared.references
        for row, text in texts.items():
            if (text in seen) != names_another:
                found.add(row)
            if not names_another:
                seen.add(text)
    return found


def _known(session: Session, declared: Register, field: str, texts: set[str]) -> set[str]:
    """Return those of some values that active records have in a field; of a reference, the keys that are in use."""
    register, name = declared.key, field
    if (of := declared.references.get(field)) is not None:
        register, name = of, entries.KEY
    query = (
        select(RecordValue.compared)
        .join(Record, Record.id == RecordValue.record_id)
        .where(RecordValue.register == register, RecordValue.name == name, RecordValue.compared.in_(texts))
        .where(Record.state == "active")
    )
    return set(session.scalars(query))
