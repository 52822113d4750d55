"""What is deployed in one database, put into another: the newest version of everything, with the files it came with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.orm import Session

from casepath.engine.database import Base
from casepath.engine.database.models import Definition, Deployment, Job, Resource
from casepath.engine.deployments import definitions, starts

_definitions = Base.metadata.tables[Definition.__tablename__]
_deployments = Base.metadata.tables[Deployment.__tablename__]
_resources = Base.metadata.tables[Resource.__tablename__]
_jobs = Base.metadata.tables[Job.__tablename__]
_newest = (
    select(_definitions.c.kind, _definitions.c.key, func.max(_definitions.c.version).label("version"))
    .group_by(_definitions.c.kind, _definitions.c.key)
    .subquery()
)
_in_force = (
    select(_definitions)
    .join(
        _newest,
        (_newest.c.kind == _definitions.c.kind)
        & (_newest.c.key == _definitions.c.key)
        & (_newest.c.version == _definitions.c.version),
    )
    .order_by(_definitions.c.id)
)


@dataclass(frozen=True, kw_only=True)
class Present:
    """What is in force in a database."""

    definitions: Sequence[Mapping[str, Any]]

    @property
    def mark(self) -> tuple[tuple[int, bool], ...]:
        """What is another where something else is in force: each definition is of one file for ever."""
        return tuple((each["id"], each["suspended"]) for each in self.definitions)


def present(session: Session) -> Present:
    """Return the newest version of everything."""
    return Present(definitions=[_row(each) for each in session.execute(_in_force)])


def put(session: Session, source: Session, held: Present) -> None:
    """
    Put what is in force in the database of `source` into an empty one, under the same numbers.

    Messages and signals start its processes there as well. Their start timers do not: of what begins by itself only
    what is deployed there afterwards does.
    """
    ids = sorted({each["deployment_id"] for each in held.definitions})
    if not ids:
        return
    for table, of in ((_deployments, _deployments.c.id), (_resources, _resources.c.deployment_id)):
        session.execute(insert(table), [_row(each) for each in source.execute(select(table).where(of.in_(ids)))])
    session.execute(insert(_definitions), list(held.definitions))
    for each in held.definitions:
        if each["kind"] == "process" and each["executable"]:
            spec = definitions.process(session, each["id"])
            if not spec.refused:
                starts.arm(session, definitions.definition(session, each["id"]), spec)
    session.execute(_jobs.delete().where(_jobs.c.process_instance_id.is_(None)))


def _row(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)
