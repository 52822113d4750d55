"""Registers: find a record, see what it is and what points to it, fill one in, change it, take it out of use."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors, texts
from casepath.engine.database.entries import KEY
from casepath.engine.queries import deployed
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters, Key
from casepath.engine.registers import access, records
from casepath.web import forms, once, spreadsheets, workbooks
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import lookups, matters, record_form, record_page, sheets, wording
from casepath.web.registers.wording import Wording

bp = Blueprint("registers", __name__)

#: How the field of a filter is called in an address.
OF_FIELD = "field."


@bp.get("/registers/")
def index() -> str | Response:
    """Search all registers that the person may read; where it is only one, lead to it."""
    text = texts.storable(request.args.get("q", "").strip()[:100])
    with g.readers.begin() as session:
        known = [wording.of(session, declared) for declared in access.readable(session, g.person)]
        if len(known) == 1 and not text:
            return redirect(url_for(".register", key=known[0].key))
        found = lists.search(session, g.person, text) if text else []
        said = {words.key: words for words in known}
        return render_template(
            "registers/index.html",
            registers=known,
            text=text,
            found=[(said[each.register.key], each) for each in found],
            references=record_page.references(session, [row for each in found for row in each.rows]),
        )


@bp.get("/registers/<key>")
def register(key: str) -> str:
    """Show one page of a register."""
    with g.readers.begin() as session:
        words = of(session, key)
        narrowed = filters(words)
        page = lists.page(session, words.declared, narrowed, after=after())
        return render_template(
            "registers/register.html",
            words=words,
            registers=[wording.of(session, declared) for declared in access.readable(session, g.person)],
            page=page,
            next=f"{page.next.id}~{page.next.compared or ''}" if page.next else None,
            filters=narrowed,
            chosen={f"{OF_FIELD}{name}": value for name, value in narrowed.values.items()},
            references=record_page.references(session, page.rows),
            may_write=access.may_write(g.person, words.declared),
            starts=bool(deployed.startable_for(session, key, person=g.person)),
        )


@bp.get("/registers/<key>/choices/<field>")
def choices(key: str, field: str) -> str:
    """Return records of a register in which what is typed into a field is found."""
    with g.readers.begin() as session:
        words = of(session, key)
        found = lists.page(session, words.declared, Filters(text=typed_into(field)), limit=lists.FEW)
        offered = [(row.key, words.line(row)) for row in found.rows]
    return render_template("registers/choices.html", choices=offered)


@bp.get("/matters/choices/<field>")
def matter_choices(field: str) -> str:
    """Return matters in which what is typed into a field is found."""
    with g.readers.begin() as session:
        found = matters.found(session, g.person, typed_into(field))
    return render_template("registers/choices.html", choices=[(each.number, each.title) for each in found])


def typed_into(field: str) -> str:
    """Return what stands in the field by which something is looked up."""
    return texts.storable(request.args.get(field, "").strip()[: lookups.LONGEST])


@bp.get("/registers/<key>/file.csv")
def export(key: str) -> Response:
    """Return a register for a spreadsheet, as its list is narrowed."""
    with g.readers.begin() as session:
        words = of(session, key)
        table = sheets.table(session, words, filters(words), sheets.said)
        return spreadsheets.answer(f"{words.name}.csv", list(table))


@bp.get("/registers/<key>/file.xlsx")
def export_workbook(key: str) -> Response:
    """Return a register as a workbook, with its days and numbers as such."""
    with g.readers.begin() as session:
        words = of(session, key)
        table = sheets.table(session, words, filters(words), sheets.typed)
        return workbooks.answer(words.name, table)


@bp.get("/registers/<key>/new")
def new(key: str) -> str:
    """Show the form of a new record, with what an address gives for its fields."""
    with g.readers.begin() as session:
        return record_form.render(session, writable(session, key), given=forms.typed(request.args))


@bp.post("/registers/<key>/fields")
def fields(key: str) -> str:
    """Return the fields of a form anew for what is typed."""
    with g.readers.begin() as session:
        words = writable(session, key)
        typed = forms.fields(words.form, texts=forms.submitted(words.form, request.form))
        shown = record_form.shown(session, words, typed, is_new="record.revision" not in request.form)
        return render_template("forms/fragment.html", fields=shown, disabled=False)


@bp.post("/registers/<key>/new")
def create(key: str) -> Response | tuple[str, int]:
    """Add a record; what is wrong, and who has the same, is shown with the form."""
    sent = once.Submission()
    try:
        with g.sessions.begin() as session:
            words = writable(session, key)
            g.form = words.form
            number = row_id(sent.made(session))
            is_new = number is None
            if number is None:
                typed = record_form.typed(session, words)
                number = records.create(session, key, typed, by=g.person, despite=despite()).id
                sent.settle(session, str(number))
    except errors.InvalidInput as refusal:
        with g.readers.begin() as session:
            return record_form.render(session, writable(session, key), refusal=refusal), 422
    flash(gettext("The record is added.") if is_new else once.told_before(), "success")
    return redirect(url_for(".record", record_id=number), 303)


@bp.get("/records/<int:record_id>")
def record(record_id: int) -> str:
    """Show a record."""
    with g.readers.begin() as session:
        return record_page.render(session, record_id)


@bp.get("/records/<int:record_id>/change")
def show_change(record_id: int) -> str:
    """Show a record in its form."""
    with g.readers.begin() as session:
        found = records.get(session, record_id, by=g.person)
        return record_form.render(session, writable(session, found.register), found)


@bp.post("/records/<int:record_id>/change")
def change(record_id: int) -> Response | tuple[str, int]:
    """Change a record; what is wrong, and what somebody has changed meanwhile, is shown with the form."""
    try:
        with g.sessions.begin() as session:
            found = records.get(session, record_id, by=g.person)
            words = writable(session, found.register)
            g.form = words.form
            seen = row_id(request.form["record.revision"]) or 0
            typed = record_form.typed(session, words)
            records.change(session, record_id, typed, revision=seen, by=g.person, despite=despite())
    except errors.InvalidInput as refusal:
        return again(record_id, refusal), 422
    except errors.InvalidState as refusal:
        if refusal.state != "changed":
            raise
        return again(record_id, refusal), 409
    flash(gettext("The record is saved."), "success")
    return redirect(url_for(".record", record_id=record_id), 303)


@bp.post("/records/<int:record_id>/archive")
def archive(record_id: int) -> Response:
    """Take a record out of use."""
    with g.sessions.begin() as session:
        records.archive(session, record_id, by=g.person)
    flash(gettext("The record is archived."), "success")
    return redirect(url_for(".record", record_id=record_id), 303)


@bp.post("/records/<int:record_id>/restore")
def restore(record_id: int) -> Response | tuple[str, int]:
    """Put a record into use again; who has come to have the same is shown before."""
    try:
        with g.sessions.begin() as session:
            records.restore(session, record_id, by=g.person, despite=despite())
    except errors.InvalidVariables as refusal:
        with g.readers.begin() as session:
            return record_page.render(session, record_id, refusal), 422
    flash(gettext("The record is in use again."), "success")
    return redirect(url_for(".record", record_id=record_id), 303)


@bp.post("/records/<int:record_id>/erase")
def erase(record_id: int) -> Response | tuple[str, int]:
    """Erase values of an archived record."""
    try:
        with g.sessions.begin() as session:
            names, reason = request.form.getlist("fields"), request.form.get("reason", "")
            records.erase(session, record_id, names, by=g.person, reason=reason)
    except errors.InvalidInput as refusal:
        with g.readers.begin() as session:
            return record_page.render(session, record_id, refusal), 422
    flash(gettext("The values are erased."), "success")
    return redirect(url_for(".record", record_id=record_id), 303)


def of(session: Session, key: str) -> Wording:
    """Return a register that the person may read; raises `NotFound`."""
    return wording.of(session, access.register(session, key, by=g.person))


def writable(session: Session, key: str) -> Wording:
    """Return a register in which the person may write; raises `NotFound`, and `Forbidden` for those who only read."""
    words = of(session, key)
    access.writer(session, g.person, words.declared, "add to", "register", key)
    return words


def again(record_id: int, refusal: errors.EngineError) -> str:
    """Return the form of a record with what was typed and why it was not kept."""
    with g.readers.begin() as session:
        found = records.get(session, record_id, by=g.person)
        return record_form.render(session, writable(session, found.register), found, refusal=refusal)


def despite() -> list[str]:
    """Return the records with which a new one may agree: the person has seen them."""
    return [key for text in request.form.getlist("record.despite") for key in text.splitlines()]


def filters(words: Wording) -> Filters:
    """Return what the address narrows a register to, and how it is ordered."""
    order = request.args.get("order", "")
    pairs = [(name, request.args.get(f"{OF_FIELD}{name}", "")) for name in words.labels]
    return Filters(
        text=texts.storable(request.args.get("q", "").strip()[:100]),
        is_archived="archived" in request.args,
        values={name: texts.storable(value) for name, value in pairs if value},
        order=order if order in (KEY, *words.declared.title, *words.declared.columns) else "",
        is_descending="down" in request.args,
    )


def after() -> Key | None:
    """Return where the page before ended."""
    number, tilde, compared = request.args.get("after", "").partition("~")
    found = row_id(number)
    return Key(id=found, compared=texts.storable(compared) or None) if found is not None and tilde else None
