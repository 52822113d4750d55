"""The path of a process instance through its diagram, and what is open on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from casepath.engine.database.models import ActivityInstance, Incident, ProcessInstance, UserTask


def trail(session: Session, process_instance_id: int) -> dict[str, Any]:
    """
    Return the path through the diagram as `web/assets/viewer.js` reads it: elements with state and count, flows.

    An element that calls processes names their instances (`called`). It is stuck where one of them is, and has `work`
    where people have something to do in one of them, as a user task has.
    """
    visits = session.execute(
        select(ActivityInstance.element_id, ActivityInstance.flow_id, ActivityInstance.state).where(
            ActivityInstance.process_instance_id == process_instance_id
        )
    ).all()
    elements: dict[str, dict[str, Any]] = {}
    for visit in visits:
        entry = elements.setdefault(visit.element_id, {"state": "visited", "count": 0})
        entry["count"] += 1
        if visit.state == "active":
            entry["state"] = "active"
    called, within = _called(session, process_instance_id)
    for element_id, children in called.items():
        elements.get(element_id, {})["called"] = children
    stuck, busy = (_open_at(session, process_instance_id, within, each) for each in (Incident, UserTask))
    for element_id in elements.keys() & stuck:
        elements[element_id]["state"] = "incident"
    for element_id in elements.keys() & busy:
        elements[element_id]["work"] = True
    return {"elements": elements, "flows": sorted({visit.flow_id for visit in visits if visit.flow_id})}


def _called(session: Session, process_instance_id: int) -> tuple[dict[str, list[int]], dict[int, str]]:
    """
    Return which process instances each element of one has called, oldest first.

    And of all that these have called in turn, by which of these elements it came to be.
    """
    query = (
        select(ProcessInstance.id, ProcessInstance.parent_id, ActivityInstance.element_id)
        .join(
            ActivityInstance,
            (ActivityInstance.process_instance_id == ProcessInstance.parent_id)
            & (ActivityInstance.number == ProcessInstance.parent_activity_instance),
        )
        .where(ProcessInstance.root_id == _root_of(process_instance_id))
        .order_by(ProcessInstance.id)
    )
    called: dict[str, list[int]] = {}
    within: dict[int, str] = {}
    for number, parent_id, element_id in session.execute(query):
        if parent_id == process_instance_id:
            called.setdefault(element_id, []).append(number)
            within[number] = element_id
        elif parent_id in within:
            within[number] = within[parent_id]
    return called, within


def _open_at(
    session: Session, process_instance_id: int, within: Mapping[int, str], table: type[Incident] | type[UserTask]
) -> set[str]:
    """Return the elements of an instance at which something is open, or below which, in what they have called."""
    query = (
        select(table.process_instance_id, table.element_id)
        .join(ProcessInstance, ProcessInstance.id == table.process_instance_id)
        .where(
            ProcessInstance.root_id == _root_of(process_instance_id),
            table.state == ("open" if table is Incident else "created"),
        )
    )
    at = {(number or 0, element_id) for number, element_id in session.execute(query)}
    own = {element_id for number, element_id in at if number == process_instance_id and element_id is not None}
    return own | {within[number] for number, _ in at if number in within}


def _root_of(process_instance_id: int) -> ScalarSelect[int | None]:
    query = select(ProcessInstance.root_id).where(ProcessInstance.id == process_instance_id)
    return query.scalar_subquery()
