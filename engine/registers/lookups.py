"""
What is submitted with a form whose fields name records: the records are there, others are made and these are changed
where the form says so.

A field holds the key of a record that is in use and may be read by whoever submits; what stood there before stays, as
any value that nobody touches. Fields that copy a value of the record and are left empty take it; one that would name
another record so does only where nobody has said himself what that one would.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, forms, settings
from casepath.engine.database import merged
from casepath.engine.database.models import Record
from casepath.engine.deployments import definitions, registers
from casepath.engine.forms import Form, Lookup
from casepath.engine.people import access as matters
from casepath.engine.people import identity
from casepath.engine.people.authorization import By, Person
from casepath.engine.registers import access, records, rows
from casepath.engine.time import clock

Values = Mapping[str, Any]

#: What is submitted where nothing was filled in.
EMPTY: tuple[object, ...] = (None, "", [])


def accepted(
    session: Session,
    form_key: str | None,
    definition_id: int,
    submitted: Values,
    known: Callable[[], Values] | None = None,
    *,
    element_id: str | None = None,
    by: By,
) -> Values:
    """
    Return the variables that are submitted to an element, as `definitions.accepted` does, with the records they name.

    A record that is asked for by its box is made of what was typed, one that is named takes what its field `changes`.
    Raises `InvalidVariables` with everything that does not fit the form or its records, and `Forbidden` for whoever may
    not change them.
    """
    form = definitions.form(session, form_key, definition_id) if form_key else None
    if form is None or not form.lookups:
        return definitions.accepted(session, form_key, definition_id, submitted, known, element_id=element_id)
    before = known() if known is not None else {}
    named, wrong = _named(session, form, submitted, before, by)
    # Of one that was merged the one that stays is named.
    standing = {field: record.key for field, record in named.items()}
    filled = _copied(session, form, {**submitted, **standing}, named, by)
    try:
        variables = dict(
            definitions.accepted(session, form_key, definition_id, filled, lambda: before, element_id=element_id)
        )
    except errors.InvalidVariables as refusal:
        raise errors.InvalidVariables([*wrong, *refusal.errors]) from None
    if wrong:
        raise errors.InvalidVariables(wrong)
    for field, lookup in form.lookups.items():
        if variables.get(lookup.new_if) is True and variables.get(field) is None:
            # What the form only shows is not submitted, and belongs to the record as well.
            variables[field] = _create(session, lookup, {**before, **variables}, by)
        # A field that only shows its record is not submitted.
        elif lookup.changes and (record := variables.get(field, before.get(field))) is not None:
            _change(session, lookup, field, str(record), variables, by)
    return variables


def find(session: Session, register: str, key: str, *, by: By) -> Record:
    """
    Return a record in use by its key, or the one into which it was merged.

    Raises `InvalidInput` where there is none that somebody may read.
    """
    with contextlib.suppress(errors.NotFound):
        access.register(session, register, by=by)
        in_use = select(Record).where(merged.stands(register, key), Record.state == "active")
        if (found := session.scalars(in_use).one_or_none()) is not None:
            return found
    raise rows.unknown(key)


def require_matter(session: Session, business_key: str, *, by: By) -> None:
    """Raise `InvalidInput` where there is no matter with a number that somebody may see."""
    actor = identity.actor(session, by)
    try:
        if isinstance(actor, Person):
            matters.matter(session, actor, business_key)
        elif not matters.is_known(session, business_key):
            raise errors.NotFound("matter", business_key)
    except errors.NotFound:
        text = "There is no matter “{key}” that you may see."
        raise errors.InvalidInput(text, code="matter-unknown", key=business_key) from None


def told(form: Form, submitted: Values) -> frozenset[str]:
    """
    Return the fields of whose record somebody has said himself what it would say, or that it is a new one.

    That a record is named which it would name as well says nothing of it: one customer has many cars.
    """
    zone = clock.time_zone(settings.current.time_zone)
    typed = forms.typed_values(form, {}, zone, texts={field.key: submitted.get(field.key) for field in form.fields})
    return frozenset(
        field
        for field, lookup in form.lookups.items()
        if typed.get(lookup.new_if) is True
        or any(submitted.get(own) not in EMPTY for own in lookup.copies.keys() - form.lookups.keys())
    )


def _copied(session: Session, form: Form, submitted: Values, named: Mapping[str, Record], by: By) -> dict[str, Any]:
    """Return what is submitted, with what records that are named, and those that they name, say where it is silent."""
    filled = dict(submitted)
    withheld = told(form, submitted)
    waiting = deque(named.items())
    while waiting:
        field, record = waiting.popleft()
        held = records.values_of(record)
        for own, theirs in form.lookups[field].copies.items():
            if held.get(theirs) is None or filled.get(own) not in EMPTY or own in withheld:
                continue
            if (lookup := form.lookups.get(own)) is not None:
                try:
                    another = _find(session, lookup, held[theirs], by)
                except errors.InvalidInput:
                    # Nobody has asked for it: what he may not name stays away.
                    continue
                waiting += [(own, another)] if another is not None else []
                filled[own] = another.key if another is not None else held[theirs]
                continue
            filled[own] = held[theirs]
    return filled


def _named(
    session: Session, form: Form, submitted: Values, before: Values, by: By
) -> tuple[dict[str, Record], list[errors.InvalidInput]]:
    """Return the records that fields name anew, and what is wrong with the others."""
    named: dict[str, Record] = {}
    wrong: list[errors.InvalidInput] = []
    for field, lookup in form.lookups.items():
        key = submitted.get(field)
        if key in EMPTY or key == before.get(field):
            continue
        try:
            if (found := _find(session, lookup, key, by)) is not None:
                named[field] = found
        except errors.InvalidInput as refusal:
            refusal.field = field
            wrong.append(refusal)
    return named, wrong


def _find(session: Session, lookup: Lookup, key: object, by: By) -> Record | None:
    """Return the record of a key, None where it is one of a matter; raises `InvalidInput` where it cannot be named."""
    if lookup.is_of_matter:
        require_matter(session, str(key).strip(), by=by)
        return None
    return find(session, lookup.register, str(key).strip(), by=by)


def _create(session: Session, lookup: Lookup, variables: Values, by: By) -> str:
    """Make a record of what was typed, and return its key; raises `InvalidVariables` at the fields of the form."""
    declared = registers.declared(session, lookup.register)
    if not access.may_write(identity.actor(session, by), declared):
        text = "Only those who keep “{register}” add to it; leave this box empty."
        raise _at(lookup.new_if, errors.InvalidInput(text, code="record-not-written", register=declared.name))
    held = {theirs: variables.get(own) for own, theirs in lookup.of_new.items()}
    try:
        return records.create(session, declared.key, held, by=by).key
    except errors.InvalidVariables as refusal:
        _name_own(refusal, lookup.of_new, lookup.new_if)
        raise


def _change(session: Session, lookup: Lookup, field: str, key: str, variables: Values, by: By) -> None:
    """Write what was typed into a record; raises `InvalidVariables` at the fields of the form."""
    try:
        record = find(session, lookup.register, key, by=by)
    except errors.InvalidInput as refusal:
        raise _at(field, refusal) from None
    declared = registers.declared(session, lookup.register)
    held = {theirs: variables[own] for own, theirs in lookup.changes.items() if own in variables}
    submitted = {**rows.standing(session, declared, records.values_of(record)), **held}
    try:
        records.change(session, record.id, submitted, revision=record.revision, by=by)
    except errors.InvalidVariables as refusal:
        _name_own(refusal, lookup.changes, next(iter(lookup.changes)))
        raise


def _name_own(refusal: errors.InvalidVariables, pairs: Mapping[str, str], other: str) -> None:
    """Have errors of a record stand at the fields of the form that it takes; those of its other fields at another."""
    own = {theirs: own for own, theirs in pairs.items()}
    for error in refusal.errors:
        error.field = own.get(error.field, other)


def _at(field: str, refusal: errors.InvalidInput) -> errors.InvalidVariables:
    refusal.field = field
    return errors.InvalidVariables([refusal])
