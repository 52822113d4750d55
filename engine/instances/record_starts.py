"""
What new records start: one instance of the newest version of each process whose diagram says so, exactly once.

It is noted in the transaction that makes the record (`registers.rows`), whichever way that came. Workers start a few at
a time, each in the transaction that notes it, as of a batch: whatever is killed when, each record has exactly one. Who
has made the record is who starts them; that he may write into the register is all that is asked. A process that is
suspended waits until it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import phrases
from casepath.engine.database import Base
from casepath.engine.database.models import Definition, Record, RecordStart
from casepath.engine.database.statements import Statement
from casepath.engine.deployments import definitions
from casepath.engine.instances import of_records
from casepath.engine.phrases import Phrase

_records = Base.metadata.tables[Record.__tablename__]
_starts = Base.metadata.tables[RecordStart.__tablename__]

#: Processes that new records are still to start.
_processes = Statement(
    select(_starts.c.process).where(_starts.c.state == "waiting").distinct().order_by(_starts.c.process)
)
_note = Statement(
    update(_starts)
    .where(_starts.c.record_id == bindparam("record"), _starts.c.process == bindparam("of_process"))
    .where(_starts.c.state == literal_column("'waiting'"))
    .values(state=bindparam("to"), process_instance_id=bindparam("number"), answer=bindparam("said"))
)


def are_waiting(session: Session) -> bool:
    """Tell whether a new record is still to start something now."""
    return next(_waited_for(session), None) is not None


def run(sessions: sessionmaker[Session]) -> int:
    """
    Start some of what new records start; return how many records were tried.

    What another worker starts at this moment is passed over.
    """
    with sessions.begin() as session:
        for definition in _waited_for(session):
            if tried := _run(session, definition):
                return tried
    return 0


def _waited_for(session: Session) -> Iterator[Definition]:
    """Yield the newest version of each process that new records are still to start, none that is suspended."""
    for row in _processes.rows(session.connection(), {}):
        definition = definitions.find(session, "process", row.process)
        if not definition.suspended:
            yield definition


def refused(session: Session, record_id: int) -> dict[str, Phrase]:
    """Return the keys of the processes that a record should have started, and why each could not be."""
    query = select(_starts.c.process, _starts.c.answer).where(_starts.c.record_id == record_id)
    rows = session.execute(query.where(_starts.c.state == "refused").order_by(_starts.c.process)).all()
    return {row.process: answer for row in rows if (answer := phrases.loads(row.answer)) is not None}


def _run(session: Session, definition: Definition) -> int:
    waiting = (
        select(_records)
        .join(_starts, _starts.c.record_id == _records.c.id)
        .where(_starts.c.state == "waiting", _starts.c.process == definition.key)
        .order_by(_starts.c.record_id)
        .limit(of_records.TOGETHER)
        .with_for_update(of=_starts, skip_locked=True)
    )
    tried = 0
    for row in of_records.few(session.execute(waiting).all()):
        # The newest version may say so no more; what was noted before it came still begins.
        begun = of_records.begin(session, definition, row, by=row.created_by)
        _settle(session, row.id, definition.key, begun)
        tried += 1
    return tried


def _settle(session: Session, record_id: int, process: str, begun: of_records.Begun) -> None:
    change: dict[str, Any] = {"record": record_id, "of_process": process}
    change |= {"to": begun.state, "number": begun.number, "said": begun.answer}
    landed = _note.change(session.connection(), change)
    assert landed == 1, "Expected a record that waits to start a process"
