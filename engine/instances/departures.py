"""Somebody leaves: locked out at once, and his user tasks go back to those for whom they are; later forgotten."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history
from casepath.engine.database import Base
from casepath.engine.database.models import Draft, LoginFailure, Notification, TaskView, UserTask, Watch
from casepath.engine.history import organisation
from casepath.engine.instances import task_changes
from casepath.engine.instances.task_changes import Found
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase

_notifications = Base.metadata.tables[Notification.__tablename__]
_tasks = Base.metadata.tables[UserTask.__tablename__]


def lock_out(session: Session, username: str, *, by: By) -> int:
    """
    Lock a user out, give his open tasks back, and tell those who hand them on; return how many tasks there were.

    What was lent to him goes back to its owner. Where nobody distributes the groups of a task, or it has none and stays
    with him, the administrators are told. Raises `NotFound`, `Forbidden`, and `InvalidInput` for the last
    administrator.
    """
    actor = identity.actor(session, by)
    identity.set_active(session, username, False, by=actor)
    gone = identity.get(session, username)
    found = session.execute(
        select(_tasks.c.id, _tasks.c.process_instance_id)
        .where(
            _tasks.c.state == "created", or_(_tasks.c.assignee == gone.username, _tasks.c.owner == gone.username)
        )
        .order_by(_tasks.c.process_instance_id, _tasks.c.id)
    ).all()
    for row in found:
        task, _instance = task_changes.locked(session, row.id)
        _give_back(session, task, gone.username, gone.name, actor.signature)
    return len(found)


def erase(session: Session, username: str, *, by: By, reason: str) -> int:
    """
    Forget who somebody was that is locked out; return how many values left the history of the house.

    Name, address and password leave the account, which keeps its user name and belongs to no group; his drafts, views,
    watches and wrong passwords go, and where mails to him went. What he was told belongs to its matters. Raises
    `NotFound`, `Forbidden`, and `InvalidInput` without a reason, or for whoever is not locked out.
    """
    actor = identity.allowed(session, by, authorization.may_erase, "erase", "user", username)
    organisation.lock(session)
    gone = identity.get(session, username)
    if gone.active:
        text = "Please lock “{username}” out before: as long as somebody works here, his name is needed."
        raise errors.InvalidInput(text, code="user-active", username=gone.username)
    gone.name, gone.email, gone.password_hash = gone.username, None, None
    identity.set_groups(session, gone.username, [], by=actor)
    history.forget_mails(session, _notifications.c.username == gone.username)
    session.execute(delete(Draft).where(Draft.username == gone.username))
    session.execute(delete(TaskView).where(TaskView.username == gone.username))
    session.execute(delete(Watch).where(Watch.username == gone.username))
    session.execute(delete(LoginFailure).where(LoginFailure.username == gone.username))
    return organisation.erase(session, gone.username, by=actor.signature, reason=reason)


def _give_back(session: Session, task: Found, gone: str, who: str, by: str | None) -> None:
    whose = authorization.candidacy(task)
    facts: dict[str, str | None] = {"left": gone}
    if whose.is_lent and task.assignee == gone:
        event, change = "resolved", {"assignee": task.owner}
        facts |= change
        told = frozenset({str(task.owner)})
    elif authorization.has_candidates(whose):
        event, change, told = "unclaimed", {"assignee": None, "owner": None}, _superiors(session, whose)
    else:
        alone = Phrase(
            "{who} has left and had the task “{task}”, which nobody else may claim; please hand it on.",
            who=who,
            task=task_changes.name(task),
        )
        task_changes.tell(session, task, _superiors(session, whose), alone)
        return
    session.execute(update(_tasks).where(_tasks.c.id == task.id).values(**change))
    task_changes.record(session, task, event, facts, by)
    left = Phrase(
        "{who} has left; the task “{task}” went back to those for whom it is.", who=who, task=task_changes.name(task)
    )
    task_changes.tell(session, task, told, left)


def _superiors(session: Session, whose: authorization.Candidacy) -> frozenset[str]:
    """Return who hands on the tasks of these groups; the administrators where nobody does."""
    above = [
        group.key
        for group in identity.groups(session)
        if not whose.candidate_groups.isdisjoint(identity.distributed(group.distributes))
    ]
    return identity.members(session, above) or identity.members(session, [authorization.ADMINISTRATOR])
