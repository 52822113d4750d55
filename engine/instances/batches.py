"""
Instances of one process that are started for many records of a register, one for each: `deployments.selections`.

A batch is proposed with the records that were chosen; above a number that the diagram declares, somebody else has to
let it begin: `approvals`. Workers start its instances a few at a time, each in the transaction that notes it: whatever
is killed when, each record has exactly one. Who has proposed it starts them, and may still have to. It can be stopped;
what was started goes on. The history of the house tells what became of a batch, that of each instance by which it was
started.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, literal_column, select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, runtime
from casepath.engine.database import Base, values
from casepath.engine.database.models import Batch, BatchItem, Definition, ExternalTask, Record
from casepath.engine.database.statements import Statement
from casepath.engine.deployments import Register, Selection, definitions, registers, selections
from casepath.engine.history import Event, organisation
from casepath.engine.instances import approvals, instantiation, of_records, process_instances
from casepath.engine.instances.of_records import Begun
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person
from casepath.engine.phrases import Phrase
from casepath.engine.registers import rows
from casepath.engine.time import clock

#: Records of one batch: all are written in one transaction, for which others wait where only one can write.
MAX_SIZE = 20_000
#: Records that are asked for at once.
CHUNK = 500

_batches = Base.metadata.tables[Batch.__tablename__]
_items = Base.metadata.tables[BatchItem.__tablename__]
_records = Base.metadata.tables[Record.__tablename__]

_running = Statement(select(_batches).where(_batches.c.state == "running").order_by(_batches.c.id))
_note = Statement(
    update(_items)
    .where(_items.c.batch_id == bindparam("batch"), _items.c.position == bindparam("place"))
    .where(_items.c.state == literal_column("'waiting'"))
    .values(state=bindparam("to"), process_instance_id=bindparam("number"), answer=bindparam("said"))
)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would come of one record."""

    record_key: str
    #: What the process would begin with.
    variables: Mapping[str, Any]
    #: The texts that would go out in its first step.
    texts: Sequence[str]
    #: Why it could not be started.
    refusal: Phrase | None


class _Undone(Exception):
    """Takes back what was only tried."""


def get(session: Session, batch_id: int, *, by: By) -> Batch:
    """Return a batch as it is now; raises `NotFound`, also for whoever may not see it."""
    found = session.get(Batch, batch_id, populate_existing=True)
    if found is None:
        raise errors.NotFound("batch", batch_id)
    actor = identity.actor(session, by)
    if not isinstance(actor, Person) or authorization.may_see_every_instance(actor):
        return found
    if not approvals.reads(actor, registers.declared(session, found.register)):
        raise errors.NotFound("batch", batch_id)
    return found


def propose(
    session: Session,
    process: str,
    keys: Iterable[str],
    submitted: Mapping[str, Any] | None = None,
    *,
    by: By,
) -> Batch:
    """
    Have the newest version of a process started for each of these records of its register, each once.

    What is `submitted` has to fit the form of its start event. It begins at once, unless its diagram has somebody else
    let so many begin. Raises `NotFound`, `Forbidden`, `InvalidVariables`, and `InvalidInput` where the process is for
    no records, where there are none or too many, or where one is not in use.
    """
    asked = _asked(session, process, submitted, by)
    wanted = list(dict.fromkeys(keys))
    if not 0 < len(wanted) <= MAX_SIZE:
        raise errors.InvalidInput(
            "A batch is for 1 to {limit} records; {count} were chosen.",
            code="batch-size",
            limit=MAX_SIZE,
            count=len(wanted),
        )
    found = _ids(session, asked.register.key, wanted)
    if missing := [key for key in wanted if key not in found]:
        raise errors.InvalidInput("These records are not in use: {keys}.", code="batch-records", keys=[*missing[:10]])
    needs_approval = asked.selection.needs_approval(len(wanted))
    batch = Batch(
        definition_id=asked.definition.id,
        register=asked.register.key,
        variables=values.dumps(dict(asked.variables)),
        state="proposed" if needs_approval else "running",
        size=len(wanted),
        created_at=clock.now(),
        created_by=asked.actor.signature,
    )
    session.add(batch)
    session.flush()
    items = [
        {"batch_id": batch.id, "position": position, "record_id": found[key], "state": "waiting"}
        for position, key in enumerate(wanted, start=1)
    ]
    session.execute(insert(_items), items)
    digest = sha256("\n".join(wanted).encode()).hexdigest()
    facts = {"process": process, "version": asked.definition.version, "size": len(wanted), "records": digest}
    _tell(session, batch, "proposed", asked.actor, register=asked.register.key, **facts)
    if needs_approval:
        approvals.ask(session, batch)
    return batch


