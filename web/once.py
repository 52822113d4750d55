"""
Forms that make something only once, however often they arrive: a double click, a page of an answer loaded again.

Such a form carries a token that no other has (`form_token()` in its template). What is sent with it is known by the
token and everything typed: sent again it leads to what it made, while something else typed into the same page is new.
"""

from __future__ import annotations

import hashlib
import secrets

import flask
from flask import Flask, g, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine.instances import submissions
from casepath.web.languages import gettext

#: Name of the hidden input.
FIELD = "form_token"
#: Name of the mark under which the browser keeps what is typed into a form, which it sends along; its longest, and of
#: how many it is told that they are settled. A page may be left before its scripts could read that, so each tells it.
KEPT = "page.kept"
MAX_KEPT = 32
MAX_SETTLED = 8
#: What says nothing about what was typed.
ASIDE = frozenset({"csrf_token", "draft.id", KEPT})


class Submission:
    """What a request sends, to be recognized when it is sent again; without a token every one is the first."""

    def __init__(self, *contents: bytes) -> None:
        """Take the form of the request; `contents` are those of its files."""
        self._key = _key(contents) if request.form.get(FIELD) else ""

    def made(self, session: Session) -> str | None:
        """Return what came of it when it was sent before; None where it is new. The same from elsewhere waits."""
        return submissions.claim(session, self._key, by=g.person.username) if self._key else None

    def settle(self, session: Session, made: str = "") -> None:
        """Write down what came of it."""
        if self._key:
            submissions.settle(session, self._key, made, by=g.person.username)


def init_app(app: Flask) -> None:
    """Make `form_token()` and `settled()` known to templates; note which forms did what they were sent for."""
    app.jinja_env.globals.update(form_token=form_token, settled=settled)
    app.after_request(_settle)


def told_before(number: str = "") -> str:
    """Return what somebody is told who sends something again, with the number that it has got."""
    if number:
        return gettext("This had arrived already, under the number %(number)s; it was not done twice.", number=number)
    return gettext("This had arrived already; it was not done twice.")


def settled() -> str:
    """Return the marks of what did lately what it was sent for: the browser need not keep it any longer."""
    return " ".join(flask.session.get(KEPT, []))


def _settle(response: Response) -> Response:
    # Only what was done has a form that could be read: one that is too large has none.
    if response.status_code == 303 and (mark := request.form.get(KEPT)):
        before = [each for each in flask.session.get(KEPT, []) if each != mark]
        flask.session[KEPT] = [*before, mark[:MAX_KEPT]][-MAX_SETTLED:]
    return response


def form_token() -> Markup:
    """Return the hidden input of a form that makes something only once."""
    # Browsers that fill in what stood in a page before must not bring back an old token.
    return Markup('<input type="hidden" name="{}" value="{}" autocomplete="off">').format(
        FIELD, secrets.token_urlsafe(16)
    )


def _key(contents: tuple[bytes, ...]) -> str:
    digest = hashlib.sha256()
    typed = [part for name, texts in sorted(request.form.lists()) for part in (name, *texts) if name not in ASIDE]
    for part in (request.path, *typed):
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
