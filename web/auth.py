"""
Log in and out, who is asking, and proof that a form is ours (CSRF).

Every page asks for a log-in unless its view says `@public`; every POST needs the token of its session, unless it is for
programs (`@program`), which have none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.people import identity, passwords
from casepath.engine.people.authorization import Person
from casepath.engine.time import clock
from casepath.settings import LANGUAGES
from casepath.web import devices, languages, phrases
from casepath.web.languages import gettext

P = ParamSpec("P")
R = TypeVar("R")

bp = Blueprint("auth", __name__)

#: Views that answer everybody.
PUBLIC: set[Callable[..., Any]] = set()
#: Views that programs ask, which prove who they are by a token: no session, so nobody's browser can be made to ask.
PROGRAMS: set[Callable[..., Any]] = set()
#: What is open to those who have to choose a password first.
CHOOSING = frozenset({"auth.password", "auth.change_password", "auth.logout", "auth.language", "static"})
#: What takes passwords: no answer has in it what was typed, wherever the request came to grief.
WITH_PASSWORD = frozenset({"auth.begin", "auth.change_password"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: No form has as many; each would be looked at, and shown again where the form is refused.
MAX_FIELD_COUNT = 2000


class NotLoggedIn(Exception):
    """The page needs somebody who is logged in."""


class GivenPassword(Exception):
    """Whoever is logged in has to choose a password first: the one until now was given by somebody who knows it."""


class InvalidToken(Exception):
    """The form carries no token of this session: it is not ours, or older than the log-in."""


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view answer everybody."""
    PUBLIC.add(view)
    return view