def preview(
    session: Session, process: str, keys: Iterable[str], submitted: Mapping[str, Any] | None = None, *, by: By
) -> list[Preview]:
    """
    Return what would come of records, by starting an instance for each and taking it back; raises as `propose` does.

    Nothing is left of it: the transaction may be ended as it likes.
    """
    wanted = list(keys)
    previews: list[Preview] = []
    with contextlib.suppress(_Undone), session.begin_nested():
        # What is submitted may make a record.
        asked = _asked(session, process, submitted, by)
        query = select(_records).where(_records.c.register == asked.register.key, _records.c.key.in_(wanted))
        found = {row.key: row for row in session.execute(query)}
        previews += [_tried(session, asked, found.get(key), key) for key in wanted]
        raise _Undone
    session.expire_all()
    return previews


def approve(session: Session, batch_id: int, *, by: By) -> Batch:
    """
    Let a batch begin that somebody else has proposed.

    Raises `NotFound`, `Forbidden`, also for whoever has proposed it, or `InvalidState` where it does not wait for that.
    """
    batch = get(session, batch_id, by=by)
    actor = identity.actor(session, by)
    if not approvals.may_approve(session, batch, actor):
        raise errors.Forbidden("approve", "batch", batch_id, actor.signature)
    change = {"state": "running", "approved_at": clock.now(), "approved_by": actor.signature}
    _move(session, batch, "approve", ("proposed",), change)
    approvals.settle(session, batch)
    _tell(session, batch, "approved", actor)
    return batch


def stop(session: Session, batch_id: int, *, by: By) -> Batch:
    """
    Have a batch start no more instances; those that were started go on.

    Raises `NotFound`, `Forbidden`, or `InvalidState` where it has ended.
    """
    batch = get(session, batch_id, by=by)
    actor = identity.actor(session, by)
    if not may_stop(session, batch, actor):
        raise errors.Forbidden("stop", "batch", batch_id, actor.signature)
    _move(session, batch, "stop", ("proposed", "running"), {"state": "stopped", "ended_at": clock.now()})
    approvals.settle(session, batch)
    _tell(session, batch, "stopped", actor)
    return batch


# -- who ---------------------------------------------------------------------------------------------------------------


def may_stop(session: Session, batch: Batch, actor: Actor) -> bool:
    """Tell whether somebody may stop a batch: who has proposed it, who might let it begin, who operates the engine."""
    is_own = actor.signature is not None and actor.signature == batch.created_by
    operates = not isinstance(actor, Person) or authorization.may_operate(actor)
    return is_own or operates or approvals.may_approve(session, batch, actor)


