"""Records from a file: send it, see how far workers are with it, and take the refused rows back."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.deployments import registers
from casepath.engine.queries import imports, people
from casepath.engine.queries.imports import ImportRow
from casepath.engine.registers import files
from casepath.web import once, phrases, spreadsheets, uploads
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import sheets, wording
from casepath.web.registers.views import writable
from casepath.web.registers.wording import Wording

bp = Blueprint("imports", __name__)

#: Refused rows that a page shows; their file has all.
SHOWN = 100


@bp.get("/registers/<key>/import")
def choose(key: str) -> str:
    """Show how records are taken from a file, and which files were."""
    with g.readers.begin() as session:
        return render(session, key)


@bp.post("/registers/<key>/import")
def begin(key: str) -> Response | tuple[str, int]:
    """Have workers take the rows of a file."""
    with g.readers.begin() as session:
        words = writable(session, key)
    try:
        (file,) = uploads.chosen("file", limit=1)
        content = file.read()
        headings, fields = sheets.headed(words, content)
        sent = once.Submission(content)
        with g.sessions.begin() as session:
            number = row_id(sent.made(session))
            if number is None:
                name = file.filename or ""
                number = files.begin(
                    session, key, content, name=name, headings=headings, fields=fields, by=g.person
                ).id
                sent.settle(session, str(number))
    except errors.InvalidInput as refusal:
        with g.readers.begin() as session:
            return render(session, key, phrases.sentence(refusal)), 422
    return redirect(url_for(".show", import_id=number), 303)


@bp.get("/imports/<int:import_id>")
def show(import_id: int) -> str:
    """Show how far a file is, and what was refused."""
    with g.readers.begin() as session:
        found, words = one(session, import_id)
        refused = list(imports.refusals(session, import_id, limit=SHOWN))
        return render_template(
            "registers/taken.html",
            row=found,
            words=words,
            lines=[(each.line, sheets.reason(words, each.reasons), each.cells) for each in refused],
            shown=SHOWN,
            kept=files.KEPT.days,
            names=people.names(session, [found.created_by]),
        )


@bp.get("/imports/<int:import_id>/progress")
def progress(import_id: int) -> Response:
    """Return how far a file is, for its page; once nothing is left of it, all of the page is another one."""
    with g.readers.begin() as session:
        found, _ = one(session, import_id)
        answer = make_response(render_template("registers/taking.html", row=found))
        if found.ended_at is not None:
            answer.headers["HX-Refresh"] = "true"
    return answer


@bp.get("/imports/<int:import_id>/refused.csv")
def refused(import_id: int) -> Response:
    """Return the refused rows as a file, with the reasons, to be corrected and taken again."""
    with g.readers.begin() as session:
        found, words = one(session, import_id)
        every = imports.refusals(session, import_id)
        rows = [[*each.cells, sheets.reason(words, each.reasons)] for each in every]
    name = f"{words.name}-{gettext('refused')}.csv"
    return spreadsheets.answer(name, [[*found.headings, gettext("Reason")], *rows])


@bp.post("/imports/<int:import_id>/stop")
def stop(import_id: int) -> Response:
    """Have no more rows taken."""
    with g.sessions.begin() as session:
        files.stop(session, import_id, by=g.person)
    flash(gettext("No more rows are taken."), "success")
    return redirect(url_for(".show", import_id=import_id), 303)


def one(session: Session, import_id: int) -> tuple[ImportRow, Wording]:
    """Return a file, and the words of its register; raises `NotFound`."""
    found = imports.row(files.get(session, import_id, by=g.person))
    return found, wording.of(session, registers.declared(session, found.register))


def render(session: Session, key: str, refusal: str = "") -> str:
    """Return the page on which a file is sent."""
    words = writable(session, key)
    rows = imports.of_register(session, key)
    return render_template(
        "registers/import.html",
        words=words,
        columns=sheets.columns(words),
        refusal=refusal,
        rows=rows,
        names=people.names(session, [each.created_by for each in rows]),
    )
