"""The present values of a matter: of what runs before what has ended, and each from whoever has the say over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import HistoryEvent, ProcessInstance
from casepath.engine.instances import process_instances
from casepath.engine.queries.instances import Reference, belongs


def of(session: Session, reference: Reference) -> dict[str, Any]:
    """
    Return the variables of a matter as they are now.

    What a called process was merely given is its caller's to say; what it has changed or made itself, while it runs,
    counts before the caller's. Of what has ended, a caller counts before what it called, a later matter before an
    earlier one.
    """
    query = select(ProcessInstance).where(belongs(reference)).order_by(ProcessInstance.id)
    found: dict[str, Any] = {}
    for instance in _by_weight(session.scalars(query).all()):
        present = process_instances.variables(session, instance.id)
        given = _given(session, instance.id) if instance.parent_id is not None and instance.ended_at is None else {}
        found |= {name: value for name, value in present.items() if name not in given or given[name] != value}
    return found


def _by_weight(instances: Sequence[ProcessInstance]) -> Iterator[ProcessInstance]:
    """Yield what counts less before what counts more."""
    roots = sorted(
        (each for each in instances if each.parent_id is None), key=lambda each: (each.ended_at is None, each.id)
    )
    for root in roots:
        called = [each for each in instances if each.root_id == root.id and each.id != root.id]
        yield from (each for each in called if each.ended_at is not None)
        yield root
        yield from (each for each in called if each.ended_at is None)


def _given(session: Session, process_instance_id: int) -> dict[str, Any]:
    """Return what a process instance began with."""
    kept = session.scalar(
        select(HistoryEvent.variables).where(
            HistoryEvent.process_instance_id == process_instance_id, HistoryEvent.sequence == 1
        )
    )
    held: Any = values.loads(kept) if kept else {}
    # An erased value has left only its digest: a list of one.
    return {name: pair[1] for name, pair in held.items() if len(pair) > 1}
