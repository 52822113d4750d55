"""One box on every page: what a person may see of everything that has a text, by any part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, g, redirect, render_template, request, url_for
from markupsafe import Markup, escape
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import texts
from casepath.engine.database import terms
from casepath.engine.people.authorization import Person
from casepath.engine.queries import facts, instances, records
from casepath.engine.queries.instances import MatterRow
from casepath.engine.queries.records import RecordRow
from casepath.web import names, words
from casepath.web.facts import IN_FRONT
from casepath.web.registers import wording as registers
from casepath.web.registers.wording import Wording
from casepath.web.search import marks

bp = Blueprint("search", __name__, url_prefix="/search")

#: Characters that are looked for.
MAX_TEXT = 200
#: Of each kind so many are shown.
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Found:
    """A matter that was found: how it is called, and where what was looked for stands."""

    row: MatterRow
    number: Markup
    front: Sequence[Markup]
    #: Label and excerpt of each other fact in which it stands.
    beside: Sequence[tuple[str, Markup]]


@dataclass(frozen=True, kw_only=True)
class FoundRecord:
    """A record that was found."""

    id: int
    key: Markup
    title: Markup
    is_archived: bool
    #: Label and value of its columns, and of whatever else it is found by.
    beside: Sequence[tuple[str, Markup]]


@dataclass(frozen=True, kw_only=True)
class FoundRecords:
    """What was found in one register."""

    words: Wording
    rows: Sequence[FoundRecord]
    is_cut: bool


@bp.get("/")
def index() -> str | Response:
    """Show what is found; lead on to the one matter whose number it is."""
    text = texts.storable(request.args.get("q", "").strip()[:MAX_TEXT])
    with g.readers.begin() as session:
        if not text:
            return render_template("search/index.html", text="", matters=[], registers=[], has_more=False)
        page = instances.page(session, g.person, instances.Filters(text=text), limit=SHOWN)
        if "HX-Request" not in request.headers and [row.business_key for row in page.rows] == [text]:
            return redirect(url_for("process_instances.matter", reference=text))
        return render_template(
            "search/index.html",
            text=text,
            matters=_told(session, page.rows, terms.words(text)),
            has_more=page.next is not None,
            registers=_told_records(session, g.person, text),
        )


def _told_records(session: Session, person: Person, text: str) -> list[FoundRecords]:
    looked_for = terms.words(text)
    found = []
    for part in records.search(session, person, text):
        said = registers.of(session, part.register)
        rows = [_record(said, row, looked_for) for row in part.rows]
        found.append(FoundRecords(words=said, rows=rows, is_cut=part.is_cut))
    return found


def _record(said: Wording, row: RecordRow, looked_for: Sequence[str]) -> FoundRecord:
    beside = []
    for name, label in said.labels.items():
        text = said.said(name, row.values.get(name))
        excerpt = marks.excerpt(text, looked_for)
        if name not in said.declared.title and (excerpt is not None or (text and name in said.beside)):
            beside.append((label, excerpt or escape(text)))
    return FoundRecord(
        id=row.id,
        key=marks.marked(row.key, looked_for),
        title=marks.marked(said.title(row), looked_for),
        is_archived=row.state != "active",
        beside=beside,
    )


def _told(session: Session, rows: Sequence[MatterRow], looked_for: Sequence[str]) -> list[Found]:
    told = words.of(session)
    known = facts.of_roots(session, [row.id for row in rows])
    found = []
    for row in rows:
        said = [
            (told.label(name), told.said(name, value))
            for name, value in known.get(row.id, {}).items()
            if not isinstance(value, date | datetime | timedelta)
        ]
        excerpts = [(label, marks.excerpt(text, looked_for)) for label, text in said[IN_FRONT:]]
        found.append(
            Found(
                row=names.named(session, row),
                number=marks.marked(row.business_key or f"#{row.id}", looked_for),
                front=[marks.marked(text, looked_for) for _, text in said[:IN_FRONT]],
                beside=[(label, excerpt) for label, excerpt in excerpts if excerpt is not None],
            )
        )
    return found
