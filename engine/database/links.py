"""
Links: the records of registers to which process instances point, so that a record knows what runs and ran about it.

A process declares them: the property `records` is `variable:register` with commas between. A variable that holds the
key of a record is a value of its instance as any other, chained with its history; the rows here are kept by every step
that changes it.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from casepath.engine.database import Base
from casepath.engine.database.models import RecordLink
from casepath.engine.database.statements import Statement

#: The property of a process.
PROPERTY = "records"
#: Characters of a name and of a key.
MAX_LENGTH = 255

_table = Base.metadata.tables[RecordLink.__tablename__]
_of_instance = _table.c.process_instance_id == bindparam("instance")
_held = Statement(select(_table.c.name, _table.c.register, _table.c.key).where(_of_instance))
_insert = Statement(insert(_table))
_drop = Statement(delete(_table).where(_of_instance, _table.c.name == bindparam("variable")))


@functools.cache
def declared(text: str) -> Mapping[str, str]:
    """Return what a property declares: variable → register; what names none is left out."""
    pairs = (part.partition(":") for part in text.split(","))
    found = {name.strip(): register.strip() for name, _, register in pairs}
    return MappingProxyType({
        name: register
        for name, register in found.items()
        if name.isidentifier() and register and max(len(name), len(register)) <= MAX_LENGTH
    })  # fmt: skip


def store(
    connection: Connection,
    process_instance_id: int,
    root_id: int,
    wanted: Mapping[str, str],
    variables: Mapping[str, Any],
) -> None:
    """Have a process instance point to the records whose keys these variables hold now, and to no others."""
    rows = _held.rows(connection, {"instance": process_instance_id})
    held = {row.name: (row.register, row.key) for row in rows}
    keys = {name: (register, variables.get(name)) for name, register in wanted.items()}
    named = {name: (register, key) for name, (register, key) in keys.items() if _is_key(key)}
    forget(connection, process_instance_id, [name for name, pair in held.items() if named.get(name) != pair])
    owner = {"process_instance_id": process_instance_id, "root_id": root_id}
    new = [
        {**owner, "name": name, "register": register, "key": key}
        for name, (register, key) in named.items()
        if held.get(name) != (register, key)
    ]
    _insert.change_many(connection, new)


def forget(connection: Connection, process_instance_id: int, names: Collection[str]) -> None:
    """Have a process instance point no longer to what variables of these names held."""
    _drop.change_many(connection, [{"instance": process_instance_id, "variable": name} for name in names])


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LENGTH
