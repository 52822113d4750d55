"""
What the engine refuses as status and page; the only place that knows both.

People get a page in their language that says what happened, what to do next, and what they had typed; whoever asks
for JSON gets `{"code": …, "message": …, "problems": […]}`. Faults of the caller are logged as debug, ours as errors
under an id that the page shows too; the log has where it happened, and nothing of what people wrote. While the database
can do nothing, what was sent is in the page, to be sent again.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, jsonify, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.database import failures
from casepath.engine.database.failures import Absence
from casepath.engine.people import authorization
from casepath.web import auth, forms, phrases
from casepath.web.languages import gettext

log = logging.getLogger(__name__)

#: What is wrong inside a process, and nobody who only works with it can mend.
TECHNICAL = (errors.DecisionError, errors.ExpressionError, errors.ScriptError)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one kind of refusal is told."""

    status: int
    title: Any
    text: Any


#: The first class that fits, from the special to the general.
ENGINE_ANSWERS: dict[type[errors.EngineError], Answer] = {
    errors.NotFound: Answer(
        status=404,
        title=lazy_gettext("Not found"),
        text=lazy_gettext("This does not exist, or it is not meant for you."),
    ),
    errors.Forbidden: Answer(
        status=403,
        title=lazy_gettext("Not allowed"),
        text=lazy_gettext("You may not do this. If you should, ask an administrator for the right group."),
    ),
    errors.InvalidState: Answer(
        status=409,
        title=lazy_gettext("This has changed meanwhile"),
        text=lazy_gettext("It is no longer as it was when you opened the page."),
    ),
    errors.InvalidVariables: Answer(
        status=422,
        title=lazy_gettext("Some values do not fit"),
        text=lazy_gettext("Please correct them and try again."),
    ),
    errors.InvalidInput: Answer(
        status=422,
        title=lazy_gettext("A value does not fit"),
        text=lazy_gettext("Please correct it and try again."),
    ),
    errors.DeploymentRefused: Answer(
        status=422,
        title=lazy_gettext("The deployment is refused"),
        text=lazy_gettext("The findings say what is wrong and what to do."),
    ),
    errors.Unreadable: Answer(
        status=409,
        title=lazy_gettext("This process can go on no more"),
        text=lazy_gettext("What was deployed once is accepted no more. Please tell the process owner."),
    ),
    errors.NotWaiting: Answer(
        status=409,
        title=lazy_gettext("Nobody waits for this"),
        text=lazy_gettext("The matter does not wait for this message, or no longer."),
    ),
    errors.SeveralWaiting: Answer(
        status=409,
        title=lazy_gettext("Several wait for this"),
        text=lazy_gettext("It is not clear which process this message is for."),
    ),
    errors.EngineError: Answer(
        status=422,
        title=lazy_gettext("This could not be done"),
        text=lazy_gettext("The process refused it. If it happens again, tell an administrator."),
    ),
}
HTTP_ANSWERS: dict[int, Answer] = {
    400: Answer(
        status=400,
        title=lazy_gettext("This cannot be understood"),
        text=lazy_gettext("Something is missing in what your browser sent."),
    ),
    403: ENGINE_ANSWERS[errors.Forbidden],
    404: ENGINE_ANSWERS[errors.NotFound],
    405: Answer(
        status=405,
        title=lazy_gettext("Not like this"),
        text=lazy_gettext("This address is not meant to be opened this way."),
    ),
    413: Answer(
        status=413,
        title=lazy_gettext("Too large"),
        text=lazy_gettext("What you sent is larger than what is accepted."),
    ),
}
#: Why the database can do nothing at the moment, and after how many seconds it is worth another try.
ABSENCES: dict[Absence, tuple[Answer, int]] = {
    "busy": (
        Answer(
            status=503,
            title=lazy_gettext("Too much at once"),
            text=lazy_gettext("Others are being served at the moment, so nothing was changed. Please try again."),
        ),
        5,
    ),
    "full": (
        Answer(
            status=503,
            title=lazy_gettext("There is no room left"),
            text=lazy_gettext("The disk of the database is full; nothing was changed. Please tell an administrator."),
        ),
        60,
    ),
    "away": (
        Answer(
            status=503,
            title=lazy_gettext("The database cannot be reached"),
            text=lazy_gettext("Nothing was changed. It comes back by itself, mostly soon; please try again."),
        ),
        15,
    ),
}
FAULT = Answer(
    status=500,
    title=lazy_gettext("Something went wrong"),
    text=lazy_gettext("It is our fault, and it is written down. Nothing was changed; please try again."),
)
STALE = Answer(
    status=400,
    title=lazy_gettext("This page was open for too long"),
    text=lazy_gettext("For your safety nothing was changed. Please open the page again and repeat it."),
)
LOGIN_NEEDED = Answer(
    status=401,
    title=lazy_gettext("Please log in again"),
    text=lazy_gettext("Your session has ended, so nothing was changed."),
)

