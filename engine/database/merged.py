"""
Merged records: those that were found to be one, and how whoever names one of them is led to the one that stays.

Whatever named one that was merged, a process instance or another record, goes on naming it: nothing of what is stored
is rewritten. Whoever reads asks for all keys of the one that is meant, or for the key of the one that stands for it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from casepath.engine.database import Base
from casepath.engine.database.models import Record

_merged = Base.metadata.tables[Record.__tablename__]
_stays = _merged.alias("stays")
# Made once: it is asked for each record that names others, and takes far longer to be made than to be answered.
_STANDING = (
    select(_merged.c.register, _merged.c.key, _stays.c.key.label("stays"))
    .join(_stays, _stays.c.id == _merged.c.merged_into)
    .where(tuple_(_merged.c.register, _merged.c.key).in_(bindparam("named", expanding=True)))
)


def keys(register: str, key: str) -> Select[str]:
    """Return all keys under which the record that is meant by one of them is known, that one among them."""
    meant = select(func.coalesce(Record.merged_into, Record.id)).where(Record.register == register, Record.key == key)
    one = aliased(Record)
    number = meant.scalar_subquery()
    same = select(one.key.label("key")).where(or_(one.id == number, one.merged_into == number))
    found = union_all(select(literal(key, String).label("key")), same).subquery()
    return select(found.c.key)


def standing(connection: Connection, named: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the key of the record that stands for each of these that was merged, by register and key."""
    rows = connection.execute(_STANDING, {"named": list(named)}) if named else ()
    return {(row.register, row.key): row.stays for row in rows}


def stands(register: str, key: str) -> ColumnElement[bool]:
    """Return whether a record is the one that stands for the one of this key: that one itself, unless it was merged."""
    one = aliased(Record)
    meant = select(func.coalesce(one.merged_into, one.id)).where(one.register == register, one.key == key)
    return Record.id == meant.scalar_subquery()
