"""
The ranges of which a task list is made, as statements that give the first keys of it.

A list is a union of ranges, each of which an index gives in the order of urgency: the tasks of an assignee, those that
a group or a user may claim, or all. Each range is read only as far as the page reaches. Other orders have no index:
they sort the list of one person, however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from casepath.engine.database import entries, values
from casepath.engine.database.models import Fact, ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.instances.task_views import ListName
from casepath.engine.people.authorization import Person, may_see_every_instance
from casepath.engine.runtime import urgency
from casepath.engine.time import clock

#: Tasks due at the first moment or later, or without a due date, and before the second.
Bounds = tuple[datetime | None, datetime | BindParameter[datetime] | None]
#: How many of the most urgent tasks are put in the order of a fact.
SORTED = 5_000
#: How many statements that count are kept: a few for each person who has a page open.
KEPT = 512

# A bound parameter would hide from SQLite that the partial indexes apply.
_OPEN = UserTask.state == literal_column("'created'")

#: The moment when a statement is executed; one before which tasks are due, given then, and how far their keys go.
_NOW = bindparam("now", callable_=clock.now, type_=UserTask.due_at.type)
_UNTIL = bindparam("until", type_=UserTask.due_at.type)
_FURTHEST = bindparam("furthest", type_=UserTask.due_at.type)
#: Not put off to a follow-up date that is still to come; what is overdue is put off no longer.
_AWAKE = or_(UserTask.follow_up_at.is_(None), UserTask.follow_up_at <= _NOW, UserTask.due_at < _NOW)
#: Put off, and not overdue.
_ASLEEP = and_(UserTask.follow_up_at > _NOW, or_(UserTask.due_at.is_(None), UserTask.due_at >= _NOW))

_DUE_AT = func.coalesce(UserTask.due_at, literal(urgency.FAR_FUTURE, UserTask.due_at.type))
#: By which columns a list is in each order, all of them ascending; the last one tells tasks apart.
_COLUMNS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "due": (_DUE_AT, UserTask.id.expression),
    "priority": (-UserTask.priority, UserTask.sort_at.expression, UserTask.id.expression),
    "newest": (-UserTask.id,),
    "oldest": (UserTask.id.expression,),
}


def union(
    person: Person, view: ListName, due: Bounds, after: tuple[datetime, int] | None, limit: int
) -> Select[datetime, int]:
    """Return the statement for the first keys of a list: each range is cut before they are put together."""
    ranges = [part.limit(limit).subquery() for part in _ranges(person, view, due, after)]
    if len(ranges) == 1:
        only = ranges[0]
        return select(only.c.sort_at, only.c.id).order_by(only.c.sort_at, only.c.id)
    # A task of two of one's groups is in two ranges; `UNION` keeps one of them.
    together = sqlalchemy.union(*(select(part.c.sort_at, part.c.id) for part in ranges)).subquery()
    return select(together.c.sort_at, together.c.id).order_by(together.c.sort_at, together.c.id).limit(limit)


def count(session: Session, person: Person, view: ListName, until: datetime | None, limit: int) -> int:
    """Return how many tasks a list has, at most `limit`: all of them, or those that are due before a moment."""
    given = {"until": until, "furthest": until + urgency.FURTHEST} if until is not None else {}
    return session.scalar(_counting(person, view, until is not None, limit), given) or 0


@lru_cache(maxsize=KEPT)
def _counting(person: Person, view: ListName, is_bounded: bool, limit: int) -> Select[int]:
    """Each page counts: to write the statement anew would take longer than to execute it."""
    ranges = union(person, view, (None, _UNTIL if is_bounded else None), None, limit).subquery()
    return select(func.count()).select_from(ranges)


def ordered(
    session: Session, person: Person, view: ListName, due: Bounds, order: str, last: int | None, limit: int
) -> Select[datetime, int]:
    """Return the statement for the first keys of a list in another order than by urgency, behind its last task."""
    columns = _COLUMNS[order]
    ids = sqlalchemy.union(*(select(part.subquery().c.id) for part in _ranges(person, view, due, None))).subquery()
    statement = select(UserTask.sort_at, UserTask.id).where(UserTask.id.in_(select(ids.c.id)))
    place = session.execute(select(*columns).where(UserTask.id == last)).one_or_none() if last is not None else None
    if place is not None:
        behind = [literal(value, column.type) for value, column in zip(place, columns, strict=True)]
        statement = statement.where(tuple_(*columns) > tuple_(*behind))
    return statement.order_by(*columns).limit(limit)


def by_fact(
    session: Session, person: Person, view: ListName, due: Bounds, fact: str, *, backwards: bool, last: int | None
) -> list[tuple[datetime, int]]:
    """
    Return the keys of a list in the order of a fact of the matters, behind its last task; those without it come last.

    Of a list that is longer than `SORTED`, the most urgent tasks are put in order.
    """
    found = {number: sort_at for sort_at, number in session.execute(union(person, view, due, None, SORTED))}
    wanted = found.keys() | ({last} if last is not None else set())
    query = (
        select(UserTask.id, Fact.value)
        .join(ProcessInstance, ProcessInstance.id == UserTask.process_instance_id)
        .join(Fact, Fact.root_id == ProcessInstance.root_id)
        .where(UserTask.id.in_(wanted), Fact.name == fact)
        .order_by(Fact.process_instance_id.desc())
    )
    # The last row of a task is that of the outermost process instance.
    compared = {number: entries.compared(values.loads(value)) for number, value in session.execute(query)}
    having = sorted((number for number in wanted if number in compared), key=lambda number: (compared[number], number))
    lacking = sorted(number for number in wanted if number not in compared)
    ordered = [*(reversed(having) if backwards else having), *lacking]
    behind = ordered[ordered.index(last) + 1 :] if last is not None else ordered
    return [(found[number], number) for number in behind if number in found]


def _ranges(
    person: Person, view: ListName, due: Bounds, after: tuple[datetime, int] | None
) -> list[Select[datetime, int]]:
    shown = _ASLEEP if view == "put_off" else _AWAKE
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


def bounds(due: str, is_late: bool | None, as_of: datetime) -> tuple[datetime | None, datetime | None]:
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
        yield sort_at < (until + urgency.FURTHEST if isinstance(until, datetime) else _FURTHEST)
        yield UserTask.due_at < until
    if first is not None:
        yield sort_at >= first - urgency.FURTHEST
        yield or_(UserTask.due_at.is_(None), UserTask.due_at >= first)
