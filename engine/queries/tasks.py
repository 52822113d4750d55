"""
Task lists: which open user tasks somebody sees, the overdue ones first, then the most urgent, by pages and as counts.

A list is a union of ranges, each of which an index gives in its order: the tasks of an assignee, those that a group
or a user may claim, or all. Each range is read only as far as the page reaches, so a page costs the same with a
thousand open tasks and with a million. What a filter looks for is not in those indexes; it is applied to one stretch
of the list after the other, up to a limit, and the next page goes on where the reading ended.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, false, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from casepath.engine.database import facts
from casepath.engine.database.models import Definition, Fact, ProcessInstance, User, UserTask, UserTaskCandidate
from casepath.engine.people.authorization import Candidacy, Person, may_see_every_instance
from casepath.engine.queries.instances import Reference, belongs
from casepath.engine.runtime import urgency
from casepath.engine.time import clock

#: Which part of the open tasks: one's own, what one may claim, or everything that one may see.
View = Literal["mine", "claimable", "all", "put_off"]
#: Tasks due at the first moment or later, or without a due date, and before the second.
Bounds = tuple[datetime | None, datetime | None]

#: Counts are not counted further than this.
COUNT_LIMIT = 100
#: How many tasks a filter looks through at once, and how often before the page is shown as it is.
STRETCH = 500
STRETCHES = 10

# A bound parameter would hide from SQLite that the partial indexes apply.
_OPEN = UserTask.state == literal_column("'created'")


@dataclass(frozen=True, kw_only=True)
class Key:
    """Where a page ends: the order key of its last row."""

    #: When the list was opened: what was overdue then comes first on all of its pages.
    as_of: datetime
    #: Whether the row is overdue.
    is_late: bool
    sort_at: datetime
    id: int


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a list is narrowed to; everything unset shows everything."""

    #: Words, each part of the task's name, of the business key, or of a fact of its matter.
    text: str = ""
    definition_key: str = ""
    #: `overdue`, or `soon`: due within a day, overdue ones included.
    due: str = ""
    assignee: str = ""

    @property
    def is_set(self) -> bool:
        """Whether the list is narrowed at all."""
        return self != Filters()

    @property
    def needs_reading(self) -> bool:
        """Whether something is looked for that no index of the list has."""
        return bool(self.text or self.definition_key or self.assignee)


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One user task in a list."""

    id: int
    process_instance_id: int
    name: str
    element_id: str
    business_key: str | None
    definition_id: int
    definition_key: str
    definition_name: str
    assignee: str | None
    assignee_name: str | None
    #: Who stays responsible while it is lent.
    owner: str | None
    candidate_groups: tuple[str, ...]
    candidate_users: tuple[str, ...]
    priority: int
    due_at: datetime | None
    sort_at: datetime
    created_at: datetime

    @property
    def candidacy(self) -> Candidacy:
        """Whom it belongs to, as far as a list says."""
        return Candidacy(
            assignee=self.assignee,
            owner=self.owner,
            candidate_users=frozenset(self.candidate_users),
            candidate_groups=frozenset(self.candidate_groups),
        )


@dataclass(frozen=True, kw_only=True)
class TaskPage:
    """One page of a list."""

    rows: list[TaskRow]
    #: Where the next page begins; None on the last one.
    next: Key | None
    #: Whether the reading was ended before the page was full: what a filter looks for may come later.
    is_partial: bool = False


def page(
    session: Session,
    person: Person,
    view: View,
    filters: Filters | None = None,
    *,
    after: Key | None = None,
    limit: int = 25,
) -> TaskPage:
    """Return the page of the list that begins after a key."""
    filters = filters or Filters()
    size = STRETCH if filters.needs_reading else limit + 1
    found: list[TaskRow] = []
    seen: dict[int, Key] = {}
    key = after
    for _ in range(STRETCHES):
        stretch = keys(session, person, view, filters.due, after=key, limit=size)
        order = {each.id: each for each in stretch}
        rows = {row.id: row for row in _rows(session, list(order), filters)}
        found += [rows[number] for number in order if number in rows]
        if len(found) > limit:
            last = found[limit - 1].id
            return TaskPage(rows=found[:limit], next=order.get(last) or seen[last])
        seen |= order
        if len(stretch) < size:
            return TaskPage(rows=found, next=None)
        key = stretch[-1]
    return TaskPage(rows=found, next=key, is_partial=True)


def keys(
    session: Session, person: Person, view: View, due: str = "", *, after: Key | None = None, limit: int
) -> list[Key]:
    """Return the order keys of the first open tasks after a key: the overdue ones, then the others."""
    as_of = after.as_of if after is not None else clock.now()
    found: list[Key] = []
    for is_late in (True, False):
        if len(found) < limit and not (after is not None and is_late and not after.is_late):
            begin = (after.sort_at, after.id) if after is not None and after.is_late == is_late else None
            statement = union(person, view, _bounds(due, is_late, as_of), begin, limit - len(found))
            found += [
                Key(as_of=as_of, is_late=is_late, sort_at=sort_at, id=task_id)
                for sort_at, task_id in session.execute(statement)
            ]
    return found


def count(session: Session, person: Person, view: View, due: str = "") -> int:
    """Return how many open tasks a list has, at most `COUNT_LIMIT`."""
    ranges = union(person, view, _bounds(due, None, clock.now()), None, COUNT_LIMIT).subquery()
    return session.scalar(select(sqlalchemy.func.count()).select_from(ranges)) or 0


def with_business_key(session: Session, person: Person, business_key: str) -> list[TaskRow]:
    """Return the open tasks of the matter with exactly this number that a person may see."""
    found = (
        session.execute(
            select(UserTask.id).where(UserTask.business_key == business_key, UserTask.state == "created").limit(STRETCH)
        )
        .scalars()
        .all()
    )
    rows = _rows(session, found, Filters())
    return [row for row in rows if sees(person, row)]


def of_matter(session: Session, reference: Reference) -> list[TaskRow]:
    """Return the open tasks of a matter, for all who may see it: also those who may not act are told who has it."""
    of_instances = UserTask.process_instance_id.in_(select(ProcessInstance.id).where(belongs(reference)))
    query = select(UserTask.id).where(of_instances, UserTask.state == "created").limit(STRETCH)
    return _rows(session, session.scalars(query).all(), Filters())


def definitions(session: Session) -> list[tuple[str, str]]:
    """Return key and name of the processes whose tasks a list may be narrowed to: the newest version of each."""
    newest = (
        select(Definition.key, sqlalchemy.func.max(Definition.version).label("version"))
        .where(Definition.kind == "process")
        .group_by(Definition.key)
        .subquery()
    )
    found = session.execute(
        select(Definition.key, Definition.name)
        .join(newest, and_(Definition.key == newest.c.key, Definition.version == newest.c.version))
        .where(Definition.kind == "process")
        .order_by(Definition.name)
    )
    return [(key, name or key) for key, name in found]


def sees(person: Person, row: TaskRow) -> bool:
    """Tell whether an open task is in the list of all that somebody sees."""
    if may_see_every_instance(person) or person.username == row.assignee or person.username in row.candidate_users:
        return True
    return not (person.groups | person.distributes).isdisjoint(row.candidate_groups)


def union(
    person: Person, view: View, due: Bounds, after: tuple[datetime, int] | None, limit: int
) -> Select[datetime, int]:
    """Return the statement for the first keys of a list: each range is cut before they are put together."""
    ranges = [part.limit(limit).subquery() for part in _ranges(person, view, due, after)]
    if len(ranges) == 1:
        only = ranges[0]
        return select(only.c.sort_at, only.c.id).order_by(only.c.sort_at, only.c.id)
    # A task of two of one's groups is in two ranges; `UNION` keeps one of them.
    together = sqlalchemy.union(*(select(part.c.sort_at, part.c.id) for part in ranges)).subquery()
    return select(together.c.sort_at, together.c.id).order_by(together.c.sort_at, together.c.id).limit(limit)


def _ranges(person: Person, view: View, due: Bounds, after: tuple[datetime, int] | None) -> list[Select[datetime, int]]:
    shown = _asleep() if view == "put_off" else _awake()
    if view == "all" and may_see_every_instance(person):
        return [_tasks(due, after, shown)]
    ranges = []
    everybody = (person, *person.stands_in_for)
    if view != "claimable":
        for each in everybody:
            ranges.append(_tasks(due, after, shown, UserTask.assignee == each.username))
            # What one has lent stays in one's list: it comes back.
            ranges.append(_tasks(due, after, shown, UserTask.owner == each.username))
    if view != "mine":
        names = sorted({("user", each.username) for each in everybody} | {
            ("group", group) for each in everybody
            for group in (each.groups | each.distributes if view == "all" else each.groups)
        })  # fmt: skip
        for claimed in (False, True) if view == "all" else (False,):
            ranges += [_candidates(kind, name, claimed, due, after, shown) for kind, name in names]
    return ranges


def _tasks(
    due: Bounds, after: tuple[datetime, int] | None, *conditions: ColumnElement[bool]
) -> Select[datetime, int]:
    """One range of the index `user_tasks_open`, or of `user_tasks_inbox` with a condition on the assignee."""
    return (
        select(UserTask.sort_at.label("sort_at"), UserTask.id.label("id"))
        .where(_OPEN, *conditions, *_within(UserTask.sort_at, UserTask.id, due, after))
        .order_by(UserTask.sort_at, UserTask.id)
    )


def _candidates(
    kind: str, name: str, claimed: bool, due: Bounds, after: tuple[datetime, int] | None, shown: ColumnElement[bool]
) -> Select[datetime, int]:
    """One range of the index `user_task_candidates_inbox`."""
    candidate = UserTaskCandidate
    return (
        select(candidate.sort_at.label("sort_at"), candidate.user_task_id.label("id"))
        .join(UserTask, UserTask.id == candidate.user_task_id)
        .where(
            candidate.kind == kind,
            candidate.name == name,
            candidate.claimed == (sqlalchemy.true() if claimed else false()),
            shown,
            *_within(candidate.sort_at, candidate.user_task_id, due, after),
        )
        .order_by(candidate.sort_at, candidate.user_task_id)
    )


def _awake() -> ColumnElement[bool]:
    """Not put off to a follow-up date that is still to come; what is overdue is put off no longer."""
    now = clock.now()
    return or_(UserTask.follow_up_at.is_(None), UserTask.follow_up_at <= now, UserTask.due_at < now)


def _asleep() -> ColumnElement[bool]:
    """Put off, and not overdue."""
    now = clock.now()
    return and_(UserTask.follow_up_at > now, or_(UserTask.due_at.is_(None), UserTask.due_at >= now))


def _bounds(due: str, is_late: bool | None, as_of: datetime) -> Bounds:
    """Return between which moments tasks are due: those of a filter, and overdue or not where that is asked."""
    until = {"overdue": as_of, "soon": as_of + timedelta(days=1)}.get(due)
    if is_late is None:
        return None, until
    return (None, as_of) if is_late else (as_of, until)


def _within(
    sort_at: Any, task_id: Any, due: Bounds, after: tuple[datetime, int] | None
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a range: on its order key, by which an index finds it, and on when a task is due."""
    first, until = due
    if after is not None:
        yield tuple_(sort_at, task_id) > tuple_(sqlalchemy.literal(after[0], sort_at.type), after[1])
    if until is not None:
        yield sort_at < until + urgency.FURTHEST
        yield UserTask.due_at < until
    if first is not None:
        yield sort_at >= first - urgency.FURTHEST
        yield or_(UserTask.due_at.is_(None), UserTask.due_at >= first)


