"""
Looking up what a person may see: there, not there, or not for this person in one step; and who may change it.

Whoever may not see something is told that it is not there, so that guessing numbers tells nothing. A matter is all
process instances with one business key; who is involved in one of them sees them all, because a hand-over from one
process to another must not hide what came before.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person, Program


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
    involved = is_part_of(session, actor, instance)
    if not authorization.may_see_instance(actor, involved=involved):
        return False
    if not authorization.may_report_to(actor, involved=involved):
        raise errors.Forbidden("report to", "matter", instance.business_key or instance.id, actor.username)
    return True


def is_involved(session: Session, person: Person, business_key: str) -> bool:
    """Tell whether a person started an instance of a matter, has or had a task in it, may claim or distribute one."""
    return _is_involved(
        session, person, ProcessInstance.business_key == business_key, UserTask.business_key == business_key
    )


def is_part_of(session: Session, person: Person, instance: ProcessInstance) -> bool:
    """Tell whether a person is involved in a process instance, in another one of its matter, or in what they call."""
    if instance.business_key is not None:
        return is_involved(session, person, instance.business_key)
    called = ProcessInstance.root_id == instance.root_id
    tasks = UserTask.process_instance_id.in_(select(ProcessInstance.id).where(called))
    return _is_involved(session, person, called, tasks)


def _may_see(session: Session, person: Person, instance: ProcessInstance) -> bool:
    if authorization.may_see_instance(person, involved=False):
        return True
    return authorization.may_see_instance(person, involved=is_part_of(session, person, instance))


def _is_involved(
    session: Session, person: Person, instances: ColumnElement[bool], tasks: ColumnElement[bool]
) -> bool:
    name = person.username
    candidate = or_(
        and_(UserTaskCandidate.kind == "user", UserTaskCandidate.name == name),
        and_(UserTaskCandidate.kind == "group", UserTaskCandidate.name.in_(person.groups | person.distributes)),
    )
    started = exists().where(instances, ProcessInstance.started_by == name)
    had = exists().where(tasks, or_(UserTask.assignee == name, UserTask.owner == name))
    may_have = exists().where(tasks, UserTaskCandidate.user_task_id == UserTask.id, candidate)
    return bool(session.scalar(select(or_(started, had, may_have))))
