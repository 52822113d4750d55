"""Two records that are one: what agrees, side by side, merged, and taken apart again."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import RecordRow
from casepath.engine.registers import access, doubles, records
from casepath.web import phrases
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import lookups, record_page, wording
from casepath.web.registers.doubles import sentence
from casepath.web.registers.wording import Wording

bp = Blueprint("merging", __name__)

#: Begins the name of what says from which record the value of a field is taken.
OF_FIELD = "take."


@dataclass(frozen=True, kw_only=True)
class Line:
    """A field of two records side by side."""

    field: str
    label: str
    #: What stands in the one and in the other, in words.
    said: tuple[str, str]
    #: The id of the record from which it is taken; which of the two is to be said where they differ.
    chosen: int
    differs: bool


@bp.get("/records/<int:record_id>/merge")
def show(record_id: int) -> str | Response:
    """Show two records side by side, or choose the other one."""
    with g.readers.begin() as session:
        return page(session, record_id)


def page(session: Session, record_id: int, refusal: str = "") -> str:
    """Return the page on which two records are merged."""
    found = records.get(session, record_id, by=g.person)
    words = wording.of(session, access.register(session, found.register, by=g.person))
    access.merger(session, g.person, words.declared, "merge", found.key)
    text = request.values.get("key", "").strip()
    key = lists.chosen(session, words.declared, text[: lookups.LONGEST]) if text else ""
    row = lists.row(found)
    other = lists.named(session, g.person, [(found.register, key)]).get((found.register, key)) if key else None
    if other is not None and (other.id == row.id or other.state != "active"):
        other = None
    if text and other is None and not refusal:
        refusal = gettext("There is no other record “%(key)s” in use.", key=text)
    both = (row, other) if other is not None else None
    return render_template(
        "registers/merge.html",
        words=words,
        row=row,
        other=other,
        title=words.title(row),
        titles=[words.title(each) for each in both or ()],
        # The one that has been there longer stays, unless somebody says otherwise.
        stays=row_id(request.form.get("stays")) or min((each.id for each in both or ()), default=0),
        revisions={each.id: records.get(session, each.id, by=g.person).revision for each in both or ()},
        lines=side_by_side(words, *both) if both else [],
        references=record_page.references(session, both or ()),
        typed=text,
        refusal=refusal,
    )


def side_by_side(words: Wording, one: RecordRow, other: RecordRow) -> list[Line]:
    """Return the fields in which one of two records has a value."""
    found = []
    for field, label in words.labels.items():
        said = (words.said(field, one.values.get(field)), words.said(field, other.values.get(field)))
        first, second = (one, other) if one.id < other.id else (other, one)
        usual = first if first.values.get(field) not in (None, "", []) else second
        if any(said):
            found.append(
                Line(
                    field=field,
                    label=label,
                    said=said,
                    chosen=row_id(request.form.get(f"{OF_FIELD}{field}")) or usual.id,
                    differs=all(said) and said[0] != said[1] and field != words.declared.key_field,
                )
            )
    return found


@bp.post("/records/<int:record_id>/merge")
def merge(record_id: int) -> Response | tuple[str, int]:
    """Merge two records; what stands in the way is said on the page."""
    other = row_id(request.form["other"]) or 0
    stays, goes = (other, record_id) if row_id(request.form.get("stays")) == other else (record_id, other)
    seen = {each: row_id(request.form.get(f"revision.{each}")) or 0 for each in (stays, goes)}
    try:
        with g.sessions.begin() as session:
            held = [records.values_of(records.get(session, each, by=g.person)) for each in (stays, goes)]
            taken = [field for field in held[1] if said_of(field, goes, is_held=field in held[0])]
            doubles.merge(session, goes, stays, taken, seen=seen, by=g.person)
    except (errors.InvalidInput, errors.InvalidState) as refusal:
        with g.readers.begin() as session:
            return page(session, record_id, phrases.sentence(refusal)), 409
    flash(gettext("Both are one record now. “Take apart” undoes it."), "success")
    return redirect(url_for("registers.record", record_id=stays), 303)


def said_of(field: str, goes: int, *, is_held: bool) -> bool:
    """Tell whether a field is to have the value of the record that goes: as was chosen, else where it is empty."""
    chosen = row_id(request.form.get(f"{OF_FIELD}{field}"))
    return chosen == goes if chosen is not None else not is_held


@bp.post("/records/<int:record_id>/separate")
def separate(record_id: int) -> Response | tuple[str, int]:
    """Take a merged record apart again; who has come to have the same is shown before."""
    despite = [key for text in request.form.getlist("record.despite") for key in text.splitlines()]
    try:
        with g.sessions.begin() as session:
            words = wording.of(session, access.register(session, _register(session, record_id), by=g.person))
            left = doubles.separate(session, record_id, by=g.person, despite=despite)
            said = sentence(words, left)
    except errors.InvalidVariables as refusal:
        with g.readers.begin() as session:
            return record_page.render(session, record_id, refusal), 422
    flash(" ".join(filter(None, [gettext("Both are two records again, as before."), said])), "success")
    return redirect(url_for("registers.record", record_id=record_id), 303)


def _register(session: Session, record_id: int) -> str:
    return records.get(session, record_id, by=g.person).register


@bp.post("/records/<int:record_id>/distinguish")
def distinguish(record_id: int) -> Response:
    """Note that two records are not the same."""
    with g.sessions.begin() as session:
        doubles.distinguish(session, record_id, row_id(request.form["other"]) or 0, by=g.person)
    flash(gettext("Noted: these are two."), "success")
    return redirect(url_for("registers.record", record_id=record_id), 303)
