"""
Play a draft, or what is in force: each request brings the recording, plays it, takes one step more and shows what came.

Nothing is kept here. What the page needs to go on with stands in the form that it sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Blueprint, current_app, g, render_template, request
from flask import Response as FlaskResponse
from markupsafe import Markup
from sqlalchemy.orm import Session

from casepath.engine import errors, rehearsal
from casepath.engine.deployments import definitions
from casepath.engine.people import authorization
from casepath.engine.queries import versions
from casepath.engine.queries.versions import Version
from casepath.engine.rehearsal import Draft, Input, Recording, Rehearsal, Work
from casepath.web import headers, names, phrases
from casepath.web.auth import requires
from casepath.web.definitions import files
from casepath.web.rehearsing import asked, scenarios, shown

bp = Blueprint("rehearsing", __name__, url_prefix="/processes/rehearse")


@bp.get("/<int:definition_id>")
@requires(authorization.may_rehearse)
def begin(definition_id: int) -> str:
    """Show a rehearsal of what is in force, in which nothing has happened yet."""
    with g.readers.begin() as session:
        process = rehearsed(session, definition_id)
        return page(session, process, Draft(files={}, process=process.key), rehearsal.begun(process.key))


@bp.post("/<int:definition_id>")
@requires(authorization.may_rehearse)
def go_on(definition_id: int) -> str | tuple[str, int]:
    """Play what was recorded and what is asked for now, and show how it stands then."""
    with g.readers.begin() as session:
        process = rehearsed(session, definition_id)
        draft, recording = asked.draft(session, process), asked.recording(process.key)
        try:
            more = asked.step()
            if more is None:
                return page(session, process, draft, recording, typed=asked.is_looking())
            return page(session, process, draft, recording, more=more)
        except errors.DeploymentRefused:
            raise
        except (errors.InvalidInput, errors.InvalidState, errors.NotFound, errors.NotWaiting, errors.Forbidden,
                errors.SeveralWaiting, errors.OverBudget) as refusal:  # fmt: skip
            return page(session, process, draft, recording, refusal=refusal, typed=True), 422


@bp.post("/<int:definition_id>/fields")
@requires(authorization.may_rehearse)
def fields(definition_id: int) -> str:
    """Return the fields of the form anew for what is typed; without scripts, the page with them."""
    with g.readers.begin() as session:
        process = rehearsed(session, definition_id)
        draft, recording = asked.draft(session, process), asked.recording(process.key)
        if "HX-Request" not in request.headers:
            return page(session, process, draft, recording, typed=True)
        with played(session, draft, recording) as found, found.readers.begin() as inside:
            standing = rehearsal.of(inside)
            chosen = shown.chosen(inside, standing, process.key, typed=True)
            return render_template("forms/fragment.html", fields=chosen.fields, disabled=False, guidance=None)


@bp.post("/<int:definition_id>/recording")
@requires(authorization.may_rehearse)
def recording_file(definition_id: int) -> FlaskResponse:
    """Return what was played as a scenario, with the way that it went, to be saved."""
    with g.readers.begin() as session:
        process = rehearsed(session, definition_id)
        draft, recording = asked.draft(session, process), asked.recording(process.key)
        with played(session, draft, recording) as found, found.readers.begin() as inside:
            scenario = replace(found.recording, path=rehearsal.path(inside))
    answer = FlaskResponse(scenario.dumps(), mimetype="application/json")
    answer.headers["Content-Disposition"] = headers.content_disposition(f"{process.key}.rehearsal.json")
    return answer


@bp.post("/<int:definition_id>/scenarios")
@requires(authorization.may_rehearse)
def run(definition_id: int) -> str | tuple[str, int]:
    """Play the scenarios beside a process and those that are sent; show which pass, and what none of them reaches."""
    headers.allow_style_attributes()
    with g.readers.begin() as session:
        process = rehearsed(session, definition_id)
        draft = asked.draft(session, process)
        told = names.version(session, process)
        found, wrong = scenarios.sent(session, process)
        try:
            outcomes, coverage = rehearsal.run(session, draft, found, by=g.person, work=work())
            with played(session, draft, rehearsal.begun(process.key)) as empty, empty.readers.begin() as inside:
                return scenarios.render(inside, told, outcomes, coverage, wrong, draft)
        except errors.DeploymentRefused as refused:
            return render_template("rehearsing/refused.html", process=told, findings=files.told(refused.findings))


def rehearsed(session: Session, definition_id: int) -> Version:
    """Return the newest version of a process; raises `NotFound`."""
    found = definitions.definition(session, definition_id)
    if found.kind != "process":
        raise errors.NotFound("process definition", definition_id)
    return versions.one(session, "process", found.key)


@contextmanager
def played(session: Session, draft: Draft, recording: Recording, more: Input | None = None) -> Iterator[Rehearsal]:
    """Have it played inside, by whoever asks, with the workers that the server has for it."""
    with rehearsal.rehearse(session, draft, recording, by=g.person, work=work(), more=more) as found:
        yield found


def work() -> Work | None:
    """Return what does the work of workers in a rehearsal, where the server has it."""
    found: Work | None = current_app.extensions.get("rehearsal.work")
    return found


def page(
    session: Session,
    process: Version,
    draft: Draft,
    recording: Recording,
    *,
    more: Input | None = None,
    refusal: errors.EngineError | None = None,
    typed: bool = False,
) -> str:
    """Return the page; with `refusal` of a step that was not taken, and what was typed for it."""
    headers.allow_style_attributes()
    told = names.version(session, process)
    try:
        # What is told of days is told by the clock of the rehearsal; the rest of the page keeps ours.
        with played(session, draft, recording, more) as found, found.readers.begin() as inside:
            inner = Markup(shown.render(inside, found, process, refusal=refusal, typed=typed))  # noqa: S704
    except errors.DeploymentRefused as refused:
        return render_template("rehearsing/refused.html", process=told, findings=files.told(refused.findings))
    parted = phrases.sentence(found.refusal) if found.refusal is not None else ""
    return render_template(
        "rehearsing/show.html",
        process=told,
        is_draft=bool(draft.files),
        inner=inner,
        parted_at=found.parted_at,
        parted=parted,
    )
