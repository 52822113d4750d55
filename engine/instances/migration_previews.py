"""
What would come of migrating instances: each is migrated on a copy, which is thrown away, and looked at.

Green: it goes over and goes on as before. Amber: it goes over, and somebody will find something else there. Red: it
cannot go over. Each reason stands at the element where it applies. Timers and claims that are kept are no reason.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.bpmn import ProcessSpec
from casepath.engine.database.models import ActivityInstance, Incident, Job, ProcessInstance, Subscription, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form
from casepath.engine.instances import migration_plans
from casepath.engine.instances.migration_plans import MigrationPlan
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By, Program
from casepath.engine.phrases import Phrase

Verdict = Literal["green", "amber", "red"]

#: Whoever only looks moves nothing; what is tried in his place leaves nothing behind.
_PREVIEW = Program("preview")


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why an instance does not simply go over; at an element of the source, or empty for the instance as a whole."""

    element_id: str
    verdict: Verdict
    phrase: Phrase


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What would come of one instance."""

    process_instance_id: int
    #: Where it stands in the source, each element as often as it does.
    elements: Sequence[str]
    reasons: Sequence[Reason]

    @property
    def verdict(self) -> Verdict:
        """The worst of its reasons."""
        return _worst(self.reasons)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What would come of all that stands at one element of the source."""

    element_id: str
    name: str
    #: The element of the target; None where the plan has none.
    target: str | None
    #: How often something stands there, by verdict.
    counts: Mapping[Verdict, int]
    #: Each reason with how often it applies.
    reasons: Mapping[Phrase, int]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What an instance has, as far as somebody would notice it change."""

    #: Element of each activity instance that is active.
    standing: Mapping[int, str]
    #: Name and form of each open user task, by activity instance.
    tasks: Mapping[int, tuple[str, Form | None]]
    #: Activity instance and element of each timer, message and signal that is waited for.
    waits: frozenset[tuple[int, str]]
    incidents: int


class _Undone(Exception):
    """Takes back what was only tried."""


def running(session: Session, plan: MigrationPlan, *, by: By) -> list[int]:
    """Return the numbers of the instances that run in the source of a plan; raises `Forbidden`."""
    _require(session, plan, by)
    query = select(ProcessInstance.id).where(
        ProcessInstance.definition_id == plan.source_id, ProcessInstance.ended_at.is_(None)
    )
    return list(session.scalars(query.order_by(ProcessInstance.id)))


def preview(session: Session, plan: MigrationPlan, process_instance_id: int, *, by: By) -> Tried:
    """
    Return what would come of one instance, by migrating it and taking that back.

    Nobody else can move it until the transaction ends, so each has one of its own. Raises `NotFound` or `Forbidden`.
    """
    _require(session, plan, by)
    runtime.lock(session, process_instance_id)
    before = _found(session, process_instance_id)
    source, target = (definitions.process(session, each) for each in (plan.source_id, plan.target_id))
    # What is wrong with the plan itself is wrong for the whole instance.
    reasons = [
        Reason(element_id="", verdict="red", phrase=each.phrase) for each in migration_plans.validate(session, plan)
    ] or [
        Reason(element_id=each.element_id, verdict="red", phrase=each.phrase)
        for each in migration_plans.validate_instance(session, plan, process_instance_id)
    ]
    if not reasons:
        try:
            with contextlib.suppress(_Undone), session.begin_nested():
                migration_plans.execute(session, plan, process_instance_id, by=_PREVIEW, reason="preview")
                after = _found(session, process_instance_id)
                reasons += _changes(plan, source, target, before, after)
                raise _Undone
        except errors.EngineError as error:
            reasons.append(Reason(element_id="", verdict="red", phrase=error.phrase))
        session.expire_all()
    elements = [element for _, element in sorted(before.standing.items())]
    return Tried(process_instance_id=process_instance_id, elements=elements, reasons=reasons)


def places(session: Session, plan: MigrationPlan, tried: Iterable[Tried]) -> list[Place]:
    """Return what would come of instances by the elements at which they stand, by their names."""
    source = definitions.process(session, plan.source_id)
    counts: dict[str, Counter[Verdict]] = {}
    phrases: dict[str, Counter[Phrase]] = {}
    for each in tried:
        for element_id, times in Counter(each.elements).items():
            its = [reason for reason in each.reasons if reason.element_id in ("", element_id)]
            counts.setdefault(element_id, Counter())[_worst(its)] += times
            phrases.setdefault(element_id, Counter()).update(reason.phrase for reason in its)
    return [
        Place(
            element_id=element_id,
            name=_name(source, element_id),
            target=plan.instructions.get(element_id),
            counts={verdict: found[verdict] for verdict in ("green", "amber", "red")},
            reasons=dict(phrases[element_id].most_common()),
        )
        for element_id, found in sorted(counts.items(), key=lambda item: (_name(source, item[0]), item[0]))
    ]


def _require(session: Session, plan: MigrationPlan, by: By) -> None:
    identity.allowed(session, by, authorization.may_see_standing, "migrate", "process definition", plan.source_id)


def _worst(reasons: Iterable[Reason]) -> Verdict:
    found = {reason.verdict for reason in reasons}
    return "red" if "red" in found else "amber" if "amber" in found else "green"


def _found(session: Session, process_instance_id: int) -> _Found:
    visits = select(ActivityInstance.number, ActivityInstance.element_id).where(
        ActivityInstance.process_instance_id == process_instance_id, ActivityInstance.state == "active"
    )
    tasks = select(
        UserTask.activity_instance, UserTask.name, UserTask.form_key, UserTask.definition_id
    ).where(UserTask.process_instance_id == process_instance_id, UserTask.ended_at.is_(None))  # fmt: skip
    waits: set[tuple[int, str]] = set()
    for table in (Job, Subscription):
        query = select(table.activity_instance, table.element_id).where(
            table.process_instance_id == process_instance_id, table.activity_instance.is_not(None)
        )
        waits.update((number, element_id) for number, element_id in session.execute(query) if number and element_id)
    incidents = select(func.count()).where(
        Incident.process_instance_id == process_instance_id, Incident.resolved_at.is_(None)
    )
    return _Found(
        standing={row.number: row.element_id for row in session.execute(visits)},
        tasks={
            row.activity_instance: (row.name, _form(session, row.form_key, row.definition_id))
            for row in session.execute(tasks)
        },
        waits=frozenset(waits),
        incidents=session.execute(incidents).scalar_one(),
    )


def _form(session: Session, form_key: str | None, definition_id: int) -> Form | None:
    return definitions.form(session, form_key, definition_id) if form_key else None


def _changes(
    plan: MigrationPlan, source: ProcessSpec, target: ProcessSpec, before: _Found, after: _Found
) -> Iterator[Reason]:
    """Yield what somebody will find another than it was."""

    def amber(number: int, phrase: Phrase) -> Reason:
        return Reason(element_id=before.standing.get(number, ""), verdict="amber", phrase=phrase)

    for number, (name, form) in before.tasks.items():
        renamed, anew = after.tasks[number]
        if renamed != name:
            yield amber(number, Phrase("The task is called “{after}” then, not “{before}”", after=renamed, before=name))
        if anew != form:
            yield amber(number, Phrase("The form of the task is another then; a draft may not fit it"))
    kept: set[tuple[int, str]] = set()
    for number, element_id in sorted(before.waits):
        mapped = plan.instructions.get(element_id)
        if mapped is None:
            gone = _name(source, element_id)
            yield amber(number, Phrase("“{event}” is not waited for any more", event=gone))
        else:
            kept.add((number, mapped))
    for number, element_id in sorted(after.waits - kept):
        yield amber(number, Phrase("“{event}” is waited for from then on", event=_name(target, element_id)))
    if after.incidents > before.incidents:
        yield Reason(element_id="", verdict="amber", phrase=Phrase("It stands still then, with an incident"))


def _name(spec: ProcessSpec, element_id: str) -> str:
    node = spec.nodes.get(element_id)
    return (node.bpmn_name if node is not None else None) or element_id
