"""The registrations that somebody has begun and not sent, as pages list them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from casepath.engine.forms import Form
from casepath.engine.instances import drafts
from casepath.engine.people.authorization import Person
from casepath.engine.phrases import shortened
from casepath.engine.queries import deployed
from casepath.web import forms, languages
from casepath.web.languages import gettext

#: Things that a draft is known by, and characters of each.
SAID, SHORT = 3, 40


@dataclass(frozen=True, kw_only=True)
class Row:
    """One draft in a list."""

    id: int
    #: Of the process that it would start.
    key: str
    #: Empty where the process can no longer be started: then the draft can only be thrown away.
    process: str
    text: str
    saved_at: datetime


def rows(session: Session, person: Person, key: str | None = None) -> list[Row]:
    """Return what a person has begun, of one process or of all, the newest first."""
    found = drafts.list_of(session, key, by=person.username)
    if not found:
        return []
    startable = {each.key: each for each in deployed.startable(session, languages.of_names(), person=person)}
    shown = {
        key: deployed.form(session, each.texts.start_form_key, each.definition_id)
        for key, each in startable.items()
        if key in {draft.definition_key for draft in found}
    }
    return [
        Row(
            id=draft.id,
            key=draft.definition_key,
            process=startable[draft.definition_key].name if draft.definition_key in startable else "",
            text=begun_with(shown.get(draft.definition_key), draft),
            saved_at=draft.saved_at,
        )
        for draft in found
    ]


def begun_with(form: Form | None, begun: drafts.Begun) -> str:
    """Return what a draft is known by: the first things that were typed, in the order of the form."""
    if form is None:
        return ""
    choices = forms.options(form)
    said = [forms.said(begun.typed[key], choices.get(key, {})) for key in forms.labels(form) if begun.typed.get(key)]
    return gettext(", ").join(shortened(text, SHORT) for text in said[:SAID])
