"""What a step of a process instance leaves behind in the tables: work, waits, incidents, visits and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, insert, select, update

from casepath.engine import phrases
from casepath.engine.bpmn import TokenWorkflow, effects, seen_by_receivers
from casepath.engine.database import Base, correlation, values
from casepath.engine.database.models import (
    ActivityInstance,
    ExternalTask,
    HistoryEvent,
    Incident,
    Job,
    Subscription,
    UserTask,
    UserTaskCandidate,
)
from casepath.engine.database.statements import Statement
from casepath.engine.history import ERROR_TEXT
from casepath.engine.runtime import urgency
from casepath.engine.runtime.rows import InstanceRow
from casepath.engine.settings import ATTEMPTS

_tables = Base.metadata.tables
_activity_instances = _tables[ActivityInstance.__tablename__]
_external_tasks = _tables[ExternalTask.__tablename__]
_history = _tables[HistoryEvent.__tablename__]
_incidents = _tables[Incident.__tablename__]
_jobs = _tables[Job.__tablename__]
_subscriptions = _tables[Subscription.__tablename__]
_tasks = _tables[UserTask.__tablename__]
_candidates = _tables[UserTaskCandidate.__tablename__]


def _at(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the condition for the rows of one activity instance."""
    return table.c.process_instance_id == bindparam("instance"), table.c.activity_instance == bindparam("at")


_insert_history = Statement(insert(_history))
_insert_visits = Statement(insert(_activity_instances))
_insert_external = Statement(insert(_external_tasks).inline())
_insert_jobs = Statement(insert(_jobs).inline())
_insert_subscriptions = Statement(insert(_subscriptions).inline())
_insert_incidents = Statement(insert(_incidents).inline())
_insert_tasks = Statement(insert(_tasks).inline())
# Of the task by its activity instance: to be told the number of a new row costs half as much as the row.
_candidate = tuple(bindparam(name, type_=_candidates.c[name].type) for name in ("kind", "name", "claimed", "sort_at"))
_insert_candidates = Statement(
    insert(_candidates).from_select(
        ["user_task_id", *(each.key for each in _candidate)], select(_tasks.c.id, *_candidate).where(*_at(_tasks))
    )
)
_end_visits = Statement(
    update(_activity_instances)
    .where(
        _activity_instances.c.process_instance_id == bindparam("instance"),
        _activity_instances.c.number == bindparam("at"),
    )
    .values(state=bindparam("to"), ended_at=bindparam("now"))
)
_cancel_task = Statement(
    update(_tasks).where(*_at(_tasks), _tasks.c.state == "created").values(state="cancelled", ended_at=bindparam("now"))
)
_cancel_external = Statement(
    update(_external_tasks)
    .where(*_at(_external_tasks), _external_tasks.c.ended_at.is_(None))
    .values(state="cancelled", ended_at=bindparam("now"))
)
_drop_report = Statement(delete(_jobs).where(*_at(_jobs), _jobs.c.kind == "continuation"))
_drop_candidates = Statement(
    delete(_candidates).where(_candidates.c.user_task_id.in_(select(_tasks.c.id).where(*_at(_tasks))))
)
_newest_subscription = Statement(select(func.coalesce(func.max(_subscriptions.c.id), 0).label("newest")))
_waits = (_jobs, _subscriptions)
_disarm_all = [Statement(delete(table).where(*_at(table))) for table in _waits]
_disarm_one = [
    Statement(delete(table).where(*_at(table), table.c.element_id == bindparam("element"))) for table in _waits
]
_resolving = (
    update(_incidents)
    .where(*_at(_incidents), _incidents.c.state == "open")
    .values(state="resolved", resolved_at=bindparam("now"))
)
_resolve_stuck = Statement(
    update(_incidents)
    .where(
        _incidents.c.process_instance_id == bindparam("instance"),
        _incidents.c.kind == "stuck",
        _incidents.c.activity_instance.is_(None),
        _incidents.c.state == "open",
    )
    .values(state="resolved", resolved_at=bindparam("now"))
)
_resolve = Statement(_resolving)
_resolve_jobs = Statement(_resolving.where(_incidents.c.kind == "job"))
_resolve_jobs_at = Statement(
    _resolving.where(_incidents.c.kind == "job", _incidents.c.element_id == bindparam("element"))
)


