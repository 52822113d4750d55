"""
Entries: values of records in rows of their own, in which these are found, compared and put in order.

A text is found and compared by its letters and digits, however it is written, a telephone number also with the prefix
of its country; numbers, dates and times have the order that they have as such. An index holds all of it, so that a list
reads nothing else.

Values by which a record is searched have terms beside (as `engine.database.terms` for process instances): every place
at which one may begin to read such a value is a row, with the letters that follow there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)

from casepath.engine.database import Base, terms, values
from casepath.engine.database.models import Record, RecordTerm, RecordValue
from casepath.engine.database.statements import Statement

#: Under which name the key of a record stands among its values; no field is called so.
KEY = ".key"
#: Characters of a text in which it is found and compared: what an index has room for.
COMPARED = 400
#: Terms up to which a word is one that few have.
FEW = 500
#: Above what forms take for numbers, so that those below zero come first too.
ABOVE = 10**15
#: How a telephone number begins that is written as from abroad: as at home it is the same number.
_HOME = re.compile(r"^\s*(?:\+|00)\s*86(?=[\s()-]*\d[\d\s()-]{6,}$)")
#: How a number of that country may begin in a text of its letters and digits.
_FROM_ABROAD = ("", "86", "0086")
#: What people write between the letters and digits of an address.
_SIGNS = " -()（）+_./@"
#: Stands behind every character.
_LAST = "\U0010ffff"

_records = Base.metadata.tables[Record.__tablename__]
_merged = _records.alias("merged")
_values = Base.metadata.tables[RecordValue.__tablename__]
_terms = Base.metadata.tables[RecordTerm.__tablename__]
_drop = Statement(
    delete(_terms).where(
        _terms.c.register == bindparam("of"),
        _terms.c.term == bindparam("begun"),
        _terms.c.record_id == bindparam("record"),
    )
)


def entered(register: str, key: str, held: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what stands in the rows of a record by name: of each of its values, and of its key."""
    return {
        name: {"register": register, "value": values.dumps(value), "compared": compared(value)}
        for name, value in {**held, KEY: key}.items()
    }


def compared(value: object) -> str:
    """Return a value as it is compared with others of its field."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)) + ABOVE:027.10f}"
    text = _written(value)
    if isinstance(value, date | datetime | time):
        return terms.folded(text)
    text = _HOME.sub("", terms.folded(text))
    return (terms.compact(text) or text)[:COMPARED]


def spelled(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return whether a column, of which there are no rows here, has a text, with whatever of these signs in it."""
    wanted = compared(text)
    if not wanted.isalnum():
        return column == text
    plain = column if wanted.isdigit() else func.lower(column)
    bare: ColumnElement[str] = plain
    for sign in _SIGNS:
        bare = func.replace(bare, sign, "")
    written = [prefix + wanted for prefix in _FROM_ABROAD] if wanted.isdigit() else [wanted]
    # Few have its letters in turn: the signs are taken out of these alone, which is what takes time.
    return or_(column == text, and_(plain.like("%".join(["", *wanted, ""])), bare.in_(written)))


def _written(value: object) -> str:
    return ", ".join(map(_written, value)) if isinstance(value, list | tuple) else str(value)


def enter(connection: Connection, register: str, search: Iterable[str], records: Collection[int]) -> None:
    """
    Have records, whose values stand in their rows, be found by those of the fields that are searched.

    So they are by the values of those that were merged into them.
    """
    _insert(connection, _begun(register, _owned(records, _values.c.name.in_([KEY, *search]))))


def forget(connection: Connection, register: str, records: Collection[int]) -> None:
    """Have records be found no more by what stands in their rows; to be called before these change."""
    begun = connection.execute(_begun(register, _owned(records)))
    # One by one, each by its key: many records share a term.
    _drop.change_many(connection, [{"of": row.register, "begun": row.term, "record": row.record_id} for row in begun])