def _require_reader(actor: Actor, register: Register) -> None:
    if not approvals.reads(actor, register):
        raise errors.NotFound("register", register.key)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is to be started, with what, and by whom."""

    definition: Definition
    selection: Selection
    register: Register
    variables: Mapping[str, Any]
    actor: Actor


def _asked(session: Session, process: str, submitted: Mapping[str, Any] | None, by: By) -> _Asked:
    definition = definitions.find(session, "process", process)
    spec = definitions.process(session, definition.id)
    actor = identity.actor(session, by)
    process_instances.require_starter(actor, spec)
    selection = selections.of(spec)
    if selection is None or not selection.for_many:
        raise errors.InvalidInput(
            "“{process}” is not started for records.", code="batch-process", process=definition.name
        )
    register = registers.declared(session, selection.register)
    _require_reader(actor, register)
    variables = process_instances.accepted(session, definition, spec, submitted, by=actor)
    return _Asked(definition=definition, selection=selection, register=register, variables=variables, actor=actor)


# -- starting ----------------------------------------------------------------------------------------------------------


def are_running(session: Session) -> bool:
    """Tell whether a batch is still to start something."""
    return session.scalar(select(_batches.c.id).where(_batches.c.state == "running").limit(1)) is not None


def run(sessions: sessionmaker[Session]) -> int:
    """
    Start some instances of the oldest batch that runs; return how many records were tried.

    What another worker starts at this moment is passed over.
    """
    with sessions.begin() as session:
        for batch in _running.rows(session.connection(), {}):
            if tried := _run(session, batch):
                return tried
    return 0


def _run(session: Session, batch: Row[Any]) -> int:
    waiting = (
        select(_items.c.position, _records)
        .join(_records, _records.c.id == _items.c.record_id)
        .where(_items.c.batch_id == batch.id, _items.c.state == "waiting")
        .order_by(_items.c.position)
        .limit(of_records.TOGETHER)
        .with_for_update(of=_items, skip_locked=True)
    )
    found = session.execute(waiting).all()
    if not found:
        _complete(session, batch.id)
        return 0
    definition = definitions.definition(session, batch.definition_id)
    held: Any = values.loads(batch.variables)
    refusal = _refusal(session, batch, definition)
    tried = 0
    for row in of_records.few(found):
        tried += 1
        facts = {"batch": batch.id, "position": row.position}
        begun = of_records.begin(session, definition, row, held, by=batch.created_by, facts=facts, refusal=refusal)
        _settle(session, batch.id, row.position, begun)
    return tried


def _refusal(session: Session, batch: Row[Any], definition: Definition) -> errors.EngineError | None:
    """Return why whoever has proposed a batch may not start it any more, or read its records; None where he may."""
    proposer = authorization.username(batch.created_by)
    if proposer is None:
        return None
    try:
        actor = identity.actor(session, proposer)
        process_instances.require_starter(actor, definitions.process(session, definition.id))
        _require_reader(actor, registers.declared(session, batch.register))
    except errors.EngineError as error:
        return error
    return None


def _settle(session: Session, batch_id: int, position: int, begun: Begun) -> None:
    change = {"batch": batch_id, "place": position, "to": begun.state, "number": begun.number, "said": begun.answer}
    landed = _note.change(session.connection(), change)
    assert landed == 1, "Expected a record of a batch that we have"


def _complete(session: Session, batch_id: int) -> None:
    """End a batch of which nothing waits any more; what another worker has just now still does."""
    left = select(_items.c.position).where(_items.c.batch_id == batch_id, _items.c.state == "waiting").exists()
    change = update(_batches).where(_batches.c.id == batch_id, _batches.c.state == "running", ~left)
    if session.connection().execute(change.values(state="completed", ended_at=clock.now())).rowcount:
        became = select(_items.c.state, func.count().label("size")).where(_items.c.batch_id == batch_id)
        counts = {row.state: row.size for row in session.execute(became.group_by(_items.c.state))}
        organisation.record(session, Event(kind="batch.completed", facts={"batch": batch_id, **counts}))


def _tried(session: Session, asked: _Asked, row: Row[Any] | None, key: str) -> Preview:
    own: dict[str, Any] = {}
    told: list[str] = []
    refusal: Phrase | None = None
    try:
        with contextlib.suppress(_Undone), session.begin_nested():
            if row is None or row.state != "active":
                raise rows.unknown(key)
            own = {**asked.variables, **of_records.variables(session, asked.definition, row)}
            number = instantiation.begin(session, asked.definition, own, by=asked.actor.signature)
            tasks = select(ExternalTask.activity_instance).where(ExternalTask.process_instance_id == number)
            for activity_instance in session.scalars(tasks.order_by(ExternalTask.id)).all():
                text = runtime.activity_variables(session, number, activity_instance).get("text")
                told += [text] if isinstance(text, str) else []
            raise _Undone
    except errors.EngineError as error:
        refusal = error.phrase
    session.expire_all()
    return Preview(record_key=key, variables=own, texts=told, refusal=refusal)


# -- storing -----------------------------------------------------------------------------------------------------------


def _ids(session: Session, register: str, keys: Sequence[str]) -> dict[str, int]:
    """Return the active records of a register by their keys."""
    found: dict[str, int] = {}
    in_use = select(_records.c.key, _records.c.id).where(_records.c.register == register, _records.c.state == "active")
    for begin in range(0, len(keys), CHUNK):
        chunk = in_use.where(_records.c.key.in_(keys[begin : begin + CHUNK]))
        found.update((row.key, row.id) for row in session.execute(chunk))
    return found


def _move(session: Session, batch: Batch, verb: str, states: Sequence[str], to: Mapping[str, Any]) -> None:
    guarded = update(_batches).where(_batches.c.id == batch.id, _batches.c.state.in_(states)).values(**to)
    landed = session.connection().execute(guarded)
    session.refresh(batch)
    if not landed.rowcount:
        raise errors.InvalidState(verb, "batch", batch.id, batch.state)


def _tell(session: Session, batch: Batch, done: str, actor: Actor, **facts: Any) -> None:
    event = Event(kind=f"batch.{done}", facts={"batch": batch.id, **facts}, by=actor.signature)
    organisation.record(session, event)
