"""Give external tasks to workers for a time, and take them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime, texts
from casepath.engine.database import Base
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions
from casepath.engine.instances.external_tasks import rows
from casepath.engine.instances.external_tasks.rows import Found
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.time import clock

#: Tasks given out at once.
MAX_FETCHED = 1000

_table = rows.table
_definitions = Base.metadata.tables[Definition.__tablename__]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a worker serves; every condition that is given must hold."""

    name: str
    #: How long the worker has the task.
    lock_for: timedelta
    business_key: str | None = None
    definition_ids: Sequence[int] = ()
    #: Process ids of the diagrams.
    definition_keys: Sequence[str] = ()
    version_tag: str | None = None
    #: Names of the variables that the worker wants; None for all.
    variables: Sequence[str] | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether it serves only some of the tasks under its name."""
        narrower = self.business_key is not None, bool(self.definition_ids), bool(self.definition_keys)
        return any(narrower) or self.version_tag is not None


@dataclass(frozen=True, kw_only=True)
class FetchedTask:
    """An external task that a worker has."""

    id: int
    topic: str
    worker_id: str
    #: When others may have it.
    locked_until: datetime
    process_instance_id: int
    activity_instance: int
    #: The activity in the diagram.
    element_id: str
    definition_id: int
    business_key: str | None
    priority: int
    #: Attempts left; None until a worker has reported a failure.
    retries: int | None
    error_message: str | None
    error_details: str | None
    created_at: datetime
    #: What the activity sees, its input parameters included.
    variables: Mapping[str, Any]
    #: Why its process can go on no more whatever comes of it, so that nothing is to be done.
    refusal: errors.EngineError | None = None

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this task, and no other's."""
        return f"{self.process_instance_id}/{self.activity_instance}"


def fetch_and_lock(
    session: Session, topics: Sequence[Topic], *, worker_id: str, limit: int, use_priority: bool = True
) -> list[FetchedTask]:
    """
    Give tasks of these topics to a worker, at most `limit`, highest priority or longest waiting first.

    Tasks that another worker is being given at this moment are passed over. Raises `InvalidInput` for a topic that is
    named twice, a lock that does not last, or a limit out of range.
    """
    worker_id = texts.checked(worker_id, name="a worker id", limit=255)
    _check(topics, limit)
    by_name = {topic.name: topic for topic in topics}
    now = clock.now()
    order = [_table.c.priority.desc(), _table.c.id] if use_priority else [_table.c.locked_until, _table.c.id]
    free = select(_table).where(*_free(topics, now))
    found = session.connection().execute(
        free.order_by(*order).limit(limit).with_for_update(skip_locked=True)
    ).all()
    fetched = []
    for topic in topics:
        mine = [row for row in found if row.topic == topic.name]
        if mine:
            until = now + topic.lock_for
            change = {"state": "locked", "worker_id": worker_id, "locked_until": until}
            session.connection().execute(update(_table).where(_table.c.id.in_([row.id for row in mine])).values(change))
    for row in found:
        topic = by_name[row.topic]
        fetched.append(_fetched(session, row, topic, worker_id, now + topic.lock_for))
    return fetched


def are_waiting(session: Session, topics: Sequence[Topic]) -> bool:
    """Tell whether tasks of these topics may be fetched; this only reads."""
    return session.scalar(select(_table.c.id).where(*_free(topics, clock.now())).limit(1)) is not None


def lock(session: Session, task_id: int, *, worker_id: str, lock_for: timedelta) -> None:
    """Give one task to a worker; raises `NotFound`, or `InvalidState` if it has ended or another worker has it."""
    _check_duration(lock_for)
    now = clock.now()
    free = or_(_table.c.state == "created", _table.c.locked_until <= now, _table.c.worker_id == worker_id)
    change = {"state": "locked", "worker_id": worker_id, "locked_until": now + lock_for}
    rows.change(session, task_id, "lock", _table.c.state.in_(("created", "locked")), free, rows.active, to=change)


