"""What the elements of a process may ask of the rest of the engine while they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine.database.models import Group
from casepath.engine.deployments import decisions, definitions
from casepath.engine.runtime import callers


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
    ) -> decisions.Decided:
        """Evaluate a decision."""
        deployment_id = None
        if same_deployment:
            deployment_id = definitions.definition(self._session, self._definition_id).deployment_id
        return decisions.evaluate(
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
