"""What a process instance may ask of those that called it, and of those that it calls."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from engine import clock, definitions, values
from engine.bpmn import catching, state
from engine.bpmn.elements.events import BoundaryEvent, StartEvent
from engine.bpmn.model import EventKind
from engine.bpmn.services import Services
from engine.bpmn.workflow import TokenWorkflow
from engine.expressions import Environment
from engine.models import ProcessInstance

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
_last_called = (
    select(ProcessInstance.variables)
    .where(
        ProcessInstance.parent_id == bindparam("caller"),
        ProcessInstance.parent_activity_instance == bindparam("number"),
    )
    .order_by(ProcessInstance.id.desc())
    .limit(1)
)


def catcher(
    session: Session, process_instance_id: int, kind: EventKind, code: str, services: Services
) -> BoundaryEvent | StartEvent | None:
    """Return the nearest event around the call of a process instance, or of its caller, that catches what it throws."""
    row = session.execute(_caller, {"called": process_instance_id}).one_or_none()
    while row is not None:
        spec = definitions.process(session, row.definition_id)
        running = TokenWorkflow(spec, Environment(now=clock.now(), process_instance_id=row.id), services)
        state.load(running, row.tokens, row.variables)
        found = catching.catcher_of(running, row.parent_activity_instance, kind, code)
        if found is not None:
            return found
        row = session.execute(_caller, {"called": row.id}).one_or_none()
    return None


def variables_of_called(session: Session, process_instance_id: int, activity_instance: int) -> dict[str, Any]:
    """Return the variables of the process scope of the instance that a call activity runs, or has just run."""
    called = {"caller": process_instance_id, "number": activity_instance}
    held: Any = values.loads(session.execute(_last_called, called).scalar_one())
    found: dict[str, Any] = held.get("0", {})
    return found
