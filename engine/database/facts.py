"""
Facts: the variables by which people know a process instance, in rows of their own for lists and searches.

A process declares them in the order in which they are shown: the property `facts` is `name:type` with commas between.
Every step that changes them keeps them. Texts are searched by `folded`, in which width, case and accents do not count.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, or_, select

from casepath.engine.database import Base, values
from casepath.engine.database.models import Fact
from casepath.engine.database.statements import Statement

#: The property of a process.
PROPERTY = "facts"
#: Characters of a name.
MAX_NAME = 255
#: Accents and the like, which stand behind their letters.
_ACCENTS = dict.fromkeys(range(0x300, 0x370))

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
    connection: Connection, process_instance_id: int, root_id: int, names: tuple[str, ...], variables: Mapping[str, Any]
) -> None:
    """Keep what these variables hold now as the facts of a process instance, and no others."""
    held = {row.name: row.value for row in _held.rows(connection, {"instance": process_instance_id})}
    wanted = {name: values.dumps(variables[name]) for name in names if variables.get(name) not in (None, "", [])}
    gone = [name for name, value in held.items() if wanted.get(name) != value]
    _drop.change_many(connection, [{"instance": process_instance_id, "variable": name} for name in gone])
    _insert.change_many(
        connection,
        [
            row(process_instance_id, root_id, position, name, wanted[name], variables[name])
            for position, name in enumerate(names)
            if name in wanted and held.get(name) != wanted[name]
        ],
    )


def row(
    process_instance_id: int, root_id: int, position: int, name: str, text: str, value: object
) -> dict[str, Any]:
    """Return the row of a fact; `text` is its value as JSON."""
    return {
        "process_instance_id": process_instance_id,
        "root_id": root_id,
        "name": name,
        "position": position,
        "value": text,
        "folded": searched(value) if isinstance(value, str) else "",
    }


def erase(connection: Connection, process_instance_id: int, names: tuple[str, ...]) -> None:
    """Remove the facts of these names."""
    _drop.change_many(connection, [{"instance": process_instance_id, "variable": name} for name in names])


def folded(text: str) -> str:
    """Return a text as it is compared: `Ｍüller` and `muller` are the same."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", apart.translate(_ACCENTS).casefold())


def compact(text: str) -> str:
    """Return only the letters and digits of a folded text: people write numbers with signs between or without."""
    return "".join(filter(str.isalnum, text))


def searched(text: str) -> str:
    """Return in what a text is found: itself, and without the signs in it."""
    whole = folded(text)
    short = compact(whole)
    return whole if short == whole else f"{whole}\n{short}"


def roots_with(text: str) -> Select[int]:
    """Return the outermost process instances of those that have this text somewhere in a fact."""
    whole = folded(text)
    short = compact(whole)
    conditions = [_table.c.folded.contains(whole, autoescape=True)]
    if short and short != whole:
        conditions.append(_table.c.folded.contains(short, autoescape=True))
    return select(_table.c.root_id).where(or_(*conditions))
