"""What people know a matter by: the facts that its processes declare."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import Fact, ProcessInstance
from casepath.engine.queries.instances import Reference, belongs

#: Fact → value, in the order in which the processes declare them.
Facts = Mapping[str, Any]


def of_roots(session: Session, root_ids: Collection[int]) -> dict[int, Facts]:
    """Return the facts of matters by their outermost process instances; of a process that was called later, its own."""
    return _gathered(session, Fact.root_id.in_(root_ids))


def of_instances(session: Session, instance_ids: Collection[int]) -> dict[int, Facts]:
    """Return the facts of the matters that process instances belong to, by these instances."""
    query = select(ProcessInstance.id, ProcessInstance.root_id).where(ProcessInstance.id.in_(instance_ids))
    roots = {number: root_id or number for number, root_id in session.execute(query)}
    known = of_roots(session, set(roots.values()))
    return {number: known.get(root_id, {}) for number, root_id in roots.items()}


def of_matter(session: Session, reference: Reference) -> Facts:
    """Return the facts of a matter; of several process instances that have the same one, the newest's."""
    query = select(ProcessInstance.id).where(belongs(reference))
    found = _gathered(session, Fact.process_instance_id.in_(query))
    return {name: value for root_id in sorted(found) for name, value in found[root_id].items()}


def of_matters(session: Session, business_keys: Collection[str]) -> dict[str, Facts]:
    """Return the facts of matters by their numbers; of several outermost process instances the newest's."""
    query = select(ProcessInstance.root_id, ProcessInstance.business_key)
    found = session.execute(query.where(ProcessInstance.business_key.in_(business_keys)).order_by(ProcessInstance.id))
    numbers = {root_id: key for root_id, key in found if root_id is not None and key is not None}
    known = of_roots(session, set(numbers))
    return {key: known[root_id] for root_id, key in numbers.items() if root_id in known}


def _gathered(session: Session, condition: ColumnElement[bool]) -> dict[int, Facts]:
    columns = (Fact.root_id, Fact.name, Fact.value)
    query = select(*columns).where(condition).order_by(Fact.root_id, Fact.process_instance_id, Fact.position)
    found: dict[int, dict[str, Any]] = {}
    for root_id, name, value in session.execute(query):
        found.setdefault(root_id, {})[name] = values.loads(value)
    return dict(found)
