"""The stream of a record on its page: what happened, told, narrowed to a kind, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, request, url_for
from sqlalchemy.orm import Session

from casepath.engine.deployments import registers
from casepath.engine.forms import MATTER
from casepath.engine.people.authorization import Person
from casepath.engine.queries import deliveries, deployed, instances, links, people, streams
from casepath.engine.queries.records import RecordRow
from casepath.engine.queries.streams import Entry
from casepath.web import languages, names
from casepath.web.languages import gettext
from casepath.web.navigation import matter_address, row_id
from casepath.web.registers import matters, wording

#: Entries of one page.
AT_ONCE = 20
#: Source of an entry → its symbol.
SYMBOLS = {streams.MATTER: "folder", streams.RECORD: "book", streams.FILE: "file", streams.MESSAGE: "bell"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """Something that happened, in words."""

    at: datetime
    icon: str
    #: What it is: the name of its process or register.
    kind: str
    title: str
    address: str
    #: Of a matter or message, where it stands; empty elsewhere.
    state: str = ""
    #: Who: has it, has added it.
    who: str = ""
    #: Label and value of what more is known; the label is empty for what says what it is itself.
    beneath: Sequence[tuple[str, str]] = ()
    #: Name and address of each process that may be started about it.
    beginnings: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Startable:
    """A process that may be started, and the records that its form names: field → register."""

    key: str
    name: str
    fields: Mapping[str, str]

    def address(self, known: Mapping[str, str]) -> str | None:
        """Return where it is started with what is known, register → key; None where it names nothing of that."""
        given: dict[str, Any] = {}
        for name, register in self.fields.items():
            if register in known and register not in [self.fields[each] for each in given]:
                given[name] = known[register]
        return url_for("registration.show", key=self.key, **given) if given else None


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of a stream."""

    lines: Sequence[Line]
    #: Each kind that there is: as addresses name it, in words, and how many; all of them in front.
    kinds: Sequence[tuple[str, str, int]]
    kind: str
    is_first: bool
    #: Where the next page begins, as addresses name it; empty on the last one.
    next: str


def startable(session: Session) -> list[Startable]:
    """Return the processes that the person may start and whose forms name records."""
    found = []
    for each in deployed.startable(session, languages.of_names(), person=g.person):
        form = deployed.form(session, each.texts.start_form_key, each.definition_id)
        if form is not None and form.lookups:
            fields = {name: lookup.register for name, lookup in form.lookups.items()}
            found.append(Startable(key=each.key, name=each.name, fields=fields))
    return found


def page(session: Session, row: RecordRow, processes: Sequence[Startable]) -> Page:
    """Return the part of a record's stream for which the address asks."""
    found = streams.entries(session, g.person, row.register, row.key)
    counts = streams.counted(found)
    kinds = [(f"{source}.{of}", _kind(session, source, of), count) for (source, of), count in counts.items()]
    kind = request.args.get("kind", "")
    chosen = [each for each in found if f"{each.source}.{each.of}" == kind] if kind else found
    begin = row_id(request.args.get("from")) or 0
    shown = chosen[begin : begin + AT_ONCE]
    return Page(
        lines=_lines(session, row, shown, processes),
        kinds=[("", gettext("All"), len(found)), *sorted(kinds, key=lambda each: -each[2])],
        kind=kind,
        is_first=begin == 0,
        next=str(begin + AT_ONCE) if len(chosen) > begin + AT_ONCE else "",
    )


def _kind(session: Session, source: str, of: str) -> str:
    if source == streams.RECORD:
        return wording.name(registers.declared(session, of))
    if source == streams.MATTER:
        return dict(names.processes(session)).get(of, of)
    return gettext("Files") if source == streams.FILE else gettext("Messages")


def _lines(session: Session, row: RecordRow, shown: Sequence[Entry], processes: Sequence[Startable]) -> list[Line]:
    ids = {source: [each.id for each in shown if each.source == source] for source in SYMBOLS}
    told = {
        **_matters(session, g.person, ids[streams.MATTER]),
        **_records(session, ids[streams.RECORD]),
        **_files(session, ids[streams.FILE]),
        **_messages(session, ids[streams.MESSAGE]),
    }
    lines = []
    for each in shown:
        facts, known = told[each.source, each.id]
        about = {row.register: row.key, **known}
        begun = [(process.name, process.address(about)) for process in processes] if known else []
        begin = [(name, address) for name, address in begun if address is not None]
        kind = _kind(session, each.source, each.of) if each.of else ""
        lines.append(Line(at=each.at, icon=SYMBOLS[each.source], kind=kind, beginnings=begin, **facts))
    return lines


#: What is said of an entry, and the records that it names: register → key.
_Told = dict[tuple[str, int], tuple[dict[str, Any], dict[str, str]]]


def _matters(session: Session, person: Person, ids: Sequence[int]) -> _Told:
    found = instances.of_ids(session, person, ids)
    told = matters.told(session, found)
    return {
        (streams.MATTER, row.id): (
            {
                "title": f"{each.title or each.process} {each.number}".strip(),
                "address": matter_address(each.reference),
                "state": each.state,
                "who": ", ".join(each.who),
                "beneath": [("", step) for step in each.steps[:1]] + list(each.beneath),
            },
            {**dict(links.of_matter(session, each.reference)), MATTER: each.number},
        )
        for row, each in zip(found, told, strict=True)
    }


def _records(session: Session, ids: Sequence[int]) -> _Told:
    found: _Told = {}
    for row in streams.records(session, ids).values():
        declared = registers.declared(session, row.register)
        words = wording.of(session, declared)
        named = {name: of for name, of in declared.references.items() if name in row.values}
        known = {of: str(row.values[name]) for name, of in named.items()}
        beneath = [
            (words.label(name), words.said(name, row.values[name]))
            for name in words.beside
            if name in row.values and name not in declared.references and name != declared.moment
        ]
        facts = {"title": row.key, "address": url_for("registers.record", record_id=row.id), "beneath": beneath}
        found[streams.RECORD, row.id] = facts, {**known, row.register: row.key}
    return found


def _files(session: Session, ids: Sequence[int]) -> _Told:
    found = streams.files(session, ids)
    known = people.names(session, [each.created_by for each in found.values()])
    return {
        (streams.FILE, each.id): (
            {
                "title": each.name,
                "address": url_for("process_instances.file", attachment_id=each.id, download=1),
                "who": known.get(each.created_by or "", each.created_by or ""),
                "beneath": [("", each.business_key)],
            },
            {},
        )
        for each in found.values()
    }


def _messages(session: Session, ids: Sequence[int]) -> _Told:
    return {
        (streams.MESSAGE, each.id): (
            {
                "title": deliveries.channel_name(session, each.channel, languages.chosen()),
                "address": matter_address(each.business_key) if each.business_key else "",
                "state": each.state,
                "beneath": [("", each.text)],
            },
            {},
        )
        for each in streams.messages(session, ids).values()
    }
