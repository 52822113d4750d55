"""What was deployed, for its pages: definitions with their versions, deployments with their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import ActivityInstance, Definition, Deployment, ProcessInstance, Resource


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a process, decision or form."""

    id: int
    kind: str
    key: str
    name: str
    version: int
    version_tag: str | None
    executable: bool
    deployment_id: int
    created_at: datetime
    created_by: str | None
    #: Process instances that run on it, and all that ever did.
    running: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class DeploymentView:
    """One deployment with what was new in it."""

    id: int
    name: str
    created_at: datetime
    created_by: str | None
    versions: Sequence[Version]


@dataclass(frozen=True, kw_only=True)
class DeploymentPage:
    """One page of deployments, newest first."""

    rows: Sequence[DeploymentView]
    #: The next page begins below this id; None on the last one.
    next: int | None


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a deployment."""

    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A file of a deployment beside the file of this name that is in force."""

    name: str
    #: `same`, `changed`, `only here`, or `only there`: what is in force has it, and this deployment has not.
    state: str


def newest(
    session: Session, kind: str, *, after: str = "", limit: int = 50
) -> tuple[list[Version], str | None]:
    """
    Return the newest version of each definition of a kind, by name.

    Those behind a key; and behind which the next page begins. Behind a key that nothing has, the list begins anew.
    Instances are counted over all versions.
    """
    latest = select(func.max(Definition.id)).where(Definition.kind == kind).group_by(Definition.key)
    order = (Definition.name, Definition.key)
    query = _versions().where(Definition.id.in_(latest)).order_by(*order).limit(limit + 1)
    behind = session.execute(select(*order).where(Definition.id.in_(latest), Definition.key == after)).one_or_none()
    if behind is not None:
        query = query.where(tuple_(*order) > tuple_(*behind))
    found = session.execute(query).all()
    keys = [row[0].key for row in found[:limit]]
    counts = _counts(session, ProcessInstance.definition_key, keys) if kind == "process" else {}
    rows = [_version(row[0], row[1], counts.get(row[0].key)) for row in found[:limit]]
    return rows, rows[-1].key if len(found) > limit else None


def of_key(
    session: Session, kind: str, key: str, *, below: int | None = None, limit: int = 25
) -> tuple[list[Version], int | None]:
    """
    Return the versions of what has a key, newest first, those below a version; and below which the next page begins.

    Raises `NotFound` where there are none.
    """
    query = _of_key(kind, key).order_by(Definition.version.desc()).limit(limit + 1)
    if below is not None:
        query = query.where(Definition.version < below)
    found = session.execute(query).all()
    if not found:
        raise errors.NotFound(f"{kind} definition", key)
    ids = [row[0].id for row in found[:limit]]
    counts = _counts(session, ProcessInstance.definition_id, ids) if kind == "process" else {}
    rows = [_version(row[0], row[1], counts.get(row[0].id)) for row in found[:limit]]
    return rows, rows[-1].version if len(found) > limit else None


def one(session: Session, kind: str, key: str, number: int | None = None) -> Version:
    """Return a version of what has a key, the newest unless one is asked for; raises `NotFound`."""
    query = _of_key(kind, key).order_by(Definition.version.desc()).limit(1)
    if number is not None:
        query = query.where(Definition.version == number)
    found = session.execute(query).one_or_none()
    if found is None:
        raise errors.NotFound(*(("version", number) if number is not None else (f"{kind} definition", key)))
    return _version(found[0], found[1])


def newest_of(session: Session, kind: str, keys: Iterable[str]) -> list[Version]:
    """Return the newest version of each definition of a kind that has one of these keys, without counts."""
    latest = select(func.max(Definition.id)).where(Definition.kind == kind, Definition.key.in_(keys))
    query = _versions().where(Definition.id.in_(latest.group_by(Definition.key)))
    return [_version(*row) for row in session.execute(query)]


def deployments(session: Session, *, below: int | None = None, limit: int = 25) -> DeploymentPage:
    """Return deployments, newest first, those below an id."""
    query = select(Deployment).order_by(Deployment.id.desc()).limit(limit + 1)
    if below is not None:
        query = query.where(Deployment.id < below)
    found = session.scalars(query).all()
    rows = [_view(session, each) for each in found[:limit]]
    return DeploymentPage(rows=rows, next=rows[-1].id if len(found) > limit else None)


def deployment(session: Session, deployment_id: int) -> DeploymentView:
    """Return a deployment; raises `NotFound`."""
    found = session.get(Deployment, deployment_id)
    if found is None:
        raise errors.NotFound("deployment", deployment_id)
    return _view(session, found)


def files(session: Session, deployment_id: int) -> list[File]:
    """Return the files of a deployment, by name."""
    query = select(Resource.name, func.length(Resource.content)).where(Resource.deployment_id == deployment_id)
    return [File(name=name, size=size) for name, size in session.execute(query.order_by(Resource.name))]


def content(session: Session, deployment_id: int, name: str) -> bytes:
    """Return a file of a deployment by its full name; raises `NotFound`."""
    query = select(Resource.content).where(Resource.deployment_id == deployment_id, Resource.name == name)
    found = session.scalar(query)
    if found is None:
        raise errors.NotFound("file", name)
    return found


def contents(session: Session, deployment_id: int) -> dict[str, bytes]:
    """Return the files of a deployment by their names; raises `NotFound`."""
    query = select(Resource.name, Resource.content).where(Resource.deployment_id == deployment_id)
    found = session.execute(query).all()
    if not found:
        raise errors.NotFound("deployment", deployment_id)
    return {row.name: row.content for row in found}


