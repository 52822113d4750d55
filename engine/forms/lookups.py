"""
Lookups: fields of a form that name a record of a register, and what of the record stands in other fields.

The custom properties of a text field say so: `lookup` is the key of the register; `copies` are the fields that take
values of the record, `own=theirs` with commas between, or one name where both are called the same; `new_if` is a box
that, ticked, has a new record made of what was typed; `new_with` are fields that only go into such a new one.
`found_by` are fields in whose text words of the records may occur, `own=theirs`: such records are offered. With
`matter` in place of a register the field names another matter, by its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Stands for the register of a field that names another matter, by its number.
MATTER = "matter"
#: The properties that mean something only beside `lookup`.
BESIDE = frozenset({"copies", "found_by", "new_if", "new_with"})


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """What a field says of the record that it names."""

    #: Key of the register.
    register: str
    #: Field of the form → field of the record.
    copies: Mapping[str, str] = field(default_factory=dict)
    new_with: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    #: Field of the form, in whose text words may occur → field of the record, which holds them.
    found_by: Mapping[str, str] = field(default_factory=dict)
    #: Empty where nobody makes a new record here.
    new_if: str = ""

    @property
    def is_of_matter(self) -> bool:
        """Whether it is a matter that is named, and no record."""
        return self.register == MATTER

    @property
    def of_new(self) -> Mapping[str, str]:
        """What a new record is made of: field of the form → field of the record."""
        return {**self.copies, **self.new_with}

    def misnamed(self, own: str, types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """
        Yield each name that is none of another field of the form, or of no box, behind the property that has it.

        `own` is the key of the field itself, `types` are those of all fields, by their keys.
        """
        for entry, names in self._entries:
            yield from ((entry, name) for name in names if name == own or name not in types)
        if self.new_if and types.get(self.new_if) != "checkbox":
            yield "new_if", self.new_if

    @property
    def record_names(self) -> Iterator[tuple[str, str]]:
        """Each field of the record that is named, behind the property that names it."""
        for entry, names in self._entries:
            yield from ((entry, name) for name in names.values())

    @property
    def _entries(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        return (
            ("copies", self.copies),
            ("new_with", self.new_with),
            ("changes", self.changes),
            ("found_by", self.found_by),
        )


def read(properties: Mapping[str, Any]) -> Lookup | None:
    """Return what the properties of a field say of a record; None where they say nothing."""
    if not (register := str(properties.get("lookup") or "").strip()):
        return None
    return Lookup(
        register=register,
        copies=_pairs(properties, "copies"),
        new_with=_pairs(properties, "new_with"),
        changes=_pairs(properties, "changes"),
        found_by=_pairs(properties, "found_by"),
        new_if=str(properties.get("new_if") or "").strip(),
    )


def _pairs(properties: Mapping[str, Any], name: str) -> dict[str, str]:
    parts = (part.partition("=") for part in str(properties.get(name) or "").split(","))
    return {own.strip(): (theirs or own).strip() for own, _, theirs in parts if own.strip()}