def extend_lock(session: Session, task_id: int, *, worker_id: str, lock_for: timedelta) -> datetime:
    """
    Let a worker have its task for `lock_for` from now; return until when.

    Raises `NotFound`, or `InvalidState` if the worker does not have it any more.
    """
    _check_duration(lock_for)
    now = clock.now()
    until = now + lock_for
    held = (_table.c.state == "locked", _table.c.worker_id == worker_id, _table.c.locked_until > now)
    rows.change(session, task_id, "extend the lock of", *held, to={"locked_until": until})
    return until


def unlock(session: Session, task_id: int, *, by: By) -> None:
    """
    Take a task from whoever has it, so that it may be fetched.

    Raises `NotFound`, `Forbidden`, or `InvalidState` if it has ended.
    """
    identity.allowed(session, by, authorization.may_operate, "unlock", "external task", task_id)
    change = {"state": "created", "worker_id": None, "locked_until": clock.now()}
    rows.change(session, task_id, "unlock", _table.c.state.in_(("created", "locked")), to=change)


def set_priority(session: Session, task_id: int, priority: int, *, by: By) -> None:
    """Change the priority; raises `NotFound`, `Forbidden`, or `InvalidState` if the task has ended."""
    identity.allowed(session, by, authorization.may_operate, "change", "external task", task_id)
    rows.change(session, task_id, "change", _table.c.ended_at.is_(None), to={"priority": priority})


def _check(topics: Sequence[Topic], limit: int) -> None:
    if not 1 <= limit <= MAX_FETCHED:
        raise errors.InvalidInput(
            "Expected to fetch 1 to {limit} external tasks, but found {found}",
            limit=MAX_FETCHED,
            found=limit,
        )
    if not topics or len({topic.name for topic in topics}) < len(topics):
        raise errors.InvalidInput("Expected at least one topic, each named once")
    for topic in topics:
        _check_duration(topic.lock_for)


def _check_duration(lock_for: timedelta) -> None:
    if not timedelta(0) < lock_for <= rows.LONGEST:
        raise errors.InvalidInput("Expected a lock of at most a year, but found {lock_for}", lock_for=lock_for)


def _free(topics: Sequence[Topic], now: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of tasks that anybody may fetch who serves one of these topics."""
    whole = [topic.name for topic in topics if not topic.is_narrowed]
    return (
        or_(_table.c.topic.in_(whole), *(_serves(topic) for topic in topics if topic.is_narrowed)),
        _table.c.state.in_(("created", "locked")),
        _table.c.locked_until <= now,
        rows.active,
    )


def _serves(topic: Topic) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [_table.c.topic == topic.name]
    if topic.business_key is not None:
        conditions.append(_table.c.business_key == topic.business_key)
    if topic.definition_ids:
        conditions.append(_table.c.definition_id.in_(topic.definition_ids))
    if topic.definition_keys or topic.version_tag is not None:
        deployed = select(_definitions.c.id).where(_definitions.c.id == _table.c.definition_id)
        if topic.definition_keys:
            deployed = deployed.where(_definitions.c.key.in_(topic.definition_keys))
        if topic.version_tag is not None:
            deployed = deployed.where(_definitions.c.version_tag == topic.version_tag)
        conditions.append(deployed.exists())
    return and_(*conditions)


def _fetched(session: Session, row: Found, topic: Topic, worker_id: str, until: datetime) -> FetchedTask:
    variables: Mapping[str, Any] = {}
    refusal: errors.EngineError | None = None
    try:
        definitions.executable(session, row.definition_id)
        variables = runtime.activity_variables(session, row.process_instance_id, row.activity_instance)
    except errors.EngineError as error:
        # It is his task all the same: others wait for theirs, and he reports it.
        refusal = error
    return FetchedTask(
        id=row.id,
        topic=row.topic,
        worker_id=worker_id,
        locked_until=until,
        process_instance_id=row.process_instance_id,
        activity_instance=row.activity_instance,
        element_id=row.element_id,
        definition_id=row.definition_id,
        business_key=row.business_key,
        priority=row.priority,
        retries=row.retries,
        error_message=row.error_message,
        error_details=row.error_details,
        created_at=row.created_at,
        variables=_only(variables, topic.variables),
        refusal=refusal,
    )


def _only(variables: Mapping[str, Any], names: Iterable[str] | None) -> dict[str, Any]:
    return dict(variables) if names is None else {name: variables[name] for name in names if name in variables}