PASSWORD_NEEDED = Answer(
    status=403,
    title=lazy_gettext("Please choose a password first"),
    text=lazy_gettext("Somebody else gave you the one until now and knows it; nothing was changed."),
)


def init_app(app: Flask) -> None:
    """Register the answers, and tell templates from where one may come back to a page."""
    app.jinja_env.globals["here"] = here
    app.register_error_handler(errors.EngineError, refused)
    app.register_error_handler(auth.NotLoggedIn, not_logged_in)
    app.register_error_handler(auth.GivenPassword, given_password)
    app.register_error_handler(auth.InvalidToken, stale)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(SQLAlchemyError, absent)
    app.register_error_handler(Exception, fault)


def refused(error: errors.EngineError) -> Any:
    """Answer what the engine refuses."""
    log.debug("%s %s: %s", request.method, request.path, error)
    kind = next(kind for kind in type(error).__mro__ if kind in ENGINE_ANSWERS)
    return answer(ENGINE_ANSWERS[kind], error)


def not_logged_in(_error: auth.NotLoggedIn) -> Any:
    """Lead to the log-in page; what was typed into a form whose session has ended is shown to be copied."""
    if request.method in auth.SAFE_METHODS and not wants_json() and "HX-Request" not in request.headers:
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?") if request.path != "/" else None))
    return answer(LOGIN_NEEDED)


def given_password(_error: auth.GivenPassword) -> Any:
    """Lead to where a password is chosen; what pages ask for by themselves is answered by nothing."""
    if "HX-Request" in request.headers:
        return Response(status=204)
    if request.method in auth.SAFE_METHODS and not wants_json():
        return redirect(url_for("auth.password"))
    return answer(PASSWORD_NEEDED)


def stale(_error: auth.InvalidToken) -> Any:
    """Refuse a form without the token of the session."""
    return answer(STALE)


def http(error: HTTPException) -> Any:
    """Answer what Flask refuses."""
    if isinstance(error, BadHost):
        # No address can be made for a page under it.
        return Response("Expected the name of a host.\n", 400, mimetype="text/plain")
    status = error.code or 500
    if status >= 500:
        return fault(error)
    if error.response is not None:
        return error.response
    if status == 413:
        return answer(too_large())
    if error is request.routing_exception and status == 405 and request.method in {"GET", "HEAD"} and not wants_json():
        # The address of a form, loaded again after a log-in or from a bookmark.
        return redirect(nearest_page())
    other = replace(ENGINE_ANSWERS[errors.EngineError], status=status)
    return answer(HTTP_ANSWERS.get(status, other))


def nearest_page() -> str:
    """Return the address above the one that was asked for under which there is a page."""
    pages, path = current_app.create_url_adapter(request), request.path
    while pages is not None and (path := path.rstrip("/").rpartition("/")[0]):
        for address in (f"{path}/", path):
            if pages.test(address, method="GET"):
                return address
    return url_for("auth.home")


def fault(error: Exception) -> Any:
    """Answer an error of ours; the log says where it happened, the page under which id it stands there."""
    error_id = new_id()
    log.error("%s: %s\n%s", error_id, asked_for(), "".join(places(error)))
    return answer(FAULT, error_id=error_id)


def absent(error: SQLAlchemyError) -> Any:
    """Answer that the database can do nothing at the moment, where that is so and passes."""
    g.database_away = True
    why = failures.absence(error)
    if why is None:
        return fault(error)
    error_id = new_id()
    level = logging.WARNING if why == "busy" else logging.ERROR
    log.log(level, "%s: %s: the database is %s", error_id, asked_for(), why)
    said, seconds = ABSENCES[why]
    body, status = answer(said, error_id=error_id, is_away=why == "away")
    return body, status, {"Retry-After": str(seconds)}


def new_id() -> str:
    """Return an id by which a page and a line of the log are known to belong together."""
    return secrets.token_hex(4)


