"""What the inbox shows: one page of a task list, what it is narrowed to by the address, and the badges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask import Response, current_app, g, render_template, request
from sqlalchemy.orm import Session

from casepath.engine import texts
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import deployed, notices, operations, people, task_ranges, tasks
from casepath.engine.queries.task_ranges import View
from casepath.web import facts, names, navigation
from casepath.web.registration import begun

#: Where a browser keeps the order that was chosen last, and for how many seconds.
COOKIE, KEPT = "task-order", 365 * 24 * 3600
VIEWS: tuple[View, ...] = ("mine", "claimable", "all", "put_off")


def render(session: Session, person: Person) -> str:
    """Return the page that the address asks for."""
    view, narrowed = chosen_view(), chosen_filters()
    found = tasks.page(session, person, view, narrowed, after=list_key_from(request.args.get("after")))
    exact = tasks.with_business_key(session, person, narrowed.text) if narrowed.text else []
    found = replace(found, rows=[names.named(session, row) for row in found.rows])
    exact = [names.named(session, row) for row in exact]
    return render_template(
        "user_tasks/index.html",
        page=found,
        exact=exact,
        view=view,
        views=VIEWS,
        filters=narrowed,
        orders=task_ranges.ORDERS,
        key_text=list_key_text,
        counts=counts(session, person),
        drafts=begun.rows(session, person) if view == "mine" else [],
        facts=facts.of_instances(session, {row.process_instance_id for row in found.rows + exact}),
        groups=people.group_names(session),
        may_claim=lambda row: authorization.acting_as(person, authorization.may_claim, row.candidacy) is not None,
        absent={each.username: each.name or each.username for each in person.stands_in_for},
        texts={each: deployed.texts(session, each) for each in {row.definition_id for row in found.rows + exact}},
        definitions=names.processes(session),
    )


def chosen_view() -> View:
    """Return the tab of the address."""
    wanted = request.args.get("view", "mine")
    return next((view for view in VIEWS if view == wanted), "mine")


def chosen_filters() -> tasks.Filters:
    """Return what the address narrows the list to."""
    arguments = request.args
    due = arguments.get("due", "")
    return tasks.Filters(
        text=texts.storable(arguments.get("q", "").strip()[:100]),
        definition_key=texts.storable(arguments.get("process", "")[:255]),
        due=due if due in ("overdue", "soon") else "",
        order=chosen_order(),
    )


def chosen_order() -> task_ranges.Order:
    """Return the order of the address, else the one that was chosen last on this browser."""
    wanted = request.args.get("order", request.cookies.get(cookie_name(), ""))
    return next((order for order in task_ranges.ORDERS if order == wanted), "")


def remember_order(answer: Response) -> Response:
    """Have the browser keep the order that the address asks for."""
    if "order" in request.args:
        secure = current_app.config["SESSION_COOKIE_SECURE"]
        answer.set_cookie(
            cookie_name(), chosen_order(), max_age=KEPT, secure=secure, httponly=True, samesite="Lax"
        )
    return answer


def cookie_name() -> str:
    """Return the name of the cookie with the order; other installations on the same host have their own."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-{COOKIE}"


def counts(session: Session, person: Person) -> dict[str, int]:
    """Return the numbers of all badges: those of the header and those of the lists."""
    lists: tuple[View, ...] = ("claimable", "all", "put_off")
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
    if g.get("database_away", False):
        return {}
    with g.readers.begin() as session:
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
