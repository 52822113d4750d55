"""
Looking up what a person may see: there, not there, or not for this person in one step; and who may change it.

Whoever may not see something is told that it is not there, so that guessing numbers tells nothing. A matter is all
process instances with one business key; who is involved in one of them sees them all, because a hand-over from one
process to another must not hide what came before. There is one rule for the matter and everything in it: its tasks,
open or not, files, comments, history and diagrams are seen by whoever sees the matter.

Whoever was told of a matter reads it, and gets no part in it by that. Who is told only because he sees it, as one who
is mentioned or watches it, sees it no longer than without that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, literal_column, or_, select, true, union
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import HistoryEvent, Notification, ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.database.models.records import TAKEN
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person, Program

#: Kinds of notifications that give nobody a right to see.
FOR_THOSE_WHO_SEE = ("mention", "news")


def process_instance(session: Session, person: Person, process_instance_id: int) -> ProcessInstance:
    """Return a process instance that a person may see; raises `NotFound`."""
    found = session.get(ProcessInstance, process_instance_id, populate_existing=True)
    if found is None or not _may_see(session, person, found):
        raise errors.NotFound("process instance", process_instance_id)
    return found


def matter(session: Session, person: Person, business_key: str) -> list[ProcessInstance]:
    """Return the process instances of a matter that a person may see, oldest first; raises `NotFound`."""
    found = session.scalars(
        select(ProcessInstance).where(ProcessInstance.business_key == business_key).order_by(ProcessInstance.id)
    ).all()
    if not found or not _may_see(session, person, found[0]):
        raise errors.NotFound("matter", business_key)
    return list(found)


def sees_matter(session: Session, person: Person, business_key: str) -> bool:
    """Tell whether there is a matter with a number that a person may see."""
    query = select(ProcessInstance).where(ProcessInstance.business_key == business_key).order_by(ProcessInstance.id)
    found = session.scalars(query.limit(1)).first()
    return found is not None and _may_see(session, person, found)


def is_known(session: Session, business_key: str) -> bool:
    """Tell whether there is a matter with a number, whoever may see it."""
    return session.scalar(select(ProcessInstance.id).where(ProcessInstance.business_key == business_key)) is not None


def repairer(session: Session, by: By, process_instance_id: int, verb: str) -> Actor:
    """
    Return who repairs a process instance.

    Raises `NotFound` for strangers, `Forbidden` for those who may only look.
    """
    actor = identity.actor(session, by)
    if isinstance(actor, Person) and not authorization.may_operate(actor):
        process_instance(session, actor, process_instance_id)
        raise errors.Forbidden(verb, "process instance", process_instance_id, actor.username)
    return actor


def contributor(session: Session, by: By, business_key: str) -> Actor:
    """
    Return who adds comments and files to a matter.

    Raises `NotFound` for strangers, `Forbidden` for those who may only look.
    """
    actor = identity.actor(session, by)
    if isinstance(actor, Program):
        return actor
    matter(session, actor, business_key)
    if not authorization.may_comment(actor):
        raise errors.Forbidden("contribute to", "matter", business_key, actor.username)
    return actor


def hears(session: Session, actor: Actor, process_instance_id: int) -> bool:
    """
    Tell whether a process instance hears what somebody reports, by which it moves on; strangers it does not hear.

    Raises `Forbidden` for those who may only look.
    """
    if isinstance(actor, Program):
        return True
    instance = session.get_one(ProcessInstance, process_instance_id, populate_existing=True)
    if not _may_see(session, actor, instance):
        return False
    if not authorization.may_report_to(actor, involved=is_part_of(session, actor, instance)):
        raise errors.Forbidden("report to", "matter", instance.business_key or instance.id, actor.username)
    return True


def user_task(session: Session, person: Person, task_id: int) -> UserTask:
    """Return a user task of a matter that a person may see, whatever has become of it; raises `NotFound`."""
    found = session.get(UserTask, task_id, populate_existing=True)
    if found is None or not sees_task(session, person, found):
        raise errors.NotFound("user task", task_id)
    return found


def sees_task(session: Session, person: Person, task: UserTask | Row[*tuple[Any, ...]]) -> bool:
    """Tell whether a person may see a user task: whoever takes part in it, and whoever sees its matter."""
    whose = authorization.candidacy(task)
    if task.state == "created" and authorization.acting_as(person, authorization.takes_part, whose) is not None:
        return True
    return _may_see(session, person, session.get_one(ProcessInstance, task.process_instance_id))


def is_involved(session: Session, person: Person, business_key: str) -> bool:
    """Tell whether a person started an instance of a matter, has or had a task in it, may claim or distribute one."""
    return bool(session.scalar(select(_takes_part(person, ProcessInstance.business_key == business_key))))


def is_part_of(session: Session, person: Person, instance: ProcessInstance) -> bool:
    """Tell whether a person is involved in a process instance, in another one of its matter, or in what they call."""
    if instance.business_key is not None:
        return is_involved(session, person, instance.business_key)
    return bool(session.scalar(select(_takes_part(person, ProcessInstance.root_id == instance.root_id))))


def seen_by(person: Person, among: Collection[int] | None = None) -> ColumnElement[bool]:
    """
    Return the condition on process instances that a person may see them: the rule of this module, for lists.

    Where `among` are the outermost process instances in question, no others are looked at.
    """
    if authorization.may_see_every_instance(person):
        return true()
    matter = select(ProcessInstance.root_id, ProcessInstance.business_key)
    parts: Sequence[Select[int]] = (*_work(person), select(HistoryEvent.process_instance_id).where(_had(person)))
    told = _told(person)
    if among is not None:
        keys = select(ProcessInstance.business_key).where(ProcessInstance.id.in_(among))
        near = union(
            select(ProcessInstance.id).where(ProcessInstance.root_id.in_(among)),
            select(ProcessInstance.id).where(ProcessInstance.business_key.in_(keys)),
        ).subquery()
        ids = select(near.c.id)
        matter = matter.where(ProcessInstance.id.in_(ids))
        parts = [part.where(part.selected_columns[0].in_(ids)) for part in parts]
        told = told.where(Notification.business_key.in_(keys))
    own = union(
        matter.where(ProcessInstance.started_by == person.username),
        matter.where(or_(*(ProcessInstance.id.in_(part) for part in parts))),
    ).cte("own")
    return or_(
        ProcessInstance.root_id.in_(select(own.c.root_id)),
        ProcessInstance.business_key.in_(select(own.c.business_key)),
        ProcessInstance.business_key.in_(told),
    )


def _may_see(session: Session, person: Person, instance: ProcessInstance) -> bool:
    if authorization.may_see_instance(person, involved=False):
        return True
    involved = is_part_of(session, person, instance) or _is_told(session, person, instance.business_key)
    return authorization.may_see_instance(person, involved=involved)


def _is_told(session: Session, person: Person, business_key: str | None) -> bool:
    if business_key is None:
        return False
    return bool(session.scalar(select(_told(person).where(Notification.business_key == business_key).exists())))


def _told(person: Person) -> Select[str | None]:
    """The business keys of the matters of which somebody was told."""
    return select(Notification.business_key).where(
        Notification.username == person.username,
        Notification.business_key.is_not(None),
        Notification.kind.not_in(FOR_THOSE_WHO_SEE),
    )


def _takes_part(person: Person, matter: ColumnElement[bool]) -> ColumnElement[bool]:
    of_matter = select(ProcessInstance.id).where(matter)
    begun = exists().where(matter, ProcessInstance.started_by == person.username)
    work = [part.where(UserTask.process_instance_id.in_(of_matter)).exists() for part in _work(person)]
    had = exists().where(HistoryEvent.process_instance_id.in_(of_matter), _had(person))
    return or_(begun, *work, had)


def _work(person: Person) -> tuple[Select[int], ...]:
    """The process instances with a user task that somebody has, or that is for him, his groups or those below them."""
    everybody = (person, *person.stands_in_for)
    names = [each.username for each in everybody]
    groups = frozenset[str]().union(*(each.groups | each.distributes for each in everybody))
    own = select(UserTask.process_instance_id).where(or_(UserTask.assignee.in_(names), UserTask.owner.in_(names)))
    candidates = (
        select(UserTask.process_instance_id)
        .join(UserTaskCandidate, UserTaskCandidate.user_task_id == UserTask.id)
        .where(
            or_(
                and_(UserTaskCandidate.kind == "user", UserTaskCandidate.name.in_(names)),
                and_(UserTaskCandidate.kind == "group", UserTaskCandidate.name.in_(groups)),
            )
        )
    )
    return own, candidates


def _had(person: Person) -> ColumnElement[bool]:
    """Events by which somebody had a user task that may be another's by now."""
    # Bound parameters would hide from SQLite that the partial index applies.
    kinds: list[ColumnElement[str]] = [literal_column(f"'{kind}'") for kind in TAKEN]
    return and_(HistoryEvent.kind.in_(kinds), HistoryEvent.by == person.username)
