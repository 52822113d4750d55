"""What a process instance that was called may ask of those that called it."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from casepath.engine.bpmn import Element, EventKind, Services, TokenWorkflow, load
from casepath.engine.database.models import ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.expressions import Environment
from casepath.engine.time import clock

_called = aliased(ProcessInstance)
_caller = (
    select(
        ProcessInstance.id,
        ProcessInstance.definition_id,
        ProcessInstance.tokens,
        ProcessInstance.variables,
        _called.parent_activity_instance,
    )
    .join(_called, _called.parent_id == ProcessInstance.id)
    .where(_called.id == bindparam("called"))
)


def catcher(
    session: Session, process_instance_id: int, kind: EventKind, code: str, services: Services
) -> Element | None:
    """Return the nearest event around the call of a process instance, or of its caller, that catches what it throws."""
    row = session.execute(_caller, {"called": process_instance_id}).one_or_none()
    while row is not None:
        spec = definitions.process(session, row.definition_id)
        running = TokenWorkflow(spec, Environment(now=clock.now(), process_instance_id=row.id), services)
        load(running, row.tokens, row.variables)
        found = running.catcher_of(row.parent_activity_instance, kind, code)
        if found is not None:
            return found
        row = session.execute(_caller, {"called": row.id}).one_or_none()
    return None
