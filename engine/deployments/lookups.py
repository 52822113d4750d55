"""
What forms say of the records that their fields name, against the registers that are there.

A register may come later than the form, as whatever a diagram names may; a field that its records do not have never
comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from sqlalchemy.orm import Session

from casepath.engine import errors, forms
from casepath.engine.bpmn import ProcessSpec, form_name
from casepath.engine.database import links
from casepath.engine.deployments import definitions, registers
from casepath.engine.deployments.registers import Register
from casepath.engine.forms import Component, Form, Lookup
from casepath.engine.phrases import Phrase


def unfit(
    session: Session, key: str, file: str, named: Iterable[Register], sources: Mapping[str, bytes]
) -> Iterator[errors.Finding]:
    """
    Yield a warning for a register that a form names and is not there, and errors for fields that its records lack.

    `named` are the registers that come with the form, `sources` all forms that do, by their keys; what has come before
    counts as well.
    """
    here = {register.key: register for register in named}
    for field in _fields(sources[key], file):
        if (lookup := field.lookup) is None or lookup.is_of_matter:
            continue
        found = partial(errors.Finding, file=file, element_id=field.id, name=field.label.text)
        try:
            register = here.get(lookup.register) or registers.declared(session, lookup.register)
        except errors.NotFound:
            text = "The register “{key}” is not there yet; until it comes, no record of it can be named here"
            phrase = Phrase(text, key=lookup.register)
            yield found(level="warning", code="unknown-register", phrase=phrase)
        else:
            for phrase in _unknown(lookup, definitions.coming_form(session, register.form, sources)):
                yield found(code="lookup", phrase=phrase)


def _fields(source: bytes, file: str) -> Sequence[Component]:
    """Return the fields of a form; none of one that is refused anyway."""
    form, _ = forms.check(source, file)
    return form.fields if form is not None else ()


def _unknown(lookup: Lookup, of_records: Form | None) -> Iterator[Phrase]:
    known = {field.key for field in of_records.fields} if of_records is not None else None
    for entry, name in lookup.record_names:
        if known is not None and name not in known:
            text = "Expected a field of records of “{register}” in “{entry}”, but found “{found}”"
            yield Phrase(text, register=lookup.register, entry=entry, found=name)


def unlinked(spec: ProcessSpec, file: str, sources: Mapping[str, bytes]) -> Iterator[errors.Finding]:
    """Yield a warning for each field of a process's forms that names a record to which the process will not point."""
    declared = links.declared(spec.properties.get(links.PROPERTY, ""))
    for element_id, name, form_key in definitions.forms_of(spec):
        if (source := sources.get(form_name(form_key))) is None:
            continue
        for field in _fields(source, file):
            if field.lookup is not None and declared.get(field.key) != field.lookup.register:
                text = "“{field}” names a record, but the process does not say “{entry}” in its property “records”"
                phrase = Phrase(text, field=field.key, entry=f"{field.key}:{field.lookup.register}")
                yield errors.Finding(
                    level="warning", code="unlinked-record", file=file, element_id=element_id, name=name, phrase=phrase
                )
