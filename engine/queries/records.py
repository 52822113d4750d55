"""Records of registers: the pages of a register, a search over all of them, and what points to a record."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, tuple_
from sqlalchemy.orm import Session

from casepath.engine.database import entries, merged, terms, values
from casepath.engine.database.models import Record, RecordValue
from casepath.engine.deployments import Register
from casepath.engine.people.authorization import Person
from casepath.engine.registers import access

#: Records of each register that a search over all of them shows, and of each field that points to one.
FEW = 20
#: Characters of a text by which one record is meant.
LOOKED_FOR = 200
#: Characters of the longest key: what is longer is typed, and the key of nothing.
MAX_KEY = 255
#: Records, the newest ones, whose words are looked for in a text, and characters of a word that says anything.
MOST_KNOWN, LEAST_SAID = 5_000, 2
#: What stands between the words, or phrases, by which a record is known.
_BETWEEN = re.compile(r"[,，、;；\n]")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a register is narrowed to, and in which order it is; everything unset shows what is in use, newest first."""

    #: Words, each part of the key or of a field that is searched.
    text: str = ""
    is_archived: bool = False
    #: Field → the value that it has.
    values: Mapping[str, Any] = field(default_factory=dict)
    #: The field by whose values it is ordered, those without one last; or `entries.KEY`.
    order: str = ""
    is_descending: bool = False

    @property
    def is_set(self) -> bool:
        """Whether it is narrowed at all."""
        return bool(self.text or self.is_archived or self.values)


@dataclass(frozen=True, kw_only=True)
class Key:
    """Where a page ends: the order key of its last row."""

    #: By what its value is compared; None without a value, or without an order by one.
    compared: str | None
    id: int


@dataclass(frozen=True, kw_only=True)
class RecordRow:
    """One record in a list."""

    id: int
    register: str
    key: str
    state: str
    values: Mapping[str, Any]
    changed_at: datetime
    #: The id of the record that stands for it, where it was merged.
    merged_into: int | None


