"""
Files whose rows go into a register: somebody sends one, workers take it, some rows at a time.

Each transaction takes the rows behind those that were taken, and notes with them how far it has come: whatever is
killed when, each row is taken once. Between two of them others write. The rows go in by the rights of whoever sent the
file, asked when it is sent and for each few of them. Those that are refused are kept for a while with their reasons;
the file itself only as long as there is something left to take. It can be stopped; what was taken stays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row as Found
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, phrases, texts
from casepath.engine.database import Base
from casepath.engine.database.entries import KEY
from casepath.engine.database.models import Import, ImportRefusal
from casepath.engine.deployments import Register, definitions, registers
from casepath.engine.history import Event, organisation
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By, Program
from casepath.engine.phrases import Phrase, Size
from casepath.engine.registers import access, cells, imports, spreadsheets
from casepath.engine.registers.imports import Refused, Row
from casepath.engine.time import clock

#: Rows of one file, and its bytes.
MAX_ROWS, MAX_BYTES = 50_000, 30_000_000
#: Rows that are taken together; and after how many seconds a transaction takes no more: others may want to write.
TOGETHER = 50
TOGETHER_SECONDS = 0.2
#: How long refused rows are kept: they may say anything of anybody, and belong to no record.
KEPT = timedelta(days=30)

_imports = Base.metadata.tables[Import.__tablename__]
_refusals = Base.metadata.tables[ImportRefusal.__tablename__]
_is_left = _imports.c.ended_at.is_(None)

#: What a file has: rows, each behind its line.
Lines = Sequence[tuple[int, list[str]]]


def begin(
    session: Session,
    register: str,
    content: bytes,
    *,
    name: str,
    headings: Sequence[str],
    fields: Sequence[str],
    by: By,
) -> Import:
    """
    Have the rows of a file taken into a register; `fields` says of each heading of its first row what it means.

    Among them may be the `KEY` of records, and empty ones, which say nothing. Raises `NotFound` for strangers,
    `Forbidden` for those who only read, `InvalidInput` where a field is not there, is named twice, or the file is too
    large.
    """
    declared = registers.declared(session, register)
    actor = access.writer(session, by, declared, "add to", "register", register)
    named = [field for field in fields if field]
    known = {KEY, *_components(session, declared)}
    if len(fields) != len(headings) or not named or len({*named}) < len(named) or not known.issuperset(named):
        raise errors.InvalidInput("Expected each field once, but found {found}.", code="headings-twice", found=named)
    if len(content) > MAX_BYTES:
        raise errors.InvalidInput(
            "The file has {size}; at most {limit} can be taken at once. Please take it in several parts.",
            code="file-size",
            size=Size(len(content)),
            limit=Size(MAX_BYTES),
        )
    made = Import(
        register=register,
        name=texts.storable(name)[:255],
        headings=json.dumps(list(headings)),
        fields=json.dumps(list(fields)),
        content=content,
        state="waiting",
        created_at=clock.now(),
        created_by=actor.signature,
    )
    session.add(made)
    session.flush()
    facts = {"register": register, "sha256": sha256(content).hexdigest()}
    _tell(session, made.id, "begun", by=actor.signature, **facts)
    return made


def get(session: Session, import_id: int, *, by: By) -> Import:
    """Return a file that is taken, as far as it is; raises `NotFound`, also for who may not write in its register."""
    found = session.get(Import, import_id, populate_existing=True)
    actor = identity.actor(session, by)
    if found is None or not access.may_write(actor, registers.declared(session, found.register)):
        raise errors.NotFound("import", import_id)
    return found


def stop(session: Session, import_id: int, *, by: By) -> Import:
    """Have no more rows of a file taken; raises `NotFound`, or `InvalidState` where nothing is left to take."""
    found = get(session, import_id, by=by)
    landed = _end(session, import_id, "stopped")
    session.refresh(found)
    if not landed:
        raise errors.InvalidState("stop", "import", import_id, found.state)
    _tell(session, import_id, "stopped", by=identity.actor(session, by).signature, rows=found.position)
    return found


# -- taking ------------------------------------------------------------------------------------------------------------


class Taker:
    """What a worker takes of files; it has read those at which it is, and holds nothing that another one needs."""

    def __init__(self, sessions: sessionmaker[Session], readers: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._readers = readers
        self._read: dict[int, Lines] = {}

    def step(self) -> bool:
        """Take some rows of each file, and forget refused rows of long ago; return whether there was anything to do."""
        with self._readers.begin() as session:
            left = session.scalars(select(_imports.c.id).where(_is_left).order_by(_imports.c.id)).all()
            is_old = session.scalar(_old().limit(1)) is not None
        self._read = {number: lines for number, lines in self._read.items() if number in left}
        if is_old:
            with self._sessions.begin() as session:
                session.execute(delete(_refusals).where(_refusals.c.import_id.in_(_old())))
        done = [self._take(number) for number in left]
        return any(done) or is_old

    def _take(self, number: int) -> bool:
        """Take some rows of a file; return False where another worker is at it."""
        try:
            lines = self._lines(number)
        except errors.InvalidInput as refusal:
            with self._sessions.begin() as session:
                _fail(session, number, refusal.phrase)
            return True
        with self._sessions.begin() as session:
            here = select(_imports).where(_imports.c.id == number, _is_left).with_for_update(skip_locked=True)
            found = session.execute(here).one_or_none()
            if found is None:
                return False
            try:
                with session.begin_nested():
                    _take(session, found, lines)
            except OperationalError:
                # The database is busy or away: that is no failure of the file.
                raise
            except Exception as error:
                fault = Phrase("It failed: {error}", error=type(error).__name__)
                _fail(session, number, error.phrase if isinstance(error, errors.EngineError) else fault)
        return True

    def _lines(self, number: int) -> Lines:
        """Return what a file has behind its headings; raises `InvalidInput` where it is none, or has too much."""
        if number not in self._read:
            with self._readers.begin() as session:
                here = select(_imports.c.content, _imports.c.headings).where(_imports.c.id == number)
                held = session.execute(here).one()
            # Another worker may have ended it by now.
            self._read[number] = _read(held.content, len(json.loads(held.headings))) if held.content else []
        return self._read[number]


def _read(content: bytes, columns: int) -> Lines:
    found = spreadsheets.read(content)
    next(found, None)
    lines: list[tuple[int, list[str]]] = []
    for line, said in found:
        if len(lines) == MAX_ROWS:
            raise errors.InvalidInput(
                "At most {limit} rows can be taken at once; this file has more. Please take it in several parts.",
                code="too-many-rows",
                limit=MAX_ROWS,
            )
        if any(said[columns:]):
            text = "Line {line} has more cells than the first row has headings."
            raise errors.InvalidInput(text, code="too-many-cells", line=line)
        lines.append((line, [*said, *[""] * (columns - len(said))]))
    return lines


def _take(session: Session, found: Found[Any], lines: Lines) -> None:
    """Take the next rows of a file, and note it; raises `EngineError` where its sender may do so no more."""
    by = authorization.username(found.created_by) or Program("import")
    declared = registers.declared(session, found.register)
    components = _components(session, declared)
    fields: list[str] = json.loads(found.fields)
    position, refused = found.position, list[Refused]()
    counts = {name: getattr(found, name) for name in ("created", "changed", "unchanged")}
    end = time.monotonic() + TOGETHER_SECONDS
    while position < len(lines):
        few = lines[position : position + TOGETHER]
        taken = imports.take(session, found.register, [_row(fields, components, *each) for each in few], by=by)
        for done in taken.done:
            counts[done] += 1
        refused += taken.refused
        position += len(few)
        if time.monotonic() > end:
            break
    if refused:
        said = dict(lines[found.position : position])
        session.execute(insert(_refusals), [_refusal(found.id, said, each) for each in refused])
    counts["refused"] = found.refused + len(refused)
    change = {"state": "running", "size": len(lines), "position": position, **counts}
    session.execute(update(_imports).where(_imports.c.id == found.id).values(change))
    if position == len(lines):
        _end(session, found.id, "completed")
        _tell(session, found.id, "completed", **counts)


def _row(fields: Sequence[str], components: Mapping[str, Any], line: int, said: Sequence[str]) -> Row:
    written = {field: cell for field, cell in zip(fields, said, strict=False) if field}
    key = written.pop(KEY, "")
    # A field may have gone from the register since the file was sent: then the form refuses it.
    submitted = {
        field: cells.submitted(components[field], cell) if field in components else cell
        for field, cell in written.items()
    }
    return Row(line=line, key=key, submitted=submitted)


def _refusal(number: int, said: Mapping[int, Sequence[str]], refused: Refused) -> dict[str, Any]:
    why, line = refused.reason, refused.row.line
    each = [(error.field, error.phrase) for error in why.errors] if isinstance(why, errors.InvalidVariables) else []
    reasons = [[field, phrases.as_json(phrase)] for field, phrase in each or [("", why.phrase)]]
    return {"import_id": number, "line": line, "cells": json.dumps(said[line]), "reasons": json.dumps(reasons)}


def _components(session: Session, declared: Register) -> dict[str, Any]:
    form = definitions.form(session, declared.form, declared.definition_id)
    return {} if form is None else {field.key: field for field in form.fields}


def _old() -> Any:
    """Return the files of which refused rows have been kept long enough."""
    ended = select(_imports.c.id).where(_imports.c.ended_at < clock.now() - KEPT, _imports.c.refused > 0)
    return ended.where(select(_refusals.c.line).where(_refusals.c.import_id == _imports.c.id).exists())


def _fail(session: Session, number: int, why: Phrase) -> None:
    if _end(session, number, "failed", answer=phrases.dumps(why)):
        _tell(session, number, "failed")


def _end(session: Session, number: int, state: str, **also: Any) -> bool:
    """End a file that has not ended, and forget what it holds; return whether it had not."""
    change = {"state": state, "ended_at": clock.now(), "content": None, **also}
    landed = session.connection().execute(update(_imports).where(_imports.c.id == number, _is_left).values(change))
    return bool(landed.rowcount)


def _tell(session: Session, number: int, done: str, by: str | None = None, **facts: Any) -> None:
    organisation.record(session, Event(kind=f"import.{done}", facts={"import": number, **facts}, by=by))
