"""Process instances: the list of matters, and what one matter consists of."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from casepath.engine.database import merged, terms
from casepath.engine.database.models import (
    Definition,
    Incident,
    ProcessInstance,
    RecordLink,
    Subscription,
    User,
    UserTask,
)
from casepath.engine.people import access
from casepath.engine.people.authorization import Person
from casepath.engine.time import clock

#: Of the matters that are found by a text, how many are looked at for one page, and how many by one statement.
LOOKED_AT, AT_ONCE = 1_000, 200

#: A matter: its business key, or its outermost process instance where it has none.
Reference = str | int


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the list is narrowed to; everything unset shows everything."""

    #: Words, each part of the business key or of a fact.
    text: str = ""
    #: `open` (active or suspended), `completed` or `cancelled`.
    state: str = ""
    definition_key: str = ""
    #: Only those with an open user task whose due date has passed.
    overdue: bool = False
    #: Only those that point to this record: its register and its key.
    record: tuple[str, str] | None = None
    #: Only those of these business keys.
    numbers: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class OpenTask:
    """An open user task of a matter in the list."""

    definition_id: int
    element_id: str
    name: str
    due_at: datetime | None
    #: Full name of whoever has it; without one, the groups that may claim it.
    assignee_name: str | None = None
    candidate_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MatterRow:
    """One matter in the list: the process instance that nobody called."""

    id: int
    business_key: str | None
    definition_id: int
    definition_key: str
    definition_name: str
    state: str
    started_at: datetime
    started_by: str | None
    ended_at: datetime | None
    #: Of all its process instances, the most urgent first.
    open_tasks: Sequence[OpenTask]
    #: Earliest due date among them.
    due_at: datetime | None
    incident_count: int


@dataclass(frozen=True, kw_only=True)
class MatterPage:
    """One page of matters, newest first."""

    rows: Sequence[MatterRow]
    #: The next page begins below this id; None on the last one.
    next: int | None


@dataclass(frozen=True, kw_only=True)
class InstanceView:
    """One process instance of a matter."""

    id: int
    definition_id: int
    definition_key: str
    definition_name: str
    version: int
    state: str
    parent_id: int | None
    started_at: datetime
    started_by: str | None
    ended_at: datetime | None
    end_reason: str | None


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """A message that a process instance waits for."""

    process_instance_id: int
    name: str
    element_id: str
    definition_id: int


def page(
    session: Session,
    person: Person,
    filters: Filters | None = None,
    *,
    below: int | None = None,
    limit: int = 25,
    among: Select[int] | None = None,
) -> MatterPage:
    """
    Return the matters that a person may see, newest first, those below an id; or `among` ids of which he sees all.

    By a text so many are looked at that the answer comes at once; the page may then be short, and a next one follows.
    """
    filters = filters or Filters()
    words = terms.words(filters.text)
    if words:
        found, following = _found(session, person, filters, words, below, limit)
    else:
        conditions = [access.seen_by(person) if among is None else ProcessInstance.id.in_(among)]
        conditions += [] if below is None else [ProcessInstance.id < below]
        found = _newest(session, *conditions, *_narrowed(filters), limit=limit + 1)
        following = None
    shown = found[:limit]
    tasks = _open_tasks(session, [instance.business_key for instance, _ in shown if instance.business_key])
    incidents = _incidents(session, [instance.id for instance, _ in shown])
    dates = {key: [each.due_at for each in of_key if each.due_at] for key, of_key in tasks.items()}
    rows = [
        MatterRow(
            id=instance.id,
            business_key=instance.business_key,
            definition_id=instance.definition_id,
            definition_key=instance.definition_key,
            definition_name=name,
            state=instance.state,
            started_at=instance.started_at,
            started_by=instance.started_by,
            ended_at=instance.ended_at,
            open_tasks=tasks.get(instance.business_key or "", []),
            due_at=min(dates.get(instance.business_key or "", []), default=None),
            incident_count=incidents.get(instance.id, 0),
        )
        for instance, name in shown
    ]
    return MatterPage(rows=rows, next=rows[-1].id if len(found) > limit else following)


def of_ids(session: Session, person: Person, ids: Collection[int]) -> Sequence[MatterRow]:
    """Return matters by their outermost process instances, all of which a person may see, newest first."""
    among = select(ProcessInstance.id).where(ProcessInstance.id.in_(ids))
    return page(session, person, among=among, limit=len(ids)).rows


def _newest(session: Session, *conditions: ColumnElement[bool], limit: int) -> list[Row[ProcessInstance, str]]:
    query = (
        select(ProcessInstance, Definition.name)
        .join(Definition, Definition.id == ProcessInstance.definition_id)
        .where(ProcessInstance.parent_id.is_(None), *conditions)
        .order_by(ProcessInstance.id.desc())
    )
    return list(session.execute(query.limit(limit)))


