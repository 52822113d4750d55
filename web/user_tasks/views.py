"""The inbox, and the page on which a user task is done."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors, texts
from casepath.engine.instances import user_tasks
from casepath.engine.queries import people
from casepath.web import filters, forms, names, phrases
from casepath.web.languages import gettext
from casepath.web.user_tasks import inbox, task_page

bp = Blueprint("user_tasks", __name__, url_prefix="/tasks")


@bp.get("/")
def index() -> str:
    """Show one page of the task list; what it is narrowed to stands in the address."""
    with g.readers.begin() as session:
        return inbox.render(session, g.person)


@bp.get("/counts")
def counts() -> str:
    """Return the badges of the header, and of the inbox where it is open; pages ask for it every few seconds."""
    with g.readers.begin() as session:
        return render_template(
            "user_tasks/counts.html", counts=inbox.counts(session, g.person), with_tabs="tabs" in request.args
        )


@bp.get("/<int:task_id>")
def show(task_id: int) -> str:
    """Show a task with its form, guidance and matter."""
    with g.readers.begin() as session:
        return task_page.render(session, task_id, g.person)


@bp.post("/<int:task_id>/fields")
def fields(task_id: int) -> str:
    """Return the fields of the form anew for what is typed: what depends on an answer appears or goes."""
    with g.readers.begin() as session:
        return task_page.render_fields(session, task_id, g.person)


@bp.post("/<int:task_id>/claim")
def claim(task_id: int) -> Response:
    """Take a task for oneself."""
    with g.sessions.begin() as session:
        task = user_tasks.claim(session, task_id, by=g.person)
        called = names.title(session, task)
    flash(gettext("“%(task)s” is yours now.", task=called), "success")
    return redirect(url_for(".show", task_id=task_id), 303)


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
    return redirect(url_for(".index"), 303)


@bp.post("/<int:task_id>/assign")
def assign(task_id: int) -> Response | tuple[str, int]:
    """Hand a task to somebody."""
    to = texts.storable(request.form.get("to", ""))
    try:
        with g.sessions.begin() as session:
            task = user_tasks.assign(session, task_id, to, by=g.person, reason=request.form.get("reason", ""))
            called = names.title(session, task)
            name = people.names(session, [to]).get(to, to)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    flash(gettext("“%(task)s” is handed to %(name)s.", task=called, name=name), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:task_id>/delegate")
def delegate(task_id: int) -> Response | tuple[str, int]:
    """Lend a task to somebody and stay responsible for it."""
    to = texts.storable(request.form.get("to", ""))
    try:
        with g.sessions.begin() as session:
            task = user_tasks.delegate(session, task_id, to, by=g.person)
            called = names.title(session, task)
            name = people.names(session, [to]).get(to, to)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    flash(gettext("“%(task)s” is delegated to %(name)s; you stay responsible.", task=called, name=name), "success")
    return redirect(url_for(".index"), 303)


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
    return redirect(url_for(".index"), 303)


@bp.post("/<int:task_id>/follow-up")
def follow_up(task_id: int) -> Response | tuple[str, int]:
    """Hide a task from the lists until the morning of a day; without a day, show it again."""
    try:
        at = filters.start_of_day(request.form.get("day", ""))
        with g.sessions.begin() as session:
            task = user_tasks.set_follow_up(session, task_id, at, by=g.person)
            called = names.title(session, task)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal)
    if at is None:
        flash(gettext("“%(task)s” is in the list again.", task=called), "success")
    else:
        flash(gettext("“%(task)s” is put off until %(day)s.", task=called, day=filters.day(at)), "success")
    return redirect(url_for(".show", task_id=task_id), 303)


@bp.post("/<int:task_id>/draft")
def draft(task_id: int) -> Response | tuple[str, int]:
    """Keep what is typed, complete or not."""
    try:
        with g.sessions.begin() as session:
            keep(session, task_id)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, typed=True)
    flash(gettext("The draft is saved."), "success")
    return redirect(url_for(".show", task_id=task_id), 303)


@bp.post("/<int:task_id>/complete")
def complete(task_id: int) -> Response | tuple[str, int]:
    """Finish a task with the values of its form; wrong ones are shown at their fields."""
    try:
        with g.sessions.begin() as session:
            task = task_page.visible(session, task_id, g.person)
            user_tasks.complete(session, task_id, forms.typed(request.form), by=g.person)
    except errors.InvalidInput as refusal:
        return again(task_id, refusal, typed=True)
    with g.readers.begin() as session:
        flash(task_page.completed_text(task, task_page.following(session, task, g.person)), "success")
    return redirect(url_for(".index"), 303)


def keep(session: Session, task_id: int) -> None:
    """Keep what is typed as the draft of a task."""
    typed = task_page.drafted(session, task_page.visible(session, task_id, g.person))
    user_tasks.save_draft(session, task_id, typed, by=g.person)


def again(task_id: int, refusal: errors.InvalidInput, *, typed: bool = False) -> tuple[str, int]:
    """Return the page of a task with what is wrong; `typed` says whether the form of the task itself was sent."""
    with g.readers.begin() as session:
        if typed:
            return task_page.render(session, task_id, g.person, refusal), 422
        return task_page.render(session, task_id, g.person, refused=phrases.sentence(refusal)), 422
