"""
What people handed in, step by step, as it was: read from the history, never from present values.

A step that did not run is not there, a step that ran twice is there twice, and each shows exactly the values that its
event keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import HistoryEvent, ProcessInstance, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form
from casepath.engine.queries.instances import Reference, belongs
from casepath.engine.queries.rounds import LOOP, Turn, turn

#: Events in which a person hands in values.
KINDS = ("process_instance.started", "user_task.completed", "message.received")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One form, or one set of values, that somebody handed in."""

    process_instance_id: int
    #: Of the event in the history of its process instance.
    sequence: int
    element_id: str | None
    #: Name of the element, as it was then.
    title: str
    #: The how manieth time this element of its process was done in the matter, from 1, whichever instance it was in;
    #: members of a multi-instance do it once together.
    round: int
    at: datetime
    #: User name; None where nobody was told.
    by: str | None
    #: The user for whom that one stood in; None where it was for himself.
    acted_for: str | None
    #: The form in which it was handed in; None where there was none.
    form: Form | None
    values: Mapping[str, Any]
    #: Names of the values that were erased since.
    erased: frozenset[str]


def steps(session: Session, reference: Reference, *, until: datetime) -> Iterator[Step]:
    """Yield what was handed in to all process instances of a matter up to a moment, in the order of time."""
    return (step for _, step in _steps(session, belongs(reference), until))


def steps_of_matters(session: Session, business_keys: Collection[str], *, until: datetime) -> dict[str, list[Step]]:
    """Return the same of several matters, by their numbers; those without any are not there."""
    found: dict[str, list[Step]] = {}
    for business_key, step in _steps(session, ProcessInstance.business_key.in_(business_keys), until):
        found.setdefault(business_key or "", []).append(step)
    return found


def _steps(
    session: Session, condition: ColumnElement[bool], until: datetime
) -> Iterator[tuple[str | None, Step]]:
    """Yield the steps of the matters of these process instances, each behind the number of its matter."""
    rounds: dict[tuple[str | None, str, str | None], dict[Turn, int]] = {}
    query = (
        select(HistoryEvent, ProcessInstance, UserTask, LOOP)
        .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
        .outerjoin(
            UserTask,
            (UserTask.process_instance_id == HistoryEvent.process_instance_id)
            & (UserTask.activity_instance == HistoryEvent.activity_instance),
        )
        .where(condition, HistoryEvent.kind.in_(KINDS), HistoryEvent.at <= until)
        .order_by(HistoryEvent.id)
    )
    for event, instance, task, loop in session.execute(query):
        found = _place(session, event, instance, task)
        if found is None:
            continue
        definition_id, element_id, title, form_key = found
        turns = rounds.setdefault((instance.business_key, instance.definition_key, element_id), {})
        held: Any = values.loads(event.variables) if event.variables else {}
        facts: Any = values.loads(event.facts)
        yield instance.business_key, Step(
            process_instance_id=instance.id,
            sequence=event.sequence,
            element_id=element_id,
            title=title,
            round=turns.setdefault(turn(session, event, instance, loop), len(turns) + 1),
            at=event.at,
            by=event.by,
            acted_for=facts.get("for"),
            form=definitions.form(session, form_key, definition_id) if form_key else None,
            # An erased value has left only its digest: a list of one.
            values={name: kept[1] for name, kept in held.items() if len(kept) > 1},
            erased=frozenset(name for name, kept in held.items() if len(kept) == 1),
        )


def _place(
    session: Session, event: HistoryEvent, instance: ProcessInstance, task: UserTask | None
) -> tuple[int, str | None, str, str | None] | None:
    """Return definition, element, its name and form key of an event; None where no person handed in anything."""
    if event.kind == "user_task.completed":
        return (task.definition_id, task.element_id, task.name, task.form_key) if task is not None else None
    if event.by is None or not event.variables:
        return None
    if event.kind == "message.received":
        spec = definitions.process(session, instance.definition_id)
        node = spec.nodes.get(event.element_id or "")
        name = (node.bpmn_name if node is not None else None) or event.element_id or ""
        return instance.definition_id, event.element_id, name, getattr(node, "form_key", None)
    if instance.parent_id is not None:
        return None
    facts: Any = values.loads(event.facts)
    definition = definitions.find(session, "process", facts["definition"], version=facts["version"])
    forms = definitions.start_forms(session, definition.id)
    spec = definitions.process(session, definition.id)
    begun = facts.get("start_element")
    start = next((each for each in spec.root.start_events if begun in (None, each.bpmn_id)), None)
    element_id = start.bpmn_id if start is not None else None
    name = (start.bpmn_name if start is not None else None) or definition.name
    return definition.id, element_id, name, forms.get(element_id or "")
