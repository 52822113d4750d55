"""The list from which a task was opened: the way back to it, and what comes next in it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from casepath.engine import errors
from casepath.engine.instances.task_views import Settings
from casepath.engine.people.authorization import Person
from casepath.engine.queries import tasks
from casepath.engine.queries.tasks import TaskRow
from casepath.web.names import named
from casepath.web.user_tasks import asked

#: What pages of tasks send along: the arguments of the list's address; and that the next task is wanted.
FIELD, NEXT = "page.list", "page.next"
#: Characters of these arguments; addresses are not longer.
LONGEST = 4_000


def listed() -> str:
    """Return the arguments of the list's address as this request has them; empty where it came from elsewhere."""
    return (request.form.get(FIELD) or request.args.get("list", ""))[:LONGEST]


def address() -> str:
    """Return the address of the list: where whoever sent the request says what no address can, it is written so."""
    here, given = url_for("user_tasks.index"), parse_qsl(listed())
    return f"{here}?{urlencode(given)}" if given else here


def following(session: Session, person: Person, *done: int) -> TaskRow | None:
    """Return the first task of the list that somebody can work on, but for those that are done; None without."""
    given = MultiDict(parse_qsl(listed()))
    try:
        settings = asked.of(session, person, given).settings
    except errors.NotFound:  # a view that is gone
        settings = Settings()
    rows = tasks.page(session, person, settings.list, settings.filters).rows
    ours = (row for row in rows if row.id not in done and tasks.is_for(person, row))
    found = next(ours, None)
    return named(session, found) if found is not None else None
