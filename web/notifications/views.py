"""What one was told: reminders, escalations, notices."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from casepath.engine.instances import notifications
from casepath.engine.queries import notices
from casepath.web import facts, languages, navigation

bp = Blueprint("notifications", __name__, url_prefix="/notifications")


@bp.get("/")
def index() -> str:
    """Show one page of one's notifications by matters, newest first; all, or what is not read."""
    below, unread_only = navigation.row_id(request.args.get("below")), "unread" in request.args
    with g.readers.begin() as session:
        found = notices.page(session, g.person.username, languages.chosen(), below=below, unread_only=unread_only)
        return render_template(
            "notifications/index.html",
            page=found,
            facts=facts.of_matters(session, [each.business_key for each in found.rows if each.business_key]),
            unread_only=unread_only,
            unread=notices.unread(session, g.person.username),
        )


@bp.post("/read")
def read() -> Response:
    """Mark everything as read."""
    with g.sessions.begin() as session:
        notifications.mark_read(session, g.person.username)
    return redirect(url_for(".index"), 303)


@bp.post("/<int:notification_id>/open")
def open_matter(notification_id: int) -> Response:
    """Mark one as read and go to what it is about."""
    with g.sessions.begin() as session:
        found = notifications.mark_read(session, g.person.username, notification_id)
        batch_id = notices.batch_of(session, g.person.username, notification_id)
    if batch_id is not None:
        return redirect(url_for("batches.show", batch_id=batch_id), 303)
    return redirect(navigation.matter_address(found) if found else url_for(".index"), 303)
