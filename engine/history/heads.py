"""
The heads of all chains, to be kept elsewhere: what they prove nobody who can write every row here can forge.

A file of heads is text, one line each, so that it can be printed or sent:

    casepath heads 1, 2026-11-02T08:00:00.000000+00:00
    deployment 3 <SHA-256 over its files>
    process instance 17: 42 events, <hash of the last one>
    record 5: 3 events, <hash of the last one>

The hash of event 42 stands for all 42. So whoever has the line knows of a cut tail, of an older copy that was put in
place, and of a chain that was written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import Base
from casepath.engine.database.models import Deployment, HistoryEvent, ProcessInstance, Record, RecordEvent
from casepath.engine.history.chain import at_text
from casepath.engine.history.problems import Problem, owner
from casepath.engine.history.verification import CLOCK_TOLERANCE
from casepath.engine.time import clock

_FIRST = re.compile(r"casepath heads 1, (\S+)")
_DEPLOYMENT = re.compile(r"deployment (\d+) ([0-9a-f]{64})")
_CHAIN = re.compile(r"(process instance|record) (\d+): (\d+) events, ([0-9a-f]{64})")

_tables = Base.metadata.tables
_deployments = _tables[Deployment.__tablename__]
_events = _tables[HistoryEvent.__tablename__]
_instances = _tables[ProcessInstance.__tablename__]
_records = _tables[Record.__tablename__]
_record_events = _tables[RecordEvent.__tablename__]


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Where every chain ended at one moment."""

    at: datetime
    #: Digest of each deployment.
    deployments: dict[int, str]
    #: Number of events and hash of the last one, of each process instance, and by its number below zero of each record.
    chains: dict[int, tuple[int, str]]

    @property
    def instances(self) -> int:
        """How many process instances there are among them."""
        return sum(number > 0 for number in self.chains)

    def __str__(self) -> str:
        lines = [f"casepath heads 1, {at_text(self.at)}"]
        lines += [f"deployment {number} {digest}" for number, digest in self.deployments.items()]
        lines += [
            f"{owner(number)}: {length} events, {digest}" for number, (length, digest) in self.chains.items()
        ]
        return "\n".join(lines) + "\n"


def read_heads(session: Session) -> Heads:
    """Return where every chain ends now."""
    deployments = session.execute(select(_deployments.c.id, _deployments.c.sha256).order_by(_deployments.c.id))
    return Heads(
        at=clock.now(),
        deployments={row.id: row.sha256 for row in deployments},
        chains={number: end for number, end in _ends(session).items() if end[0] > 0},
    )


def _ends(session: Session) -> dict[int, tuple[int, str]]:
    """Return length and last hash of each chain, by its number."""
    ends: dict[int, tuple[int, str]] = {}
    for table, sign in ((_instances, 1), (_records, -1)):
        columns = (table.c.id, table.c.history_length, table.c.history_hash)
        for row in session.execute(select(*columns).order_by(table.c.id)):
            ends[sign * row.id] = (row.history_length, row.history_hash)
    return ends


def parse_heads(text: str) -> Heads:
    """Return what a file of heads says; raises `InvalidInput` naming the line that is none of its lines."""
    lines = text.splitlines()
    first = _FIRST.fullmatch(lines[0]) if lines else None
    if first is None:
        raise errors.InvalidInput("Expected a file of heads, but found '{found}'", found=lines[0] if lines else "")
    deployments: dict[int, str] = {}
    chains: dict[int, tuple[int, str]] = {}
    for number, line in enumerate(lines[1:], start=2):
        if found := _DEPLOYMENT.fullmatch(line):
            deployments[int(found[1])] = found[2]
        elif found := _CHAIN.fullmatch(line):
            number_of_chain = int(found[2]) if found[1] == "process instance" else -int(found[2])
            chains[number_of_chain] = int(found[3]), found[4]
        else:
            text = "Expected a head in line {number}, but found '{found}'"
            raise errors.InvalidInput(text, number=number, found=line)
    try:
        at = datetime.fromisoformat(first[1])
    except ValueError as error:
        raise errors.InvalidInput("Expected a time in line 1, but found '{found}'", found=first[1]) from error
    return Heads(at=at, deployments=deployments, chains=chains)


def compare_heads(session: Session, kept: Heads) -> Iterator[Problem]:
    """Yield every chain that does not go on from where it ended when the heads were kept."""
    found = {row.id: row.sha256 for row in session.execute(select(_deployments.c.id, _deployments.c.sha256))}
    for number, digest in kept.deployments.items():
        if number not in found:
            yield Problem(process_instance_id=None, what="gone", message=f"deployment {number} is gone")
        elif found[number] != digest:
            message = f"deployment {number} has other files than it had"
            yield Problem(process_instance_id=None, what="rewritten", message=message)
    lengths = {number: length for number, (length, _) in _ends(session).items()}
    for number, (length, digest) in kept.chains.items():
        if number not in lengths:
            yield Problem(process_instance_id=number, what="gone", message=f"it is gone; it had {length} events")
        elif lengths[number] < length:
            message = f"it had {length} events and has {lengths[number]}: the end was cut, or an older copy restored"
            yield Problem(process_instance_id=number, sequence=length, what="cut", message=message)
        else:
            yield from _continued(session, kept, number, length, digest)
    for number in sorted(lengths.keys() - kept.chains.keys()):
        for event in _around(session, number, 0):
            yield from _backdated(kept, number, event)


def _continued(session: Session, kept: Heads, number: int, length: int, digest: str) -> Iterator[Problem]:
    for event in _around(session, number, length):
        if event.sequence == length and event.hash != digest:
            message = f"its first {length} events are not those that it had: the history was written anew"
            yield Problem(process_instance_id=number, sequence=length, what="rewritten", message=message)
        if event.sequence > length:
            yield from _backdated(kept, number, event)


def _around(session: Session, number: int, length: int) -> list[Row[tuple[int, str, datetime]]]:
    """Return the event that was the last one, and the next."""
    events = _events if number > 0 else _record_events
    mine = _events.c.process_instance_id == number if number > 0 else _record_events.c.record_id == -number
    query = select(events.c.sequence, events.c.hash, events.c.at).where(
        mine, events.c.sequence.in_((length, length + 1))
    )
    return list(session.execute(query.order_by(events.c.sequence)))


def _backdated(kept: Heads, number: int, event: Row[tuple[int, str, datetime]]) -> Iterator[Problem]:
    if event.at < kept.at - CLOCK_TOLERANCE:
        message = f"event {event.sequence} is dated {at_text(event.at)}, but was not there at {at_text(kept.at)}"
        yield Problem(process_instance_id=number, sequence=event.sequence, what="backdated", message=message)
