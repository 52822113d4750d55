"""Fields that name a record or a matter: found while one types, with what is known of it, and what it says copied."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from flask import g, request, url_for
from sqlalchemy.orm import Session

from casepath.engine import forms as engine_forms
from casepath.engine import texts as engine_texts
from casepath.engine.deployments import Register
from casepath.engine.forms import MATTER, Form, Lookup
from casepath.engine.queries import doubles, links
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters, RecordRow
from casepath.engine.registers import access
from casepath.engine.registers.lookups import told
from casepath.web import forms
from casepath.web.forms import Choice, Field, Known
from casepath.web.languages import gettext
from casepath.web.registers import matters, wording

#: Which record each field named when its values were copied, as pages send it along: `field=key`.
COPIED = "page.copied"
#: What was chosen without scripts: `field=key`.
CHOSEN = "page.choose"
#: Sent along while somebody still types: then only a whole key names a record.
TYPING = "page.typing"
#: Records and matters that are shown while one types.
FEW = 5
#: Characters of a text by which something is looked up.
LONGEST = 100

Texts = Mapping[str, Any]


def registers_of(form: Form | None) -> dict[str, str]:
    """Return the fields of a form that name records or matters, with the key of the register."""
    return {field: lookup.register for field, lookup in form.lookups.items()} if form is not None else {}


def readable(session: Session, register: str) -> Register | None:
    """Return a register; None where the person may not read it, or it is not there."""
    return next((each for each in access.readable(session, g.person) if each.key == register), None)


def named(session: Session, registers: Mapping[str, str], typed: Texts) -> dict[str, Any]:
    """Return what was typed; a record that is meant by words that only it has is named by its key."""
    found = dict(typed)
    for field, register in registers.items():
        text = found.get(field)
        if isinstance(text, str) and text.strip() and (declared := readable(session, register)) is not None:
            found[field] = lists.chosen(session, declared, text.strip())
    return found


def sent(session: Session, form: Form | None) -> dict[str, Any]:
    """Return what this request has typed into a form, as `named` does."""
    return named(session, registers_of(form), forms.typed(request.form))


def filled(session: Session, form: Form, typed: Texts) -> tuple[dict[str, Any], frozenset[str]]:
    """
    Return what stands in a form, with what the records that are named say, and which fields took something of them.

    Where a field names the record that it named before (`COPIED`), nothing is copied again: it may be corrected. No
    record is named in the stead of what somebody has typed. What alone points to a record is named with it.
    """
    texts = dict(typed) if TYPING in request.form else named(session, registers_of(form), typed)
    before = dict(pair.split("=", 1) for pair in request.values.getlist(COPIED) if "=" in pair)
    for pair in request.form.getlist(CHOSEN):
        field, _, key = pair.partition("=")
        texts |= {field: key} if field in form.lookups else {}
    withheld = told(form, texts) - before.keys()
    done: set[str] = set()
    taken: set[str] = set()
    # What a record says may name another one.
    for field, lookup in [*form.lookups.items()] * 2:
        key = str(texts.get(field) or "")
        row = None if field in done or before.get(field) == key else _row(session, lookup.register, key)
        if row is not None:
            said = _copies(form, lookup, row, is_other=bool(before.get(field)))
            named_so = {own: _as_named(session, form, own, text) for own, text in said.items() if own not in withheld}
            copies = {own: text for own, text in named_so.items() if text is not None}
            named_by = _named_by(session, form, lookup, row, {**texts, **copies}, withheld)
            alone = _pointing_alone(session, form, field, key, texts, withheld) | named_by
            texts |= copies | alone
            done.add(field)
            taken |= {field, *copies, *alone}
    return texts, frozenset(taken)


def _copies(form: Form, lookup: Lookup, row: RecordRow, *, is_other: bool) -> dict[str, Any]:
    """Return the texts of the fields that copy a record; of another one than before those that it leaves empty, too."""
    components = {field.key: field for field in form.fields}
    shown = {
        own: engine_forms.show(components[own], row.values.get(theirs), g.settings.zone).texts
        for own, theirs in lookup.copies.items()
    }
    return {own: texts for own, texts in shown.items() if texts or is_other}


def _as_named(session: Session, form: Form, field: str, text: Any) -> Any:
    """Return what a field is to say; None where it would name a record that is out of use or may not be read."""
    lookup = form.lookups.get(field)
    if lookup is None or lookup.is_of_matter or not text:
        return text
    row = _row(session, lookup.register, str(text))
    return row.key if row is not None else None


def _pointing_alone(
    session: Session, form: Form, field: str, key: str, texts: Texts, withheld: Collection[str]
) -> dict[str, str]:
    """Return the records that other fields may mean: of a register of which only one points to the record."""
    found: dict[str, str] = {}
    for other, lookup in form.lookups.items():
        declared = readable(session, lookup.register)
        if declared is None or texts.get(other) or other in withheld:
            continue
        names = [name for name, register in declared.references.items() if register == form.lookups[field].register]
        if names:
            rows = lists.page(session, declared, Filters(values={names[0]: key}), limit=2).rows
            found |= {other: rows[0].key} if len(rows) == 1 else {}
    return found


def _named_by(
    session: Session, form: Form, lookup: Lookup, row: RecordRow, texts: Texts, withheld: Collection[str]
) -> dict[str, str]:
    """Return the records that a record names itself, for the empty fields that take such ones."""
    declared = readable(session, lookup.register)
    found: dict[str, str] = {}
    for name, register in declared.references.items() if declared is not None else ():
        key = str(row.values.get(name) or "")
        empty = [own for own, each in form.lookups.items() if each.register == register and not texts.get(own)]
        named = _row(session, register, key) if len(empty) == 1 and empty[0] not in withheld else None
        found |= {empty[0]: named.key} if named is not None else {}
    return found


def _row(session: Session, register: str, key: str) -> RecordRow | None:
    found = lists.named(session, g.person, [(register, key)]) if key else {}
    return next((row for row in found.values() if row.state == "active"), None)


def offered(
    session: Session, fields: Sequence[Field], registers: Mapping[str, str], copied: Collection[str] = ()
) -> list[Field]:
    """Return fields of a form; those that name something offer that in which what is typed is found."""
    return [_offered(session, field, registers, copied) for field in fields]


def _offered(session: Session, field: Field, registers: Mapping[str, str], copied: Collection[str]) -> Field:
    if field.children:
        return replace(field, children=offered(session, field.children, registers, copied))
    field = replace(field, is_copied=True) if field.key in copied else field
    register = registers.get(field.key)
    if register is None or (register != MATTER and readable(session, register) is None):
        return field
    title = _title(session, register, str(field.value)) if field.value else ""
    choices = (
        url_for("registers.matter_choices", field=field.key)
        if register == MATTER
        else url_for("registers.choices", key=register, field=field.key)
    )
    offering = {
        "list": f"choices-{field.key}",
        "hx-get": choices,
        "hx-trigger": "focus once, input changed delay:200ms",
        "hx-target": f"#choices-{field.key}",
        "hx-swap": "innerHTML",
        "hx-include": "this",
    }
    hint = field.hint or gettext("Name or number; it is looked up.")
    called = gettext("Now: %(title)s", title=title) if title else hint
    return replace(field, attributes={**field.attributes, **offering}, hint=called)


def _title(session: Session, register: str, key: str) -> str:
    if register == MATTER:
        return matters.title(session, g.person, key)
    return wording.titles(session, g.person, [(register, key)]).get((register, key), "")


# -- what is known already ---------------------------------------------------------------------------------------------


def known(session: Session, form: Form, fields: Sequence[Field], texts: Texts) -> list[Field]:
    """Return fields; beneath each that names a record stands what is known of it, or of whom it may be."""
    return [_known(session, form, field, texts) for field in fields]


def _known(session: Session, form: Form, field: Field, texts: Texts) -> Field:
    if field.children:
        return replace(field, children=known(session, form, field.children, texts))
    lookup = form.lookups.get(field.key)
    declared = readable(session, lookup.register) if lookup is not None else None
    if lookup is None or declared is None:
        return field
    key = str(texts.get(field.key) or "")
    row = _row(session, declared.key, key)
    tells = links.telling(_telling(declared, lookup, texts))
    rows = [row] if row is not None else _meant(session, declared, [key, *tells], _held(lookup, texts))
    if row is None and not key:
        rows += lists.occurring(session, declared, _said(lookup, texts), limit=FEW)
    words = wording.of(session, declared)
    asked, others = gettext("Is it one of these?"), rows if row is None else []
    if not others and (related := _related(session, form, field.key, declared, row, texts)) is not None:
        asked, others = gettext("Of %(title)s:", title=related[0]), related[1]
    return replace(
        field,
        known=Known(
            copied=f"{field.key}={key}" if row is not None else "",
            # What is told of one that is found by what was said is what somebody wants to tell.
            title="" if row is None else words.line(row) if lookup.found_by else words.title(row),
            address=url_for("registers.record", record_id=row.id) if row is not None else "",
            asked=asked,
            choices=[Choice(key=each.key, label=words.line(each)) for each in others],
            matters=matters.of(session, g.person, [(declared.key, each.key) for each in rows], tells),
        ),
    )


def _related(
    session: Session, form: Form, field: str, declared: Register, row: RecordRow | None, texts: Texts
) -> tuple[str, list[RecordRow]] | None:
    """
    Return the records of a register that point to the one that another field names or alone means, with its title.

    None where there are none, or where the field names one of them already.
    """
    for other, lookup in form.lookups.items():
        names = [name for name, register in declared.references.items() if register == lookup.register]
        theirs = readable(session, lookup.register) if names and other != field else None
        if theirs is None:
            continue
        named = _row(session, lookup.register, str(texts.get(other) or ""))
        tells = links.telling(_telling(theirs, lookup, texts))
        meant = [named] if named is not None else _meant(session, theirs, tells)
        if len(meant) == 1 and (row is None or row.values.get(names[0]) != meant[0].key):
            pointing = Filters(values={names[0]: meant[0].key})
            rows = lists.page(session, declared, pointing, limit=FEW).rows
            return (wording.of(session, theirs).title(meant[0]), list(rows)) if rows else None
    return None


def telling_fields(session: Session, form: Form) -> frozenset[str]:
    """Return the fields by which one record is told from all others: what is typed there is looked up at once."""
    found = set(form.lookups)
    for lookup in form.lookups.values():
        if (declared := readable(session, lookup.register)) is not None:
            telling = {*declared.unique, *declared.alike, declared.key_field}
            found |= {own for own, theirs in lookup.copies.items() if theirs in telling} | lookup.found_by.keys()
    return frozenset(found)


def _tells(declared: Register, field: str) -> bool:
    return field in declared.unique or field == declared.key_field


def _held(lookup: Lookup, texts: Texts) -> dict[str, Any]:
    """Return what a record would hold of what is typed."""
    typed = {theirs: texts.get(own) for own, theirs in lookup.of_new.items()}
    return {theirs: engine_texts.storable(text[:LONGEST]) for theirs, text in typed.items() if isinstance(text, str)}


def _telling(declared: Register, lookup: Lookup, texts: Texts) -> Iterator[str]:
    for own, theirs in lookup.copies.items():
        if _tells(declared, theirs) and isinstance(text := texts.get(own), str):
            yield engine_texts.storable(text.strip())[:LONGEST]


def _said(lookup: Lookup, texts: Texts) -> dict[str, str]:
    """Return for each field of the records the texts in which its words may occur."""
    said: dict[str, str] = {}
    for own, theirs in lookup.found_by.items():
        if isinstance(text := texts.get(own), str):
            said[theirs] = f"{said.get(theirs, '')} {text}"
    return said


def _meant(
    session: Session, declared: Register, looked_for: Sequence[str], held: Mapping[str, Any] = MappingProxyType({})
) -> list[RecordRow]:
    """Return the first records in which one of these texts is found, or that may be the one that would hold this."""
    found = {each.row.id: each.row for each in doubles.suspected(session, declared, held)}
    for text in filter(None, (each.strip()[:LONGEST] for each in looked_for)):
        page = lists.page(session, declared, Filters(text=engine_texts.storable(text)), limit=FEW)
        found |= {row.id: row for row in page.rows}
    return list(found.values())[:FEW]


def shown(
    session: Session, form: Form, fields: Sequence[Field], texts: Texts, copied: Collection[str] = ()
) -> list[Field]:
    """Return the fields of a form of a process as lookups want them."""
    if not form.lookups:
        return list(fields)
    told = offered(session, fields, registers_of(form), copied)
    return _marked(known(session, form, told, texts), telling_fields(session, form))


def _marked(fields: Sequence[Field], telling: Collection[str]) -> list[Field]:
    """Have pages look up at once what is typed into these fields."""
    return [
        replace(field, children=_marked(field.children, telling))
        if field.children
        else replace(field, attributes={**field.attributes, "data-telling": ""})
        if field.key in telling
        else field
        for field in fields
    ]