class Writer:
    """Turns the effects of one step into rows; what began and ended within the step leaves none."""

    def __init__(
        self, connection: Connection, running: TokenWorkflow, row: InstanceRow, before: int, now: datetime
    ) -> None:
        self.connection = connection
        self.running = running
        self.row = row
        self.before = before
        self.now = now
        self.jobs: list[dict[str, Any]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.work: dict[int, effects.UserTaskCreated | effects.ExternalTaskCreated] = {}
        self.incidents: dict[int, effects.Failed] = {}

    def write(self) -> None:
        """Write everything."""
        for effect in self.running.effects:
            self.apply(effect)
        self.write_work()
        for statement, rows in (
            (_insert_jobs, self.jobs),
            (_insert_subscriptions, self.subscriptions),
            (_insert_incidents, [self.incident(effect) for effect in self.incidents.values()]),
        ):
            statement.change_many(self.connection, rows)

    def apply(self, effect: effects.Effect) -> None:
        """Note what one effect needs, or write it where a row of an earlier step is concerned."""
        match effect:
            case effects.UserTaskCreated() | effects.ExternalTaskCreated():
                self.work[effect.number] = effect
            case effects.TimerArmed():
                self.job("timer", effect.number, effect.element_id, effect.due.at, effect.due.as_json())
            case effects.ContinuationQueued():
                self.job("continuation", effect.number, effect.element_id, self.now + effect.after, None)
            case effects.Subscribed():
                self.subscribe(effect)
            case effects.Disarmed():
                self.disarm(effect)
            case effects.WorkEnded():
                self.end_work(effect)
            case effects.MessageSent():
                payload = {
                    "name": effect.name,
                    "variables": dict(effect.variables),
                    "business_key": self.row.business_key,
                    "correlation": dict(effect.correlation),
                }
                self.job("message", None, effect.element_id, self.now, payload)
            case effects.SignalSent():
                # It reaches those who wait by now, not those who will when it is delivered.
                newest = _newest_subscription.rows(self.connection, {})[0].newest
                sent = {"name": effect.name, "variables": dict(effect.variables), "except": self.row.id}
                self.job("signal", None, effect.element_id, self.now, {**sent, "newest": newest})
            case effects.Failed():
                self.incidents[effect.number] = effect
            case effects.Recovered():
                self.recover(effect.number)

    def job(
        self, kind: str, number: int | None, element_id: str | None, due_at: datetime, payload: Mapping[str, Any] | None
    ) -> None:
        """Note a job."""
        self.jobs.append(
            {
                "kind": kind,
                "process_instance_id": self.row.id,
                "definition_id": self.row.definition_id,
                "activity_instance": number,
                "element_id": element_id,
                "state": "waiting",
                "due_at": due_at,
                "payload": values.dumps(dict(payload)) if payload is not None else None,
                "retries": ATTEMPTS,
                "created_at": self.now,
            }
        )

    def subscribe(self, effect: effects.Subscribed) -> None:
        """Note a subscription."""
        self.subscriptions.append(
            {
                "kind": effect.kind,
                "name": effect.name,
                "process_instance_id": self.row.id,
                "definition_id": self.row.definition_id,
                "activity_instance": effect.number,
                "element_id": effect.element_id,
                "business_key": self.row.business_key,
                "correlation_key": correlation.key(effect.correlation or {}),
                "created_at": self.now,
            }
        )

    def disarm(self, effect: effects.Disarmed) -> None:
        """Take back what is waited for no longer."""

        def stays(row: dict[str, Any]) -> bool:
            return row["activity_instance"] != effect.number or (
                effect.element_id is not None and row["element_id"] != effect.element_id
            )

        self.jobs = [row for row in self.jobs if row["kind"] not in ("timer", "continuation") or stays(row)]
        self.subscriptions = [row for row in self.subscriptions if stays(row)]
        if effect.number > self.before:
            return
        parameters = {"instance": self.row.id, "at": effect.number, "element": effect.element_id}
        statements = _disarm_all if effect.element_id is None else _disarm_one
        for statement, wanted in zip(statements, (effect.jobs, effect.subscriptions), strict=True):
            if wanted:
                statement.change(self.connection, parameters)
        if effect.jobs:
            # A job that had no attempts left is stuck no longer.
            resolving = _resolve_jobs if effect.element_id is None else _resolve_jobs_at
            resolving.change(self.connection, {**parameters, "now": self.now})

    def end_work(self, effect: effects.WorkEnded) -> None:
        """End a user task or external task that nobody will complete, and what was reported of it while suspended."""
        if self.work.pop(effect.number, None) is not None:
            return
        parameters = {"instance": self.row.id, "at": effect.number, "now": self.now}
        if effect.kind == "user_task":
            _drop_candidates.change(self.connection, parameters)
            _cancel_task.change(self.connection, parameters)
        else:
            _cancel_external.change(self.connection, parameters)
            _drop_report.change(self.connection, parameters)
            _resolve.change(self.connection, parameters)

    def recover(self, number: int) -> None:
        """An incident is over."""
        if self.incidents.pop(number, None) is None:
            _resolve.change(self.connection, {"instance": self.row.id, "at": number, "now": self.now})

    def incident(self, effect: effects.Failed) -> dict[str, Any]:
        """Return the row of an incident."""
        return {
            "kind": "execution",
            "process_instance_id": self.row.id,
            "activity_instance": effect.number,
            "element_id": effect.element_id,
            "state": "open",
            "message": effect.message,
            "details": effect.details,
            "created_at": self.now,
        }

    def write_work(self) -> None:
        """Insert user tasks with their candidates, and external tasks."""
        tasks: list[dict[str, Any]] = []
        external: list[dict[str, Any]] = []
        candidates: list[dict[str, Any]] = []
        for effect in self.work.values():
            if isinstance(effect, effects.ExternalTaskCreated):
                external.append(self.external_task(effect))
                continue
            task = self.user_task(effect)
            tasks.append(task)
            place = {"instance": self.row.id, "at": effect.number}
            listed = {"claimed": effect.assignee is not None, "sort_at": task["sort_at"]}
            named = (("user", effect.candidate_users), ("group", effect.candidate_groups))
            candidates += [{**place, **listed, "kind": kind, "name": name} for kind, names in named for name in names]
        _insert_tasks.change_many(self.connection, tasks)
        _insert_candidates.change_many(self.connection, candidates)
        _insert_external.change_many(self.connection, external)

    def user_task(self, effect: effects.UserTaskCreated) -> dict[str, Any]:
        """Return the row of a user task."""
        return {
            "process_instance_id": self.row.id,
            "activity_instance": effect.number,
            "definition_id": self.row.definition_id,
            "element_id": effect.element_id,
            "name": effect.name[:255],
            "business_key": self.row.business_key,
            "state": "created",
            "assignee": effect.assignee,
            "candidate_users": values.texts(effect.candidate_users),
            "candidate_groups": values.texts(effect.candidate_groups),
            "form_key": effect.form_key,
            "priority": effect.priority,
            "due_at": effect.due_at,
            "follow_up_at": effect.follow_up_at,
            "sort_at": urgency.sort_at(effect.due_at, effect.priority),
            "created_at": self.now,
        }

    def external_task(self, effect: effects.ExternalTaskCreated) -> dict[str, Any]:
        """Return the row of an external task."""
        return {
            "process_instance_id": self.row.id,
            "activity_instance": effect.number,
            "definition_id": self.row.definition_id,
            "element_id": effect.element_id,
            "business_key": self.row.business_key,
            "topic": effect.topic,
            "priority": effect.priority,
            "state": "created",
            "locked_until": self.now,
            "created_at": self.now,
        }


def write_effects(connection: Connection, running: TokenWorkflow, row: InstanceRow, before: int, now: datetime) -> None:
    """Write what a step asks of the world; `before` is the last number that was given out before it."""
    if running.effects:
        Writer(connection, running, row, before, now).write()


def write_correlation(connection: Connection, running: TokenWorkflow, row: InstanceRow, variables: str) -> None:
    """Keep by what the messages that are waited for may be correlated; `variables` is the text that is stored now."""
    waits = any(isinstance(effect, (effects.Subscribed, effects.Disarmed)) for effect in running.effects)
    if running.spec.has_message_catches and (waits or variables != row.variables):
        seen = {} if running.outcome is not None else seen_by_receivers(running)
        correlation.store(connection, row.id, seen)


def write_visits(connection: Connection, running: TokenWorkflow, process_instance_id: int, now: datetime) -> None:
    """Write the activity instances that began or ended."""
    began = [
        {
            "process_instance_id": process_instance_id,
            "number": visit.number,
            "parent": visit.parent,
            "element_id": visit.element_id,
            "element_type": visit.element_type,
            "flow_id": visit.flow_id,
            "state": visit.state,
            "started_at": now,
            "ended_at": None if visit.state == "active" else now,
        }
        for visit in running.visits.values()
        if visit.began
    ]
    ended = [
        {"instance": process_instance_id, "at": visit.number, "to": visit.state, "now": now}
        for visit in running.visits.values()
        if not visit.began
    ]
    _insert_visits.change_many(connection, began)
    _end_visits.change_many(connection, ended)


def write_history(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append sealed events."""
    _insert_history.change_many(connection, rows)


def open_stuck(connection: Connection, running: TokenWorkflow, process_instance_id: int, now: datetime) -> None:
    """Say loudly that nothing can move an instance any more."""
    phrase = phrases.Phrase(
        "Expected something that can move the process instance, but all its tokens wait for one another at {elements}",
        elements=sorted({token.node.bpmn_id for token in running.alive()}),
    )
    row = {
        "kind": "stuck",
        "process_instance_id": process_instance_id,
        "activity_instance": None,
        "element_id": None,
        "state": "open",
        "message": str(phrase),
        "details": phrases.dumps(phrase),
        "created_at": now,
    }
    _insert_incidents.change(connection, row)
    running.record("incident.opened", None, variables={ERROR_TEXT: phrases.as_json(phrase)})


def resolve_stuck(connection: Connection, running: TokenWorkflow, process_instance_id: int, now: datetime) -> None:
    """Something can move an instance again, or it has ended."""
    _resolve_stuck.change(connection, {"instance": process_instance_id, "now": now})
    running.record("incident.resolved", None)
