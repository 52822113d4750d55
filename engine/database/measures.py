"""
Measures: what reports count, add up and group by, in columns of their own beside the variables.

A process declares them: the property `measured` is `name:type` with commas between. Times are between two moments:
`first_answer:working(received_at..answered_at)` is working time, `elapsed(…)` all of it. What `started` and `ended`
hold is when the process instance did, where they are declared as moments.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from casepath.engine.database import Base
from casepath.engine.database.models import Measure, measurements
from casepath.engine.database.models.measurements import COLUMNS, MAX_TEXT
from casepath.engine.database.statements import Statement

#: The property of a process.
PROPERTY: Final = "measured"
#: The kind of column in which each type stands. Persons and groups are texts that pages know by name.
KINDS: Final = {
    "text": "text", "person": "text", "group": "text", "boolean": "text",
    "number": "number", "moment": "number", "duration": "number", "working": "number", "elapsed": "number",
}  # fmt: skip
#: The moments that no variable holds.
STARTED, ENDED = "started", "ended"
#: The state of a process instance that has not ended.
OPEN: Final = "open"
#: Times between two moments.
INTERVALS: Final = ("working", "elapsed")
#: Numbers are whole ones in the database: so many of them make 1.
SCALE: Final = 10_000
#: Numbers that are measured are nearer to 0 than this.
MAX_NUMBER: Final = 10**9
#: Characters of a name.
MAX_NAME: Final = 255

_ENTRY = re.compile(r"\s*([^\W\d]\w*)\s*:\s*([a-z]+)\s*(?:\(\s*(\w+)\s*\.\.\s*(\w+)\s*\))?\s*")
_table = Base.metadata.tables[Measure.__tablename__]
_positions = Statement(
    select(_table.c.name, _table.c.kind, _table.c.position).where(_table.c.process == bindparam("process"))
)
_held = Statement(select(measurements).where(measurements.c.process_instance_id == bindparam("instance")))


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One value that a process measures."""

    name: str
    type: str
    #: Between which moments, for an interval.
    ends: tuple[str, str] | None = None

    @property
    def kind(self) -> str:
        """The kind of its column."""
        return KINDS[self.type]


@functools.cache
def declared(text: str) -> tuple[Declared, ...]:
    """Return what a property declares; what cannot be read is left out, and named by `misread`."""
    return tuple(entry for entry in map(_read, _entries(text)) if entry is not None)


def misread(text: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a property: a code (`entry`, `twice`, `ends`, `many`) and the entry or kind."""
    known: dict[str, Declared] = {}
    for part in _entries(text):
        entry = _read(part)
        if entry is None:
            yield "entry", part.strip()
        elif entry.name in known:
            yield "twice", entry.name
        else:
            known[entry.name] = entry
    for entry in known.values():
        moments = [known.get(name) for name in entry.ends or ()]
        if any(moment is None or moment.type != "moment" for moment in moments):
            yield "ends", entry.name
    for kind, limit in COLUMNS.items():
        if sum(entry.kind == kind for entry in known.values()) > limit:
            yield "many", kind


def _entries(text: str) -> list[str]:
    return [part for part in text.split(",") if part.strip()]


def _read(part: str) -> Declared | None:
    found = _ENTRY.fullmatch(part)
    if found is None or found[2] not in KINDS or len(found[1]) > MAX_NAME:
        return None
    if (found[2] in INTERVALS) != (found[3] is not None):
        return None
    return Declared(name=found[1], type=found[2], ends=(found[3], found[4]) if found[3] else None)


def allot(connection: Connection, process: str, wanted: Collection[Declared]) -> str | None:
    """
    Give each value of a process a column, for ever; whoever deploys holds the lock.

    Return the kind of which there are no columns left, if there is one: values of earlier versions keep theirs.
    """
    known = positions(connection, process)
    rows = []
    for entry in wanted:
        if (entry.name, entry.kind) in known:
            continue
        taken = [position for (_, kind), position in known.items() if kind == entry.kind]
        position = max(taken, default=0) + 1
        if position > COLUMNS[entry.kind]:
            return entry.kind
        known[entry.name, entry.kind] = position
        rows.append({"process": process, "name": entry.name, "kind": entry.kind, "position": position})
    if rows:
        connection.execute(insert(_table), rows)
    return None


def positions(connection: Connection, process: str) -> dict[tuple[str, str], int]:
    """Return the number of the column of each name and kind that a process has measured."""
    return {(row.name, row.kind): row.position for row in _positions.rows(connection, {"process": process})}


def held(connection: Connection, process_instance_id: int) -> Mapping[str, Any] | None:
    """Return what stands in the columns of a process instance; None where it has no row."""
    found = _held.rows(connection, {"instance": process_instance_id})
    row: Mapping[str, Any] | None = found[0]._asdict() if found else None
    return row


def add(connection: Connection, process_instance_id: int, process: str, columns: Mapping[str, Any]) -> None:
    """Write the row of a process instance."""
    owner = {"process_instance_id": process_instance_id, "process": process}
    connection.execute(insert(measurements), {**owner, **columns})


def change(connection: Connection, process_instance_id: int, changed: Mapping[str, Any]) -> None:
    """Write columns of a process instance that has a row."""
    of_instance = measurements.c.process_instance_id == process_instance_id
    connection.execute(update(measurements).where(of_instance).values(dict(changed)))


def forget(connection: Connection, process_instance_id: int) -> None:
    """Remove the row of a process instance that measures nothing any more."""
    connection.execute(delete(measurements).where(measurements.c.process_instance_id == process_instance_id))


def erase(connection: Connection, process_instance_id: int, process: str, names: Collection[str]) -> None:
    """Forget what was measured of the values of these names; times that were measured stay."""
    found = positions(connection, process)
    gone = {f"{kind}_{position}": None for (name, kind), position in found.items() if name in names}
    if gone:
        change(connection, process_instance_id, gone)


def worth(type_: str, value: object) -> str | int | None:
    """Return a value as it stands in its column; None for what is no value of the type."""
    if value in (None, "") or isinstance(value, list | tuple | dict):
        return None
    match type_, value:
        case "boolean", bool():
            return "true" if value else "false"
        case (("text" | "person" | "group"), _):
            return str(value)[:MAX_TEXT]
        case "number", bool():
            return None
        case "number", int() | float() | Decimal():
            number = Decimal(str(value))
            return int((number * SCALE).to_integral_value(ROUND_HALF_UP)) if abs(number) < MAX_NUMBER else None
        case "moment", datetime():
            return seconds(value)
        case "duration", timedelta():
            return int(value.total_seconds())
    return None


def seconds(at: datetime) -> int:
    """Return a moment as it stands in its column: whole seconds since 1970."""
    return int(at.timestamp() // 1)
