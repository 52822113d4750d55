"""Users and groups, for administrators: let people in, lock them out, say what they belong to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from casepath.engine import errors, texts
from casepath.engine.instances import departures
from casepath.engine.people import authorization, identity
from casepath.engine.queries import people
from casepath.web import phrases
from casepath.web.auth import requires
from casepath.web.languages import gettext

bp = Blueprint("people", __name__, url_prefix="/people")

#: Users, or groups, on one page.
PAGE_SIZE = 50
#: Bytes of a password made for somebody, who changes it after logging in.
PASSWORD_BYTES = 9


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What was typed into a form, with what is wrong with it."""

    values: Mapping[str, Any]
    refusal: str = ""


@bp.get("/")
@requires(authorization.may_manage_people)
def index() -> str:
    """Show users, one page of them, and groups."""
    return render()


@bp.get("/groups")
@requires(authorization.may_manage_people)
def groups() -> str:
    """Show groups with how many belong to each."""
    return render_groups()


@bp.get("/users/<username>")
@requires(authorization.may_manage_people)
def show(username: str) -> str:
    """Show a user."""
    return render_user(username)


@bp.post("/")
def add() -> Response | tuple[str, int]:
    """Add a user with a password made for the first log-in."""
    typed = {name: request.form.get(name, "").strip() for name in ("username", "name", "email")}
    chosen = request.form.getlist("groups")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        with g.sessions.begin() as session:
            user = identity.create_user(
                session,
                typed["username"],
                name=typed["name"],
                email=typed["email"] or None,
                password=password,
                groups=chosen,
                by=g.person,
            )
            username = user.username
    except errors.InvalidInput as refusal:
        return render(Filled(values={**typed, "groups": chosen}, refusal=phrases.sentence(refusal))), 422
    return render_password(username, password)


@bp.post("/users/<username>/groups")
def set_groups(username: str) -> Response | tuple[str, int]:
    """Say what a user belongs to; an administrator has to be left."""
    chosen = request.form.getlist("groups")
    try:
        with g.sessions.begin() as session:
            identity.set_groups(session, username, chosen, by=g.person)
    except errors.InvalidInput as refusal:
        return render_user(username, Filled(values={"groups": chosen}, refusal=phrases.sentence(refusal))), 422
    flash(gettext("Done."), "success")
    return redirect(url_for(".show", username=username), 303)


@bp.post("/users/<username>/<any(activate, deactivate):verb>")
def switch(username: str, verb: str) -> Response | tuple[str, int]:
    """Let a user in, or lock the user out at once."""
    try:
        with g.sessions.begin() as session:
            if verb == "activate":
                identity.set_active(session, username, True, by=g.person)
            else:
                departures.lock_out(session, username, by=g.person)
    except errors.InvalidInput as refusal:
        return render_user(username, Filled(values={}, refusal=phrases.sentence(refusal))), 422
    flash(gettext("Done."), "success")
    return redirect(url_for(".show", username=username), 303)


@bp.post("/users/<username>/erase")
def erase(username: str) -> Response | tuple[str, int]:
    """Forget who a user was that is locked out."""
    reason = request.form.get("reason", "")
    try:
        with g.sessions.begin() as session:
            departures.erase(session, username, by=g.person, reason=reason)
    except errors.InvalidInput as refusal:
        return render_user(username, Filled(values={"reason": reason}, refusal=phrases.sentence(refusal))), 422
    flash(gettext("Name and address are erased."), "success")
    return redirect(url_for(".show", username=username), 303)


@bp.post("/users/<username>/password")
def set_password(username: str) -> Response:
    """Give a user a new password; the user's sessions end."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    with g.sessions.begin() as session:
        identity.set_password(session, username, password, by=g.person)
    return render_password(username, password)


@bp.post("/groups")
def add_group() -> Response | tuple[str, int]:
    """Add a group, or give one other names."""
    typed = {name: request.form.get(name, "").strip() for name in ("key", "name", "name_en")}
    rights: dict[str, Any] = {
        "sees_all": "sees_all" in request.form, "distributes": request.form.getlist("distributes"),
    }  # fmt: skip
    try:
        with g.sessions.begin() as session:
            identity.add_group(
                session, typed["key"], name=typed["name"], name_en=typed["name_en"] or None, **rights, by=g.person
            )
    except errors.InvalidInput as refusal:
        return render_groups(Filled(values={**typed, **rights}, refusal=phrases.sentence(refusal))), 422
    flash(gettext("Done."), "success")
    return redirect(url_for(".groups"), 303)


def render(filled: Filled | None = None) -> str:
    """Return the page of users."""
    text, group, after = (texts.storable(request.args.get(name, "").strip()[:100]) for name in ("q", "group", "after"))
    with g.readers.begin() as session:
        rows, after_next = people.users(session, text=text, group=group, after=after, limit=PAGE_SIZE)
        return render_template(
            "people/index.html",
            rows=rows,
            next=after_next,
            text=text,
            group=group,
            filled=filled or Filled(values={}),
            groups=identity.groups(session),
            group_names=people.group_names(session),
        )


def render_groups(filled: Filled | None = None) -> str:
    """Return the page of groups."""
    with g.readers.begin() as session:
        after = texts.storable(request.args.get("after", "").strip()[:100])
        rows, after_next = people.groups(session, after=after, limit=PAGE_SIZE)
        return render_template(
            "people/groups.html",
            rows=rows,
            next=after_next,
            groups=identity.groups(session),
            sizes=people.group_sizes(session, [each.key for each in rows]),
            roles=authorization.ROLES,
            distributed=identity.distributed,
            group_names=people.group_names(session),
            filled=filled or Filled(values={}),
        )


def render_password(username: str, password: str) -> Response:
    """Return the page of a user with a password made for them: only this answer has it, no cookie and no cache."""
    answer = Response(render_user(username, password=password), mimetype="text/html")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def render_user(username: str, filled: Filled | None = None, *, password: str = "") -> str:
    """Return the page of a user; raises `NotFound`."""
    with g.readers.begin() as session:
        user, member_of = identity.get(session, username), identity.groups_of(session, username)
        return render_template(
            "people/show.html",
            user=user,
            chosen=filled.values.get("groups", member_of) if filled else member_of,
            groups=identity.groups(session),
            group_names=people.group_names(session),
            refusal=filled.refusal if filled else "",
            reason=filled.values.get("reason", "") if filled else "",
            is_erased=user.name == user.username and user.email is None,
            password=password,
        )
