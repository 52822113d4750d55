"""Start a process for many records: choose them in a register, see what would come of the first ones, let it begin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.deployments import Selection, definitions
from casepath.engine.forms import Form
from casepath.engine.instances import approvals, batches
from casepath.engine.people import authorization
from casepath.engine.queries import batches as lists
from casepath.engine.queries import deployed, people, records
from casepath.engine.queries.batches import BatchRow
from casepath.engine.queries.deployed import StartableProcess
from casepath.engine.registers import access
from casepath.web import forms, guidance, languages, once, words
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import lookups, wording
from casepath.web.registers.views import OF_FIELD, filters
from casepath.web.registers.wording import Wording
from casepath.web.user_tasks.task_page import depends_on_answers, other_errors

bp = Blueprint("batches", __name__)

#: Records of which it is shown what would come.
PREVIEWED = 3


@bp.app_template_global("batches_waiting")
def waiting() -> int:
    """Return how many batches wait until the person of this request, or somebody else, lets them begin."""
    with g.readers.begin() as session:
        return lists.waiting(session, g.person)


@bp.get("/batches/")
def index() -> str:
    """Show the batches for the registers that the person may read."""
    with g.readers.begin() as session:
        known = [each.key for each in access.readable(session, g.person)]
        everything = None if authorization.may_see_every_instance(g.person) else known
        rows, below = lists.listed(session, everything, below=row_id(request.args.get("below")))
        return render_template(
            "batches/index.html",
            rows=rows,
            next=below,
            called={each.id: called(session, each) for each in rows},
            names=people.names(session, [each.created_by for each in rows]),
        )


@bp.get("/registers/<key>/start/")
def choose(key: str) -> str | Response:
    """Show what may be started for the records to which a list is narrowed; where it is only one process, its form."""
    with g.readers.begin() as session:
        register = wording.of(session, access.register(session, key, by=g.person))
        found = deployed.startable_for(session, key, languages.of_names(), person=g.person)
        if len(found) == 1:
            return redirect(url_for(".new", process=found[0][0].key, **narrowed(key)))
        processes = [each for each, _ in found]
        return render_template("batches/choose.html", words=register, processes=processes, narrowed=narrowed(key))


@bp.get("/registers/<key>/start/<process>")
def new(key: str, process: str) -> str:
    """Show the form with which a process is started for records."""
    with g.readers.begin() as session:
        return render(session, key, process)


@bp.post("/registers/<key>/start/<process>/fields")
def fields(key: str, process: str) -> str:
    """Return the fields of the form anew for what is typed."""
    with g.readers.begin() as session:
        found, _ = one(session, key, process)
        form = deployed.form(session, found.texts.start_form_key, found.definition_id)
        return render_template("forms/fragment.html", fields=form_fields(session, found, form), disabled=False)


@bp.post("/registers/<key>/start/<process>")
def start(key: str, process: str) -> str | Response | tuple[str, int]:
    """Show what would come of the first records, or start it where that was seen."""
    with g.readers.begin() as session:
        found, _ = one(session, key, process)
        g.form = deployed.form(session, found.texts.start_form_key, found.definition_id)
        keys = chosen(session, key)
        typed = lookups.sent(session, g.form)
    try:
        if request.form.get("batch.seen") != seen(keys, typed):
            # What was tried leaves nothing: the transaction ends with nothing in it.
            with g.sessions.begin() as session:
                shown = batches.preview(session, process, keys[:PREVIEWED], typed, by=g.person)
            with g.readers.begin() as session:
                return render(session, key, process, previews=shown, agreed=seen(keys, typed))
        sent = once.Submission()
        with g.sessions.begin() as session:
            number = row_id(sent.made(session))
            if number is None:
                number = batches.propose(session, process, keys, typed, by=g.person).id
                sent.settle(session, str(number))
    except errors.InvalidInput as refusal:
        with g.readers.begin() as session:
            return render(session, key, process, refusal=refusal), 422
    return redirect(url_for(".show", batch_id=number), 303)


@bp.get("/batches/<int:batch_id>")
def show(batch_id: int) -> str:
    """Show how far a batch has come."""
    state = next((each for each in lists.STATES if each == request.args.get("state")), "")
    with g.readers.begin() as session:
        batch = batches.get(session, batch_id, by=g.person)
        row = lists.row(session, batch)
        state = state or ("refused" if row.counts["refused"] else "started" if row.counts["started"] else "waiting")
        items, after = lists.items(session, batch_id, state, after=row_id(request.args.get("after")) or 0)
        return render_template(
            "batches/show.html",
            row=row,
            name=called(session, row),
            items=items,
            titles=titles(session, row.register, [each.record_key for each in items]),
            given=given(session, row),
            sent=lists.sent(session, batch_id),
            next=after,
            state=state,
            states=lists.STATES,
            names=people.names(session, [row.created_by, row.approved_by]),
            may_approve=row.state == "proposed" and approvals.may_approve(session, batch, g.person),
            may_stop=row.ended_at is None and batches.may_stop(session, batch, g.person),
        )


@bp.get("/batches/<int:batch_id>/progress")
def progress(batch_id: int) -> Response:
    """Return how far a batch has come, for its page; once it runs no more, all of the page is another one."""
    with g.readers.begin() as session:
        row = lists.row(session, batches.get(session, batch_id, by=g.person))
        answer = make_response(render_template("batches/progress.html", row=row))
    if row.state != "running":
        answer.headers["HX-Refresh"] = "true"
    return answer


@bp.post("/batches/<int:batch_id>/<any(approve, stop):verb>")
def move(batch_id: int, verb: str) -> Response:
    """Let a batch begin, or stop it."""
    with g.sessions.begin() as session:
        getattr(batches, verb)(session, batch_id, by=g.person)
    said = {"approve": gettext("The batch begins."), "stop": gettext("No more are started.")}
    flash(said[verb], "success")
    return redirect(url_for(".show", batch_id=batch_id), 303)


def one(session: Session, register: str, process: str) -> tuple[StartableProcess, Selection]:
    """Return a process that the person may start for records of a register that he reads; raises `NotFound`."""
    access.register(session, register, by=g.person)
    known = deployed.startable_for(session, register, languages.of_names(), person=g.person)
    found = next((each for each in known if each[0].key == process), None)
    if found is None:
        raise deployed.not_startable(session, process)
    return found


def chosen(session: Session, key: str) -> list[str]:
    """Return the keys of the records to which the address narrows a register, at most one more than a batch takes."""
    register = wording.of(session, access.register(session, key, by=g.person))
    keys = []
    for row in records.every(session, register.declared, filters(register)):
        keys.append(row.key)
        if len(keys) > batches.MAX_SIZE:
            break
    return keys


def seen(keys: Sequence[str], typed: Mapping[str, Any]) -> str:
    """Return what tells apart records and what was typed for them: another text than was previewed does not go out."""
    return sha256(json.dumps([keys, typed], sort_keys=True, default=str).encode()).hexdigest()


def narrowed(key: str) -> dict[str, Any]:
    """Return a register and what its list is narrowed to, as addresses have it."""
    names = [name for name in request.args if name in ("q", "archived", "order", "down") or name.startswith(OF_FIELD)]
    return {**{name: request.args[name] for name in names}, "key": key}


def called(session: Session, row: BatchRow) -> str:
    """Return what the process of a batch is called in the language of the reader."""
    key = definitions.definition(session, row.definition_id).key
    return deployed.texts(session, row.definition_id, languages.of_names()).called(key, row.process)


def form_fields(
    session: Session, found: StartableProcess, form: Form | None, refusal: errors.InvalidInput | None = None
) -> list[forms.Field]:
    """Return the fields of the start form, with what was typed."""
    if form is None:
        return []
    typed = forms.submitted(form, request.form) if request.method == "POST" else None
    filled = guidance.of_form(session, found.definition_id, form, {}, typed)
    shown = forms.fields(form, texts=typed, refusal=refusal, filled=filled)
    return lookups.offered(session, shown, lookups.registers_of(form))


def render(
    session: Session,
    key: str,
    process: str,
    *,
    previews: list[batches.Preview] | None = None,
    agreed: str = "",
    refusal: errors.InvalidInput | None = None,
) -> str:
    """Return the page on which a process is started for records."""
    found, selection = one(session, key, process)
    register: Wording = wording.of(session, access.register(session, key, by=g.person))
    keys = chosen(session, key)
    form = deployed.form(session, found.texts.start_form_key, found.definition_id)
    shown = form_fields(session, found, form, refusal)
    names = titles(session, key, [each.record_key for each in previews or ()])
    return render_template(
        "batches/new.html",
        words=register,
        process=found,
        selection=selection,
        agreed=agreed,
        size=len(keys),
        limit=batches.MAX_SIZE,
        fields=shown,
        refused=[each for each in forms.flat(shown) if each.error] if refusal else [],
        other_errors=other_errors(shown, refusal),
        depends=depends_on_answers(form),
        previews=[(each, names[each.record_key]) for each in previews or () if each.record_key in names],
        narrowed=narrowed(key),
    )


def given(session: Session, row: BatchRow) -> list[tuple[str, str]]:
    """Return label and value of all that was filled in for a batch: who lets it begin answers for every word."""
    told = words.of(session, [row.definition_id])
    return [(told.label(name), told.said(name, value)) for name, value in row.variables.items() if value != ""]


def titles(session: Session, key: str, record_keys: Sequence[str]) -> dict[str, str]:
    """Return what records of a register are called, those that the person may read."""
    found = records.named(session, g.person, [(key, each) for each in record_keys])
    if not found:
        return {}
    called_in = wording.of(session, access.register(session, key, by=g.person))
    return {record_key: called_in.title(row) for (_, record_key), row in found.items()}
