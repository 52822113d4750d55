"""
Task lists: which open user tasks somebody sees, the overdue ones first, then the most urgent, by pages and as counts.

Where a list is in that order, a page costs the same with a thousand open tasks and with a million (`task_ranges`). What
a filter looks for is not in its indexes; it is applied to one stretch of the list after the other, up to a limit, and
the next page goes on where the reading ended.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from casepath.engine.database import terms, values
from casepath.engine.database.models import Definition, Fact, ProcessInstance, User, UserTask
from casepath.engine.instances.task_views import BACKWARDS, Filters, ListName
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Candidacy, Person, may_see_every_instance
from casepath.engine.queries import task_ranges
from casepath.engine.queries.instances import Reference, belongs
from casepath.engine.queries.task_ranges import bounds
from casepath.engine.time import clock

#: Counts are not counted further than this.
COUNT_LIMIT = 100
#: How many tasks a filter looks through at once, and how often before the page is shown as it is.
STRETCH = 500
STRETCHES = 10
#: Tasks that are shown by the days on which they are due.
MOST_DUE = 1_000


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
    #: Put off until then; what is overdue stands in the lists all the same.
    follow_up_at: datetime | None
    sort_at: datetime
    created_at: datetime

    @property
    def is_put_off(self) -> bool:
        """Whether it is put off to a moment that is still to come, overdue or not."""
        return self.follow_up_at is not None and self.follow_up_at > clock.now()

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
    view: ListName,
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
        stretch = keys(session, person, view, filters, after=key, limit=size)
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
    session: Session, person: Person, view: ListName, filters: Filters, *, after: Key | None = None, limit: int
) -> list[Key]:
    """Return the order keys of the first open tasks after a key: the overdue ones, then the others, or in its order."""
    as_of = after.as_of if after is not None else clock.now()
    last = after.id if after is not None else None
    due = bounds(filters.due, None, as_of)
    if filters.fact:
        backwards = filters.order.startswith(BACKWARDS)
        placed = task_ranges.by_fact(session, person, view, due, filters.fact, backwards=backwards, last=last)
        return [Key(as_of=as_of, is_late=False, sort_at=at, id=number) for at, number in placed[:limit]]
    if filters.order:
        statement = task_ranges.ordered(session, person, view, due, filters.order, last, limit)
        return [Key(as_of=as_of, is_late=False, sort_at=at, id=number) for at, number in session.execute(statement)]
    found: list[Key] = []
    for is_late in (True, False):
        if len(found) < limit and not (after is not None and is_late and not after.is_late):
            begin = (after.sort_at, after.id) if after is not None and after.is_late == is_late else None
            within = bounds(filters.due, is_late, as_of)
            statement = task_ranges.union(person, view, within, begin, limit - len(found))
            found += [
                Key(as_of=as_of, is_late=is_late, sort_at=sort_at, id=task_id)
                for sort_at, task_id in session.execute(statement)
            ]
    return found


def due_within(
    session: Session, person: Person, view: ListName, filters: Filters, *, since: datetime, until: datetime
) -> TaskPage:
    """Return the tasks of a list that are due at a moment or later, and before another; at most `MOST_DUE` of them."""
    statement = task_ranges.union(person, view, (since, until), None, MOST_DUE + 1)
    ids = [number for _, number in session.execute(statement)]
    rows = [row for row in _rows(session, ids[:MOST_DUE], filters) if row.due_at is not None]
    return TaskPage(rows=rows, next=None, is_partial=len(ids) > MOST_DUE)


def tally(session: Session, person: Person, view: ListName, filters: Filters) -> tuple[int, bool]:
    """
    Return how many open tasks of a list fit, at most `COUNT_LIMIT`, and whether more may fit.

    Where an index does not answer, only the first `STRETCH` of the list are looked through.
    """
    if not filters.needs_reading:
        number = count(session, person, view, filters.due)
        return number, number >= COUNT_LIMIT
    ranges = task_ranges.union(person, view, bounds(filters.due, None, clock.now()), None, STRETCH)
    # Numbers instead of a query within the next one, which a database might begin at the other end.
    ids = [number for _, number in session.execute(ranges)]
    statement = select(UserTask.id).where(UserTask.id.in_(ids), *_fitting(filters)).limit(COUNT_LIMIT)
    number = len(session.scalars(statement).all()) if ids else 0
    return number, number >= COUNT_LIMIT or len(ids) >= STRETCH


def count(session: Session, person: Person, view: ListName, due: str = "") -> int:
    """Return how many open tasks a list has, at most `COUNT_LIMIT`."""
    return task_ranges.count(session, person, view, bounds(due, None, clock.now())[1], COUNT_LIMIT)


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


def of_matter(
    session: Session, reference: Reference, *, skipped: int = 0, limit: int = 50
) -> tuple[list[TaskRow], int | None]:
    """
    Return the open tasks of a matter, most pressing first, and how many stand before the next page, if any.

    They are told to all who may see the matter: also those who may not act learn who has it.
    """
    of_instances = UserTask.process_instance_id.in_(select(ProcessInstance.id).where(belongs(reference)))
    query = select(UserTask.id).where(of_instances, UserTask.state == "created")
    query = query.order_by(UserTask.sort_at, UserTask.id).offset(skipped).limit(limit + 1)
    found = session.scalars(query).all()
    return _rows(session, found[:limit], Filters()), skipped + limit if len(found) > limit else None


def tried_since(session: Session, task_ids: Collection[int], since: datetime) -> set[int]:
    """Return which of these tasks were done before, at a moment or later, and have come back since."""
    before = aliased(UserTask)
    earlier = exists().where(
        before.process_instance_id == UserTask.process_instance_id,
        before.element_id == UserTask.element_id,
        before.id < UserTask.id,
        before.state == "completed",
        before.ended_at >= since,
    )
    return set(session.scalars(select(UserTask.id).where(UserTask.id.in_(task_ids), earlier)))


def sees(person: Person, row: TaskRow) -> bool:
    """Tell whether an open task is in the list of all that somebody sees."""
    if may_see_every_instance(person) or person.username == row.assignee or person.username in row.candidate_users:
        return True
    return not (person.groups | person.distributes).isdisjoint(row.candidate_groups)


def is_for(person: Person, row: TaskRow) -> bool:
    """Tell whether somebody can work on an open task: it is his, or of those he stands in for, or they may claim it."""
    return authorization.acting_as(person, authorization.may_save_draft, row.candidacy) is not None


def _rows(session: Session, task_ids: Sequence[int], filters: Filters) -> list[TaskRow]:
    if not task_ids:
        return []
    assignee = aliased(User)
    statement = (
        select(UserTask, Definition.key, Definition.name, assignee.name)
        .join(Definition, Definition.id == UserTask.definition_id)
        .outerjoin(assignee, assignee.username == UserTask.assignee)
        .where(UserTask.id.in_(task_ids), *_fitting(filters))
        .order_by(UserTask.sort_at, UserTask.id)
    )
    return [_row(task, key, name, assignee_name) for task, key, name, assignee_name in session.execute(statement)]


def _fitting(filters: Filters) -> list[ColumnElement[bool]]:
    """
    The conditions on tasks that no index of a list answers.

    What they ask of other tables they ask for each task: joined, SQLite might begin with all process instances.
    """
    owner = ProcessInstance.id == UserTask.process_instance_id
    root = select(ProcessInstance.root_id).where(owner).correlate(UserTask).scalar_subquery()
    conditions: list[ColumnElement[bool]] = [
        or_(
            UserTask.name.icontains(word, autoescape=True),
            and_(*(root.in_(terms.roots_with(piece)) for piece in terms.words(word))),
        )
        for word in terms.split(unicodedata.normalize("NFKC", filters.text))
    ]
    if filters.definition_key:
        of_process = select(Definition.id).where(Definition.key == filters.definition_key)
        conditions.append(UserTask.definition_id.in_(of_process))
    if filters.assignee:
        conditions.append(UserTask.assignee == filters.assignee)
    for name, value in filters.facts.items():
        # A text is stored in quotes, a number or what is or is not so without.
        stored = Fact.value.in_([values.dumps(value), value])
        conditions.append(exists().where(Fact.root_id == root, Fact.name == name, stored))
    return conditions


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
        follow_up_at=task.follow_up_at,
        sort_at=task.sort_at,
        created_at=task.created_at,
    )
