"""
Start, suspend, resume, cancel and repair process instances, and read what is alive in them.

`by` is who acts: a person, a program, or the name of an active user. Whoever may start a process says its diagram; the
rest is for those who operate the engine. Strangers are told `NotFound`, those who may only look `Forbidden`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history, runtime
from casepath.engine.bpmn import ProcessSpec, StartEvent, triggers
from casepath.engine.database import Base, merged, values
from casepath.engine.database.models import Definition, ProcessInstance, RecordLink
from casepath.engine.deployments import definitions, selections
from casepath.engine.history import Event
from casepath.engine.instances import instantiation
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import Actor, By, Person
from casepath.engine.registers import lookups

#: What `modify` is told.
CancelActivity, StartBefore = triggers.CancelActivity, triggers.StartBefore

#: What leads from which state to which, and what the history says of it.
_SWITCHES = {
    "suspend": ("active", "suspended", "process_instance.suspended"),
    "resume": ("suspended", "active", "process_instance.resumed"),
}

_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_links = Base.metadata.tables[RecordLink.__tablename__]


@dataclass(frozen=True, kw_only=True)
class ScopeView:
    """Variables that are alive in one place of a process instance."""

    #: Of the activity instance that holds them; 0 for the process instance.
    activity_instance: int
    element_id: str | None
    variables: Mapping[str, Any]


def get(session: Session, process_instance_id: int) -> ProcessInstance:
    """Return a process instance as it is in the database now; raises `NotFound`."""
    found = session.get(ProcessInstance, process_instance_id, populate_existing=True)
    if found is None:
        raise errors.NotFound("process instance", process_instance_id)
    return found


def start(
    session: Session,
    key: str,
    submitted: Mapping[str, Any] | None = None,
    *,
    business_key: str | None = None,
    by: By,
    version: int | None = None,
    start_element: str | None = None,
) -> ProcessInstance:
    """
    Start an instance of the newest version of a process, or of the one given, and run it to its first wait states.

    What is `submitted` has to fit the form of its start event, if it has one. Without a business key it gets the one
    that the process makes (`businessKeyFormat`), if it makes any. Raises `NotFound`, `Forbidden`, `InvalidState` where
    the definition is suspended, `InvalidVariables`, and `InvalidInput` where it is not executable, or begins with a
    record and gets none that is in use and that whoever starts it may read, or where somebody else has to let it begin.
    """
    definition = definitions.find(session, "process", key, version=version)
    spec = definitions.process(session, definition.id)
    actor = identity.actor(session, by)
    require_starter(actor, spec)
    variables = accepted(session, definition, spec, submitted, start_element, by=actor)
    selection = selections.of(spec)
    if selection is not None:
        if (record := variables.get(selection.register)) is None:
            raise errors.InvalidInput(
                "“{process}” begins with a record, but there is none. Please start it from the list of the records.",
                code="begins-with-a-record",
                process=definition.name,
            )
        lookups.find(session, selection.register, str(record), by=actor)
        if selection.needs_approval(1):
            raise errors.InvalidInput(
                "Somebody else has to let “{process}” begin. Please start it from the list of the records.",
                code="needs-approval",
                process=definition.name,
            )
    started = instantiation.begin(
        session, definition, variables, business_key=business_key, by=actor.signature, start_element=start_element
    )
    return get(session, started)


def require_starter(actor: Actor, spec: ProcessSpec) -> None:
    """Raise `Forbidden` for whoever may not start a process."""
    if isinstance(actor, Person) and not authorization.may_start(actor, spec.candidate_starters):
        raise errors.Forbidden("start", "process definition", spec.key, actor.username)


def accepted(
    session: Session,
    definition: Definition,
    spec: ProcessSpec,
    submitted: Mapping[str, Any] | None,
    start_element: str | None = None,
    *,
    by: By,
) -> Mapping[str, Any]:
    """Return the variables of what is submitted to start a process; raises `InvalidVariables`."""
    return lookups.accepted(session, _start_form(spec, start_element), definition.id, submitted or {}, by=by)


def _start_form(spec: ProcessSpec, start_element: str | None) -> str | None:
    """Return the key of the form with which a process is started, by hand where no element is named."""
    if start_element is not None:
        named = spec.nodes.get(start_element)
        return named.form_key if isinstance(named, StartEvent) else None
    starts = spec.start_events()
    blank = [start for start in starts if not start.definitions]
    return next((start.form_key for start in blank or starts if start.form_key), None)


def was_started(session: Session, key: str | None = None, at: datetime | None = None) -> bool:
    """Tell whether any instance was started: of this process, at just this moment, where they are given."""
    wanted = {_instances.c.definition_key: key, _instances.c.started_at: at}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    return session.execute(select(_instances.c.id).where(*conditions).limit(1)).first() is not None


def newest_number(session: Session, key: str, record: tuple[str, str]) -> str:
    """
    Return the number of the matter of a process that was begun last of those that point to a record.

    Raises `NotFound` where none has one.
    """
    known = _links.c.key.in_(merged.keys(*record))
    pointing = select(_links.c.process_instance_id).where(_links.c.register == record[0], known)
    numbered = select(_instances.c.business_key).where(
        _instances.c.definition_key == key, _instances.c.business_key.is_not(None), _instances.c.id.in_(pointing)
    )
    found: str | None = session.scalar(numbered.order_by(_instances.c.id.desc()).limit(1))
    if found is None:
        raise errors.NotFound("process instance", key)
    return found


def suspend(session: Session, process_instance_id: int, *, by: By, reason: str) -> None:
    """Hold an instance with all that it called still until it is resumed; raises as `resume` does."""
    _switch(session, process_instance_id, "suspend", by, reason)


def resume(session: Session, process_instance_id: int, *, by: By, reason: str) -> None:
    """
    Let a suspended instance go on with all that it called.

    Raises `NotFound`, `Forbidden`, or `InvalidState`: also where what called it is suspended and could take nothing.
    """
    _switch(session, process_instance_id, "resume", by, reason)


def _switch(session: Session, process_instance_id: int, verb: str, by: By, reason: str) -> None:
    before, after, told = _SWITCHES[verb]
    actor = access.repairer(session, by, process_instance_id, verb)
    row = runtime.lock(session, process_instance_id)
    caller = session.get(ProcessInstance, row.parent_id, populate_existing=True) if row.parent_id is not None else None
    if verb == "resume" and caller is not None and caller.state == "suspended":
        raise errors.InvalidState(verb, "process instance", caller.id, caller.state)
    for number in _with_called(session, process_instance_id):
        found = history.read_state(session, number)
        landed = session.connection().execute(
            update(_instances).where(_instances.c.id == number, _instances.c.state == before).values(state=after)
        )
        if landed.rowcount:
            event = Event(kind=told, facts={"reason": reason}, by=actor.signature)
            history.record_move(session, number, [event], before=found)
        elif number == process_instance_id:
            raise errors.InvalidState(verb, "process instance", process_instance_id, row.state)


def _with_called(session: Session, process_instance_id: int) -> list[int]:
    """Return an instance with the running ones that it called, directly or not."""
    found, last = [process_instance_id], [process_instance_id]
    while last:
        running = _instances.c.ended_at.is_(None)
        below = select(_instances.c.id).where(_instances.c.parent_id.in_(last), running).order_by(_instances.c.id)
        last = list(session.scalars(below))
        found += last
    return found


def cancel(session: Session, process_instance_id: int, *, by: By, reason: str) -> None:
    """End an instance early with all that it called; raises `NotFound`, `Forbidden` or `InvalidState`."""
    actor = access.repairer(session, by, process_instance_id, "cancel")
    runtime.advance(session, process_instance_id, triggers.Cancel(reason=reason), by=actor.signature)


def set_variables(
    session: Session,
    process_instance_id: int,
    variables: Mapping[str, Any],
    *,
    by: By,
    reason: str,
    activity_instance: int = 0,
) -> None:
    """
    Change variables by hand: of the process, or of an activity that is alive.

    Raises `NotFound`, `Forbidden` or `InvalidState`; `InvalidInput` for what cannot be a value.
    """
    actor = access.repairer(session, by, process_instance_id, "change the variables of")
    for value in variables.values():
        values.dumps(value)
    trigger = triggers.SetVariables(variables=variables, activity_instance=activity_instance, reason=reason)
    runtime.advance(session, process_instance_id, trigger, by=actor.signature)


def modify(
    session: Session,
    process_instance_id: int,
    instructions: Sequence[triggers.Instruction],
    *,
    by: By,
    reason: str,
) -> None:
    """
    Move tokens by hand, in the order of the instructions, then run on.

    Raises `NotFound` for elements and activity instances that are not there, `Forbidden`, `InvalidState`, and
    `InvalidInput` where it is not clear in which of several running sub-processes an element is to start.
    """
    actor = access.repairer(session, by, process_instance_id, "move tokens of")
    trigger = triggers.Modify(instructions=instructions, reason=reason)
    runtime.advance(session, process_instance_id, trigger, by=actor.signature)


def erase(session: Session, process_instance_id: int, names: Collection[str], *, by: By, reason: str) -> int:
    """
    Remove the values of variables from the history of an instance, as `history.erase` does; return how many.

    Raises `NotFound`, `Forbidden`, and `InvalidInput` without a reason.
    """
    actor = identity.allowed(
        session, by, authorization.may_erase, "erase values of", "process instance", process_instance_id
    )
    return history.erase(session, process_instance_id, names, by=actor.signature, reason=reason)


def variables(session: Session, process_instance_id: int) -> dict[str, Any]:
    """Return the variables of the process scope, also after the end; raises `NotFound`."""
    text = session.execute(
        select(_instances.c.variables).where(_instances.c.id == process_instance_id)
    ).scalar_one_or_none()
    if text is None:
        raise errors.NotFound("process instance", process_instance_id)
    held: Any = values.loads(text)
    found: dict[str, Any] = held.get("0", {})
    return found


def scopes(session: Session, process_instance_id: int) -> list[ScopeView]:
    """Return all variables that are alive, the process scope first; raises `NotFound`."""
    instance = get(session, process_instance_id)
    held: Any = values.loads(instance.variables)
    tokens: Any = values.loads(instance.tokens) if instance.tokens else {"t": []}
    elements = {token[0]: token[1] for token in tokens["t"]}
    return [
        ScopeView(activity_instance=int(number), element_id=elements.get(int(number)), variables=found)
        for number, found in sorted(held.items(), key=lambda item: int(item[0]))
    ]