def program(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view answer programs; it has to ask them for their token itself."""
    PROGRAMS.add(view)
    return public(view)


def requires(rule: Callable[[Person], bool]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Keep a page for those whom a rule of `engine.people.authorization` allows it; others get `Forbidden`.

    Only for what is shown: who may change something, the nouns of the engine ask.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not rule(g.person):
                raise errors.Forbidden("open", "page", request.path, g.person.username)
            return view(*args, **kwargs)

        return guarded

    return decorate


def init_app(app: Flask) -> None:
    """Check each request; templates know `csrf_token()` and `csrf_field()`."""
    app.before_request(identify)
    app.before_request(limit)
    app.before_request(admit)
    app.before_request(protect)
    app.jinja_env.globals.update(csrf_token=csrf_token, csrf_field=csrf_field)


def identify() -> None:
    """Find out who is asking, also to answer what is refused in the right language."""
    g.person = _person_of_session()


def limit() -> None:
    """Refuse a form that is not made by hand: 413 for more fields than any form has."""
    if sum(1 for _ in request.form.items(multi=True)) > MAX_FIELD_COUNT:
        abort(413)


def admit() -> None:
    """Raise `NotLoggedIn` where somebody must be known, `GivenPassword` where a password must be chosen first."""
    view = current_app.view_functions.get(request.endpoint or "")
    if g.person is None and view is not None and view not in PUBLIC and request.endpoint != "static":
        raise NotLoggedIn
    if g.person is not None and g.person.has_given_password and request.endpoint not in CHOOSING:
        raise GivenPassword


def protect() -> None:
    """Refuse changes that do not carry the token of the session."""
    if request.method in SAFE_METHODS or request.routing_exception is not None:
        return
    if current_app.view_functions.get(request.endpoint or "") in PROGRAMS:
        return
    if not is_ours():
        raise InvalidToken


def is_ours() -> bool:
    """Tell whether what was sent carries the token of the session."""
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    return bool(sent) and secrets.compare_digest(sent.encode(), session.get("csrf_token", "").encode())


def csrf_token() -> str:
    """Return the token of this session; makes one where there is none."""
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(32)
    return str(session["csrf_token"])


def csrf_field() -> Markup:
    """Return the hidden input that every form that changes something carries."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


def _person_of_session() -> Person | None:
    username, begun = session.get("username"), session.get("begun")
    if not username or not begun:
        return None
    since = datetime.fromisoformat(begun)
    if clock.now() - since > current_app.permanent_session_lifetime:
        return None
    with g.readers.begin() as reading:
        return identity.person_since(reading, username, since)


def begin_session(username: str) -> None:
    """Start a session of somebody anew: nothing of the one before is kept, the token changes."""
    session.clear()
    session.permanent = True
    session.update(username=username, begun=clock.now().isoformat())
    csrf_token()


def next_page(address: str | None) -> str:
    """Return where to go on: an address within these pages, else the inbox."""
    # A browser reads `//host` and `/\host` as another site, and drops white space that it finds in between.
    if address and address[0] == "/" and address[1:2] not in {"/", "\\"} and address.isprintable():
        return address
    return url_for("user_tasks.index")


@bp.get("/")
def home() -> Response:
    """Lead to the inbox."""
    return redirect(url_for("user_tasks.index"))


@bp.get("/login")
@public
def login() -> str | Response:
    """Show the log-in form."""
    if g.person:
        return redirect(next_page(request.args.get("next")))
    return render_template("login/login.html", next=request.args.get("next", ""))


@bp.post("/login")
@public
def begin() -> Response | tuple[str, int]:
    """Log in; says the same whether the name or the password is wrong."""
    username = request.form.get("username", "")
    attempt = check_password(username, request.form.get("password", ""))
    if attempt.username is None:
        page = render_template(
            "login/login.html", attempt=attempt, username=username[:64], next=request.form.get("next", "")
        )
        return page, 429 if attempt.wait else 401
    begin_session(attempt.username)
    answer = redirect(next_page(request.form.get("next")), 303)
    devices.remember(answer, attempt.username)
    return answer


def check_password(username: str, password: str) -> identity.Attempt:
    """Check a password, which takes long on purpose, while no transaction is open; note how it went."""
    with g.readers.begin() as reading:
        device = devices.known(username)
        asked = identity.credentials(reading, username, request.remote_addr or "", device=device)
    attempt = asked.accept(password)
    if asked.is_worth_a_note(attempt):
        with g.sessions.begin() as changing:
            identity.note(changing, asked, attempt, password)
    return attempt


@bp.post("/logout")
def logout() -> Response:
    """Log out: the session ends here too, so that its cookie is worth nothing any more, whoever has it."""
    chosen = languages.chosen()
    begun_at = datetime.fromisoformat(session["begun"])
    with g.sessions.begin() as changing:
        expires_at = begun_at + current_app.permanent_session_lifetime
        identity.end_session(changing, g.person.username, begun_at, expires_at=expires_at)
    session.clear()
    session["language"] = chosen
    flash(gettext("You are logged out."), "success")
    return redirect(url_for("auth.login"), 303)


@bp.post("/language")
@public
def language() -> Response:
    """Switch the language; kept with the user who is logged in."""
    wanted = request.form.get("language", "")
    if wanted not in LANGUAGES:
        abort(400)
    session["language"] = wanted
    if g.person:
        with g.sessions.begin() as changing:
            identity.set_language(changing, g.person.username, wanted, by=g.person)
    return redirect(next_page(request.form.get("next")), 303)


@bp.get("/password")
def password() -> str:
    """Show the form to change one's password."""
    return render_password({})


@bp.post("/password")
def change_password() -> Response | tuple[str, int]:
    """Change one's password; every other session of the user ends."""
    refusals = password_refusals(*(request.form.get(name, "") for name in ("old", "new", "again")))
    if refusals:
        return render_password(refusals), 422
    begin_session(g.person.username)
    flash(gettext("Your password is changed. Other devices are logged out."), "success")
    return redirect(url_for("user_tasks.index"), 303)


def render_password(refusals: Mapping[str, str]) -> str:
    """Return the form to change one's password, with what is wrong by input."""
    return render_template("login/password.html", refusals=refusals, least=passwords.MIN_LENGTH)


def password_refusals(old: str, new: str, again: str) -> dict[str, str]:
    """Change the password of this request's person; returns what is wrong, by input."""
    if new != again:
        return {"again": gettext("The two new passwords are not the same.")}
    if new == old:
        return {"new": gettext("Please choose another password than the one until now.")}
    attempt = check_password(g.person.username, old)
    if attempt.username is None:
        return {"old": gettext("This is not your password.")}
    try:
        with g.sessions.begin() as changing:
            identity.change_password(changing, attempt, new)
    except errors.InvalidInput as refusal:
        return {"new": phrases.sentence(refusal)}
    return {}