def asked_for() -> str:
    """Return what was asked for as the program has it: the address itself may name people."""
    return f"{request.method} {request.url_rule.rule if request.url_rule is not None else 'no page'}"


def places(error: BaseException | None) -> Iterator[str]:
    """Yield where an error came from, through its causes; what it says is left out, since it may quote people."""
    while error is not None:
        yield f"{type(error).__module__}.{type(error).__qualname__}\n"
        # SQLAlchemy hides the parameters, and without the statement nobody finds the reason.
        yield f"{error}\n" if isinstance(error, SQLAlchemyError) else ""
        yield from traceback.format_tb(error.__traceback__)
        error = error.__cause__ or error.__context__


def answer(
    said: Answer, error: errors.EngineError | None = None, *, error_id: str = "", is_away: bool = False
) -> tuple[Response | str, int]:
    """Return the page, or JSON for programs; without a header, which asks the database, where that is away."""
    if wants_json():
        told = as_json(said, error)
        return jsonify(told | {"id": error_id} if error_id else told), said.status
    # What is too large cannot be read either; passwords are not shown again.
    keeps = request.method == "POST" and said.status != 413 and request.endpoint not in auth.WITH_PASSWORD
    typed = forms.readable(request.form) if keeps else []
    page = render_template(
        "layout/error.html",
        answer=said,
        error=error,
        typed=typed,
        error_id=error_id,
        again=sent_again() if keeps and said.status == 503 else None,
        reason=phrases.sentence(error) if error and not isinstance(error, TECHNICAL) else "",
        technical=technical(error),
        person=None if is_away else g.get("person"),
        came_from=came_from(),
    )
    return page, said.status


def sent_again() -> list[tuple[str, str]] | None:
    """Return the inputs of a form that sends once more what was sent; None where it was not ours, or had files."""
    if not auth.is_ours() or any(file.filename for file in request.files.values()):
        return None
    return [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"]


def here() -> str:
    """Return the address of the page that is shown; of one that answers a form, that of the form."""
    return request.full_path if request.method in auth.SAFE_METHODS else came_from()


def came_from() -> str:
    """Return the address of our page whose form was sent, where it can be filled in again; nothing for other sites."""
    page = urlsplit(request.referrer or "")
    if request.method in auth.SAFE_METHODS or page.netloc != request.host:
        return ""
    return f"{page.path}?{page.query}" if page.query else page.path


def as_json(said: Answer, error: errors.EngineError | None) -> dict[str, Any]:
    """Return what programs are told: a stable code, what happened, and every single thing that is wrong."""
    told: dict[str, Any] = {
        "code": error.code if error else str(said.status),
        "message": str(said.title),
        "reason": phrases.sentence(error) if error else str(said.text),
    }
    if error is not None:
        told["detail"] = error.message
    if isinstance(error, errors.DeploymentRefused):
        told["problems"] = [problem(finding) for finding in error.findings]
    if isinstance(error, errors.InvalidVariables):
        told["problems"] = [
            {"field": each.field, "code": each.code, "message": phrases.told(each.phrase)} for each in error.errors
        ]
    return told


def problem(finding: errors.Finding) -> dict[str, Any]:
    """Return one finding of a refused deployment, in the language of the request."""
    return {
        "level": finding.level,
        "code": finding.code,
        "file": finding.file,
        "line": finding.line,
        "element_id": finding.element_id,
        "message": phrases.told(finding.phrase),
    }


def reason_of(error: errors.EngineError) -> str:
    """Return why something was refused; of what is wrong inside a process only that something is."""
    return str(ENGINE_ANSWERS[errors.EngineError].text) if isinstance(error, TECHNICAL) else phrases.sentence(error)


def technical(error: errors.EngineError | None) -> str:
    """Return what is wrong inside a process, for those who look after processes."""
    person = g.get("person")
    known = person is not None and (authorization.may_operate(person) or authorization.may_deploy(person))
    return phrases.sentence(error) if isinstance(error, TECHNICAL) and known else ""


def too_large() -> Answer:
    """Return what is said about a request that is too large: how large it may be, and how large it is."""
    limit, found = request.max_content_length, request.content_length
    if limit is None or found is None or found <= limit:
        return HTTP_ANSWERS[413]
    sizes = {"limit": phrases.size(limit), "found": phrases.size(found)}
    text = gettext("At most %(limit)s are accepted at once; what you sent has %(found)s.", **sizes)
    return replace(HTTP_ANSWERS[413], text=text)


def wants_json() -> bool:
    """Tell whether a program is asking."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"
