"""
Which worklists there are, for whom, and what stands in them.

A process declares one: its property `worklist` is what it is called, `worklistGroups` who works through it. It has the
open tasks of the process that somebody may do and that are due by the end of today, the most pressing first. What is
put off until later is not among them, even where it is overdue and stands in the inbox: there is no use in trying
again what was just tried in vain. What has come back within the hour stands behind all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g, request, url_for
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.deployments import definitions
from casepath.engine.instances import user_tasks
from casepath.engine.instances.task_views import Filters, ListName
from casepath.engine.people.authorization import Person
from casepath.engine.queries import deployed, tasks
from casepath.engine.queries.tasks import TaskRow
from casepath.engine.queries.user_task import TaskDetail
from casepath.engine.time import clock
from casepath.web import filters, languages, navigation
from casepath.web.user_tasks import came_from

NAME, GROUPS = "worklist", "worklistGroups"
#: Sent along with a task that was opened from a worklist: the key of its process.
FIELD = "page.worklist"
#: Tasks that a worklist has at most.
MOST = 500
#: For how long what was tried and has come back stands behind all others.
JUST_TRIED = timedelta(hours=1)

#: Place of a task in a worklist: what was just tried behind all others, else the earliest due first.
Place = tuple[bool, datetime, bool, int]


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """One worklist."""

    #: Key of its process.
    process: str
    name: str


def of_person(session: Session, person: Person) -> list[Worklist]:
    """Return the worklists of a person."""
    found = []
    for definition in definitions.list_definitions(session, "process"):
        properties = definitions.process(session, definition.id).properties if definition.executable else {}
        groups = {group.strip() for group in properties.get(GROUPS, "").split(",")}
        if properties.get(NAME) and person.groups & groups:
            texts = deployed.texts(session, definition.id, languages.of_names())
            name = texts.called(f"{definition.key}.{NAME}", properties[NAME])
            found.append(Worklist(process=definition.key, name=name))
    return found


def named(session: Session, person: Person, process: str) -> Worklist:
    """Return a worklist of a person; raises `NotFound`."""
    try:
        return next(each for each in of_person(session, person) if each.process == process)
    except StopIteration:
        raise errors.NotFound("worklist", process) from None


def rows(session: Session, person: Person, process: str) -> list[TaskRow]:
    """
    Return what somebody can do of a worklist, the earliest due first, and at last what was tried within the hour.

    What nobody has stands behind one's own of the same moment; what one has lent is not to be done until it is back.
    """
    end = filters.begin(filters.local(clock.now()).date() + timedelta(days=1))
    views: tuple[ListName, ...] = ("mine", "claimable")
    found: dict[int, TaskRow] = {}
    for view in views:
        page = tasks.page(session, person, view, Filters(definition_key=process, order="due"), limit=MOST)
        due = (row for row in page.rows if row.due_at is not None and row.due_at < end and not row.is_put_off)
        found |= {row.id: row for row in due if tasks.is_for(person, row)}
    place = _places(session, *found.values())
    return sorted(found.values(), key=lambda row: place[row.id])


def _places(session: Session, *found: TaskRow | TaskDetail) -> dict[int, Place]:
    tried = tasks.tried_since(session, [each.id for each in found], clock.now() - JUST_TRIED)
    return {
        each.id: (each.id in tried, each.due_at or each.created_at, each.assignee is None, each.id) for each in found
    }


def begin(session: Session, person: Person, process: str, *, after: TaskDetail | None = None) -> int | None:
    """
    Return the task to be done next, taken for the person where nobody has it; None where nothing is left for today.

    `after` is one that was done or passed over: what stands behind it comes first, what was passed over before at last.
    """
    left = [row for row in rows(session, person, process) if after is None or row.id != after.id]
    place = _places(session, *left, *([after] if after is not None else []))
    behind = [row for row in left if after is not None and place[row.id] > place[after.id]]
    for row in [*behind, *(row for row in left if row not in behind)]:
        if row.assignee is not None:
            return row.id
        try:
            return user_tasks.claim(session, row.id, by=person).id
        except (errors.InvalidState, errors.Forbidden):
            # Somebody else was quicker.
            continue
    return None


def current() -> Worklist | None:
    """Return the worklist that the person of this request works through; None where a task was opened otherwise."""
    process = request.form.get(FIELD) or request.args.get("worklist")
    return next((each for each in entries() if each.process == process), None)


def following(done: TaskDetail) -> str:
    """Return where whoever has done a task goes on: at the next one of his worklist, or where he came from."""
    worklist = current()
    if worklist is None:
        return back()
    with g.sessions.begin() as session:
        task_id = begin(session, g.person, worklist.process, after=done)
    return back() if task_id is None else address(task_id, worklist.process)


def address(task_id: int, process: str) -> str:
    """Return the address of a task of a worklist."""
    return url_for("user_tasks.show", task_id=task_id, worklist=process)


def here(task_id: int) -> str:
    """Return the address of a task, opened from the worklist or list from which this request opened it."""
    worklist = current()
    if worklist is not None:
        return address(task_id, worklist.process)
    return url_for("user_tasks.show", task_id=task_id, list=came_from.listed() or None)


def back() -> str:
    """Return the address of the worklist or list from which this request opened a task."""
    worklist = current()
    return url_for("worklists.show", process=worklist.process) if worklist is not None else came_from.address()


@navigation.asked
def entries(session: Session) -> list[Worklist]:
    """Return the worklists of the person of this request, for the header."""
    return of_person(session, g.person) if isinstance(g.get("person"), Person) else []
