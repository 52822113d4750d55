"""What the inbox shows: one page of a task list, what it is narrowed to by the address, and the badges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from flask import g, render_template, request
from sqlalchemy.orm import Session

from casepath.engine.instances.task_views import ListName
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import deployed, notices, operations, people, tasks
from casepath.engine.queries import facts as queried
from casepath.engine.queries.tasks import TaskRow
from casepath.engine.time import clock
from casepath.web import facts, filters, languages, names, navigation, words
from casepath.web.registration import begun
from casepath.web.user_tasks import asked, columns, tools
from casepath.web.words import Words

#: More people than these are not listed on each page; whoever is meant is written.
FEW = 60


@dataclass(frozen=True, kw_only=True)
class Row:
    """A task of a list, as its page shows it."""

    task: TaskRow
    #: What names its matter.
    named: facts.Named
    #: What stands in the columns of facts, by these; moments as such.
    cells: Mapping[str, Any]
    #: What its diagram says about it.
    about: str


def render(session: Session, person: Person) -> str | None:
    """
    Return the page that the address asks for; only its list where a page asks for that, None where it is as it was.
    """
    wanted = asked.of(session, person, request.args)
    settings, told = wanted.settings, words.of(session)
    narrowed = settings.filters
    found = tasks.page(session, person, settings.list, narrowed, after=list_key_from(request.args.get("after")))
    exact = tasks.with_business_key(session, person, narrowed.text) if narrowed.text else []
    first = {row.id for row in exact}
    listed = rows(session, told, [*exact, *(row for row in found.rows if row.id not in first)])
    seen = fingerprint(listed)
    if (known := request.args.get("seen")) is not None and "HX-Request" in request.headers and known == seen:
        return None
    return render_template(
        "user_tasks/list.html" if known is not None and "HX-Request" in request.headers else "user_tasks/index.html",
        seen=seen,
        page=found,
        rows=listed,
        columns=columns.shown(told, settings),
        receivers=people.choices(session, limit=FEW),
        key_text=list_key_text,
        counts=counts(session, person),
        drafts=begun.rows(session, person) if settings.list == "mine" else [],
        may_claim=lambda row: authorization.acting_as(person, authorization.may_claim, row.candidacy) is not None,
        absent={each.username: each.name or each.username for each in person.stands_in_for},
        **tools.shown(session, person, wanted, told),
    )


def fingerprint(listed: Sequence[Row]) -> str:
    """Return what tells a list from another one, as far as its reader sees it."""
    # Moments are told in another way on another day, and how long there is from hour to hour.
    told = [(row.task, row.named, row.cells, filters.due_text(row.task.due_at)) for row in listed]
    return sha256(repr((filters.day(clock.now()), told)).encode()).hexdigest()[:16]


def rows(session: Session, told: Words, found: Sequence[TaskRow]) -> list[Row]:
    """Return tasks with what their matters are known by."""
    known = queried.of_instances(session, {row.process_instance_id for row in found})
    texts = {each: deployed.texts(session, each, languages.of_names()) for each in {row.definition_id for row in found}}
    listed = []
    for row in found:
        of_matter, task = known.get(row.process_instance_id, {}), names.named(session, row)
        about = filters.readable(texts[row.definition_id].documentation.get(row.element_id, ""))
        cells = {
            name: value if isinstance(value, datetime) else told.said(name, value) for name, value in of_matter.items()
        }
        named = facts.named(told, of_matter)
        listed.append(Row(task=task, named=named, cells=cells, about=about or task.definition_name))
    return listed


def counts(session: Session, person: Person) -> dict[str, int]:
    """Return the numbers of all badges: those of the header and those of the lists."""
    lists: tuple[ListName, ...] = ("claimable", "all", "put_off")
    return badges(session, person) | {name: tasks.count(session, person, name) for name in lists}


def badges(session: Session, person: Person) -> dict[str, int]:
    """
    Return the numbers of the header: one's tasks, the overdue ones among them, unread notifications.

    For those who operate the engine also what waits for a person there.
    """
    found = {
        "mine": tasks.count(session, person, "mine"),
        "overdue": tasks.count(session, person, "mine", "overdue"),
        "unread": notices.unread(session, person.username),
    }
    return found | {"troubles": operations.troubles(session)} if authorization.may_operate(person) else found


def badges_of_page() -> dict[str, int]:
    """Return the numbers of the header for the person of this request; none where the database does not answer."""
    return {} if g.get("database_away", False) else _badges_of_person()


@navigation.asked
def _badges_of_person(session: Session) -> dict[str, int]:
    return badges(session, g.person)


def list_key_text(key: tasks.Key | None) -> str | None:
    """Return the key of a page of a task list for the address."""
    return f"{key.as_of.isoformat()}~{int(key.is_late)}~{key_text((key.sort_at, key.id))}" if key else None


def list_key_from(text: str | None) -> tasks.Key | None:
    """Read the key of a page of a task list; one that makes no sense means the first page."""
    as_of, _, rest = (text or "").partition("~")
    late, _, place = rest.partition("~")
    opened, place_key = key_from(f"{as_of}~1"), key_from(place)
    if opened is None or place_key is None:
        return None
    return tasks.Key(as_of=opened[0], is_late=late == "1", sort_at=place_key[0], id=place_key[1])


def key_text(key: tuple[datetime, int] | None) -> str | None:
    """Return a page's key for the address."""
    return f"{key[0].isoformat()}~{key[1]}" if key else None


def key_from(text: str | None) -> tuple[datetime, int] | None:
    """Read a page's key; one that makes no sense means the first page."""
    at, _, number = (text or "").partition("~")
    task_id = navigation.row_id(number)
    try:
        moment = datetime.fromisoformat(at)
        is_moment = moment.tzinfo is not None and moment.astimezone(UTC).year > 1
    except (ValueError, OverflowError):
        return None
    return (moment, task_id) if is_moment and task_id is not None else None
