"""
Looking up what a person may see: there, not there, or not for this person in one step.

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
from casepath.engine.people.authorization import Person


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


def contributor(session: Session, who: str | Person | None, business_key: str) -> str | None:
    """
    Return the name under which somebody adds comments and files to a matter.

    As in `engine.instances.user_tasks`, a name that is no user's belongs to a program, which has asked before. Raises
    `NotFound` for strangers, `Forbidden` for those who may only look.
    """
    person = identity.known(session, who) if isinstance(who, str) else who
    if person is None:
        return who if isinstance(who, str) else None
    matter(session, person, business_key)
    if not authorization.may_comment(person, involved=is_involved(session, person, business_key)):
        raise errors.Forbidden("contribute to", "matter", business_key, person.username)
    return person.username


def is_involved(session: Session, person: Person, business_key: str) -> bool:
    """Tell whether a person started a process instance of a matter, has or had a task in it, or may claim one."""
    return _is_involved(
        session, person, ProcessInstance.business_key == business_key, UserTask.business_key == business_key
    )


def _may_see(session: Session, person: Person, instance: ProcessInstance) -> bool:
    if authorization.may_see_instance(person, involved=False):
        return True
    if instance.business_key is not None:
        return is_involved(session, person, instance.business_key)
    own = ProcessInstance.id == instance.id
    return _is_involved(session, person, own, UserTask.process_instance_id == instance.id)


def _is_involved(
    session: Session, person: Person, instances: ColumnElement[bool], tasks: ColumnElement[bool]
) -> bool:
    name = person.username
    candidate = or_(
        and_(UserTaskCandidate.kind == "user", UserTaskCandidate.name == name),
        and_(UserTaskCandidate.kind == "group", UserTaskCandidate.name.in_(person.groups)),
    )
    started = exists().where(instances, ProcessInstance.started_by == name)
    had = exists().where(tasks, or_(UserTask.assignee == name, UserTask.owner == name))
    may_claim = exists().where(tasks, UserTaskCandidate.user_task_id == UserTask.id, candidate)
    return bool(session.scalar(select(or_(started, had, may_claim))))