def in_force(session: Session, deployment_id: int) -> int:
    """Return the deployment that has come in the place of one: the newest of its processes, else of what was in it."""
    came = select(Definition.kind, Definition.key).where(Definition.deployment_id == deployment_id).subquery()
    query = (
        select(Definition.kind, func.max(Definition.deployment_id).label("newest"))
        .join(came, (came.c.kind == Definition.kind) & (came.c.key == Definition.key))
        .group_by(Definition.kind)
    )
    found = {row.kind: row.newest for row in session.execute(query)}
    return found.get("process") or max(found.values(), default=deployment_id)


def differences(session: Session, deployment_id: int) -> list[Difference]:
    """Return how the files of a deployment differ from those in force, by name."""
    here, there = (_digests(session, each) for each in (deployment_id, in_force(session, deployment_id)))
    return [Difference(name=name, state=_state(here.get(name), there.get(name))) for name in sorted(here | there)]


def _digests(session: Session, deployment_id: int) -> dict[str, str]:
    query = select(Resource.name, Resource.sha256).where(Resource.deployment_id == deployment_id)
    return {row.name: row.sha256 for row in session.execute(query)}


def _state(here: str | None, there: str | None) -> str:
    if here is None:
        return "only there"
    if there is None:
        return "only here"
    return "same" if here == there else "changed"


def file_name(session: Session, definition_id: int) -> str:
    """Return the name of the file that a definition came in; raises `NotFound`."""
    query = select(Resource.name).join(Definition, Definition.resource_id == Resource.id)
    found = session.scalar(query.where(Definition.id == definition_id))
    if found is None:
        raise errors.NotFound("definition", definition_id)
    return found


def companions(session: Session, name: str) -> dict[str, bytes]:
    """
    Return the other files of the newest deployment of a process's file: its forms, tables, texts and guidance.

    Whoever deploys that file anew without these deploys them again, so that they stay with the process. What has been
    deployed in newer versions since comes in the newest one.
    """
    newest_of_file = (
        select(Definition.deployment_id)
        .join(Resource, Resource.id == Definition.resource_id)
        .where(Definition.kind == "process", Resource.name == name)
        .order_by(Definition.id.desc())
        .limit(1)
    )
    deployment_id = session.scalar(newest_of_file)
    if deployment_id is None:
        return {}
    query = select(Resource.name, Resource.sha256, Resource.content).where(
        Resource.deployment_id == deployment_id, Resource.name != name
    )
    return {file: _newest_content(session, file, digest) or held for file, digest, held in session.execute(query)}


def _newest_content(session: Session, file: str, digest: str) -> bytes | None:
    """Return the newest file of this name with what a file is found by; None where it is found by no key of its own."""
    defined = (
        select(Definition.kind, Definition.key)
        .join(Resource, Resource.id == Definition.resource_id)
        .where(Resource.name == file, Resource.sha256 == digest)
        .limit(1)
    )
    found = session.execute(defined).one_or_none()
    if found is None:
        return None
    newest = (
        select(Resource.content)
        .join(Definition, Definition.resource_id == Resource.id)
        .where(Definition.kind == found.kind, Definition.key == found.key, Resource.name == file)
        .order_by(Definition.version.desc())
        .limit(1)
    )
    return session.scalar(newest)


def standing(session: Session, definition_id: int) -> dict[str, Any]:
    """Return where the instances of a process stand, as `web/assets/viewer.js` reads it."""
    query = (
        select(ActivityInstance.element_id, func.count())
        .join(ProcessInstance, ProcessInstance.id == ActivityInstance.process_instance_id)
        .where(
            ProcessInstance.definition_id == definition_id,
            ProcessInstance.ended_at.is_(None),
            ActivityInstance.state == "active",
        )
        .group_by(ActivityInstance.element_id)
    )
    found = {element_id: {"state": "active", "count": count} for element_id, count in session.execute(query)}
    return {"elements": found, "flows": []}


def _versions() -> Any:
    return select(Definition, Deployment.created_by).join(Deployment, Deployment.id == Definition.deployment_id)


def _of_key(kind: str, key: str) -> Any:
    return _versions().where(Definition.kind == kind, Definition.key == key)


def _version(definition: Definition, created_by: str | None, counts: tuple[int, int] | None = None) -> Version:
    running, total = counts or (0, 0)
    return Version(
        id=definition.id,
        kind=definition.kind,
        key=definition.key,
        name=definition.name or definition.key,
        version=definition.version,
        version_tag=definition.version_tag,
        executable=definition.executable,
        deployment_id=definition.deployment_id,
        created_at=definition.created_at,
        created_by=created_by,
        running=running,
        total=total,
    )


def _counts(session: Session, column: Any, among: Sequence[Any]) -> Mapping[Any, tuple[int, int]]:
    """Return how many instances run and how many there were, of each of these definitions or keys."""
    running = func.count().filter(ProcessInstance.ended_at.is_(None))
    query = select(column, running, func.count()).where(column.in_(among)).group_by(column)
    return {name: (alive, total) for name, alive, total in session.execute(query)}


def _view(session: Session, found: Deployment) -> DeploymentView:
    query = _versions().where(Definition.deployment_id == found.id).order_by(Definition.kind.desc(), Definition.name)
    return DeploymentView(
        id=found.id,
        name=found.name,
        created_at=found.created_at,
        created_by=found.created_by,
        versions=[_version(*row) for row in session.execute(query)],
    )
