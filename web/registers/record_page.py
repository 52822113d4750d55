"""The page of a record: what it is, what points to it, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, render_template
from sqlalchemy.orm import Session

from casepath.engine import errors, history
from casepath.engine.deployments import Register
from casepath.engine.instances import record_starts
from casepath.engine.people import authorization
from casepath.engine.queries import instances, links, people
from casepath.engine.queries import records as lists
from casepath.engine.queries.instances import Filters, Reference
from casepath.engine.queries.records import RecordRow
from casepath.engine.registers import access, records
from casepath.engine.registers import doubles as merging
from casepath.web import names as processes
from casepath.web import navigation, phrases
from casepath.web.languages import gettext
from casepath.web.registers import doubles, matters, stream, wording
from casepath.web.registers.wording import Wording

#: Kind of event → symbol and tone in the list of what happened.
SYMBOLS = {
    "record.created": ("plus", "person"),
    "record.changed": ("check", "person"),
    "record.archived": ("folder", "person"),
    "record.restored": ("back", "person"),
    "record.merged": ("folder", "person"),
    "record.joined": ("check", "person"),
    "record.separated": ("back", "person"),
    "record.released": ("back", "person"),
    "record.distinguished": ("info", "person"),
    "values.erased": ("alert", "alert"),
}


#: Matters of a record that are shown at once.
MATTERS = 20


@dataclass(frozen=True, kw_only=True)
class Named:
    """A record to which another one points."""

    row: RecordRow
    title: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """Something that happened to a record."""

    kind: str
    icon: str
    tone: str
    at: datetime
    by: str
    text: str
    #: Label, what it was, and what it has become; empty for nothing, None where it was erased.
    changes: Sequence[tuple[str, str | None, str | None]]


def references(session: Session, rows: Iterable[RecordRow]) -> dict[tuple[str, str], Named]:
    """Return the records to which rows point and that the person may read, by register and key."""
    known = {declared.key: declared for declared in access.readable(session, g.person)}
    wanted = {
        (register, str(row.values[field]))
        for row in rows
        for field, register in known[row.register].references.items()
        if row.values.get(field)
    }
    found = lists.named(session, g.person, wanted) if wanted else {}
    words = {key: wording.of(session, known[key]) for key in {register for register, _ in found}}
    return {pair: Named(row=row, title=words[pair[0]].title(row)) for pair, row in found.items()}


def of_matter(session: Session, matter: Reference) -> list[tuple[Wording, RecordRow]]:
    """Return the records to which a matter points and that the person may read."""
    known = {declared.key: declared for declared in access.readable(session, g.person)}
    found = lists.named(session, g.person, links.of_matter(session, matter))
    return [(wording.of(session, known[row.register]), row) for row in found.values()]


def render(session: Session, record_id: int, refusal: errors.InvalidInput | None = None) -> str:
    """Return the page of a record; `refusal` says why nothing was erased, or why it did not come into use again."""
    found = records.get(session, record_id, by=g.person)
    words = wording.of(session, access.register(session, found.register, by=g.person))
    row = lists.row(found)
    pointing = lists.pointing_to(session, g.person, found)
    said = {each.register.key: wording.of(session, each.register) for each in pointing}
    names = people.names(session, [found.created_by, found.changed_by])
    open_ones = Filters(record=(row.register, row.key), state="open")
    alive = instances.page(session, g.person, open_ones, limit=MATTERS)
    startable = stream.startable(session) if row.state == "active" else []
    begun = [(process.name, process.address({row.register: row.key})) for process in startable]
    lines, earlier = navigation.part_of(told(session, words, record_id)[::-1], "history")
    held = [name for name in words.labels if row.values.get(name) not in (None, "", [])]
    return render_template(
        "registers/record.html",
        words=words,
        row=row,
        title=words.title(row),
        held=held,
        open_matters=matters.told(session, alive.rows),
        more_open=alive.next is not None,
        stream=stream.page(session, row, startable),
        beginnings=[(name, address) for name, address in begun if address is not None],
        references=references(session, [row, *(each for part in pointing for each in part.rows)]),
        # What tells of something that happened stands in the stream.
        pointing=[(said[each.register.key], each) for each in pointing if each.register.moment is None],
        # In the fields of which registers a record of this one is named, for new ones that point to it.
        pointed_from=_pointed_from(session, words.declared),
        lines=lines,
        earlier=earlier,
        names=names,
        created=(found.created_at, found.created_by),
        suspected=doubles.suspected(session, words, row),
        merged=doubles.merged(session, words, row.id),
        merged_into=_merged_into(session, words, row),
        may_merge=access.may_merge(g.person, words.declared),
        may_write=access.may_write(g.person, words.declared),
        may_erase=authorization.may_erase(g.person),
        erasable=[name for name in held if name != words.declared.key_field],
        alike=alike(session, words, refusal),
        # What it should have started, and why it did not.
        not_started=not_started(session, record_id),
        refusal=phrases.sentence(refusal) if refusal and not isinstance(refusal, errors.InvalidVariables) else "",
    )


def _merged_into(session: Session, words: Wording, row: RecordRow) -> tuple[int, str, str] | None:
    """Return id and title of the record that stands for one, and what would not go back; None without one."""
    if row.merged_into is None:
        return None
    stays = records.get(session, row.merged_into, by=g.person)
    left = doubles.sentence(words, merging.remaining(session, row.id, by=g.person))
    return stays.id, f"{words.title(lists.row(stays))} · {stays.key}", left


def not_started(session: Session, record_id: int) -> list[tuple[str, str]]:
    """Return the name of each process that a record should have started and could not, and why."""
    found = record_starts.refused(session, record_id)
    named = dict(processes.processes(session)) if found else {}
    return [(named.get(key, key), phrases.told(answer)) for key, answer in found.items()]


def _pointed_from(session: Session, declared: Register) -> list[tuple[Wording, str]]:
    return [
        (wording.of(session, each), field)
        for each in access.readable(session, g.person)
        for field, register in each.references.items()
        if register == declared.key and access.may_write(g.person, each)
    ]


def alike(session: Session, words: Wording, refusal: errors.EngineError | None) -> list[tuple[RecordRow, str]]:
    """Return the records that have the same where none should, and their titles."""
    wrong = refusal.errors if isinstance(refusal, errors.InvalidVariables) else []
    refused = [error for error in wrong if error.code == "record-alike"]
    keys: list[Any] = [error.facts["keys"] for error in refused]
    pairs = {(words.key, key) for others in keys for key in others}
    return [(row, words.title(row)) for row in lists.named(session, g.person, pairs).values()]


def told(session: Session, words: Wording, record_id: int) -> list[Line]:
    """Return what happened to a record, in its order."""
    events = history.registers.events(session, record_id)
    names = people.names(session, [event.by for event in events])
    held: dict[str, Any] = {}
    gone: set[str] = set()
    lines = []
    for event in events:
        changes = []
        for name in (*event.variables, *event.erased):
            before = None if name in gone else words.said(name, held.get(name))
            gone.discard(name)
            after = words.said(name, event.variables.get(name)) if name in event.variables else None
            if name in event.erased:
                gone.add(name)
            changes.append((words.label(name), before, after))
        held |= dict(event.variables)
        is_first = event.kind == "record.created"
        icon, tone = SYMBOLS.get(event.kind, ("info", "engine"))
        lines.append(
            Line(
                kind=event.kind,
                icon=icon,
                tone=tone,
                at=event.at,
                by=names.get(event.by or "", event.by or ""),
                text=_sentence(words, event.kind, event.facts),
                changes=[] if is_first else changes,
            )
        )
    return lines


def _sentence(words: Wording, kind: str, facts: Mapping[str, Any]) -> str:
    if kind == "values.erased":
        fields = sorted({name for names in facts["erased"].values() for name in names})
        said = gettext(", ").join(words.label(name) for name in fields)
        return gettext("Erased %(fields)s: %(reason)s", fields=said or "—", reason=facts["reason"])
    sentences = {
        "record.created": gettext("Added the record"),
        "record.changed": gettext("Changed the record"),
        "record.archived": gettext("Archived the record"),
        "record.restored": gettext("Put the record into use again"),
        "record.merged": gettext("Merged it into %(key)s", key=facts.get("into")),
        "record.joined": gettext("Merged %(key)s into it", key=facts.get("record")),
        "record.separated": gettext("Took it apart from %(key)s", key=facts.get("from")),
        "record.released": gettext("Took %(key)s apart from it", key=facts.get("record")),
        "record.distinguished": gettext("Noted that %(key)s is another one", key=facts.get("from")),
    }
    return sentences.get(kind, kind)
