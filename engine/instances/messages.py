"""
Messages find the one that waits for them, signals all who do; both also start new instances.

Who waits is looked for in SQL: by name, business key and correlation values (`engine.database.correlation`). A message
is for one: where several wait for it, nobody gets it. What comes for an instance that is suspended is a job until it
goes on.

`correlate` and `signal` are for people and programs: what they hand in has to fit the form of the event, if it has one.
`deliver` is what one process sends to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, func, select
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.correlation import fitting, required
from casepath.engine.database.models import CorrelationValue, Definition, ProcessInstance, Subscription
from casepath.engine.deployments import definitions
from casepath.engine.instances import beginning, kept, process_instances
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.runtime import InstanceRow

#: So many are named of those that a message fits, where it fits several.
MAX_NAMED = 5

#: A value that so many or more see is as good as any other to begin a search with.
MANY = 100

Condition = ColumnElement[bool]
Found = Row[*tuple[Any, ...]]

_definitions = Base.metadata.tables[Definition.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_subscriptions = Base.metadata.tables[Subscription.__tablename__]
_values = Base.metadata.tables[CorrelationValue.__tablename__]
_rarest = _values.alias("rarest")


def correlate(
    session: Session,
    name: str,
    *,
    business_key: str | None = None,
    correlation: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    process_instance_id: int | None = None,
    by: By,
) -> int:
    """
    Give a message to the one that waits for it and return its process instance; if nobody waits, start one.

    `business_key` and `correlation` (variables that the waiting activity sees, by name) say for whom it is. Raises
    `NotWaiting`, also for strangers, `Forbidden` for those who may only look, `SeveralWaiting`, `InvalidVariables`, and
    `InvalidInput` for values that cannot be correlated by.
    """
    actor = identity.actor(session, by)
    seen = {variable: required(variable, value) for variable, value in (correlation or {}).items()}
    narrow = []
    if business_key is not None:
        narrow.append(_subscriptions.c.business_key == business_key)
    if process_instance_id is not None:
        narrow.append(_subscriptions.c.process_instance_id == process_instance_id)
    named = _named_and_seen(session, name, seen) if seen and not narrow else [*_named("message", name), *narrow]
    receiver = _receiver(session, name, business_key, [*named, *(_sees(*each) for each in seen.items())])
    if receiver is not None and access.hears(session, actor, receiver.process_instance_id):
        _bring(session, receiver, "message", name, _submitted(session, receiver, variables), actor.signature)
        return int(receiver.process_instance_id)
    if receiver is None and process_instance_id is None:
        first = _first_step(session, name, business_key)
        return process_instances.start(
            session,
            first.key,
            variables,
            business_key=business_key,
            by=actor,
            version=first.version,
            start_element=first.element_id,
        ).id
    raise errors.NotWaiting(name, business_key)


def deliver(
    session: Session,
    name: str,
    *,
    business_key: str | None,
    correlation: Mapping[str, Any],
    variables: Mapping[str, Any],
) -> int:
    """
    Give a message that a process has sent to the one that waits for it, and return its process instance.

    One with the sender's business key comes before one without any; a sender without one reaches any. Where the message
    has correlation properties, the receiver may want no others. Raises `NotWaiting` and `SeveralWaiting`.
    """
    key = _subscriptions.c.business_key
    own, free = key == business_key, key.is_(None)
    fits = [_subscriptions.c.correlation_key.in_(fitting(correlation))] if correlation else []
    for keyed in ([own], [free]) if business_key is not None else ([free], []):
        receiver = _receiver(session, name, business_key, [*_named("message", name), *fits, *keyed])
        if receiver is not None:
            _bring(session, receiver, "message", name, variables, None)
            return int(receiver.process_instance_id)
    return _start(session, _first_step(session, name, business_key), business_key, variables, None)


def signal(
    session: Session,
    name: str,
    variables: Mapping[str, Any] | None = None,
    *,
    by: By,
    sender: int | None = None,
    newest: int | None = None,
) -> None:
    """
    Give a signal to all who wait for it, and start what it starts; nobody waiting is no error.

    `sender` has caught it already; `newest` is the last subscription that there was when it was thrown. Raises
    `NotFound` for no user, `Forbidden` for those who do not operate the engine.
    """
    actor = identity.allowed(session, by, authorization.may_operate, "send", "signal", name)
    named = _named("signal", name)
    for row in sorted(_waiting(session, named), key=lambda row: row.id):
        if (newest is None or row.id <= newest) and row.process_instance_id != sender:
            still = _still_waiting(session, row, named)
            if still is not None:
                _bring(session, still, "signal", name, variables or {}, actor.signature)
    for row in _starting(session, "signal", name):
        if newest is None or row.id <= newest:
            _start(session, row, None, variables or {}, actor.signature)


def hand_over(session: Session, instance: InstanceRow, held: Found) -> None:
    """Give an instance that goes on what came while it was suspended; raises `NotWaiting` for a message too many."""
    sent: Any = values.loads(held.payload)
    here = (
        _subscriptions.c.process_instance_id == instance.id,
        _subscriptions.c.activity_instance == held.activity_instance,
        _subscriptions.c.element_id == held.element_id,
    )
    waiting = _waiting(session, [*_named(held.kind, sent["name"]), *here])
    if waiting:
        _advance(session, instance, waiting[0], held.kind, sent["name"], sent["variables"], sent["by"])
    elif held.kind == "message" and instance.state == "active":
        raise errors.NotWaiting(sent["name"], instance.business_key)


def _named(kind: str, name: str) -> list[Condition]:
    return [_subscriptions.c.kind == kind, _subscriptions.c.name == name]


def _sees(name: str, value: str) -> Condition:
    """Return the condition that whoever waits sees a variable with the value of this text."""
    held = select(_values.c.name).where(*_of_receiver(_values), _values.c.name == name, _values.c.value == value)
    return held.correlate(_subscriptions).exists()


def _named_and_seen(session: Session, name: str, seen: Mapping[str, str]) -> list[Condition]:
    """Return conditions for a message by which the database looks for the rarest value, and then who waits there."""
    first, value = min(seen.items(), key=lambda each: _frequency(session, *each) if len(seen) > 1 else 0)
    # SQLite does not know how many wait for a name, and would look through all of them by the index of kinds and names.
    kind = _subscriptions.c.kind.concat("")
    held = (_rarest.c.name == first, _rarest.c.value == value)
    return [kind == "message", _subscriptions.c.name == name, *_of_receiver(_rarest), *held]


def _of_receiver(held: FromClause) -> tuple[Condition, Condition]:
    return (
        held.c.process_instance_id == _subscriptions.c.process_instance_id,
        held.c.activity_instance == _subscriptions.c.activity_instance,
    )


def _frequency(session: Session, name: str, value: str) -> int:
    """Return how often a variable is seen with this value, up to `MANY`."""
    held = select(_values.c.name).where(_values.c.name == name, _values.c.value == value).limit(MANY)
    return session.scalar(select(func.count()).select_from(held.subquery())) or 0


def _waiting(session: Session, conditions: Sequence[Condition], *, limit: int | None = None) -> Sequence[Found]:
    query = (
        select(
            _subscriptions.c.id,
            _subscriptions.c.process_instance_id,
            _subscriptions.c.definition_id,
            _subscriptions.c.activity_instance,
            _subscriptions.c.element_id,
            _instances.c.business_key,
            _instances.c.state,
        )
        .join(_instances, _instances.c.id == _subscriptions.c.process_instance_id)
        .where(_instances.c.state.in_(("active", "suspended")), *conditions)
        .limit(limit)
    )
    return session.execute(query).all()


def _receiver(session: Session, name: str, business_key: str | None, conditions: Sequence[Condition]) -> Found | None:
    """Return the only one that waits, locked; None where nobody does. Raises `SeveralWaiting`."""
    while found := _waiting(session, conditions, limit=MAX_NAMED + 1):
        if len(found) > 1:
            places = sorted((row.process_instance_id, row.business_key or row.element_id) for row in found)
            raise _several(name, business_key, [f"{number} ({at})" for number, at in places])
        still = _still_waiting(session, found[0], conditions)
        if still is not None:
            return still
    return None


def _still_waiting(session: Session, row: Found, conditions: Sequence[Condition]) -> Found | None:
    """Lock the instance and look again: somebody else may have been faster."""
    runtime.lock(session, row.process_instance_id)
    found = _waiting(session, [*conditions, _subscriptions.c.id == row.id])
    return found[0] if found else None


def _several(name: str, business_key: str | None, found: Sequence[str]) -> errors.SeveralWaiting:
    return errors.SeveralWaiting(name, business_key, found[:MAX_NAMED], more=len(found) > MAX_NAMED)


def _bring(
    session: Session, row: Found, kind: str, name: str, variables: Mapping[str, Any], by: str | None
) -> None:
    """Move the instance that waits, or keep what has come until it goes on."""
    if row.state == "active":
        _advance(session, row.process_instance_id, row, kind, name, variables, by)
        return
    kept.keep(session, kind, row, {"name": name, "variables": dict(variables), "by": by})


def _advance(
    session: Session,
    instance: int | InstanceRow,
    row: Found,
    kind: str,
    name: str,
    variables: Mapping[str, Any],
    by: str | None,
) -> None:
    received = triggers.ReceiveMessage if kind == "message" else triggers.ReceiveSignal
    trigger = received(
        activity_instance=row.activity_instance, element_id=row.element_id, name=name, variables=variables
    )
    runtime.advance(session, instance, trigger, by=by)


def _starting(session: Session, kind: str, name: str) -> Sequence[Found]:
    """Return what a message or signal starts, with the process it starts."""
    query = (
        select(
            _subscriptions.c.id,
            _subscriptions.c.definition_id,
            _subscriptions.c.element_id,
            _definitions.c.key,
            _definitions.c.version,
        )
        .join(_definitions, _definitions.c.id == _subscriptions.c.definition_id)
        .where(
            _subscriptions.c.kind == kind, _subscriptions.c.name == name, _subscriptions.c.process_instance_id.is_(None)
        )
        .order_by(_subscriptions.c.id)
    )
    return session.execute(query).all()


def _first_step(session: Session, name: str, business_key: str | None) -> Found:
    """Return where the only process begins that a message starts; raises `NotWaiting` and `SeveralWaiting`."""
    found = _starting(session, "message", name)
    if not found:
        raise errors.NotWaiting(name, business_key)
    if len(found) > 1:
        raise _several(name, business_key, [row.key for row in found])
    return found[0]


def _start(
    session: Session, row: Found, business_key: str | None, variables: Mapping[str, Any], by: str | None
) -> int:
    definition = definitions.definition(session, row.definition_id)
    return beginning.begin(
        session, definition, variables, business_key=business_key, by=by, start_element=row.element_id
    )


def _submitted(session: Session, row: Found, variables: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what is submitted to the event that waits, where it has a form; raises `InvalidVariables`."""
    form_key = definitions.start_forms(session, row.definition_id).get(row.element_id)
    return definitions.accepted(
        session,
        form_key,
        row.definition_id,
        variables or {},
        lambda: process_instances.variables(session, row.process_instance_id),
    )
