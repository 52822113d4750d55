"""
Finds every event of the history that was changed, added, removed, moved or cut off, and names it.

Each event is recomputed from the hash stored with the one before it, so one wrong event is reported once and what
follows is still checked. Whoever can write all rows of an instance, its own row included, can forge a whole history;
that is seen by comparing `history_hash` with a copy kept elsewhere.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, groupby
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, bindparam, select, true
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import Base, values
from casepath.engine.database.models import HistoryEvent, ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.history.chain import SALT_LENGTH, at_text, chain_hash, digest
from casepath.engine.history.problems import Problem, WrongEvent

#: An event may be dated this much earlier than the one before it: the clocks of several machines differ.
CLOCK_TOLERANCE = timedelta(minutes=1)
#: Broken events that are compared with each other to find out which changed places.
MAX_COMPARED = 60
#: Kind of the event that records an erasure; its facts name the values under `erased`: {sequence: [names]}.
ERASED = "values.erased"

_table = Base.metadata.tables[HistoryEvent.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_ends = (_instances.c.history_length, _instances.c.history_hash)
_joined = _instances.outerjoin(_table, _table.c.process_instance_id == _instances.c.id)
_order = (_table.c.sequence, _table.c.id)
_names = [column.name for column in (*_ends, *_table.c)]
_query_stored = Statement(
    select(*_ends, *_table.c).select_from(_joined).where(_instances.c.id == bindparam("instance")).order_by(*_order),
    make=lambda row: dict(zip(_names, row, strict=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Link:
    """One stored event, as far as the chain needs it."""

    row: Mapping[str, Any]
    sequence: int
    hash: str
    #: Canonical JSON of the digests; None without variables.
    digests: str | None
    #: Names whose value is gone, leaving the digest.
    erased: frozenset[str]
    #: Whether everything stored has the shape that sealing and erasing give it.
    readable: bool

    def follows(self, previous: str) -> bool:
        row = {**self.row, "sequence": self.sequence}
        return self.readable and chain_hash(previous, row, at_text(row["at"]), self.digests) == self.hash


def verify(session: Session, process_instance_id: int) -> list[Problem]:
    """Return what is wrong with the history of a process instance; raises `NotFound`."""
    rows = _stored(session, process_instance_id)
    if not rows:
        raise errors.NotFound("process instance", process_instance_id)
    length, head = rows[0]["history_length"], rows[0]["history_hash"]
    stored = [row for row in rows if row["sequence"] is not None]
    return check(stored, process_instance_id, length=length, head=head)


def check(rows: Iterable[Mapping[str, Any]], process_instance_id: int, *, length: int, head: str) -> list[Problem]:
    """Return what is wrong with stored events, ordered by sequence, that should be `length` and end with `head`."""
    links: dict[int, _Link] = {}
    found: list[tuple[int, WrongEvent, str]] = []
    for link in map(_link, rows):
        if link.sequence in links:
            found.append((link.sequence, "duplicated", f"event {link.sequence} is there more than once"))
        elif not 1 <= link.sequence <= length:
            found.append((link.sequence, "added", f"event {link.sequence} was added: the history has {length} events"))
        else:
            links[link.sequence] = link
    found += _gaps(links, length)
    swaps, mended = _swaps(links, length, head)
    found += swaps
    found += _changes(mended, length, head)
    found += _unrecorded_erasures(mended)
    found += _disorder(mended, {sequence for sequence, _, _ in found})
    return [
        Problem(process_instance_id=process_instance_id, sequence=sequence, what=what, message=message)
        for sequence, what, message in sorted(found)
    ]


def _stored(session: Session, process_instance_id: int) -> list[dict[str, Any]]:
    """Return the events, each with the end that the instance keeps: in one statement, so that they fit."""
    try:
        return _query_stored.rows(session.connection(), {"instance": process_instance_id})
    except (TypeError, ValueError):
        mine = _instances.c.id == process_instance_id
        return stored(session, _table, *_order, beside=_ends, joined=_joined, where=mine)


def stored(
    session: Session,
    table: Table,
    *order: ColumnElement[Any],
    beside: Sequence[ColumnElement[Any]] = (),
    joined: FromClause | None = None,
    where: ColumnElement[bool] | None = None,
) -> list[dict[str, Any]]:
    """Return rows of events with the columns beside them; a date that is none is null."""
    source = table if joined is None else joined
    condition = true() if where is None else where
    try:
        query = select(*beside, *table.c).select_from(source).where(condition).order_by(*order)
        return [dict(row) for row in session.execute(query).mappings()]
    except (TypeError, ValueError):
        # SQLite takes any text as a date: the events are read one by one to find the one that is none.
        dateless = [column for column in table.c if column.name != "at"]
        query = select(*beside, *dateless).select_from(source).where(condition).order_by(*order)
        rows = session.execute(query).mappings().all()
        return [{**row, "at": _date(session, table, [row[key.name] for key in table.primary_key])} for row in rows]


def _date(session: Session, table: Table, key: Sequence[Any]) -> datetime | None:
    conditions = [column == value for column, value in zip(table.primary_key, key, strict=True)]
    try:
        found: datetime | None = session.scalar(select(table.c.at).where(*conditions))
    except (TypeError, ValueError):
        return None
    return found


def _link(row: Mapping[str, Any]) -> _Link:
    digests, erased, readable = None, frozenset[str](), row["at"] is not None
    if row["variables"] is not None:
        try:
            digests, erased = digests_of(row["variables"])
        except (RecursionError, TypeError, ValueError):
            readable = False
    return _Link(
        row=row, sequence=row["sequence"], hash=row["hash"], digests=digests, erased=erased, readable=readable
    )


def digests_of(text: str) -> tuple[str, frozenset[str]]:
    """Return the digests of stored variables and the names that were erased; raises ValueError for another shape."""
    stored = json.loads(text)
    if not isinstance(stored, dict) or values.canonical(stored) != text:
        raise ValueError("not canonical")
    digests: dict[str, str] = {}
    erased = set()
    for name, entry in stored.items():
        match entry:
            case [str(salt), value] if len(salt) == SALT_LENGTH:
                digests[name] = digest(salt, values.canonical(value))
            case [str(left)]:
                digests[name] = left
                erased.add(name)
            case _:
                raise ValueError("neither salt and value nor digest")
    return values.canonical(digests), frozenset(erased)


def _gaps(links: Mapping[int, _Link], length: int) -> Iterator[tuple[int, WrongEvent, str]]:
    absent = [sequence for sequence in range(1, length + 1) if sequence not in links]
    for _, run in groupby(enumerate(absent), key=lambda pair: pair[1] - pair[0]):
        sequences = [sequence for _, sequence in run]
        first, last = sequences[0], sequences[-1]
        which = f"event {first} is" if first == last else f"events {first} to {last} are"
        if last == length:
            yield first, "truncated", f"{which} cut off: the history has {length} events"
        else:
            yield first, "missing", f"{which} missing"


def _fits(links: Mapping[int, _Link], sequence: int, length: int, head: str) -> bool:
    """Tell whether an event follows from the one before; at `length + 1`, whether the last one has the hash `head`."""
    previous = "" if sequence == 1 else links[sequence - 1].hash if sequence - 1 in links else None
    if sequence == length + 1:
        return previous is None or previous == head
    link = links.get(sequence)
    if link is None:
        return True
    return link.readable if previous is None else link.follows(previous)


def _broken(links: Mapping[int, _Link], length: int, head: str) -> list[int]:
    return [sequence for sequence in [*links, length + 1] if not _fits(links, sequence, length, head)]


def _swaps(
    links: dict[int, _Link], length: int, head: str
) -> tuple[list[tuple[int, WrongEvent, str]], dict[int, _Link]]:
    """Find pairs of events that changed places, with their hashes or without; return also the events put back."""
    found: list[tuple[int, WrongEvent, str]] = []
    broken = _broken(links, length, head)
    suspects = [sequence for sequence in broken if sequence in links][:MAX_COMPARED]
    for one, other in combinations(suspects, 2):
        for mended in _put_back(links, one, other):
            around = (one, one + 1, other, other + 1)
            if all(_fits(mended, sequence, length, head) for sequence in around) and not all(
                _fits(links, sequence, length, head) for sequence in around
            ):
                links = dict(mended)
                found.append((one, "swapped", f"events {one} and {other} have changed places"))
                break
    return found, links


def _put_back(links: dict[int, _Link], one: int, other: int) -> Iterator[Mapping[int, _Link]]:
    first, second = links[one], links[other]
    moved = replace(second, sequence=one), replace(first, sequence=other)
    yield ChainMap({one: moved[0], other: moved[1]}, links)
    yield ChainMap({one: replace(moved[0], hash=first.hash), other: replace(moved[1], hash=second.hash)}, links)


def _changes(links: Mapping[int, _Link], length: int, head: str) -> Iterator[tuple[int, WrongEvent, str]]:
    for sequence in _broken(links, length, head):
        if sequence == length + 1:
            yield length, "changed", f"event {length} is not the one that the history ends with"
        elif sequence == 1 or not links[sequence].readable:
            yield sequence, "changed", f"event {sequence} was changed"
        else:
            text = f"event {sequence} does not follow from event {sequence - 1}: it or the other's hash was changed"
            yield sequence, "changed", text


def _unrecorded_erasures(links: Mapping[int, _Link]) -> Iterator[tuple[int, WrongEvent, str]]:
    recorded: dict[str, set[str]] = {}
    for link in links.values():
        if link.row.get("kind") == ERASED:
            for place, names in _erasure(link.row["facts"]).items():
                recorded.setdefault(place, set()).update(names)
    for sequence, link in links.items():
        lost = sorted(link.erased - recorded.get(str(sequence), set()))
        if lost:
            text = f"event {sequence} lost the values of {', '.join(lost)} without an erasure on record"
            yield sequence, "erased", text


def _erasure(facts: str) -> dict[str, list[str]]:
    """Return what an event says was erased; nothing where it was changed into another shape, which its hash tells."""
    try:
        erased = json.loads(facts)["erased"]
    except (KeyError, RecursionError, TypeError, ValueError):
        return {}
    if not isinstance(erased, dict) or not all(isinstance(names, list) for names in erased.values()):
        return {}
    return {sequence: [str(name) for name in names] for sequence, names in erased.items()}


def _disorder(links: Mapping[int, _Link], wrong: set[int]) -> Iterator[tuple[int, WrongEvent, str]]:
    for sequence, link in links.items():
        before = links.get(sequence - 1)
        if before is None or {sequence, sequence - 1} & wrong or not link.readable or not before.readable:
            continue
        if link.row["at"] < before.row["at"] - CLOCK_TOLERANCE:
            text = f"event {sequence} is dated {at_text(link.row['at'])}, before event {sequence - 1}"
            yield sequence, "earlier", text
