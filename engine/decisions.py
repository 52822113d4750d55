"""Decisions for business rule tasks: the deployed tables, evaluated, with what is worth remembering of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine import definitions, dmn, errors
from engine.models import Group, Resource


def keys(content: bytes, file: str) -> list[tuple[str, str]]:
    """Return key and name of each decision of a DMN file; raises `DeploymentRefused`."""
    return [(decision.id, decision.name) for decision in dmn.parse(content, file).decisions]


def check(files: Mapping[str, bytes]) -> list[errors.Finding]:
    """Return what is wrong with these DMN files, or surely not meant."""
    findings: list[errors.Finding] = []
    for file, content in files.items():
        findings += dmn.check(content, file)
    return findings


def evaluate(
    session: Session,
    key: str,
    variables: Mapping[str, Any],
    *,
    version: int | None = None,
    version_tag: str | None = None,
    deployment_id: int | None = None,
) -> tuple[Any, dict[str, Any]]:
    """
    Evaluate the newest version of a decision, or the one asked for.

    Returns its value, and `{"facts": …, "inputs": …}` for the history: which version, which rows matched, what went in.
    Raises `NotFound`, or `DecisionError`.
    """
    found = definitions.find(
        session, "decision", key, version=version, version_tag=version_tag, deployment_id=deployment_id
    )
    source = session.get(Resource, found.resource_id)
    assert source is not None
    result = dmn.parse(source.content, source.name).evaluate(key, variables)
    facts = {
        "decision": key,
        "version": found.version,
        "tables": {step.decision_id: list(step.matched) for step in result.steps if step.matched is not None},
    }
    inputs = {name: value for step in result.steps for name, value in step.inputs.items()}
    return result.value, {"facts": facts, "inputs": inputs}


class Services:
    """What the elements of a process may ask of the rest of the engine."""

    def __init__(self, session: Session, definition_id: int) -> None:
        self._session = session
        self._definition_id = definition_id

    def decide(
        self,
        key: str,
        *,
        version: int | None,
        version_tag: str | None,
        same_deployment: bool,
        variables: Mapping[str, Any],
    ) -> tuple[Any, Mapping[str, Any]]:
        """Evaluate a decision."""
        deployment_id = None
        if same_deployment:
            deployment_id = definitions.definition(self._session, self._definition_id).deployment_id
        return evaluate(
            self._session, key, variables, version=version, version_tag=version_tag, deployment_id=deployment_id
        )

    def groups(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the keys of the groups that have one of these names, in either language, or that key."""
        wanted = [name.lower() for name in names]
        found = self._session.scalars(
            select(Group.key)
            .where(
                func.lower(Group.name).in_(wanted)
                | func.lower(Group.name_en).in_(wanted)
                | func.lower(Group.key).in_(wanted)
            )
            .order_by(Group.key)
        )
        return tuple(found)
