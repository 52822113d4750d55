"""
Facts: the variables by which people know a process instance, in rows of their own for lists and searches.

A process declares them in the order in which they are shown: the property `facts` is `name:type` with commas between.
Every step that changes them keeps them. Those that are texts are found by the terms in them (`engine.database.terms`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from casepath.engine.database import Base, terms, values
from casepath.engine.database.models import Fact
from casepath.engine.database.statements import Statement

#: The property of a process.
PROPERTY = "facts"
#: Characters of a name.
MAX_NAME = 255

_table = Base.metadata.tables[Fact.__tablename__]
_of_instance = _table.c.process_instance_id == bindparam("instance")
_held = Statement(select(_table.c.name, _table.c.value).where(_of_instance))
_insert = Statement(insert(_table))
_drop = Statement(delete(_table).where(_of_instance, _table.c.name == bindparam("variable")))


@functools.cache
def declared(text: str) -> tuple[str, ...]:
    """Return the names that a property declares; what is no name is nobody's fact."""
    names = (part.partition(":")[0].strip() for part in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name.isidentifier() and len(name) <= MAX_NAME))


def store(
    connection: Connection,
    process_instance_id: int,
    root_id: int,
    business_key: str | None,
    names: tuple[str, ...],
    variables: Mapping[str, Any],
) -> None:
    """Keep what these variables hold now as the facts of a process instance, and no others."""
    held = _read(connection, process_instance_id)
    wanted = {name: values.dumps(variables[name]) for name in names if variables.get(name) not in (None, "", [])}
    if held == wanted:
        return
    gone = [name for name, value in held.items() if wanted.get(name) != value]
    _drop.change_many(connection, [{"instance": process_instance_id, "variable": name} for name in gone])
    owner = {"process_instance_id": process_instance_id, "root_id": root_id}
    rows = [
        {**owner, "name": name, "position": position, "value": wanted[name]}
        for position, name in enumerate(names)
        if name in wanted and held.get(name) != wanted[name]
    ]
    _insert.change_many(connection, rows)
    _find_by(connection, process_instance_id, root_id, business_key, held, wanted)


def erase(
    connection: Connection, process_instance_id: int, root_id: int, business_key: str | None, names: tuple[str, ...]
) -> None:
    """Remove the facts of these names."""
    held = _read(connection, process_instance_id)
    _drop.change_many(connection, [{"instance": process_instance_id, "variable": name} for name in names])
    left = {name: value for name, value in held.items() if name not in names}
    _find_by(connection, process_instance_id, root_id, business_key, held, left)


def _read(connection: Connection, process_instance_id: int) -> dict[str, str]:
    return {row.name: row.value for row in _held.rows(connection, {"instance": process_instance_id})}


def _find_by(
    connection: Connection,
    process_instance_id: int,
    root_id: int,
    business_key: str | None,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    """The business key stays among what an instance is found by, whatever its facts have in common with it."""
    key = [business_key] if business_key else []
    terms.replace(connection, process_instance_id, root_id, [*key, *_texts(before)], [*key, *_texts(after)])


def _texts(facts: Mapping[str, str]) -> Iterable[str]:
    known = (values.loads(value) for value in facts.values())
    return (value for value in known if isinstance(value, str))
