"""What is told of process instances beside their variables: facts for lists, links to records, measures for reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from casepath.engine.bpmn import TokenWorkflow
from casepath.engine.database import facts, links, measures
from casepath.engine.deployments import definitions
from casepath.engine.runtime import measurements
from casepath.engine.runtime.rows import InstanceRow


def keep(
    session: Session,
    running: TokenWorkflow,
    row: InstanceRow,
    now: datetime,
    *,
    declared_before: Mapping[str, str] | None = None,
) -> None:
    """
    Keep what the process of an instance declares, as its variables are now.

    `declared_before` are the properties of the process that it followed until now, where that is another one: what
    only that one declared is kept no longer.
    """
    connection, held, properties = session.connection(), running.root.variables, running.spec.properties
    before = declared_before or {}
    if facts.PROPERTY in before:
        # The same ones may stand in another order.
        facts.store(connection, row.id, row.root_id, row.business_key, (), held)
    if names := facts.declared(properties.get(facts.PROPERTY, "")):
        facts.store(connection, row.id, row.root_id, row.business_key, names, held)
    pointing = links.declared(properties.get(links.PROPERTY, ""))
    if pointing or links.PROPERTY in before:
        links.store(connection, row.id, row.root_id, pointing, held)
    wanted = measures.declared(properties.get(measures.PROPERTY, ""))
    if row.parent_id is None and wanted:
        state = measures.OPEN if running.outcome is None else running.outcome.state
        calendar = definitions.calendar(session)
        measurements.store(connection, row, wanted, held, at=now, state=state, calendar=calendar)
    elif measures.PROPERTY in before:
        measures.forget(connection, row.id)
