"""
What a deployment is for: what changes and why, as whoever deployed it has written, and what ran when it came.

Each deployment is an event in the history of the house, sealed with the digest of its files, so that what was said
stands as it was said. Nothing here changes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine import texts
from casepath.engine.database.models import ActivityInstance, Definition, Deployment, ProcessInstance
from casepath.engine.history import Event, organisation

#: The kind of the event.
MADE = "deployment.made"
#: Characters of each of the two texts.
MAX_LENGTH = 2_000


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """What changes with a deployment, and why."""

    what: str
    why: str

    @classmethod
    def of(cls, what: str, why: str) -> Purpose:
        """Return what somebody has written; raises `InvalidInput` where one of the two is empty or too long."""
        return cls(
            what=texts.checked(what, name="what changes", limit=MAX_LENGTH),
            why=texts.checked(why, name="why it changes", limit=MAX_LENGTH),
        )


@dataclass(frozen=True, kw_only=True)
class Running:
    """What ran in one version of a process when a newer one came."""

    process: str
    version: int
    instances: int
    #: How many activities stood at each element, by its id.
    elements: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the history tells of a deployment."""

    deployment_id: int
    #: None where nobody has said it.
    purpose: Purpose | None
    running: Sequence[Running]


def record(
    session: Session, deployment: Deployment, fresh: Collection[Definition], purpose: Purpose | None, *, by: str | None
) -> None:
    """Append to the history of the house that a deployment was made, with its new versions and what ran before."""
    facts: dict[str, Any] = {
        "deployment": deployment.id,
        "sha256": deployment.sha256,
        "versions": [[each.kind, each.key, each.version] for each in fresh],
    }
    if purpose is not None:
        facts |= {"what": purpose.what, "why": purpose.why}
    if running := _running(session, fresh):
        facts["running"] = [
            {"process": each.process, "version": each.version, "instances": each.instances, "elements": each.elements}
            for each in running
        ]
    organisation.record(session, Event(kind=MADE, facts=facts, by=by))


def made(session: Session, deployment_ids: Collection[int]) -> dict[int, Made]:
    """Return what the history tells of deployments, by their ids; those from before it did so are left out."""
    found = (_read(event.facts) for event in organisation.events(session, kind=MADE)) if deployment_ids else ()
    return {each.deployment_id: each for each in found if each.deployment_id in deployment_ids}


def _read(facts: Mapping[str, Any]) -> Made:
    return Made(
        deployment_id=facts["deployment"],
        purpose=Purpose(what=facts["what"], why=facts["why"]) if "what" in facts else None,
        running=[Running(**each) for each in facts.get("running", ())],
    )


def _running(session: Session, fresh: Collection[Definition]) -> list[Running]:
    keys = [each.key for each in fresh if each.kind == "process" and each.version > 1]
    if not keys:
        return []
    alive = (Definition.kind == "process", Definition.key.in_(keys), ProcessInstance.ended_at.is_(None))
    versions = (
        select(Definition.id, Definition.key, Definition.version, func.count().label("instances"))
        .join(ProcessInstance, ProcessInstance.definition_id == Definition.id)
        .where(*alive)
        .group_by(Definition.id, Definition.key, Definition.version)
        .order_by(Definition.key, Definition.version)
    )
    standing = (
        select(Definition.id, ActivityInstance.element_id, func.count())
        .join(ProcessInstance, ProcessInstance.definition_id == Definition.id)
        .join(ActivityInstance, ActivityInstance.process_instance_id == ProcessInstance.id)
        .where(*alive, ActivityInstance.state == "active")
        .group_by(Definition.id, ActivityInstance.element_id)
        .order_by(ActivityInstance.element_id)
    )
    elements: dict[int, dict[str, int]] = {}
    for number, element_id, count in session.execute(standing):
        elements.setdefault(number, {})[element_id] = count
    return [
        Running(process=row.key, version=row.version, instances=row.instances, elements=elements.get(row.id, {}))
        for row in session.execute(versions)
    ]
