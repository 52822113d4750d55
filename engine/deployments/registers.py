"""
Declarations of registers: kinds of records that are kept beside what runs, such as customers or beds.

`registers/<key>.json` says by which form a record is filled in, what names it and who reads and writes it. What a
declaration names must be there when it is deployed; what it says and nobody would follow is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import entries, numbers, values
from casepath.engine.database.models import Definition, Job
from casepath.engine.deployments import definitions
from casepath.engine.forms import MANY_CHOICES, MATTER, Form
from casepath.engine.people import authorization, identity
from casepath.engine.phrases import Phrase
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock

#: Of what is wrong with a declaration.
CODE = "register"
#: What a declaration may say: texts, lists of names, and which register a field points to.
TEXTS = ("id", "name", "name_en", "form", "number", "key", "moment")
LISTS = ("title", "columns", "search", "unique", "alike", "readers", "writers", "mergers")
REFERENCES = "references"
#: What it has to say.
REQUIRED = ("id", "name", "form", "title")
#: Records that are found anew in one transaction, a fifth of a second long, and when the next ones are.
AT_ONCE = 100
PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Register:
    """A kind of records, as it was declared."""

    #: The number of its definition; 0 before it has one.
    definition_id: int
    key: str
    name: str
    #: Empty where the declaration has no English.
    name_en: str
    #: Key of the form by which records are filled in.
    form: str
    #: The format by which records are numbered, as business keys are; None where a field is the key.
    number: str | None
    #: The field whose value is the key of a record; None where records are numbered.
    key_field: str | None
    #: The field that says when what a record tells happened; None where records tell what there is.
    moment: str | None
    #: The fields whose values are what a record is called.
    title: tuple[str, ...]
    columns: tuple[str, ...]
    search: tuple[str, ...]
    #: Fields in which two active records should not agree: who stores such a one confirms it.
    unique: tuple[str, ...]
    #: Fields by which two records may be one: what agrees in one of them, or one of several that stand there, is told.
    alike: tuple[str, ...]
    #: Field → the register whose keys it holds.
    references: Mapping[str, str]
    readers: frozenset[str]
    writers: frozenset[str]
    #: Those of the writers who merge records that are one.
    mergers: frozenset[str]

    @property
    def fields(self) -> Iterator[tuple[str, str]]:
        """Each field that the declaration names, behind the entry that names it."""
        if self.key_field is not None:
            yield "key", self.key_field
        if self.moment is not None:
            yield "moment", self.moment
        for entry in ("title", "columns", "search", "unique", "alike"):
            yield from ((entry, field) for field in getattr(self, entry))
        yield from ((REFERENCES, field) for field in self.references)


def parse(declaration: Mapping[str, Any]) -> Register:
    """Return the register of a declaration that the deployment check has accepted."""
    lists = {name: tuple(declaration.get(name, ())) for name in LISTS}
    return Register(
        definition_id=0,
        key=declaration["id"],
        name=declaration["name"],
        name_en=declaration.get("name_en", ""),
        form=declaration["form"],
        number=declaration.get("number"),
        key_field=declaration.get("key"),
        moment=declaration.get("moment"),
        title=lists["title"],
        columns=lists["columns"] or lists["title"],
        search=lists["search"] or lists["title"],
        unique=lists["unique"],
        alike=lists["alike"] or lists["unique"],
        references=dict(declaration.get(REFERENCES, {})),
        readers=frozenset(lists["readers"]),
        writers=frozenset(lists["writers"]),
        mergers=frozenset(lists["mergers"] or lists["writers"]),
    )


def declared(session: Session, key: str) -> Register:
    """Return the newest version of a register; raises `NotFound`."""
    try:
        found = definitions.latest(session, "register", key)
    except errors.NotFound:
        raise errors.NotFound("register", key) from None
    return _parsed(session, found)


def every(session: Session) -> list[Register]:
    """Return the newest version of each register, by name."""
    return [_parsed(session, found) for found in definitions.list_definitions(session, "register")]


def _parsed(session: Session, found: Definition) -> Register:
    declared = definitions.declaration(session, found, lambda file: parse(json.loads(file)))
    return replace(declared, definition_id=found.id)


def search_anew(session: Session, register: Register, stored: Definition) -> None:
    """Have the records of a register be found by the fields that its new version searches, where these are others."""
    before = select(Definition).where(Definition.kind == "register", Definition.key == register.key)
    last = session.scalars(before.where(Definition.version == stored.version - 1)).one_or_none()
    if last is not None and set(_parsed(session, last).search) != set(register.search):
        search_on(session, register.key)


def search_on(session: Session, key: str, *, after: int = 0) -> None:
    """
    Have the next records of a register, those above an id, be found by the fields that its newest version searches.

    There may be many: a job goes on with the rest, so that nobody has to wait for all of them.
    """
    register, now = declared(session, key), clock.now()
    last = entries.search_next(session.connection(), key, register.search, after=after, limit=AT_ONCE)
    if last is not None:
        session.execute(
            insert(Job).values(
                kind="continuation",
                definition_id=register.definition_id,
                state="waiting",
                due_at=now + PAUSE,
                payload=values.dumps({"after": last}),
                retries=ATTEMPTS,
                created_at=now,
            )
        )


def read(file: str, declaration: Mapping[str, Any]) -> Register:
    """Return the register of a file; raises `DeploymentRefused` with all that is wrong with what it says itself."""
    findings = list(_misshapen(file, declaration))
    if findings:
        raise errors.DeploymentRefused(findings)
    return parse(declaration)


def _misshapen(file: str, declaration: Mapping[str, Any]) -> Iterator[errors.Finding]:
    known = (*TEXTS, *LISTS, REFERENCES)
    for entry in sorted(declaration.keys() - set(known)):
        yield _finding(file, CODE, "Expected only {known}, but found “{entry}”", known=known, entry=entry)
    for entry in REQUIRED:
        if not declaration.get(entry):
            yield _finding(file, CODE, "Expected “{entry}”, but it is not there", entry=entry)
    for entry, value in declaration.items():
        if entry in TEXTS and not (isinstance(value, str) and value):
            text = "Expected a text as “{entry}”, but found {found}"
            yield _finding(file, CODE, text, entry=entry, found=repr(value))
        if entry in LISTS and not _are_texts(value):
            text = "Expected a list of texts as “{entry}”, but found {found}"
            yield _finding(file, CODE, text, entry=entry, found=repr(value))
        if entry == REFERENCES and not (isinstance(value, dict) and _are_texts(list(value.values()))):
            text = "Expected a register for each field as “{entry}”, but found {found}"
            yield _finding(file, CODE, text, entry=entry, found=repr(value))
    if declaration.get("id") == MATTER:
        yield _finding(file, CODE, "Expected another id than “{key}”, by which forms name matters", key=MATTER)
    if ("number" in declaration) == ("key" in declaration):
        yield _finding(file, CODE, "Expected either “number” or “key”, but found both or none")
    number = declaration.get("number")
    if isinstance(number, str) and not _is_format(number):
        yield _finding(
            file,
            CODE,
            "Expected a format of numbers such as KH{{year}}-{{number:5}}, but found “{found}”",
            found=number,
        )


def _is_format(text: str) -> bool:
    try:
        numbers.check_format(text)
    except errors.InvalidInput:
        return False
    return True


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def unfit(session: Session, named: Mapping[str, Register], sources: Mapping[str, bytes]) -> Iterator[errors.Finding]:
    """
    Yield an error for what registers, by their files, name and is not there.

    `sources` are the forms that come with them, by their keys; what has come before counts as well.
    """
    if not named:
        return
    there = {register.key for register in named.values()}
    there.update(session.scalars(select(Definition.key).where(Definition.kind == "register")))
    groups = {group.key for group in identity.groups(session)} | set(authorization.ROLES)
    for file, register in named.items():
        form = definitions.coming_form(session, register.form, sources)
        if form is not None:
            yield from _unfit_fields(file, register, form)
        elif register.form not in sources:
            yield _finding(file, CODE, "Expected a form, but found “{form}”, which is not there", form=register.form)
        for key in sorted(set(register.references.values()) - there):
            yield _finding(file, CODE, "Expected a register, but found “{register}”, which is not there", register=key)
        # As long as there are no groups but the roles of the engine, nobody has made any yet.
        named_groups = register.readers | register.writers | register.mergers
        allowed = named_groups if groups.difference(authorization.ROLES) else frozenset[str]()
        for group in sorted(allowed - groups):
            text = "Expected a group of the organisation, but found “{group}”; correct its key, or add the group before"
            yield _finding(file, "unknown-group", text, group=group)


def _unfit_fields(file: str, register: Register, form: Form) -> Iterator[errors.Finding]:
    fields = {field.key: field for field in form.fields}
    for entry, name in register.fields:
        if name not in fields:
            text = "Expected a field of the form “{form}” as “{entry}”, but found “{found}”"
            yield _finding(file, CODE, text, form=register.form, entry=entry, found=name)
        elif entry in ("key", "unique", REFERENCES) and fields[name].type in {*MANY_CHOICES, "checkbox"}:
            yield _finding(
                file, CODE, "Expected a field with one value as “{entry}”, but found “{found}”", entry=entry, found=name
            )
        elif entry == "moment" and fields[name].type != "datetime":
            yield _finding(file, CODE, "Expected a date as “{entry}”, but found “{found}”", entry=entry, found=name)
        elif entry == "key" and not fields[name].required:
            yield _finding(
                file,
                CODE,
                "Expected a field that has to be filled in as “{entry}”, but found “{found}”",
                entry=entry,
                found=name,
            )


def _finding(file: str, code: str, text: str, /, **facts: object) -> errors.Finding:
    return errors.Finding(code=code, file=file, phrase=Phrase(text, **facts))