def _found(
    session: Session, person: Person, filters: Filters, words: Sequence[str], below: int | None, limit: int
) -> tuple[list[Row[ProcessInstance, str]], int | None]:
    """Return the matters that have these words, and below which id the ones begin that were not looked at."""
    matching = list(session.scalars(terms.newest(words, below=below, limit=LOOKED_AT)))
    found: list[Row[ProcessInstance, str]] = []
    for start in range(0, len(matching), AT_ONCE):
        part = matching[start : start + AT_ONCE]
        conditions = (ProcessInstance.id.in_(part), access.seen_by(person, part), *_narrowed(filters))
        found += _newest(session, *conditions, limit=limit + 1 - len(found))
        if len(found) > limit:
            break
    return found, matching[-1] if len(matching) == LOOKED_AT else None


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.state == "open":
        conditions.append(ProcessInstance.state.in_(("active", "suspended")))
    elif filters.state:
        conditions.append(ProcessInstance.state == filters.state)
    if filters.definition_key:
        conditions.append(ProcessInstance.definition_key == filters.definition_key)
    if filters.overdue:
        late = select(UserTask.business_key).where(UserTask.state == "created", UserTask.due_at < clock.now())
        conditions.append(ProcessInstance.business_key.in_(late))
    if filters.record is not None:
        register, key = filters.record
        known = RecordLink.key.in_(merged.keys(register, key))
        pointing = select(RecordLink.root_id).where(RecordLink.register == register, known)
        conditions.append(ProcessInstance.id.in_(pointing))
    if filters.numbers is not None:
        conditions.append(ProcessInstance.business_key.in_(filters.numbers))
    return conditions


def _open_tasks(session: Session, keys: Sequence[str]) -> dict[str, list[OpenTask]]:
    found: dict[str, list[OpenTask]] = {}
    query = (
        select(UserTask, User.name)
        .outerjoin(User, User.username == UserTask.assignee)
        .where(UserTask.business_key.in_(keys), UserTask.state == "created")
        .order_by(UserTask.sort_at, UserTask.id)
    )
    for task, name in session.execute(query):
        row = OpenTask(
            definition_id=task.definition_id,
            element_id=task.element_id,
            name=task.name,
            due_at=task.due_at,
            assignee_name=name or task.assignee,
            candidate_groups=() if task.assignee else tuple(json.loads(task.candidate_groups)),
        )
        found.setdefault(str(task.business_key), []).append(row)
    return found


def _incidents(session: Session, ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(ProcessInstance.root_id, func.count())
        .join(Incident, Incident.process_instance_id == ProcessInstance.id)
        .where(ProcessInstance.root_id.in_(ids), Incident.state == "open")
        .group_by(ProcessInstance.root_id)
    )
    return {root_id: count for root_id, count in session.execute(query) if root_id is not None}


def belongs(reference: Reference) -> ColumnElement[bool]:
    """Return the condition on a process instance that it belongs to a matter."""
    if isinstance(reference, int):
        return ProcessInstance.root_id == reference
    return ProcessInstance.business_key == reference


def of_matter(session: Session, reference: Reference) -> list[InstanceView]:
    """Return the process instances of a matter, oldest first."""
    query = (
        select(ProcessInstance, Definition.name, Definition.version)
        .join(Definition, Definition.id == ProcessInstance.definition_id)
        .where(belongs(reference))
        .order_by(ProcessInstance.id)
    )
    return [
        InstanceView(
            id=instance.id,
            definition_id=instance.definition_id,
            definition_key=instance.definition_key,
            definition_name=name,
            version=version,
            state=instance.state,
            parent_id=instance.parent_id,
            started_at=instance.started_at,
            started_by=instance.started_by,
            ended_at=instance.ended_at,
            end_reason=instance.end_reason,
        )
        for instance, name, version in session.execute(query)
    ]


def awaited_messages(session: Session, reference: Reference) -> list[Awaited]:
    """Return the messages that the process instances of a matter wait for."""
    query = (
        select(Subscription)
        .join(ProcessInstance, ProcessInstance.id == Subscription.process_instance_id)
        .where(Subscription.kind == "message", belongs(reference), ProcessInstance.state == "active")
        .order_by(Subscription.id)
    )
    return [
        Awaited(
            process_instance_id=row.process_instance_id or 0,
            name=row.name,
            element_id=row.element_id,
            definition_id=row.definition_id,
        )
        for row in session.scalars(query)
    ]


def alive(session: Session, process_instance_id: int) -> list[tuple[int, str]]:
    """Return number and element of each activity instance that is alive."""
    text = session.scalar(select(ProcessInstance.tokens).where(ProcessInstance.id == process_instance_id))
    tokens: Mapping[str, Any] = json.loads(text) if text else {"t": []}
    return [(token[0], token[1]) for token in tokens["t"]]


def listed(
    session: Session, *, state: str | None, key: str | None, limit: int
) -> Sequence[Row[int, str | None, str, int, str, datetime]]:
    """Return process instances with their versions, newest first: of a state and a process, where they are given."""
    wanted = {ProcessInstance.state: state, ProcessInstance.definition_key: key}
    query = (
        select(
            ProcessInstance.id,
            ProcessInstance.business_key,
            Definition.key,
            Definition.version,
            ProcessInstance.state,
            ProcessInstance.started_at,
        )
        .join(Definition, Definition.id == ProcessInstance.definition_id)
        .where(*(column == value for column, value in wanted.items() if value is not None))
    )
    return session.execute(query.order_by(ProcessInstance.id.desc()).limit(limit)).all()
