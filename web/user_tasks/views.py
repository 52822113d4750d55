"""The inbox, and the page on which a user task is done."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, g, make_response, redirect, render_template, request
from flask import Response as FlaskResponse
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.instances import attachments, comments, incidents, user_tasks
from casepath.engine.queries import people
from casepath.engine.queries.user_task import TaskDetail
from casepath.web import filters, forms, mentioned, names, navigation, once, phrases, uploads, workbooks
from casepath.web.languages import gettext
from casepath.web.user_tasks import asked, calendar, came_from, inbox, list_file, task_page, tools
from casepath.web.worklists import today

bp = Blueprint("user_tasks", __name__, url_prefix="/tasks")


bp.add_app_template_global(inbox.badges_of_page, "header_badges")


@bp.get("/")
def index() -> Response:
    """Show one page of the task list; what it is narrowed to stands in the address, and its order is remembered."""
    with g.readers.begin() as session:
        page = inbox.render(session, g.person)
    return asked.remember_order(make_response(page)) if page is not None else make_response("", 204)


@bp.get("/calendar")
def by_day() -> str:
    """Show the tasks of a list by the days of a month on which they are due."""
    with g.readers.begin() as session:
        return calendar.render(session, g.person)


@bp.get("/list.xlsx")
def list_xlsx() -> FlaskResponse:
    """Return the whole list, as far as a file reaches, as a workbook."""
    with g.readers.begin() as session:
        return workbooks.answer(gettext("Tasks"), list_file.table(session, g.person))


@bp.get("/counts")
def counts() -> str:
    """Return the badges of the header, and of the inbox where it is open; pages ask for it every few seconds."""
    with g.readers.begin() as session:
        return render_template(
            "user_tasks/counts.html",
            counts=inbox.counts(session, g.person),
            with_tabs="tabs" in request.args,
            kept=tools.tallies(session, g.person) if "tabs" in request.args else [],
        )


@bp.get("/<int:task_id>")
def show(task_id: int) -> str:
    """Show a task with its form, guidance and matter."""
    with g.readers.begin() as session:
        return task_page.render(session, task_id, g.person)


@bp.get("/<int:task_id>/begun")
def begun(task_id: int) -> str:
    """Return which matters a task that is completed has begun, for the message that says so."""
    with g.readers.begin() as session:
        task = task_page.visible(session, task_id, g.person)
        return task_page.begun_text(session, task, navigation.row_id(request.args.get("tried")) or 0)


@bp.post("/<int:task_id>/fields")
def fields(task_id: int) -> str:
    """Return the fields of the form anew for what is typed; without scripts, the page with them."""
    with g.readers.begin() as session:
        if "HX-Request" not in request.headers:
            return task_page.render(session, task_id, g.person, typed=True)
        return task_page.render_fields(session, task_id, g.person)


@bp.post("/<int:task_id>/claim")
def claim(task_id: int) -> Response:
    """Take a task for oneself."""
    with g.sessions.begin() as session:
        task = user_tasks.claim(session, task_id, by=g.person)
        called = names.title(session, task)
    flash(gettext("“%(task)s” is yours now.", task=called), "success")
    return redirect(today.here(task_id), 303)


@bp.post("/<int:task_id>/unclaim")
def unclaim(task_id: int) -> Response | tuple[str, int]:
    """Give a task back to its group."""
    try:
        with g.sessions.begin() as session:
            task = user_tasks.unclaim(session, task_id, by=g.person, reason=request.form.get("reason", ""))
            called = names.title(session, task)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    flash(gettext("“%(task)s” is given back; others can claim it now.", task=called), "success")
    return redirect(today.back(), 303)


@bp.post("/<int:task_id>/assign")
def assign(task_id: int) -> Response | tuple[str, int]:
    """Hand a task to somebody."""
    try:
        with g.sessions.begin() as session:
            to = people.chosen(session, request.form.get("to", ""))
            task = user_tasks.assign(session, task_id, to, by=g.person, reason=request.form.get("reason", ""))
            called = names.title(session, task)
            name = people.names(session, [to]).get(to, to)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    flash(gettext("“%(task)s” is handed to %(name)s.", task=called, name=name), "success")
    return redirect(today.back(), 303)


@bp.post("/<int:task_id>/delegate")
def delegate(task_id: int) -> Response | tuple[str, int]:
    """Lend a task to somebody and stay responsible for it."""
    try:
        with g.sessions.begin() as session:
            to = people.chosen(session, request.form.get("to", ""))
            task = user_tasks.delegate(session, task_id, to, by=g.person)
            called = names.title(session, task)
            name = people.names(session, [to]).get(to, to)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    flash(gettext("“%(task)s” is delegated to %(name)s; you stay responsible.", task=called, name=name), "success")
    return redirect(today.back(), 303)


@bp.post("/<int:task_id>/resolve")
def resolve(task_id: int) -> Response | tuple[str, int]:
    """Give a delegated task back to whom it belongs, with what is filled in so far; or take it back as the owner."""
    try:
        with g.sessions.begin() as session:
            if forms.typed(request.form):
                keep(session, task_id)
            task = user_tasks.resolve(session, task_id, by=g.person)
            called = names.title(session, task)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, typed=True)
    flash(gettext("“%(task)s” is back with its owner.", task=called), "success")
    return redirect(today.back(), 303)


@bp.post("/<int:task_id>/follow-up")
def follow_up(task_id: int) -> Response | tuple[str, int]:
    """Hide a task from the lists until the morning of a day; without a day, show it again."""
    try:
        at = filters.start_of_day(request.form.get("day", ""))
        with g.sessions.begin() as session:
            task = user_tasks.set_follow_up(
                session, task_id, at, by=g.person, reason=request.form.get("reason", "")
            )
            called = names.title(session, task)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    if at is None:
        flash(gettext("“%(task)s” is in the list again.", task=called), "success")
    else:
        flash(gettext("“%(task)s” is put off until %(day)s.", task=called, day=filters.day(at)), "success")
    return redirect(today.here(task_id), 303)


@bp.post("/<int:task_id>/draft")
def draft(task_id: int) -> Response | tuple[str, int]:
    """Keep what is typed, complete or not; a comment and files that came along are added."""
    try:
        with g.sessions.begin() as session:
            keep(session, task_id)
            told = add_beside(session, task_id)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, typed=True)
    mentioned.say(told)
    flash(gettext("The draft is saved."), "success")
    return redirect(today.here(task_id), 303)


@bp.post("/<int:task_id>/comment")
def comment(task_id: int) -> Response | tuple[str, int]:
    """Add a comment to the matter; what is typed into the form of the task is kept as its draft."""
    return added(task_id, lambda session, key: comments.add(
        session, key, request.form.get("matter.comment", ""), by=g.person))  # fmt: skip


@bp.post("/<int:task_id>/attach")
def attach(task_id: int) -> Response | tuple[str, int]:
    """Add files to the matter, with a comment where one is typed; what is typed into the form of the task is kept."""
    try:
        files = [(file.filename or "", file.read()) for file in uploads.chosen("matter.files")]
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, added=True)

    def add(session: Session, key: str) -> None:
        for name, content in files:
            attachments.add(session, key, name=name, content=content, by=g.person)
        if said := request.form.get("matter.comment", "").strip():
            comments.add(session, key, said, by=g.person)

    return added(task_id, add, *(part for name, content in files for part in (name.encode(), content)))


def added(task_id: int, add: Callable[[Session, str], object], *contents: bytes) -> Response | tuple[str, int]:
    """Add something to the matter of a task, once, and return to the task with what was typed into its form."""
    told: list[mentioned.Said] = []
    try:
        with g.sessions.begin() as session:
            task = task_page.visible(session, task_id, g.person)
            if task.business_key is None:
                raise errors.NotFound("matter", task.reference)
            if task_page.rights(task, g.person).keeps_draft:
                keep(session, task_id)
            is_new = once.Submission(*contents).made(session) is None
            if is_new:
                add(session, task.business_key)
                told = mentioned.told(session, task.business_key, request.form.get("matter.comment", ""))
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, added=True)
    mentioned.say(told)
    flash(gettext("It is added to the matter.") if is_new else once.told_before(), "success")
    return redirect(today.here(task_id), 303)


@bp.post("/<int:task_id>/complete")
def complete(task_id: int) -> Response | tuple[str, int]:
    """Finish a task with the values of its form; wrong ones are shown at their fields."""
    try:
        with incidents.noting(g.sessions) as session:
            told = add_beside(session, task_id)
            user_tasks.complete(session, task_id, task_page.sent(session, task_id), by=g.person)
            task = task_page.visible(session, task_id, g.person)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, typed=True)
    except (errors.InvalidState, errors.Forbidden):
        # Whoever is told so knows of the task: what was typed is shown with the words of its form.
        with g.readers.begin() as session:
            task_page.remember_form(session, task_id)
        raise
    mentioned.say(told)
    with g.readers.begin() as session:
        if came_from.NEXT in request.form:
            return lead_on(session, task)
        flash(task_page.completed_text(session, task, task_page.following(session, task, g.person)), "success")
    return redirect(today.following(task), 303)


def lead_on(session: Session, done: TaskDetail) -> Response:
    """Lead from a task that is completed to the next one of the list; back to the list where there is none."""
    flash(task_page.completed_text(session, done, None), "success")
    found = came_from.following(session, g.person, done.id)
    if found is None:
        flash(gettext("There is nothing left to do in this list."), "notice")
        return redirect(came_from.address(), 303)
    return redirect(today.here(found.id), 303)


def add_beside(session: Session, task_id: int) -> list[mentioned.Said]:
    """Add the comment and the files that were sent along with the form of a task; return who is told of the comment."""
    files = [file for file in request.files.getlist("matter.files") if file.filename]
    said = request.form.get("matter.comment", "").strip()
    if not files and not said:
        return []
    key = task_page.visible(session, task_id, g.person).business_key
    if key is None:
        raise errors.NotFound("matter", "")
    contents = [(file.filename or "", file.read()) for file in uploads.chosen("matter.files")] if files else []
    parts = (part for name, content in contents for part in (name.encode(), content))
    if once.Submission(*parts).made(session) is not None:
        return []
    for name, content in contents:
        attachments.add(session, key, name=name, content=content, by=g.person)
    if not said:
        return []
    comments.add(session, key, said, by=g.person)
    return mentioned.told(session, key, said)


def keep(session: Session, task_id: int) -> None:
    """Keep what is typed as the draft of a task."""
    typed = task_page.drafted(session, task_page.visible(session, task_id, g.person))
    user_tasks.save_draft(session, task_id, typed, by=g.person)


def again(
    task_id: int, refusal: errors.InvalidInput, *, typed: bool = False, added: bool = False
) -> tuple[str, int]:
    """
    Return the page of a task with what is wrong.

    `typed` says whether the form of the task itself was sent, `added` whether it came along with something else.
    """
    with g.readers.begin() as session:
        if added:
            return task_page.render(session, task_id, g.person, refused=phrases.sentence(refusal), typed=True), 422
        if typed:
            return task_page.render(session, task_id, g.person, refusal), 422
        return task_page.render(session, task_id, g.person, refused=phrases.sentence(refusal)), 422
