"""Who stands in for whom: everybody for himself, administrators for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.people import authorization, identity, substitutes
from casepath.engine.queries import people
from casepath.engine.time import clock
from casepath.web import filters, phrases
from casepath.web.languages import gettext
from casepath.web.navigation import row_id

bp = Blueprint("substitutes", __name__, url_prefix="/substitutes")

#: Substitutions on one page.
PAGE_SIZE = 50


@bp.get("/")
def index() -> str:
    """Show who stands in for oneself, and for whom one stands in."""
    with g.readers.begin() as session:
        return render(session, g.person.username)


@bp.get("/<username>")
def show(username: str) -> str:
    """Show the same of another, to administrators."""
    with g.readers.begin() as session:
        return render(session, username)


@bp.post("/<username>")
def appoint(username: str) -> Response | tuple[str, int]:
    """Name a substitute from one day to another, both included."""
    try:
        begins_at, last = (filters.start_of_day(request.form.get(name, "")) for name in ("from", "until"))
        with g.sessions.begin() as session:
            substitutes.appoint(
                session,
                username,
                people.chosen(session, request.form.get("substitute", "")),
                begins_at=begins_at or clock.now(),
                ends_at=last + timedelta(days=1) if last else clock.now(),
                by=g.person,
            )
    except errors.InvalidInput as refusal:
        with g.readers.begin() as session:
            return render(session, username, phrases.sentence(refusal)), 422
    flash(gettext("Done."), "success")
    return back(username)


@bp.post("/<username>/<int:substitution_id>/end")
def dismiss(username: str, substitution_id: int) -> Response:
    """End a substitution at once."""
    with g.sessions.begin() as session:
        substitutes.dismiss(session, substitution_id, by=g.person)
    flash(gettext("Done."), "success")
    return back(username)


def back(username: str) -> Response:
    """Return to the page that was used."""
    own = username == g.person.username
    return redirect(url_for(".index") if own else url_for(".show", username=username), 303)


def render(session: Session, username: str, refusal: str = "") -> str:
    """Return the page of a user; raises `NotFound`, and `Forbidden` for those whom it does not concern."""
    is_own = username == g.person.username
    if not (is_own or authorization.may_manage_people(g.person)):
        raise errors.Forbidden("open", "page", request.path, g.person.username)
    user, found = identity.get(session, username), people.choices(session)
    appointments, following = substitutes.concerning(
        session, user.username, after=row_id(request.args.get("after")), limit=PAGE_SIZE
    )
    return render_template(
        "people/substitutes.html",
        user=user,
        is_own=is_own,
        may_appoint=authorization.may_appoint(g.person, is_own=is_own),
        appointments=appointments,
        next=following,
        choices=replace(found, people=[each for each in found.people if each[0] != user.username]),
        typed=request.form if refusal else {},
        refusal=refusal,
    )
