"""Messages find the one that waits for them, signals all who do; both also start new instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.models import ProcessInstance, Subscription
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances

_subscriptions = Base.metadata.tables[Subscription.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]


def correlate(
    session: Session,
    name: str,
    *,
    business_key: str | None = None,
    correlation: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    process_instance_id: int | None = None,
    by: str | None,
) -> int:
    """
    Give a message to the one that waits for it and return its process instance; if nobody waits, start one.

    Of several that wait the oldest gets it. `business_key` and `correlation` (variables, by name) narrow the choice.
    Raises `NotWaiting`.
    """
    for row in _waiting(session, "message", name, business_key, process_instance_id):
        if correlation and not _matches(session, row, correlation):
            continue
        if not _still_waits(session, row):
            continue
        trigger = triggers.ReceiveMessage(
            activity_instance=row.activity_instance, element_id=row.element_id, name=name, variables=variables or {}
        )
        runtime.advance(session, row.process_instance_id, trigger, by=by)
        return int(row.process_instance_id)
    if process_instance_id is None:
        for row in _starting(session, "message", name):
            return _start(session, row, business_key, variables or {}, by)
    raise errors.NotWaiting(name, business_key)


def deliver(
    session: Session,
    name: str,
    *,
    business_key: str | None,
    correlation: Mapping[str, Any],
    variables: Mapping[str, Any],
) -> int | None:
    """
    Give a message that another instance has sent to whoever waits for it; None when nobody does.

    One with the sender's business key comes before one without any; correlation properties must fit.
    """
    properties = correlation.get("properties", {})
    rows = _waiting(session, "message", name, None, None)
    own = [row for row in rows if row.business_key == business_key]
    free = [row for row in rows if row.business_key is None and business_key is not None]
    others = rows if business_key is None else []
    for row in [*own, *free, *others]:
        if properties and not _properties_fit(row, properties):
            continue
        if not _still_waits(session, row):
            continue
        trigger = triggers.ReceiveMessage(
            activity_instance=row.activity_instance, element_id=row.element_id, name=name, variables=variables
        )
        runtime.advance(session, row.process_instance_id, trigger, by=None)
        return int(row.process_instance_id)
    for row in _starting(session, "message", name):
        return _start(session, row, business_key, variables, None)
    return None


def signal(
    session: Session,
    name: str,
    variables: Mapping[str, Any] | None = None,
    *,
    by: str | None,
    sender: int | None = None,
    newest: int | None = None,
) -> None:
    """
    Give a signal to all who wait for it, and start what it starts; nobody waiting is no error.

    `sender` has caught it already; `newest` is the last subscription that there was when it was thrown.
    """
    for row in _waiting(session, "signal", name, None, None):
        late = newest is not None and row.id > newest
        if late or row.process_instance_id == sender or not _still_waits(session, row):
            continue
        trigger = triggers.ReceiveSignal(
            activity_instance=row.activity_instance, element_id=row.element_id, name=name, variables=variables or {}
        )
        runtime.advance(session, row.process_instance_id, trigger, by=by)
    for row in _starting(session, "signal", name):
        if newest is None or row.id <= newest:
            _start(session, row, None, variables or {}, by)


def _waiting(
    session: Session, kind: str, name: str, business_key: str | None, process_instance_id: int | None
) -> list[Row[Any]]:
    table = _subscriptions
    query = (
        select(
            table.c.id,
            table.c.process_instance_id,
            table.c.activity_instance,
            table.c.element_id,
            table.c.business_key,
            table.c.correlation,
        )
        .join(_instances, _instances.c.id == table.c.process_instance_id)
        .where(table.c.kind == kind, table.c.name == name, _instances.c.state == "active")
        .order_by(table.c.id)
    )
    if business_key is not None:
        query = query.where(table.c.business_key == business_key)
    if process_instance_id is not None:
        query = query.where(table.c.process_instance_id == process_instance_id)
    return list(session.execute(query))


def _starting(session: Session, kind: str, name: str) -> list[Row[Any]]:
    table = _subscriptions
    return list(
        session.execute(
            select(table.c.id, table.c.definition_id, table.c.element_id)
            .where(table.c.kind == kind, table.c.name == name, table.c.process_instance_id.is_(None))
            .order_by(table.c.id)
        )
    )


def _still_waits(session: Session, row: Row[Any]) -> bool:
    """Lock the instance and look again: somebody else may have been faster."""
    runtime.lock(session, row.process_instance_id)
    return session.execute(select(_subscriptions.c.id).where(_subscriptions.c.id == row.id)).first() is not None


def _matches(session: Session, row: Row[Any], correlation: Mapping[str, Any]) -> bool:
    held = (
        runtime.activity_variables(session, row.process_instance_id, row.activity_instance)
        if (row.activity_instance)
        else process_instances.variables(session, row.process_instance_id)
    )
    return all(name in held and held[name] == value for name, value in correlation.items())


def _properties_fit(row: Row[Any], properties: Mapping[str, Any]) -> bool:
    wanted: Any = values.loads(row.correlation) if row.correlation else {}
    return all(properties[name] == value for name, value in wanted.items() if name in properties)


def _start(
    session: Session, row: Row[Any], business_key: str | None, variables: Mapping[str, Any], by: str | None
) -> int:
    definition = definitions.definition(session, row.definition_id)
    started = process_instances.start(
        session,
        definition.key,
        variables,
        business_key=business_key,
        by=by,
        version=definition.version,
        start_element=row.element_id,
    )
    return started.id
