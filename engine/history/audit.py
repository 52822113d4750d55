"""
Everything that a database can prove of itself: chains, what is held against them, and what belongs together.

`heads` compares with what was kept elsewhere, which proves more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, CompoundSelect, Text, bindparam, cast, func, literal, select, type_coerce, union_all
from sqlalchemy.orm import Session
from sqlalchemy.types import NULLTYPE

from casepath.engine.database import Base
from casepath.engine.database.models import Definition, Deployment, NumberSequence, ProcessInstance, Resource
from casepath.engine.database.statements import Statement
from casepath.engine.history import log, organisation, records, registers, work
from casepath.engine.history.problems import Problem
from casepath.engine.history.verification import verify

_tables = Base.metadata.tables
_definitions = _tables[Definition.__tablename__]
_deployments = _tables[Deployment.__tablename__]
_instances = _tables[ProcessInstance.__tablename__]
_resources = _tables[Resource.__tablename__]
_sequences = _tables[NumberSequence.__tablename__]

_query_instance = Statement(select(_instances).where(_instances.c.id == bindparam("instance")))
#: Name of a sequence of business keys, such as `business_key:TS2026-{number}`.
_OF_KEYS = re.compile(r"business_key:(.*)\{number\}(.*)", re.DOTALL)


def verify_all(session: Session) -> Iterator[Problem]:
    """Yield what is wrong with the history of the house, an instance or record, and the rest of the database."""
    yield from organisation.verify(session)
    last = 0
    while ids := session.scalars(
        select(_instances.c.id).where(_instances.c.id > last).order_by(_instances.c.id).limit(500)
    ).all():
        for process_instance_id in ids:
            yield from verify_instance(session, process_instance_id)
        last = ids[-1]
    yield from registers.verify(session)
    yield from _orphans(session)
    yield from _files(session)
    yield from _numbers(session)


def verify_instance(session: Session, process_instance_id: int) -> list[Problem]:
    """
    Return what is wrong with the history of a process instance; with an intact one, what is not as it tells.

    Raises `NotFound`.
    """
    problems = verify(session, process_instance_id)
    if problems:
        return problems
    try:
        (row,) = _query_instance.rows(session.connection(), {"instance": process_instance_id})
        events = log.events(session, process_instance_id)
        found = [*records.compare(session, row, events), *work.compare(session, row, events)]
    except (TypeError, ValueError) as error:
        # SQLite stores whatever it is given.
        found = [("altered", f"a row cannot be read: {error}")]
    return [Problem(process_instance_id=process_instance_id, what=what, message=message) for what, message in found]


def _orphans(session: Session) -> Iterator[Problem]:
    """Find rows that refer to what is not there; SQLite lets whoever opens the file make them."""
    references, query = _references()
    # Numbers come as texts too: the longer ones are the larger ones.
    rows = sorted(session.execute(query), key=lambda row: (row.number, len(row.key), row.key))
    for number, key, count in rows:
        own, its = references[number]
        said = f"{count} rows of {own.table.name}" if count > 1 else f"1 row of {own.table.name}"
        yield Problem(
            process_instance_id=int(key) if its.table is _instances and key.isdecimal() else None,
            what="orphaned",
            message=f"{said} with {own.name} {key}, but {its.table.name} has no such {its.name}",
        )


@cache
def _references() -> tuple[list[tuple[Column[Any], Column[Any]]], CompoundSelect[Any]]:
    """Return every column that refers to another one, with that one; and the query for what is not there, in all."""
    references = [
        (reference.parent, reference.column)
        for table in Base.metadata.sorted_tables
        for reference in table.foreign_keys
    ]
    queries = []
    for number, (own, its) in enumerate(references):
        other = its.table.alias()
        gone = select(literal(number).label("number"), cast(own, Text).label("key"), func.count())
        joined = gone.select_from(own.table).outerjoin(other, other.c[its.name] == own)
        queries.append(joined.where(own.is_not(None), other.c[its.name].is_(None)).group_by(own))
    return references, union_all(*queries)


def _files(session: Session) -> Iterator[Problem]:
    """Compare deployed files with the digests of the day they came."""
    digests: dict[int, str] = {}
    contents: dict[int, dict[str, str]] = {}
    content = type_coerce(_resources.c.content, NULLTYPE).label("stored")
    columns = (_resources.c.id, _resources.c.deployment_id, _resources.c.name, _resources.c.sha256, content)
    query = select(*columns).order_by(_resources.c.id).execution_options(yield_per=20)
    for row in session.execute(query):
        digests[row.id] = row.sha256
        contents.setdefault(row.deployment_id, {})[row.name] = row.sha256
        if not isinstance(row.stored, bytes) or sha256(row.stored).hexdigest() != row.sha256:
            yield _damage(f"file {row.name} of deployment {row.deployment_id} is not the one that was deployed")
    described = [_definitions.c[name] for name in ("kind", "key", "version", "resource_id", "sha256")]
    for entry in session.execute(select(*described).order_by(_definitions.c.id)):
        if digests.get(entry.resource_id) not in (None, entry.sha256):
            yield _damage(f"{entry.kind} {entry.key} version {entry.version} is not the one of its deployed file")
    deployed = select(_deployments.c.id, _deployments.c.name, _deployments.c.sha256).order_by(_deployments.c.id)
    for whole in session.execute(deployed):
        if deployment_digest(contents.get(whole.id, {})) != whole.sha256:
            yield _damage(f"deployment {whole.id} ({whole.name}) has other files than were deployed")


def deployment_digest(digests: Mapping[str, str]) -> str:
    """Return what stands for a deployment: SHA-256 over names and digests of its files, in hex."""
    return sha256("".join(f"{file}\0{digests[file]}\n" for file in sorted(digests)).encode()).hexdigest()


def _damage(message: str) -> Problem:
    return Problem(process_instance_id=None, what="damaged", message=message)


def _numbers(session: Session) -> Iterator[Problem]:
    """Find business keys that were given out, which happens without gaps, and that no process instance has."""
    for name, last in session.execute(select(_sequences.c.name, _sequences.c.last).order_by(_sequences.c.name)):
        shape = _OF_KEYS.fullmatch(name)
        if shape is None:
            continue
        before, after = shape.groups()
        key = _instances.c.business_key
        used = session.scalars(select(key).where(key.startswith(before, autoescape=True)).distinct())
        numbers = {_number(text, before, after) for text in used}
        absent = sorted(set(range(1, last + 1)) - numbers)
        if absent:
            said = ", ".join(map(str, absent[:20])) + (" …" if len(absent) > 20 else "")
            message = f"{before}{{number}}{after} was given out up to {last}, but no process instance has {said}"
            yield Problem(process_instance_id=None, what="lost", message=message)


def _number(text: str | None, before: str, after: str) -> int | None:
    digits = (text or "").removeprefix(before).removesuffix(after)
    return int(digits) if digits.isdecimal() else None