@dataclass(frozen=True, kw_only=True)
class RecordPage:
    """One page of a register."""

    rows: Sequence[RecordRow]
    #: None on the last page.
    next: Key | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Some records of a register."""

    register: Register
    #: The field by which they point to a record; empty where they were searched.
    field: str = ""
    rows: Sequence[RecordRow]
    #: Whether there are more.
    is_cut: bool


def page(
    session: Session, declared: Register, filters: Filters | None = None, *, after: Key | None = None, limit: int = 25
) -> RecordPage:
    """Return a page of a register behind a key; whoever asks may read it (`engine.registers.access`)."""
    filters = filters or Filters()
    found = _newest(session, declared, filters, after, limit + 1) if not filters.order else []
    if filters.order and (after is None or after.compared is not None):
        found = _ordered(session, declared, filters, after, limit + 1)
    if filters.order and len(found) <= limit:
        behind = after if after is not None and after.compared is None else None
        without = Record.id.not_in(_with(_is_value(declared, filters.order)))
        found += _newest(session, declared, filters, behind, limit + 1 - len(found), without)
    shown = found[:limit]
    return RecordPage(rows=[row for row, _ in shown], next=_key(shown[-1]) if len(found) > limit else None)


def search(session: Session, person: Person, text: str) -> list[Found]:
    """Return the first records of each register that a person may read in which a text is found."""
    found = []
    for declared in access.readable(session, person):
        rows = page(session, declared, Filters(text=text), limit=FEW)
        if rows.rows:
            found.append(Found(register=declared, rows=rows.rows, is_cut=rows.next is not None))
    return found


def pointing_to(session: Session, person: Person, record: Record) -> list[Found]:
    """Return what points to a record: the first of each field of each register that a person may read, newest first."""
    found = []
    for declared in access.readable(session, person):
        for name in [name for name, register in declared.references.items() if register == record.register]:
            rows = page(session, declared, Filters(values={name: record.key}), limit=FEW)
            if rows.rows:
                found.append(Found(register=declared, field=name, rows=rows.rows, is_cut=rows.next is not None))
    return found


def named(session: Session, person: Person, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], RecordRow]:
    """Return the records of these registers and keys that a person may read; of a merged one that which stays."""
    registers = {declared.key for declared in access.readable(session, person)}
    pairs = [(register, key) for register, key in wanted if register in registers and len(key) <= MAX_KEY]
    stays = merged.standing(session.connection(), pairs)
    meant = {pair: (pair[0], stays.get(pair, pair[1])) for pair in pairs}
    query = select(Record).where(tuple_(Record.register, Record.key).in_(meant.values()))
    found = {(record.register, record.key): row(record) for record in session.scalars(query)}
    return {pair: found[one] for pair, one in meant.items() if one in found}


def values_of(session: Session, register: str, key: str) -> Mapping[str, Any]:
    """Return what a record holds now, or the one into which it was merged, by field; nothing where there is none."""
    held = session.scalar(select(Record.values).where(merged.stands(register, key)))
    found: Any = values.loads(held) if held is not None else {}
    return dict(found)


def chosen(session: Session, declared: Register, text: str) -> str:
    """Return the key of the record that is meant by a key, or by words that only one has; else the text itself."""
    if _is_key(session, declared, text):
        pair = (declared.key, text)
        return merged.standing(session.connection(), [pair]).get(pair, text)
    found = page(session, declared, Filters(text=text[:LOOKED_FOR]), limit=2).rows if text.strip() else []
    return found[0].key if len(found) == 1 else text


def occurring(session: Session, declared: Register, said: Mapping[str, str], *, limit: int) -> list[RecordRow]:
    """
    Return the records in use whose words occur in what is said, those of which the most do first, then the newest.

    `said` has for a field of the records the text in which the words that it holds, with commas between, may occur. One
    of the first field has to; however they are written, as where one searches.
    """
    texts = {name: terms.compact(text) for name, text in said.items()}
    first = next(iter(texts), "")
    if not texts.get(first):
        return []
    held = (
        select(RecordValue.record_id, RecordValue.name, RecordValue.value)
        .join(Record, Record.id == RecordValue.record_id)
        .where(RecordValue.register == declared.key, RecordValue.name.in_(texts), Record.state == "active")
        .order_by(RecordValue.record_id.desc())
        .limit(MOST_KNOWN * len(texts))
    )
    counted: dict[int, dict[str, int]] = {}
    for number, name, value in session.execute(held):
        words = {terms.compact(word) for word in _BETWEEN.split(str(values.loads(value)))}
        occur = [word for word in words if len(word) >= LEAST_SAID and word in texts[name]]
        counted.setdefault(number, {})[name] = len(occur)
    found = [number for number, by_field in counted.items() if by_field.get(first)]
    best = sorted(found, key=lambda number: (-sum(counted[number].values()), -number))[:limit]
    rows = {record.id: row(record) for record in session.scalars(select(Record).where(Record.id.in_(best)))}
    return [rows[number] for number in best]


def _is_key(session: Session, declared: Register, text: str) -> bool:
    known = select(Record.id).where(Record.register == declared.key, Record.key == text)
    return len(text) <= MAX_KEY and session.scalar(known) is not None


def every(session: Session, declared: Register, filters: Filters) -> Iterator[RecordRow]:
    """Yield all records of a register, as pages would show them one after the other."""
    after: Key | None = None
    while True:
        found = page(session, declared, filters, after=after, limit=500)
        yield from found.rows
        after = found.next
        if after is None:
            return


def is_used(session: Session, register: str) -> bool:
    """Tell whether a register has had any record, archived ones too."""
    return session.scalar(select(Record.id).where(Record.register == register).limit(1)) is not None


def row(record: Record) -> RecordRow:
    """Return a record as a row of a list."""
    held: Any = values.loads(record.values)
    return RecordRow(
        id=record.id,
        register=record.register,
        key=record.key,
        state=record.state,
        values=held,
        changed_at=record.changed_at,
        merged_into=record.merged_into,
    )


_Row = tuple[RecordRow, str | None]


def _key(of: _Row) -> Key:
    return Key(compared=of[1], id=of[0].id)


def _newest(
    session: Session,
    declared: Register,
    filters: Filters,
    after: Key | None,
    limit: int,
    *conditions: ColumnElement[bool],
) -> list[_Row]:
    query = select(Record).where(*_narrowed(session.connection(), declared, filters), *conditions)
    if after is not None:
        query = query.where(Record.id < after.id)
    return [(row(record), None) for record in session.scalars(query.order_by(Record.id.desc()).limit(limit))]


def _ordered(
    session: Session, declared: Register, filters: Filters, after: Key | None, limit: int
) -> list[_Row]:
    """Return those that have a value in the field of the order."""
    compared, number = RecordValue.compared, RecordValue.record_id
    query: Select[Record, str] = (
        select(Record, compared)
        .join(RecordValue, RecordValue.record_id == Record.id)
        .where(_is_value(declared, filters.order), *_narrowed(session.connection(), declared, filters))
    )
    if filters.is_descending:
        query = query.order_by(compared.desc(), number.desc())
    else:
        query = query.order_by(compared, number)
    if after is not None:
        further = compared < after.compared if filters.is_descending else compared > after.compared
        later = number < after.id if filters.is_descending else number > after.id
        query = query.where(or_(further, and_(compared == after.compared, later)))
    return [(row(record), value) for record, value in session.execute(query.limit(limit))]


def _is_value(declared: Register, name: str) -> ColumnElement[bool]:
    return and_(RecordValue.register == declared.key, RecordValue.name == name)


def _narrowed(connection: Connection, declared: Register, filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [
        Record.register == declared.key,
        Record.state == ("archived" if filters.is_archived else "active"),
    ]
    conditions += [
        Record.id.in_(entries.found_by(connection, declared.key, declared.search, word))
        for word in entries.words(unicodedata.normalize("NFKC", filters.text))
    ]
    for name, value in filters.values.items():
        # Who points to one that was merged points to the one that stays.
        register = declared.references.get(name)
        several = connection.scalars(merged.keys(register, str(value))).all() if register is not None else [value]
        # By what it is compared the index finds it; others may be compared alike.
        compared = RecordValue.compared.in_({entries.compared(each) for each in several})
        same = compared, RecordValue.value.in_({values.dumps(each) for each in several})
        conditions.append(Record.id.in_(_with(_is_value(declared, name), *same)))
    return conditions


def _with(*conditions: ColumnElement[bool]) -> Select[int]:
    """Return the records with such a value, whatever the query around it asks of values."""
    return select(RecordValue.record_id).where(*conditions).correlate(None)
