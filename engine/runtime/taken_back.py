"""
What somebody did and the process could not follow: his step is taken back, and an incident stands at its activity.

Whoever opened the transaction writes it afterwards, in another one, from what `moving` says; `settle` closes it as soon
as the same is done again, or the activity is gone. Such an incident has the kind `stuck` and an activity instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, select, update
from sqlalchemy.orm import Session

from casepath.engine.bpmn import TokenWorkflow, triggers
from casepath.engine.database import Base
from casepath.engine.database.models import Incident, ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.history import Event

_incidents = Base.metadata.tables[Incident.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]

_is_open = (
    (_incidents.c.kind == "stuck") & _incidents.c.activity_instance.is_not(None) & (_incidents.c.state == "open")
)
#: Whether a process instance has any, for who reads its row.
IS_THERE = exists().where(_incidents.c.process_instance_id == _instances.c.id, _is_open).label("taken_back")

_find = Statement(
    select(_incidents.c.id, _incidents.c.activity_instance, _incidents.c.element_id).where(
        _incidents.c.process_instance_id == bindparam("instance"), _is_open
    )
)
_resolve = Statement(
    update(_incidents)
    .where(_incidents.c.id == bindparam("incident"))
    .values(state="resolved", resolved_at=bindparam("now"))
)
_KEY = "moving"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moving:
    """What moves in a transaction, and who has it moved."""

    process: str
    process_instance_id: int
    #: None for what is done to an instance as a whole: a start, a repair.
    activity_instance: int | None
    by: str | None


def begin(session: Session, process: str, process_instance_id: int, trigger: triggers.Trigger, by: str | None) -> None:
    """Remember what begins to move."""
    at = getattr(trigger, "activity_instance", None)
    session.info[_KEY] = Moving(process=process, process_instance_id=process_instance_id, activity_instance=at, by=by)


def end(session: Session) -> None:
    """Forget it: all that came of it is written."""
    del session.info[_KEY]


def moving(session: Session) -> Moving | None:
    """Return what was moving in a transaction when it failed; None where it failed otherwise."""
    found: Moving | None = session.info.get(_KEY)
    return found


def settle(
    connection: Connection, running: TokenWorkflow, process_instance_id: int, trigger: triggers.Trigger, now: datetime
) -> None:
    """Close what is over: its activity is gone, or has got what it waits for."""
    heard = trigger.activity_instance if isinstance(trigger, triggers.ReceiveMessage) else None
    for row in _find.rows(connection, {"instance": process_instance_id}):
        if running.outcome is not None or row.activity_instance not in running.tasks or row.activity_instance == heard:
            _resolve.change(connection, {"incident": row.id, "now": now})
            running.events.append(
                Event(kind="incident.resolved", activity_instance=row.activity_instance, element_id=row.element_id)
            )
