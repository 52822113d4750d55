"""
The account of a matter that goes along with its proof: two pages for people, one in each language, without scripts.

They tell every event, oldest first, with its number in the history. Nothing in them depends on the day on which they
are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import flask_babel
from flask import g, render_template
from sqlalchemy.orm import Session

from casepath.engine.instances import attachments
from casepath.engine.people.authorization import Person
from casepath.engine.queries import events, instances, rounds
from casepath.engine.queries.instances import Reference
from casepath.settings import LANGUAGES, Settings
from casepath.web import create_app, filters, names
from casepath.web.process_instances import matter_page
from casepath.web.process_instances.timeline import Teller


def written(session: Session, reference: Reference, person: Person) -> dict[str, bytes]:
    """Return the account of a matter in each language, as files by their names, as the person may read it."""
    told = {}
    for language in LANGUAGES:
        with _read_by(replace(person, language=language)):
            told[f"story.{language.replace('_', '-')}.html"] = _page(session, reference).encode()
    return told


def written_outside(settings: Settings, session: Session, reference: Reference, person: Person) -> dict[str, bytes]:
    """Return the same where no page is asked for."""
    app = create_app(settings)
    try:
        with app.test_request_context():
            g.settings = settings
            return written(session, reference, person)
    finally:
        app.extensions["database"].dispose()


@contextmanager
def _read_by(person: Person) -> Iterator[None]:
    """Have texts be in the language of somebody."""
    before = g.get("person")
    g.person = person
    flask_babel.refresh()
    try:
        yield
    finally:
        g.person = before
        flask_babel.refresh()


def _page(session: Session, reference: Reference) -> str:
    views = instances.of_matter(session, reference)
    rows = list(events.every(session, reference))
    changes = events.changes(session, reference)
    usernames = matter_page.events_usernames(rows, changes) + [view.started_by for view in views]
    numbers = rounds.numbers(session, reference)
    teller = Teller(
        session, views, usernames, changes, rounds=numbers, every_step=True, moment=filters.moment_full
    )
    shown = [entry for entry in rows if entry.kind not in events.SILENT]
    return render_template(
        "proofs/story.html",
        reference=reference if isinstance(reference, str) else f"#{reference}",
        instances=[names.named(session, view) for view in views],
        lines=[(entry, teller.tell(entry)) for entry in shown],
        files=attachments.list_of(session, reference) if isinstance(reference, str) else [],
        person=teller.person,
    )
