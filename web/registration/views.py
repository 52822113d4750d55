"""Start a process with its start form: to register a complaint, for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors, texts
from casepath.engine.forms import Form
from casepath.engine.instances import drafts, incidents, process_instances
from casepath.engine.people import authorization
from casepath.engine.queries import deployed
from casepath.web import auth, forms, guidance, languages, navigation, once
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import lookups
from casepath.web.registration import begun as begun_ones
from casepath.web.user_tasks.task_page import depends_on_answers, other_errors

bp = Blueprint("registration", __name__, url_prefix="/register")


@bp.get("/")
def index() -> str | Response:
    """Show what may be started; where it is only one process, its form."""
    with g.readers.begin() as session:
        found = deployed.startable(session, languages.of_names(), person=g.person)
    if len(found) == 1:
        return redirect(url_for(".show", key=found[0].key))
    return render_template("registration/index.html", processes=found)


@bp.get("/<key>")
def show(key: str) -> str:
    """Show the start form of a process, with what the address gives for its fields or one has begun to fill in."""
    with g.readers.begin() as session:
        number = row_id(request.args.get("draft"))
        begun = drafts.get(session, number, by=g.person.username) if number else None
        return render(session, process(session, key), begun=begun)


@bp.post("/<key>/fields")
def fields(key: str) -> str:
    """Return the fields of the form anew for what is typed; without scripts, the page with them."""
    with g.readers.begin() as session:
        found = process(session, key)
        if "HX-Request" not in request.headers:
            return render(session, found, typed=True)
        shown, told = form_fields(session, found, typed=True), guidance_for(session, found, typed=True)
    return render_template("forms/fragment.html", fields=shown, disabled=False, guidance=told)


@bp.post("/<key>/draft")
def save_draft(key: str) -> Response | tuple[str, int]:
    """Keep what is typed, complete or not; one may have several drafts."""
    number = row_id(request.form.get("draft.id"))
    try:
        with g.sessions.begin() as session:
            process(session, key)
            typed = forms.typed(request.form)
            number = drafts.save(session, key, typed, by=g.person.username, draft_id=number)
    except errors.InvalidInput as refusal:
        return again(key, refusal)
    flash(gettext("The draft is saved."), "success")
    return redirect(url_for(".show", key=key, draft=number), 303)


@bp.post("/<key>/discard")
def discard_draft(key: str) -> Response:
    """Throw away a draft, and go back to where it was listed."""
    number = row_id(request.form.get("draft.id"))
    if number:
        with g.sessions.begin() as session:
            drafts.discard(session, number, by=g.person.username)
    flash(gettext("The draft is thrown away."), "success")
    listed_at = request.form.get("next")
    return redirect(auth.next_page(listed_at) if listed_at else url_for(".show", key=key), 303)


@bp.post("/<key>")
def start(key: str) -> Response | tuple[str, int]:
    """Start the process with the values of its form; wrong ones are shown at their fields."""
    sent, draft_id = once.Submission(), row_id(request.form.get("draft.id"))
    try:
        with incidents.noting(g.sessions) as session:
            number = sent.made(session)
            if number is None:
                g.form = form_of(session, key)
                instance = process_instances.start(session, key, lookups.sent(session, g.form), by=g.person)
                number = instance.business_key or ""
                sent.settle(session, number)
                if draft_id:
                    drafts.discard(session, draft_id, by=g.person.username)
                said = gettext("Registered under the number %(number)s.", number=number or instance.id)
            else:
                said = once.told_before(number)
    except errors.InvalidInput as refusal:
        return again(key, refusal)
    flash(said, "success")
    return redirect(navigation.matter_address(number) if number else url_for("user_tasks.index", view="all"), 303)


def process(session: Session, key: str) -> deployed.StartableProcess:
    """Return a process that may be started; raises `NotFound`, and `Forbidden` for whom it is not meant."""
    for found in deployed.startable(session, languages.of_names()):
        if found.key == key:
            if not authorization.may_start(g.person, found.texts.candidate_starters):
                raise errors.Forbidden("start", "process definition", key, g.person.username)
            return found
    raise deployed.not_startable(session, key)


def form_of(session: Session, key: str) -> Form | None:
    """Return the start form of a process, to show what was typed where it cannot be kept; None without one."""
    found = next((found for found in deployed.startable(session, languages.of_names()) if found.key == key), None)
    return deployed.form(session, found.texts.start_form_key, found.definition_id) if found else None


def form_fields(
    session: Session,
    found: deployed.StartableProcess,
    refusal: errors.InvalidInput | None = None,
    *,
    typed: bool = False,
    begun: drafts.Begun | None = None,
) -> list[forms.Field]:
    """Return the fields of the start form, with what was typed."""
    form = deployed.form(session, found.texts.start_form_key, found.definition_id)
    if form is None:
        return []
    if typed or refusal is not None:
        entered: Mapping[str, Any] = forms.submitted(form, request.form)
    elif begun is not None:
        entered = begun.typed
    else:
        entered = given(form)
    entered, copied = lookups.filled(session, form, entered)
    filled = guidance.of_form(session, found.definition_id, form, {}, entered)
    shown = forms.fields(form, texts=entered, refusal=refusal, filled=filled)
    return lookups.shown(session, form, shown, entered, copied)


def given(form: Form) -> dict[str, str]:
    """Return what the address gives for the fields of a start form that name records."""
    return {key: text for key in form.lookups if (text := texts.storable(request.args.get(key, "").strip()))}


def guidance_for(
    session: Session, found: deployed.StartableProcess, *, typed: bool = False, begun: drafts.Begun | None = None
) -> str | None:
    """Return the guidance for whoever starts a process, as it reads for what stands in the form, as Markdown."""
    form = deployed.form(session, found.texts.start_form_key, found.definition_id)
    texts = forms.submitted(form, request.form) if form and typed else begun.typed if begun else None
    told = (guidance.of_element(session, found.definition_id, each, form, {}, texts) for each in found.texts.starts)
    return next((text for text in told if text is not None), None)


def again(key: str, refusal: errors.InvalidInput) -> tuple[str, int]:
    """Return the page of the start form with what is wrong."""
    with g.readers.begin() as session:
        return render(session, process(session, key), refusal), 422


def render(
    session: Session,
    found: deployed.StartableProcess,
    refusal: errors.InvalidInput | None = None,
    begun: drafts.Begun | None = None,
    *,
    typed: bool = False,
) -> str:
    """Return the page of the start form."""
    shown = form_fields(session, found, refusal, begun=begun, typed=typed)
    form = deployed.form(session, found.texts.start_form_key, found.definition_id)
    return render_template(
        "registration/show.html",
        process=found,
        fields=shown,
        refused=[each for each in forms.flat(shown) if each.error] if refusal else [],
        other_errors=other_errors(shown, refusal),
        depends=depends_on_answers(form)
        or any(deployed.depends(session, found.definition_id, each) for each in found.texts.starts),
        guidance=guidance_for(session, found, typed=typed or refusal is not None, begun=begun),
        given=sorted(given(form).items()) if form else [],
        draft_id=begun.id if begun else row_id(request.form.get("draft.id")),
        drafts=begun_ones.rows(session, g.person, found.key),
    )
