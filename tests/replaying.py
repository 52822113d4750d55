"""
Plays what is recorded of a process instance once more, on another database: the same inputs, in the same order.

An event that the copy has not written by itself is an input: a trigger, which is applied, or a note, which is written
again. What comes of it has to be the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from engine import clock, definitions, deployments, history, process_instances, runtime, triggers
from engine.bpmn.moving import KINDS
from engine.history import ERROR_TEXT, Event, EventView
from engine.models import ActivityInstance, HistoryEvent, ProcessInstance, Resource

TRIGGERS: dict[str, type[Any]] = {kind: trigger for trigger, kind in KINDS.items()}
#: What an instance tells of its own moves: never an input.
DERIVED = frozenset({
    "activity.cancelled", "activity.completed", "activity.started", "call.started", "decision.evaluated",
    "error.caught", "error.thrown", "escalation.thrown", "external_task.created", "gateway.decided", "message.sent",
    "script.run", "signal.sent", "timer.armed", "user_task.created",
})
#: Facts that name rows; they differ from database to database.
IDS = frozenset({"process_instance"})


def copy_deployments(source: sessionmaker[Session], target: sessionmaker[Session]) -> None:
    """Deploy what was deployed, in the same order, so that versions are the same."""
    with source() as session:
        files: dict[int, dict[str, bytes]] = {}
        for resource in session.scalars(select(Resource).order_by(Resource.deployment_id, Resource.id)):
            files.setdefault(resource.deployment_id, {})[resource.name] = resource.content
    for resources in files.values():
        with target.begin() as session:
            deployments.deploy(session, resources, name="copy", by=None)


def replay(source: sessionmaker[Session], target: sessionmaker[Session], root: int) -> dict[int, int]:
    """Play the history of a process instance and of those it called; returns their ids in the copy."""
    with source() as session:
        rows = {row.id: row for row in session.scalars(select(ProcessInstance).where(ProcessInstance.root_id == root))}
        order = session.execute(
            select(HistoryEvent.process_instance_id, HistoryEvent.sequence)
            .where(HistoryEvent.process_instance_id.in_(rows)).order_by(HistoryEvent.id)
        ).all()
        recorded = {(number, event.sequence): event for number in rows for event in history.events(session, number)}
    ids: dict[int, int] = {}
    for number, sequence in order:
        event = recorded[number, sequence]
        clock.set_to(event.at)
        with target.begin() as session:
            if number not in ids:
                parent = rows[number].parent_id
                row = rows[number]
                ids[number] = _begin(session, row, event) if parent is None else _called(session, ids[parent], row)
            if process_instances.get(session, ids[number]).history_length < sequence:
                _apply(session, ids[number], event)
    return ids


def picture(sessions: sessionmaker[Session], number: int) -> dict[str, Any]:
    """Return all that is known of a process instance, apart from ids, times and hashes."""
    with sessions() as session:
        row = process_instances.get(session, number)
        events = [
            (event.sequence, event.kind, event.activity_instance, event.element_id, event.by, event.variables,
             {name: value for name, value in event.facts.items() if name not in IDS})
            for event in history.events(session, number)
        ]
        of_instance = select(ActivityInstance).where(ActivityInstance.process_instance_id == number)
        visits = session.scalars(of_instance.order_by(ActivityInstance.number))
        return {
            "state": (row.state, row.end_reason, row.business_key), "tokens": row.tokens, "variables": row.variables,
            "events": events,
            "visits": [(visit.number, visit.parent, visit.element_id, visit.flow_id, visit.state) for visit in visits],
        }


def _begin(session: Session, row: ProcessInstance, event: EventView) -> int:
    definition = definitions.find(session, "process", row.definition_key, version=event.facts["version"])
    return runtime.begin(session, definition, _values(event), business_key=row.business_key, by=event.by,
                         start_element=event.facts.get("start_element"))


def _called(session: Session, parent: int, row: ProcessInstance) -> int:
    found = select(ProcessInstance.id).where(
        ProcessInstance.parent_id == parent,
        ProcessInstance.parent_activity_instance == row.parent_activity_instance,
    )
    return session.scalars(found.order_by(ProcessInstance.id.desc())).first() or 0


def _apply(session: Session, number: int, event: EventView) -> None:
    """Apply the trigger that an event tells of, or write the note that it is."""
    if event.kind == "process_instance.suspended":
        process_instances.suspend(session, number, by=event.by, reason=event.facts["reason"])
    elif event.kind == "process_instance.resumed":
        process_instances.resume(session, number, by=event.by, reason=event.facts["reason"])
    elif event.kind in TRIGGERS:
        runtime.advance(session, number, trigger_of(event), by=event.by)
    else:
        assert event.kind not in DERIVED, f"the copy did not write {event}"
        note = Event(kind=event.kind, activity_instance=event.activity_instance, element_id=event.element_id,
                     facts=event.facts, variables=event.variables, by=event.by)
        history.record(session, number, note)


def trigger_of(event: EventView) -> triggers.Trigger:
    """Return the trigger that an event tells of."""
    variables = _values(event)
    text = variables.pop(ERROR_TEXT, "")
    local = set(event.facts.get("local", ()))
    known: dict[str, Any] = {
        "activity_instance": event.activity_instance, "element_id": event.element_id,
        "variables": {name: value for name, value in variables.items() if name not in local},
        "local_variables": {name: value for name, value in variables.items() if name in local},
        "error_code": event.facts.get("error_code"), "escalation_code": event.facts.get("escalation_code"),
        "message": text, "name": event.facts.get("name"),
        "reason": event.facts.get("reason", ""), "last": event.facts.get("last", False),
        "instructions": [_instruction(facts) for facts in event.facts.get("instructions", ())],
    }
    kind = TRIGGERS[event.kind]
    if kind is triggers.SetVariables:
        known["activity_instance"] = event.activity_instance or 0
    wanted = {field.name for field in dataclasses.fields(kind)}
    trigger: triggers.Trigger = kind(**{name: value for name, value in known.items() if name in wanted})
    return trigger


def _instruction(facts: Mapping[str, Any]) -> triggers.Instruction:
    match facts:
        case {"start_before": element_id}:
            return triggers.StartBefore(element_id=element_id)
        case {"start_after": element_id}:
            return triggers.StartAfter(element_id=element_id)
    return triggers.CancelActivity(activity_instance=facts["cancel"])


def _values(event: EventView) -> dict[str, Any]:
    return dict(event.variables or {})