def search_anew(connection: Connection, register: str, search: Iterable[str]) -> None:
    """Have all records of a register be found by the fields that are searched from now on, at once: of revisions."""
    connection.execute(delete(_terms).where(_terms.c.register == register))
    searched = _values.c.register == register, _values.c.name.in_([KEY, *search])
    _insert(connection, _begun(register, _whole(_values.c.record_id, *searched)))


def search_next(connection: Connection, register: str, search: Iterable[str], *, after: int, limit: int) -> int | None:
    """
    Have the next records of a register, those above an id, be found by the fields that are searched from now on.

    Nobody else changes them until the transaction ends. Returns the last id; None where there are no others after it.
    """
    above = select(_records.c.id).where(_records.c.register == register, _records.c.id > after)
    ids = connection.scalars(above.order_by(_records.c.id).limit(limit).with_for_update(key_share=True)).all()
    forget(connection, register, ids)
    enter(connection, register, search, ids)
    return ids[-1] if len(ids) == limit else None


def _insert(connection: Connection, begun: Select[str, str, int]) -> None:
    connection.execute(insert(_terms).from_select(list(begun.selected_columns.keys()), begun))


def _whole(owner: ColumnElement[int], *conditions: ColumnElement[bool]) -> Select[int, str]:
    """Return what stands in values, and the record that is found by it."""
    compared = _values.c.compared
    return select(owner.label("record_id"), compared.label("rest")).where(compared != "", *conditions)


def _owned(records: Collection[int], *conditions: ColumnElement[bool]) -> CompoundSelect[int, str]:
    """Return the values of records, and of those that were merged into them as if they were theirs."""
    own = _whole(_values.c.record_id, _values.c.record_id.in_(records), *conditions)
    into = _merged.c.merged_into
    return union_all(own, _whole(into, into.in_(records), _merged.c.id == _values.c.record_id, *conditions))


def _begun(register: str, whole: Select[int, str] | CompoundSelect[int, str]) -> Select[str, str, int]:
    """Return the terms of these values, each once: what begins at their first letter, at their second, and so on."""
    rests = select(whole.subquery()).cte("rests", recursive=True)
    shorter = select(rests.c.record_id, func.substr(rests.c.rest, 2)).where(func.length(rests.c.rest) > 1)
    rests = rests.union_all(shorter)
    term = func.substr(rests.c.rest, 1, RecordTerm.SIZE).label("term")
    return select(literal(register).label("register"), term, rests.c.record_id).distinct()


def words(text: str) -> list[str]:
    """Return what is looked for by a text: its words as they are compared, each in pieces no longer than a term."""
    parts = [text] if _HOME.match(terms.folded(text)) else terms.split(text)
    found = [compared(part) for part in parts]
    size = RecordTerm.SIZE
    return list(dict.fromkeys(each[start : start + size] for each in found for start in range(0, len(each), size)))


def found_by(
    connection: Connection, register: str, search: Iterable[str], word: str
) -> Select[int] | CompoundSelect[int]:
    """
    Return the records of a register that have a word in a value by which they are searched.

    What few have is looked up by its terms. What many have is compared value by value instead: whoever asks for the
    first of these finds them among the first that he looks at.
    """
    begins = and_(_terms.c.register == register, _terms.c.term >= word, _terms.c.term < word + _LAST)
    rows = select(literal(1)).where(begins).limit(FEW + 1).subquery()
    if (connection.scalar(select(func.count()).select_from(rows)) or 0) <= FEW:
        return select(_terms.c.record_id).where(begins)
    searched = _values.c.name.in_([KEY, *search]), _values.c.compared.contains(word, autoescape=True)
    own = select(_values.c.record_id).where(_values.c.record_id == Record.id, *searched).correlate(Record)
    of_merged = select(_merged.c.merged_into).where(_merged.c.merged_into == Record.id, *searched)
    joined = of_merged.where(_values.c.record_id == _merged.c.id).correlate(Record)
    return union_all(own, joined)


def holding(register: str, name: str, word: str) -> Select[int]:
    """Return the records of a register that have a word in one of their values, whether or not it is searched."""
    mine = _values.c.register == register, _values.c.name == name
    return select(_values.c.record_id).where(*mine, _values.c.compared.contains(word, autoescape=True))
