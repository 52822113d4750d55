"""The form of a record: a new one, or one that is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.queries import records as lists
from casepath.engine.registers import records
from casepath.web import forms
from casepath.web.forms import Field
from casepath.web.navigation import row_id
from casepath.web.registers import lookups, record_page
from casepath.web.registers.record_page import Line
from casepath.web.registers.wording import Wording
from casepath.web.user_tasks.task_page import other_errors


def typed(session: Session, words: Wording) -> dict[str, str | list[str]]:
    """Return what was typed; a record that is meant by words that only it has is named by its key."""
    return lookups.named(session, words.declared.references, forms.typed(request.form))


def shown(session: Session, words: Wording, fields: Sequence[Field], *, is_new: bool = True) -> list[Field]:
    """Return fields of a form as registers want them: a key stays, once it is there."""
    stays = words.declared.key_field if not is_new else None
    return lookups.offered(session, _fixed(fields, stays), words.declared.references)


def _fixed(fields: Sequence[Field], key: str | None) -> list[Field]:
    return [
        replace(field, children=_fixed(field.children, key), readonly=field.readonly or field.key == key)
        for field in fields
    ]


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
    wrong = refusal if isinstance(refusal, errors.InvalidInput) else None
    fields = shown(session, words, forms.fields(words.form, held, texts=entered, refusal=wrong), is_new=found is None)
    row = lists.row(found) if found is not None else None
    return render_template(
        "registers/form.html",
        words=words,
        row=row,
        title=words.title(row) if row is not None else "",
        revision=found.revision if found is not None else "",
        fields=fields,
        refused=[each for each in forms.flat(fields) if each.error] if wrong else [],
        other_errors=other_errors(fields, wrong),
        alike=record_page.alike(session, words, wrong),
        newer=_newer(session, words, found.id) if isinstance(refusal, errors.InvalidState) else [],
        depends=words.form.has_conditions,
    )


def _newer(session: Session, words: Wording, record_id: int) -> list[Line]:
    """Return what has happened since the revision that the form was made of."""
    seen = row_id(request.form.get("record.revision")) or 0
    counted = [line for line in record_page.told(session, words, record_id) if line.kind != "values.erased"]
    return counted[seen:]