def _rows(session: Session, task_ids: Sequence[int], filters: Filters) -> list[TaskRow]:
    if not task_ids:
        return []
    assignee = aliased(User)
    conditions: list[ColumnElement[bool]] = [UserTask.id.in_(task_ids)]
    conditions += [
        or_(
            UserTask.name.icontains(text, autoescape=True),
            UserTask.business_key.icontains(text, autoescape=True),
            facts.roots_with(text).where(Fact.root_id == ProcessInstance.root_id).exists(),
        )
        for text in unicodedata.normalize("NFKC", filters.text).split()
    ]
    if filters.definition_key:
        conditions.append(Definition.key == filters.definition_key)
    if filters.assignee:
        conditions.append(UserTask.assignee == filters.assignee)
    statement = (
        select(UserTask, Definition.key, Definition.name, assignee.name)
        .join(Definition, Definition.id == UserTask.definition_id)
        .join(ProcessInstance, ProcessInstance.id == UserTask.process_instance_id)
        .outerjoin(assignee, assignee.username == UserTask.assignee)
        .where(and_(*conditions))
        .order_by(UserTask.sort_at, UserTask.id)
    )
    return [_row(task, key, name, assignee_name) for task, key, name, assignee_name in session.execute(statement)]


def _row(task: UserTask, definition_key: str, definition_name: str, assignee_name: str | None) -> TaskRow:
    return TaskRow(
        id=task.id,
        process_instance_id=task.process_instance_id,
        name=task.name or task.element_id,
        element_id=task.element_id,
        business_key=task.business_key,
        definition_id=task.definition_id,
        definition_key=definition_key,
        definition_name=definition_name or definition_key,
        assignee=task.assignee,
        assignee_name=assignee_name,
        owner=task.owner,
        candidate_groups=tuple(json.loads(task.candidate_groups)),
        candidate_users=tuple(json.loads(task.candidate_users)),
        priority=task.priority,
        due_at=task.due_at,
        sort_at=task.sort_at,
        created_at=task.created_at,
    )
