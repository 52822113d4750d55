"""
What begins new instances by itself, always of the newest version: messages, signals and timers of start events, and new
records of a register.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from casepath.engine.bpmn import Element, EventDefinition, ProcessSpec
from casepath.engine.database import Base, values
from casepath.engine.database.models import Definition, Job, RegisterProcess, Subscription
from casepath.engine.deployments import definitions, selections
from casepath.engine.expressions import Environment
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock, timers

_definitions = Base.metadata.tables[Definition.__tablename__]
_jobs = Base.metadata.tables[Job.__tablename__]
_processes = Base.metadata.tables[RegisterProcess.__tablename__]
_subscriptions = Base.metadata.tables[Subscription.__tablename__]


def arm(session: Session, definition: Definition, spec: ProcessSpec) -> None:
    """Wait for what starts a process; what started its older versions is waited for no longer."""
    disarm(session, definition.key)
    for node in spec.beginnings():
        for event in node.definitions:
            if event.kind == "timer":
                _arm_timer(session, definition, node, event)
            elif event.kind in ("message", "signal") and event.name is not None:
                session.execute(
                    insert(_subscriptions).values(
                        kind=event.kind,
                        name=str(event.name.evaluate({}, _environment(session))),
                        definition_id=definition.id,
                        element_id=node.bpmn_id,
                        created_at=clock.now(),
                    )
                )
    selection = selections.of(spec)
    if selection is not None and selection.on_create:
        session.execute(insert(_processes).values(register=selection.register, process=definition.key))


def disarm(session: Session, key: str) -> None:
    """Wait no longer for what starts any version of a process."""
    session.execute(delete(_processes).where(_processes.c.process == key))
    versions = select(_definitions.c.id).where(_definitions.c.kind == "process", _definitions.c.key == key)
    for table in (_subscriptions, _jobs):
        session.execute(delete(table).where(table.c.process_instance_id.is_(None), table.c.definition_id.in_(versions)))


def _environment(session: Session) -> Environment:
    return Environment(now=clock.now(), calendar=definitions.calendar(session))


def _arm_timer(session: Session, definition: Definition, node: Element, event: EventDefinition) -> None:
    assert event.schedule is not None
    assert event.timer is not None
    environment = _environment(session)
    value: Any = event.schedule.evaluate({}, environment)
    due = timers.schedule(event.timer, value, environment.now, environment.zone.key)
    session.execute(
        insert(_jobs).values(
            kind="start_timer",
            definition_id=definition.id,
            element_id=node.bpmn_id,
            state="waiting",
            due_at=due.at,
            payload=values.dumps(due.as_json()),
            retries=ATTEMPTS,
            created_at=environment.now,
        )
    )
