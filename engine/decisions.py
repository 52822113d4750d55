"""Decisions for business rule tasks: the deployed tables, evaluated, with what is worth remembering of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine import callers, clock, definitions, dmn, errors
from engine.models import Group


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What came of a decision."""

    #: The value as FEEL has it, whole numbers as int.
    value: Any
    #: The same as rows of outputs by name, as Camunda's mappings of results want it.
    rows: list[dict[str, Any]]
    #: Which version, and which rows of which tables matched (from 1).
    facts: Mapping[str, Any]
    #: What went in.
    inputs: Mapping[str, Any]


def evaluate(
    session: Session,
    key: str,
    variables: Mapping[str, Any],
    *,
    now: datetime,
    version: int | None = None,
    version_tag: str | None = None,
    deployment_id: int | None = None,
) -> Decided:
    """
    Evaluate the newest version of a decision, or the one asked for, as of a moment with the variables that it reads.

    Raises `NotFound`, or `DecisionError`.
    """
    found = definitions.find(
        session, "decision", key, version=version, version_tag=version_tag, deployment_id=deployment_id
    )
    model = definitions.decision_model(session, found)
    inputs = {name: variables[name] for name in model.input_names(key) if name in variables}
    calendar = definitions.calendar(session)
    zone = clock.time_zone(calendar.zone if calendar else "UTC")
    result = model.evaluate(key, inputs, now=now.astimezone(zone))
    matched = {
        entry.id: [[row + 1 for row in table.matched] for table in entry.tables] for entry in result.decisions
    }
    facts: dict[str, Any] = {"decision": key, "version": found.version, "definition": found.id, "matched": matched}
    if result.problems:
        facts["problems"] = [str(problem) for problem in result.problems]
    table = next((table for table in model.tables if table.decision_id == key), None)
    name = table.outputs[0].name or table.name if table is not None else model.decisions[key]
    value = _with_integers(result.value)
    return Decided(value=value, rows=_rows(value, name), facts=facts, inputs=inputs)


def _rows(value: Any, name: str) -> list[dict[str, Any]]:
    parts = value if isinstance(value, list) else [] if value is None else [value]
    return [part if isinstance(part, dict) else {name: part} for part in parts]


def _with_integers(value: Any) -> Any:
    """Return a value with its whole numbers as int, which is how everything outside FEEL writes them."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    return value


class Services:
    """What the elements of a process may ask of the rest of the engine."""

    def __init__(self, session: Session, definition_id: int, now: datetime) -> None:
        self._session = session
        self._definition_id = definition_id
        self._now = now

    def decide(
        self,
        key: str,
        *,
        version: int | None,
        version_tag: str | None,
        same_deployment: bool,
        variables: Mapping[str, Any],
    ) -> Decided:
        """Evaluate a decision."""
        deployment_id = None
        if same_deployment:
            deployment_id = definitions.definition(self._session, self._definition_id).deployment_id
        return evaluate(
            self._session,
            key,
            variables,
            now=self._now,
            version=version,
            version_tag=version_tag,
            deployment_id=deployment_id,
        )

    def caller_catches(self, process_instance_id: int, error_code: str) -> bool:
        """Return whether what called a process instance, directly or not, catches an error that leaves it."""
        return callers.catcher(self._session, process_instance_id, "error", error_code, self) is not None

    def caller_interrupts(self, process_instance_id: int, escalation_code: str) -> bool:
        """Return whether what called a process instance, directly or not, is interrupted by an escalation of it."""
        found = callers.catcher(self._session, process_instance_id, "escalation", escalation_code, self)
        return found is not None and found.interrupting

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


def read(content: bytes, file: str, others: Mapping[str, bytes]) -> tuple[dict[str, str], list[errors.Finding]]:
    """Return the names of the decisions of a DMN file by key, and its warnings; raises `DeploymentRefused`."""
    model = dmn.parse(content, file, others.items())
    return model.decisions, model.findings
