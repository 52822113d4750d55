"""What registers, their fields and their records are called in the language of the reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.entries import KEY
from casepath.engine.deployments import Register, definitions, registers
from casepath.engine.forms import Form
from casepath.engine.people.authorization import Person
from casepath.engine.queries import records
from casepath.engine.queries.records import RecordRow
from casepath.web import forms, languages
from casepath.web.languages import gettext

#: Types of fields by whose values a list may be narrowed: one of few.
FEW = frozenset({"select", "radio"})


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of one register."""

    declared: Register
    form: Form
    #: Field → what it is called, in the order of the form.
    labels: Mapping[str, str]
    #: Field → value → what it is called.
    options: Mapping[str, Mapping[str, str]]

    @property
    def phones(self) -> frozenset[str]:
        """The fields that hold telephone numbers."""
        return frozenset(field.key for field in self.form.fields if field.validation_type == "phone")

    @property
    def key(self) -> str:
        """Of the register."""
        return self.declared.key

    @property
    def name(self) -> str:
        """What the register is called."""
        return name(self.declared)

    def label(self, field: str) -> str:
        """Return what a field, or the key of records, is called."""
        if field == KEY:
            return self.labels.get(self.declared.key_field or "") or gettext("Number")
        return self.labels.get(field, field)

    def said(self, field: str, value: Any) -> str:
        """Return a value as people read it; nothing for none."""
        return "" if value in (None, "", []) else forms.said(value, self.options.get(field, {}))

    def title(self, row: RecordRow) -> str:
        """Return what a record is called: by its title, else by its key."""
        said = [self.said(field, row.values.get(field)) for field in self.declared.title]
        return " ".join(part for part in said if part) or row.key

    def line(self, row: RecordRow) -> str:
        """Return a record in one line: its title, and what lists show beside it."""
        fields = [field for field in self.beside if row.values.get(field) and field not in self.declared.references]
        return " · ".join([self.title(row), *(self.said(field, row.values[field]) for field in fields)])

    @property
    def beside(self) -> list[str]:
        """The columns of a list that are not part of the title."""
        return [field for field in self.declared.columns if field not in self.declared.title]

    @property
    def narrowing(self) -> list[tuple[str, Mapping[str, str]]]:
        """The columns by whose values a list may be narrowed, each with what may be chosen."""
        few = {field.key for field in self.form.fields if field.type in FEW}
        return [(field, self.options[field]) for field in self.declared.columns if field in few]


def of(session: Session, declared: Register) -> Wording:
    """Return the words of a register; raises `NotFound` where its form is not there."""
    form = definitions.form(session, declared.form, declared.definition_id)
    if form is None:
        raise errors.NotFound("form definition", declared.form)
    return Wording(declared=declared, form=form, labels=forms.labels(form), options=forms.options(form))


def titles(session: Session, person: Person, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return what the records of these registers and keys are called that a person may read."""
    found = records.named(session, person, wanted) if wanted else {}
    words = {key: of(session, registers.declared(session, key)) for key in {register for register, _ in found}}
    return {pair: words[pair[0]].title(row) for pair, row in found.items()}


def name(declared: Register) -> str:
    """Return what a register is called."""
    return declared.name if languages.is_chinese() or not declared.name_en else declared.name_en
