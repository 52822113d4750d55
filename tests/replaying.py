"""
Plays what is recorded of process instances once more, on an empty database: the same inputs, in the same order.

An event that the copy has not written by itself is an input: a trigger, which is applied, or a note, which is written
again. What comes of it has to be the same.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, history, runtime
from casepath.engine.bpmn import KINDS, triggers
from casepath.engine.database import Base
from casepath.engine.database.models import (
    ActivityInstance,
    Definition,
    Deployment,
    ExternalTask,
    Group,
    HistoryEvent,
    Membership,
    ProcessInstance,
    Resource,
    User,
)
from casepath.engine.deployments import definitions, remembered
from casepath.engine.history import ERROR_TEXT, Event, EventView
from casepath.engine.history.verification import ERASED
from casepath.engine.instances import migration_plans, process_instances
from casepath.engine.people.authorization import ENGINE, OPERATOR, Actor, Person, Program
from casepath.engine.time import clock
from tests import database as databases
from tests.world import World

Sessions = sessionmaker[Session]

TRIGGERS: dict[str, type[Any]] = {kind: trigger for trigger, kind in KINDS.items()}
STARTED = KINDS[triggers.Start]
#: What an instance tells of its own moves: never an input.
DERIVED = frozenset({
    "activity.cancelled", "activity.completed", "activity.failed", "activity.started", "call.started",
    "decision.evaluated", "error.caught", "error.thrown", "escalation.caught", "escalation.thrown",
    "external_task.created", "gateway.decided", "message.sent", "process_instance.completed", "script.run",
    "signal.sent", "timer.armed", "user_task.created", "variables.mapped",
})  # fmt: skip
#: Facts that name rows; they differ from database to database.
IDS = frozenset({"process_instance"})
#: Tables of what is deployed, with their column of the deployment.
DEPLOYED = [(Base.metadata.tables[model.__tablename__], column) for model, column in (
    (Deployment, "id"), (Resource, "deployment_id"), (Definition, "deployment_id"))]  # fmt: skip
#: Who belongs to which group: expressions ask for it.
PEOPLE = [Base.metadata.tables[model.__tablename__] for model in (User, Group, Membership)]


def assert_replays(source: Sessions) -> int:
    """
    Play all that a database tells of its process instances on an empty one; every instance has to be the same there.

    Returns how many instances there were, without those that do not tell all: of which values were erased, or which a
    test has made up. The clock follows the system then.
    """
    with source() as there, _nothing() as here:
        copy = Copy(there, here)
        copy.play()
        for number, found in copy.ids.items():
            differences = list(_differences(picture(there, number), picture(here, found)))
            assert not differences, f"process instance {number}: {differences[0]}"
    clock.reset()
    definitions.forget()
    return len(copy.ids)


class Copy:
    """Plays what one database tells on another."""

    def __init__(self, source: Session, target: Session) -> None:
        self.source = source
        self.target = target
        #: Ids of the process instances here, by those there.
        self.ids: dict[int, int] = {}
        self.deployments = deque(source.execute(select(Deployment.id, Deployment.created_at).order_by(Deployment.id)))
        #: The last deployment that the events of a process instance and its callers at one moment show to be there.
        self.shown: dict[tuple[int | None, datetime], int] = {}

    def play(self) -> None:
        """Play all events in the order in which they were written."""
        self.copy_rows(PEOPLE)
        query = select(HistoryEvent.process_instance_id, HistoryEvent.sequence).order_by(HistoryEvent.id)
        order = self.source.execute(query).all()
        rows = {number: self.source.get_one(ProcessInstance, number) for number in {number for number, _ in order}}
        recorded = {(number, event.sequence): event for number in rows for event in history.events(self.source, number)}
        untold = {number for (number, _), event in recorded.items() if event.kind == ERASED}
        untold |= {number for number in rows if recorded[number, 1].kind != STARTED}
        self.note_shown(rows, recorded)
        for number, sequence in order:
            if rows[number].root_id not in untold:
                self.play_event(rows[number], recorded[number, sequence])

    def play_event(self, row: ProcessInstance, event: EventView) -> None:
        """Play one event, unless the copy has written it by itself."""
        self.deploy(event.at, self.shown[row.root_id, event.at])
        clock.set_to(event.at)
        if row.id not in self.ids:
            self.ids[row.id] = _begin(self.target, event) if row.parent_id is None else self.called(row)
        if process_instances.get(self.target, self.ids[row.id]).history_length < event.sequence:
            _apply(self.target, self.ids[row.id], event)

    def note_shown(self, rows: Mapping[int, ProcessInstance], recorded: Mapping[tuple[int, int], EventView]) -> None:
        """Note which versions events tell of: where the clock stands still, times do not tell what was there."""
        versions: dict[Any, int] = {(row.kind, row.key, row.version): row.deployment_id
                                    for row in self.source.scalars(select(Definition))}  # fmt: skip
        for (number, _), event in recorded.items():
            place = rows[number].root_id, event.at
            kind = "decision" if "decision" in event.facts else "process"
            key, version = event.facts.get("decision", event.facts.get("definition")), event.facts.get("version")
            self.shown[place] = max(self.shown.get(place, 0), versions.get((kind, key, version), 0))

    def deploy(self, at: datetime, shown: int) -> None:
        """Copy what had been deployed before, and what is shown to have been there."""
        while self.deployments and (self.deployments[0].id <= shown or self.deployments[0].created_at < at):
            number = self.deployments.popleft().id
            for table, column in DEPLOYED:
                rows = self.source.execute(select(table).where(table.c[column] == number)).mappings().all()
                self.target.execute(insert(table), [dict(row) for row in rows])
            remembered.change(self.target)

    def copy_rows(self, tables: Sequence[Table]) -> None:
        """Copy whole tables."""
        for table in reversed(tables):
            self.target.execute(delete(table))
        for table in tables:
            if rows := self.source.execute(select(table)).mappings().all():
                self.target.execute(insert(table), [dict(row) for row in rows])

    def called(self, row: ProcessInstance) -> int:
        """Return the instance that the copy of the caller has made by itself."""
        query = select(ProcessInstance.id).where(
            ProcessInstance.parent_id == self.ids[row.parent_id or 0],
            ProcessInstance.parent_activity_instance == row.parent_activity_instance,
        )
        return self.target.scalars(query.order_by(ProcessInstance.id.desc())).first() or 0


def picture(session: Session, number: int) -> dict[str, Any]:
    """Return all that is known of a process instance, apart from ids, times and hashes."""
    row = process_instances.get(session, number)
    events = [
        (event.sequence, event.kind, event.activity_instance, event.element_id, event.by, event.variables,
         {name: value for name, value in event.facts.items() if name not in IDS})
        for event in history.events(session, number)
    ]  # fmt: skip
    of_instance = select(ActivityInstance).where(ActivityInstance.process_instance_id == number)
    visits = session.scalars(of_instance.order_by(ActivityInstance.number))
    return {
        "state": (row.state, row.end_reason, row.business_key), "tokens": row.tokens, "variables": row.variables,
        "events": events,
        "visits": [(visit.number, visit.parent, visit.element_id, visit.flow_id, visit.state) for visit in visits],
    }  # fmt: skip


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        pairs = zip_longest(value, found[name]) if isinstance(value, list) else [(value, found[name])]
        for there, here in pairs:
            if there != here:
                yield f"expected {name} {there}, but found {here}"


def _begin(session: Session, event: EventView) -> int:
    facts = event.facts
    definition = definitions.find(session, "process", facts["definition"], version=facts["version"])
    return runtime.begin(session, definition, _values(event), business_key=facts["business_key"], by=event.by,
                         start_element=facts.get("start_element"), facts=facts)  # fmt: skip


def _apply(session: Session, number: int, event: EventView) -> None:
    """Apply the trigger that an event tells of, or write the note that it is."""
    if event.kind == "process_instance.suspended":
        process_instances.suspend(session, number, by=_actor(event), reason=event.facts["reason"])
    elif event.kind == "process_instance.resumed":
        process_instances.resume(session, number, by=_actor(event), reason=event.facts["reason"])
    elif event.kind == "process_instance.migrated":
        plan = _plan(session, number, event.facts)
        migration_plans.execute(session, plan, number, by=_actor(event), reason=event.facts["reason"])
    elif event.kind in TRIGGERS:
        runtime.advance(session, number, trigger_of(event), by=event.by)
        if event.kind == KINDS[triggers.ThrowError]:
            # What reported the error is no work any more, whether anything has caught it or not.
            task = (ExternalTask.process_instance_id == number) & (
                ExternalTask.activity_instance == event.activity_instance)
            session.execute(delete(ExternalTask).where(task, ExternalTask.ended_at.is_(None)))
    else:
        assert event.kind not in DERIVED, f"the copy did not write {event}"
        note = Event(kind=event.kind, activity_instance=event.activity_instance, element_id=event.element_id,
                     facts=event.facts, variables=event.variables or None, by=event.by)  # fmt: skip
        history.record(session, number, note)


def _actor(event: EventView) -> Actor:
    """Return who signs as the event is signed and may do what was done."""
    if event.by is None:
        return ENGINE
    kind, _, name = event.by.partition(":")
    return Program(name) if name else Person(username=kind, groups=frozenset({OPERATOR}))


def _plan(session: Session, number: int, facts: Mapping[str, Any]) -> migration_plans.MigrationPlan:
    source = process_instances.get(session, number).definition_id
    target = definitions.find(session, "process", facts["definition"], version=facts["version"])
    plan = migration_plans.draft(session, source, target.id, facts["instructions"])
    left_out = facts.get("left_out", ())
    kept = {old: new for old, new in plan.instructions.items() if old not in left_out}
    return dataclasses.replace(plan, instructions=kept)


def trigger_of(event: EventView) -> triggers.Trigger:
    """Return the trigger that an event tells of."""
    variables = _values(event)
    text = variables.pop(ERROR_TEXT, "")
    local = set(event.facts.get("local", ()))
    thrown = set(event.facts.get("thrown", variables))
    known: dict[str, Any] = {
        "activity_instance": event.activity_instance, "element_id": event.element_id,
        "variables": {name: value for name, value in variables.items() if name not in local and name in thrown},
        "results": variables if "thrown" in event.facts else {},
        "local_variables": {name: value for name, value in variables.items() if name in local},
        "error_code": event.facts.get("error_code"), "escalation_code": event.facts.get("escalation_code"),
        "message": text, "name": event.facts.get("name"),
        "reason": event.facts.get("reason", ""), "by_caller": event.facts.get("by_caller", False),
        "facts": {"for": event.facts["for"]} if "for" in event.facts else {},
        "instructions": [_instruction(facts) for facts in event.facts.get("instructions", ())],
        "also": [tuple(place) for place in event.facts.get("also", ())],
    }  # fmt: skip
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


class ReplayedWorld(World):
    """A world that plays all again before it ends."""

    def close(self) -> None:
        """Compare, and let go."""
        try:
            assert_replays(self.sessions)
        finally:
            super().close()


@contextmanager
def _nothing() -> Iterator[Session]:
    """A transaction on an empty database, which is empty again afterwards."""
    with _empty()() as session:
        yield session


@cache
def _empty() -> Sessions:
    """One for all, so that statements are compiled once."""
    path = Path(tempfile.mkdtemp(prefix="casepath-replay-")) / "empty.db"
    databases.create_tables(f"sqlite:///{path}")
    return database.sessions(database.connect(f"sqlite:///{path}"))
