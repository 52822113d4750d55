"""
What the diagram wants a task to show beside its form: values as they were when the task was done (`context`), and what
is open of the records that its matter points to (`open_matters`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from casepath.engine.database import links, values
from casepath.engine.database.models import HistoryEvent
from casepath.engine.deployments import definitions
from casepath.engine.queries import deployed, user_task
from casepath.engine.queries.events import CHANGES
from casepath.engine.queries.user_task import TaskDetail

#: How the result of a decision is called in its event.
RESULT = "="


def names(session: Session, task: TaskDetail) -> list[str]:
    """Return the variables that the diagram wants to be shown with a task, in its order."""
    properties = deployed.texts(session, task.definition_id).properties.get(task.element_id, {})
    return [name for part in properties.get("context", "").split(",") if (name := part.strip())]


def records(session: Session, task: TaskDetail, variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return register and key of the records whose open matters the diagram wants to be shown with a task."""
    said = deployed.texts(session, task.definition_id)
    names = said.properties.get(task.element_id, {}).get("open_matters", "")
    registers = links.declared(definitions.process(session, task.definition_id).properties.get(links.PROPERTY, ""))
    wanted = [(registers.get(name), variables.get(name)) for part in names.split(",") if (name := part.strip())]
    return [(register, key) for register, key in wanted if register is not None and isinstance(key, str)]


def of(session: Session, task: TaskDetail) -> dict[str, Any]:
    """
    Return the variables that a task is to show, without those that are empty.

    An open task shows what it sees now. One that has ended shows what the history of its process instance told until
    then; later changes leave it as it was.
    """
    wanted = names(session, task)
    if not wanted:
        return {}
    known = user_task.variables(session, task) if task.state == "created" else _until_its_end(session, task)
    return {name: known[name] for name in wanted if known.get(name) not in (None, "", [])}


def _until_its_end(session: Session, task: TaskDetail) -> Mapping[str, Any]:
    said = deployed.texts(session, task.definition_id)
    own = HistoryEvent.activity_instance == task.activity_instance
    query = (
        select(HistoryEvent)
        .where(
            HistoryEvent.process_instance_id == task.process_instance_id,
            or_(
                HistoryEvent.kind.in_((*CHANGES, "decision.evaluated")),
                # What it had to itself.
                and_(HistoryEvent.kind == "user_task.created", own),
            ),
            HistoryEvent.variables.is_not(None),
            HistoryEvent.at <= task.ended_at,
        )
        .order_by(HistoryEvent.sequence)
    )
    inside = [(ids, own) for ids, own in said.initial_inside if task.element_id in ids]
    known: dict[str, Any] = dict(said.initial)
    for _, initial in inside:
        known |= initial
    for event in session.scalars(query):
        if event.activity_instance == task.activity_instance and event.kind == "user_task.completed":
            # What it made of them is told by its form.
            break
        held: Any = values.loads(event.variables or "{}")
        # An erased value has left only its digest: a list of one.
        told = {name: kept[1] for name, kept in held.items() if len(kept) > 1}
        if event.kind == "decision.evaluated":
            name = said.results.get(event.element_id or "")
            told = {name: told[RESULT]} if name and RESULT in told else {}
        elif event.kind == "call.returned" and event.element_id in said.takes_named:
            # What it took is told under the names that it has here.
            continue
        # What a sub-process has to itself is not changed from outside.
        hidden = {name for ids, initial in inside if event.element_id not in ids for name in initial}
        known |= {name: value for name, value in told.items() if name not in hidden}
    return known
