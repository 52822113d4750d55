"""What the variables of a process instance are worth to reports, kept whenever a step has changed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from casepath.engine import errors
from casepath.engine.database import measures
from casepath.engine.database.measures import Declared
from casepath.engine.runtime.rows import InstanceRow
from casepath.engine.time import clock
from casepath.engine.time.clock import Calendar

#: Characters of a day; a longer text is a moment.
_DAY = len("2026-10-01")


def store(
    connection: Connection,
    instance: InstanceRow,
    wanted: tuple[Declared, ...],
    variables: Mapping[str, Any],
    *,
    at: datetime,
    state: str,
    calendar: Calendar | None,
) -> None:
    """
    Keep what a process instance measures, as it is at a moment in a state: `open`, or the one in which it has ended.

    A time is measured when both its ends are known, by the calendar of that moment, and again only when one of them
    is another. What was measured of another process, which the instance has left, is measured anew.
    """
    positions = measures.positions(connection, instance.definition_key)
    held = measures.held(connection, instance.id)
    if held is not None and held["process"] != instance.definition_key:
        measures.forget(connection, instance.id)
        held = None
    known = held or {}
    # Of a process that was deployed before anything was measured there are no columns.
    columns = {
        entry: f"{entry.kind}_{positions[entry.name, entry.kind]}"
        for entry in wanted
        if (entry.name, entry.kind) in positions
    }
    zone = clock.zone_of(calendar)
    ended = {} if state == measures.OPEN else {measures.ENDED: at}
    given = {**variables, measures.STARTED: instance.started_at, **ended}
    # What only another version measures, from which the instance has come, is kept no longer.
    row: dict[str, Any] = {f"{kind}_{position}": None for (_, kind), position in positions.items()} | {"state": state}
    for entry, column in columns.items():
        if entry.ends is None:
            row[column] = _worth(entry, given.get(entry.name), zone)
    for entry, column in columns.items():
        if entry.ends is not None:
            ends = [f"number_{positions[name, 'number']}" for name in entry.ends]
            stands = known.get(column) is not None and all(row[end] == known[end] for end in ends)
            row[column] = known[column] if stands else _between(entry, *(row[end] for end in ends), calendar=calendar)
    first = next((row[column] for entry, column in columns.items() if entry.type == "moment"), None)
    row["begun_at"] = known.get("begun_at", measures.seconds(instance.started_at)) if first is None else first
    if held is None:
        measures.add(connection, instance.id, instance.definition_key, row)
    elif changed := {column: value for column, value in row.items() if held[column] != value}:
        measures.change(connection, instance.id, changed)


def _worth(entry: Declared, value: object, zone: ZoneInfo) -> str | int | None:
    return measures.worth(entry.type, _moment(value, zone) if entry.type == "moment" else value)


def _moment(value: object, zone: ZoneInfo) -> datetime | None:
    """A day is its beginning, a moment that names no zone one of the house."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value) if len(value) > _DAY else date.fromisoformat(value)
        if isinstance(value, datetime):
            return value if value.tzinfo else clock.local_moment(value, zone)
        return clock.moment(value, 0, zone) if isinstance(value, date) else None
    except (OverflowError, ValueError):
        # No day at all, or one at the ends of the calendar.
        return None


def _between(entry: Declared, first: int | None, last: int | None, *, calendar: Calendar | None) -> int | None:
    if first is None or last is None:
        return None
    if entry.type != "working" or calendar is None:
        return last - first
    try:
        ends = [datetime.fromtimestamp(end, UTC) for end in (first, last)]
        return int(calendar.working_between(*ends).total_seconds())
    except (errors.InvalidInput, OverflowError, ValueError):
        # At the ends of the calendar no clock of the house shows anything.
        return None
