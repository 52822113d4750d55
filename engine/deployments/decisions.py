"""Decisions for business rule tasks: the deployed tables, evaluated, with what is worth remembering of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.decisions import dmn
from casepath.engine.deployments import definitions
from casepath.engine.time import clock


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

    Raises `NotFound`, or `DecisionError`, also where a value is of another type than the table expects.
    """
    found = definitions.find(
        session, "decision", key, version=version, version_tag=version_tag, deployment_id=deployment_id
    )
    model = definitions.decision_model(session, found)
    inputs = {name: variables[name] for name in model.input_names(key) if name in variables}
    zone = clock.zone_of(definitions.calendar(session))
    result = model.evaluate(key, inputs, now=now.astimezone(zone))
    if result.findings:
        # FEEL makes null of what does not fit; whoever goes on with that decides by an answer that nobody gave.
        raise errors.DecisionError(result.findings[0].phrase)
    matched = {
        entry.id: [[row + 1 for row in table.matched] for table in entry.tables] for entry in result.decisions
    }
    facts: dict[str, Any] = {"decision": key, "version": found.version, "definition": found.id, "matched": matched}
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


def read(content: bytes, file: str, others: Mapping[str, bytes]) -> dmn.DecisionModel:
    """Return what is in a DMN file; raises `DeploymentRefused`."""
    return dmn.parse(content, file, others.items())
