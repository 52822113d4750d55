"""The form of a record: a new one, or one that is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import g, render_template, request, url_for
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.deployments import Register
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import RecordRow
from casepath.engine.registers import access, records
from casepath.web import forms
from casepath.web.forms import Field
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import record_page, wording
from casepath.web.registers.record_page import Line
from casepath.web.registers.wording import Wording
from casepath.web.user_tasks.task_page import other_errors


def typed(session: Session, words: Wording) -> dict[str, str | list[str]]:
    """Return what was typed; a record that is meant by words that only it has is named by its key."""
    found = forms.typed(request.form)
    for field, register in words.declared.references.items():
        text = found.get(field)
        if isinstance(text, str) and (declared := _readable(session, register)) is not None:
            found[field] = lists.chosen(session, declared, text)
    return found


def _readable(session: Session, register: str) -> Register | None:
    return next((each for each in access.readable(session, g.person) if each.key == register), None)


def helped(session: Session, words: Wording, fields: Sequence[Field], *, is_new: bool = True) -> list[Field]:
    """
    Return fields of a form as registers want them.

    Those that name a record offer the records in which what is typed is found; a key stays, once it is there.
    """
    return [_helped(session, words, field, is_new) for field in fields]


def _helped(session: Session, words: Wording, field: Field, is_new: bool) -> Field:
    if field.children:
        return replace(field, children=helped(session, words, field.children, is_new=is_new))
    if field.key == words.declared.key_field and not is_new:
        return replace(field, readonly=True)
    register = words.declared.references.get(field.key)
    declared = _readable(session, register) if register else None
    if declared is None:
        return field
    named = lists.named(session, g.person, [(declared.key, str(field.value))]) if field.value else {}
    title = next((wording.of(session, declared).title(row) for row in named.values()), "")
    offering = {
        "list": f"choices-{field.key}",
        "hx-get": url_for(".choices", key=declared.key, field=field.key),
        "hx-trigger": "focus once, input changed delay:200ms",
        "hx-target": f"#choices-{field.key}",
        "hx-swap": "innerHTML",
        "hx-include": "this",
    }
    hint = field.hint or gettext("Name or number; it is looked up.")
    called = gettext("Now: %(title)s", title=title) if title else hint
    return replace(field, attributes={**field.attributes, **offering}, hint=called)


def render(
    session: Session,
    words: Wording,
    found: Any = None,
    *,
    refusal: errors.EngineError | None = None,
    given: Mapping[str, Any] | None = None,
) -> str:
    """Return the form of a new record, or of one that is there; `refusal` is why what was typed was not kept."""
    held = records.values_of(found) if found is not None else {}
    entered = forms.submitted(words.form, request.form) if refusal is not None else given
    wrong = refusal if isinstance(refusal, errors.InvalidVariables) else None
    shown = forms.fields(words.form, held, texts=entered, refusal=wrong)
    shown = helped(session, words, shown, is_new=found is None)
    row = lists.row(found) if found is not None else None
    return render_template(
        "registers/form.html",
        words=words,
        row=row,
        title=words.title(row) if row is not None else "",
        revision=found.revision if found is not None else "",
        fields=shown,
        offered=[field.key for field in forms.flat(shown) if "list" in field.attributes],
        refused=[each for each in forms.flat(shown) if each.error] if wrong else [],
        other_errors=other_errors(shown, wrong),
        alike=_alike(session, words, wrong),
        newer=_newer(session, words, found.id) if isinstance(refusal, errors.InvalidState) else [],
        depends=words.form.has_conditions,
    )


def _alike(session: Session, words: Wording, wrong: errors.InvalidVariables | None) -> list[tuple[RecordRow, str]]:
    """Return the records that have the same where none should, and their titles."""
    refused = [error for error in wrong.errors if error.code == "record-alike"] if wrong else []
    keys: list[Any] = [error.facts["keys"] for error in refused]
    pairs = {(words.key, key) for others in keys for key in others}
    return [(row, words.title(row)) for row in lists.named(session, g.person, pairs).values()]


def _newer(session: Session, words: Wording, record_id: int) -> list[Line]:
    """Return what has happened since the revision that the form was made of."""
    seen = row_id(request.form.get("record.revision")) or 0
    counted = [line for line in record_page.told(session, words, record_id) if line.kind != "values.erased"]
    return counted[seen:]
