"""Files that were taken into registers, for pages: how far each is, and the rows that were refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database.models import Import, ImportRefusal
from casepath.engine.phrases import Phrase

#: Files of one register that are listed.
LISTED = 20


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """One file."""

    id: int
    register: str
    name: str
    state: str
    #: How many rows it has; None before a worker has read it.
    size: int | None
    #: How many of them are done.
    position: int
    created: int
    changed: int
    unchanged: int
    refused: int
    #: Why no more of it was taken.
    answer: Phrase | None
    #: Those of its first row that mean a field.
    headings: Sequence[str]
    created_at: datetime
    created_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class RefusalRow:
    """A row that was not taken."""

    line: int
    #: Below the headings.
    cells: Sequence[str]
    #: Fields, empty for the row as a whole, each with what is wrong.
    reasons: Sequence[tuple[str, Phrase]]


def row(found: Import) -> ImportRow:
    """Return a file."""
    headings, fields = json.loads(found.headings), json.loads(found.fields)
    return ImportRow(
        id=found.id,
        register=found.register,
        name=found.name,
        state=found.state,
        size=found.size,
        position=found.position,
        created=found.created,
        changed=found.changed,
        unchanged=found.unchanged,
        refused=found.refused,
        answer=phrases.loads(found.answer),
        headings=list(compress(headings, fields)),
        created_at=found.created_at,
        created_by=found.created_by,
        ended_at=found.ended_at,
    )


def of_register(session: Session, register: str) -> list[ImportRow]:
    """Return the files that were sent last for a register, the newest first."""
    found = select(Import).where(Import.register == register).order_by(Import.id.desc()).limit(LISTED)
    return [row(each) for each in session.scalars(found)]


def refusals(session: Session, import_id: int, *, limit: int | None = None) -> Iterator[RefusalRow]:
    """Yield the rows of a file that were refused, in its order."""
    fields = json.loads(session.scalars(select(Import.fields).where(Import.id == import_id)).one())
    found = select(ImportRefusal).where(ImportRefusal.import_id == import_id).order_by(ImportRefusal.line).limit(limit)
    for each in session.scalars(found):
        reasons = [(field, phrases.from_json(said)) for field, said in json.loads(each.reasons)]
        told = [(field, phrase) for field, phrase in reasons if phrase is not None]
        yield RefusalRow(line=each.line, cells=list(compress(json.loads(each.cells), fields)), reasons=told)
