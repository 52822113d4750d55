"""
How a user task is changed: who may, in one guarded update, with its event. `user_tasks` has the commands.

Whoever stands in for somebody acts on the tasks of that one, which stay theirs; the history says who did it, and for
whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, or_, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history, phrases, runtime
from casepath.engine.database import Base
from casepath.engine.database.models import HistoryEvent, ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.database.statements import Statement
from casepath.engine.history import Event
from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import Actor, By, Candidacy, Person
from casepath.engine.phrases import Phrase
from casepath.engine.runtime import InstanceRow

Found = Row[*tuple[Any, ...]]
Rule = Callable[[Person, Candidacy], bool]

tasks = Base.metadata.tables[UserTask.__tablename__]
candidates = Base.metadata.tables[UserTaskCandidate.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]

_own_instance = _instances.c.id == tasks.c.process_instance_id
active = select(_instances.c.id).where(_own_instance, _instances.c.state == "active").exists()
#: A delegated task goes back to its owner, who completes it.
not_lent = or_(tasks.c.owner.is_(None), tasks.c.owner == tasks.c.assignee)

_columns = (
    tasks.c.id,
    tasks.c.process_instance_id,
    tasks.c.activity_instance,
    tasks.c.element_id,
    tasks.c.name,
    tasks.c.business_key,
    tasks.c.priority,
    tasks.c.due_at,
    tasks.c.state,
    tasks.c.assignee,
    tasks.c.owner,
    tasks.c.candidate_users,
    tasks.c.candidate_groups,
    tasks.c.definition_id,
    tasks.c.form_key,
)
_find = Statement(select(*_columns).where(tasks.c.id == bindparam("task_id")))
_belonging = runtime.Belonging(*_columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Acting:
    """Who acts on a task, and by whose right: one's own, or that of somebody for whom one stands in."""

    by: Actor
    right_of: Actor

    @property
    def signature(self) -> str | None:
        """How the history names whoever acts."""
        return self.by.signature

    @property
    def name(self) -> str:
        """What people call whoever acts."""
        return self.by.name or str(self.signature)

    @property
    def acts_for(self) -> str | None:
        """The user for whom whoever acts stands in; None where it is for oneself."""
        return self.right_of.signature if self.right_of is not self.by else None

    @property
    def own_names(self) -> set[str | None]:
        """Whoever need not be told what was done: who did it, and for whom."""
        return {self.signature, self.acts_for}

    @property
    def facts(self) -> dict[str, str]:
        """For whom, for the history."""
        return {"for": self.acts_for} if self.acts_for else {}


def name(task: Found) -> str:
    """Return what people call a task."""
    return str(task.name or task.element_id)


def read(session: Session, task_id: int) -> Found:
    """Return what commands need to know of a user task; raises `NotFound`."""
    found: list[Found] = _find.rows(session.connection(), {"task_id": task_id})
    if not found:
        raise errors.NotFound("user task", task_id)
    return found[0]


def locked(session: Session, task_id: int) -> tuple[Found, InstanceRow]:
    """Return a user task and its instance, which nobody else changes until the transaction ends; raises `NotFound`."""
    found = _belonging.lock(session, task_id)
    if found is None:
        raise errors.NotFound("user task", task_id)
    return found


def require(session: Session, task: Found, verb: str, rule: Rule, by: By) -> Acting:
    """
    Return who acts on an open task, by whose right.

    Raises `NotFound` for strangers, `InvalidState` where it has ended or a colleague has it, `Forbidden` for those who
    may only look. Whose task it might have been is told what became of it, without seeing the matter.
    """
    actor, whose = identity.actor(session, by), authorization.candidacy(task)
    if not isinstance(actor, Person):
        if task.state != "created":
            raise refusal(session, verb, task.id)
        return Acting(by=actor, right_of=actor)
    was_for = task.state != "created" and authorization.acting_as(actor, authorization.takes_part, whose) is not None
    if not was_for and not access.sees_task(session, actor, task):
        raise errors.NotFound("user task", task.id)
    if task.state != "created":
        raise refusal(session, verb, task.id)
    right_of = authorization.acting_as(actor, rule, whose)
    if right_of is None:
        if whose.assignee not in {None, actor.username} and authorization.may_have(actor, whose):
            raise refusal(session, verb, task.id)
        raise errors.Forbidden(verb, "user task", task.id, actor.username)
    return Acting(by=actor, right_of=right_of)


def change(
    session: Session,
    task: Found,
    verb: str,
    change: Mapping[str, Any],
    *conditions: ColumnElement[bool],
    event: str,
    by: Acting,
    facts: Mapping[str, Any] | None = None,
) -> UserTask:
    """
    Change an open user task of an active, locked process instance where the conditions hold; write the event.

    What somebody has put off is put off no longer once another has it, who knows nothing of that.
    """
    open_task = (tasks.c.id == task.id, tasks.c.state == "created", active)
    if not session.connection().execute(update(tasks).where(*open_task, *conditions).values(**change)).rowcount:
        raise refusal(session, verb, task.id)
    changed = record(session, task, event, {**(facts or {}), **by.facts}, by.signature)
    if changed.assignee == task.assignee or changed.follow_up_at is None or not _was_put_off(session, task):
        return changed
    session.connection().execute(update(tasks).where(tasks.c.id == task.id).values(follow_up_at=None))
    return record(session, task, "changed", {"follow_up_at": None, **by.facts}, by.signature)


def _was_put_off(session: Session, task: Found) -> bool:
    """Tell whether somebody has put a task off; what its diagram says of when it is for stays."""
    place = HistoryEvent.process_instance_id == task.process_instance_id, HistoryEvent.kind == "user_task.changed"
    facts = HistoryEvent.activity_instance == task.activity_instance, HistoryEvent.facts.contains('"follow_up_at"')
    return session.scalar(select(HistoryEvent.id).where(*place, *facts).limit(1)) is not None


def record(session: Session, task: Found, event: str, facts: Mapping[str, Any], by: str | None) -> UserTask:
    """Have the lists follow a task that was changed, and its history tell it; return the task."""
    changed = session.get_one(UserTask, task.id, populate_existing=True)
    session.connection().execute(
        update(candidates)
        .where(candidates.c.user_task_id == task.id)
        .values(claimed=changed.assignee is not None, sort_at=changed.sort_at)
    )
    happened = Event(kind=f"user_task.{event}", activity_instance=task.activity_instance, element_id=task.element_id,
                     facts=facts, by=by)  # fmt: skip
    history.record(session, task.process_instance_id, happened)
    return changed


def tell(session: Session, task: Found, usernames: Iterable[str | None], phrase: Phrase) -> None:
    """Tell people what has become of a task; a page says it in the language of its reader."""
    notifications.notify(
        session,
        {username for username in usernames if username},
        kind="notice",
        wording=Wording(subject=str(phrase), text=phrases.dumps(phrase)),
        business_key=task.business_key,
        process_instance_id=task.process_instance_id,
    )


def refusal(session: Session, verb: str, task_id: int) -> errors.InvalidState:
    """Return why a guarded update found nothing to change, in a word for the state that a person knows."""
    task = session.get_one(UserTask, task_id, populate_existing=True)
    state, by = task.state, task.assignee
    if state == "cancelled":
        by = None
    elif state == "created":
        running = session.scalar(select(ProcessInstance.state).where(ProcessInstance.id == task.process_instance_id))
        if running != "active":
            state, by = str(running), None
        elif task.owner is not None and task.owner != task.assignee:
            state = "delegated"
        elif task.assignee is not None:
            state = "claimed"
    return errors.InvalidState(verb, "user task", task_id, state, by=by)
