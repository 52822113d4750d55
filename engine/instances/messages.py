"""
Messages find the one that waits for them, signals all who do; both also start new instances.

`waiting` looks for who waits. A message is for one: where several wait for it, nobody gets it. What comes for an
instance that is suspended is a job until it goes on.

`correlate` and `signal` are for people and programs: what they hand in has to fit the form of the event, if it has one.
`deliver` is what one process sends to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, history, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.correlation import required
from casepath.engine.database.models import Definition, Subscription
from casepath.engine.deployments import definitions
from casepath.engine.history import Event
from casepath.engine.instances import instantiation, kept, process_instances, waiting
from casepath.engine.instances.waiting import Found, Receiver
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import Actor, By
from casepath.engine.registers import lookups
from casepath.engine.runtime import InstanceRow

#: Where others of an instance wait: activity instance and element of each.
Places = Sequence[tuple[int, str]]

_definitions = Base.metadata.tables[Definition.__tablename__]
_subscriptions = Base.metadata.tables[Subscription.__tablename__]


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
    search = waiting.named("message", name)
    if business_key is not None:
        search = search.keyed(business_key)
    if process_instance_id is not None:
        search = search.inside(process_instance_id)
    receiver = waiting.receiver(session, waiting.seeing(session, search, seen), name, business_key)
    if receiver is not None and access.hears(session, actor, receiver.instance.id):
        submitted = _submitted(session, receiver.at, variables, actor)
        return _bring(session, receiver, "message", name, submitted, actor.signature)
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
    sender: tuple[int, str] | None = None,
) -> int:
    """
    Give a message that a process has sent to the one that waits for it, and return its process instance.

    One with the sender's business key comes before one without any; a sender without one reaches any. Where the message
    has correlation properties, the receiver may want no others. What it starts belongs to the sender's matter, unless
    its process makes numbers of its own (`businessKeyFormat`): then the history of the `sender`, a process instance and
    its element, says which number. Raises `NotWaiting` and `SeveralWaiting`.
    """
    search = waiting.named("message", name)
    if correlation:
        search = search.fitting(correlation)
    of_any = search.keyed(None)
    for each in (search.keyed(business_key), of_any) if business_key is not None else (of_any, search):
        receiver = waiting.receiver(session, each, name, business_key)
        if receiver is not None:
            return _bring(session, receiver, "message", name, variables, None)
    first = _first_step(session, name, business_key)
    if sender is not None:
        # Before any counter of numbers, which whoever moves the sender may want next.
        runtime.lock(session, sender[0])
    begun = _start(session, first, business_key, variables, None)
    number = runtime.read(session.connection(), begun).business_key
    if sender is not None and number not in (None, business_key):
        facts = {"name": name, "process_instance": begun, "number": number}
        history.record(session, sender[0], Event(kind="message.began", element_id=sender[1], facts=facts))
    return begun


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
    hearing: dict[int, list[Found]] = {}
    for row in sorted(waiting.find(session, waiting.named("signal", name)), key=lambda row: row.id):
        if (newest is None or row.id <= newest) and row.process_instance_id != sender:
            hearing.setdefault(row.process_instance_id, []).append(row)
    for rows in hearing.values():
        receivers = [receiver for row in rows if (receiver := waiting.locked(session, row)) is not None]
        if receivers:
            # The first begins, and all others of its instance hear it before anything there runs on.
            also = tuple((each.at.activity_instance, each.at.element_id) for each in receivers[1:])
            _bring(session, receivers[0], "signal", name, variables or {}, actor.signature, also)
    for row in _starting(session, "signal", name):
        if newest is None or row.id <= newest:
            _start(session, row, None, variables or {}, actor.signature)


def hand_over(session: Session, instance: InstanceRow, held: Found) -> None:
    """Give an instance that goes on what came while it was suspended; raises `NotWaiting` for a message too many."""
    sent: Any = values.loads(held.payload)
    search = waiting.named(held.kind, sent["name"]).inside(instance.id).at(held.activity_instance, held.element_id)
    if found := waiting.find(session, search):
        receiver, also = Receiver(found[0], instance), tuple(tuple(place) for place in sent.get("also", ()))
        _advance(session, receiver, held.kind, sent["name"], sent["variables"], sent["by"], also)
    elif held.kind == "message" and instance.state == "active":
        raise errors.NotWaiting(sent["name"], instance.business_key)


def _bring(
    session: Session,
    receiver: Receiver,
    kind: str,
    name: str,
    variables: Mapping[str, Any],
    by: str | None,
    also: Places = (),
) -> int:
    """Move the instance that waits, or keep what has come until it goes on; return its id."""
    if receiver.instance.state == "active":
        _advance(session, receiver, kind, name, variables, by, also)
    else:
        sent = {"name": name, "variables": dict(variables), "by": by, **({"also": also} if also else {})}
        kept.keep(session, kind, receiver.at, sent)
    return receiver.instance.id


def _advance(
    session: Session,
    receiver: Receiver,
    kind: str,
    name: str,
    variables: Mapping[str, Any],
    by: str | None,
    also: Places,
) -> None:
    at = {"activity_instance": receiver.at.activity_instance, "element_id": receiver.at.element_id}
    trigger: triggers.Trigger
    if kind == "message":
        trigger = triggers.ReceiveMessage(**at, name=name, variables=variables)
    else:
        trigger = triggers.ReceiveSignal(**at, name=name, variables=variables, also=also)
    runtime.advance(session, receiver.instance, trigger, by=by)


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
        raise waiting.several(name, business_key, [row.key for row in found])
    return found[0]


def _start(
    session: Session, row: Found, business_key: str | None, variables: Mapping[str, Any], by: str | None
) -> int:
    definition = definitions.definition(session, row.definition_id)
    if instantiation.KEY_FORMAT in definitions.process(session, definition.id).properties:
        business_key = None
    return instantiation.begin(
        session, definition, variables, business_key=business_key, by=by, start_element=row.element_id
    )


def _submitted(session: Session, row: Found, variables: Mapping[str, Any] | None, by: Actor) -> Mapping[str, Any]:
    """Return what is submitted to the event that waits, where it has a form; raises `InvalidVariables`."""
    form_key = definitions.start_forms(session, row.definition_id).get(row.element_id)
    return lookups.accepted(
        session,
        form_key,
        row.definition_id,
        variables or {},
        lambda: process_instances.variables(session, row.process_instance_id),
        by=by,
    )
