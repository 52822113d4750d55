"""What one was told: reminders, escalations, notices."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.instances import notifications
from casepath.engine.people import identity
from casepath.engine.queries import notices
from casepath.web import facts, languages, navigation, phrases
from casepath.web.languages import gettext

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
            digest_hour=identity.get(session, g.person.username).digest_hour,
        )


@bp.post("/digest")
def digest() -> Response:
    """Choose when an e-mail tells what is unread, or that none does."""
    chosen = request.form.get("hour", "")
    hour = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 3 else None
    try:
        with g.sessions.begin() as session:
            identity.set_digest(session, g.person.username, hour, by=g.person)
    except errors.InvalidInput as refusal:
        flash(phrases.sentence(refusal), "error")
    else:
        said = gettext("From now on an e-mail tells you at %(hour)s what is unread.", hour=f"{hour or 0:02}:00")
        flash(said if hour is not None else gettext("No e-mail tells you what is unread."), "success")
    return redirect(url_for(".index"), 303)


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
