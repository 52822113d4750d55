"""Views of the task lists, kept, changed and taken away."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, flash, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.instances import task_views
from casepath.engine.instances.task_views import Settings
from casepath.web import phrases
from casepath.web.languages import gettext
from casepath.web.user_tasks import asked
from casepath.web.user_tasks.asked import Arguments

bp = Blueprint("task_views", __name__, url_prefix="/tasks/views")


@bp.post("/")
def save() -> Response:
    """Keep the list that is shown under a name, for oneself or for a group."""
    try:
        with g.sessions.begin() as session:
            group = request.form.get("group") or None
            view = task_views.save(session, request.form.get("name", ""), sent(session), group=group, by=g.person)
    except errors.InvalidInput as refusal:
        return refused(refusal)
    flash(gettext("The view “%(name)s” is kept.", name=view.name), "success")
    return redirect(url_for("user_tasks.index", saved=view.id), 303)


@bp.post("/<int:view_id>")
def change(view_id: int) -> Response:
    """Have a view show what is shown now, under the name that is typed."""
    try:
        with g.sessions.begin() as session:
            name = request.form.get("name", "")
            view = task_views.change(session, view_id, name=name, settings=sent(session), by=g.person)
    except errors.InvalidInput as refusal:
        return refused(refusal, view_id)
    flash(gettext("The view “%(name)s” is changed.", name=view.name), "success")
    return redirect(url_for("user_tasks.index", saved=view_id), 303)


@bp.post("/<int:view_id>/remove")
def remove(view_id: int) -> Response:
    """Take a view away; the list stays open."""
    with g.sessions.begin() as session:
        settings = task_views.get(session, g.person, view_id).settings
        task_views.remove(session, view_id, by=g.person)
    flash(gettext("The view is gone."), "success")
    return redirect(url_for("user_tasks.index", **asked.arguments(settings)), 303)


def sent(session: Session) -> Settings:
    """Return the list that a form was sent from, by the arguments of its address."""
    return asked.of(session, g.person, address()).settings


def address() -> Arguments:
    """Return the arguments of the list that a form was sent from."""
    return MultiDict(parse_qsl(request.form.get("shown", "")))


def refused(refusal: errors.InvalidInput, view_id: int | None = None) -> Response:
    """Lead back to the list, and to its view, which says what is wrong and has the name that was typed."""
    flash(phrases.sentence(refusal), "error")
    beside = {"saved": str(view_id)} if view_id is not None else {}
    given = [*address().items(multi=True), *beside.items(), ("name", request.form.get("name", ""))]
    return redirect(f"{url_for('user_tasks.index')}?{urlencode(given)}", 303)
