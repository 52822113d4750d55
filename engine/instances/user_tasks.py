"""
Claim, give back, assign, delegate, draft, date and complete user tasks.

Every command locks the process instance before the task, changes the task in one guarded update, and writes its event.
Two people who want the same task: one gets it, the other is told who has it.

`by` is the person who asks, or a user name. Users are held to the rules of `engine.people.authorization`:
`NotFound` for strangers, `Forbidden` for those who may only look. A name that is no user's belongs to a program, which
asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history, runtime
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.models import ProcessInstance, User, UserTask, UserTaskCandidate
from casepath.engine.database.statements import Statement
from casepath.engine.history import Event
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Candidacy, Person
from casepath.engine.runtime import FAR_FUTURE
from casepath.engine.time import clock

#: Characters of the JSON of a draft.
MAX_DRAFT_LENGTH = 200_000
MAX_PRIORITY = 100
#: Candidate users and groups of a task that only its assignee may do.
_NOBODY = ("[]", "[]")

Found = Row[*tuple[Any, ...]]
Rule = Callable[[Person, Candidacy], bool]

_tasks = Base.metadata.tables[UserTask.__tablename__]
_candidates = Base.metadata.tables[UserTaskCandidate.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]

_active = (
    select(_instances.c.id)
    .where(_instances.c.id == _tasks.c.process_instance_id, _instances.c.state == "active")
    .exists()
)
#: A delegated task goes back to its owner, who completes it.
_not_lent = or_(_tasks.c.owner.is_(None), _tasks.c.owner == _tasks.c.assignee)

_columns = (
    _tasks.c.id,
    _tasks.c.process_instance_id,
    _tasks.c.activity_instance,
    _tasks.c.element_id,
    _tasks.c.name,
    _tasks.c.state,
    _tasks.c.assignee,
    _tasks.c.owner,
    _tasks.c.candidate_users,
    _tasks.c.candidate_groups,
)
_find = Statement(select(*_columns).where(_tasks.c.id == bindparam("task_id")))
_complete = Statement(
    update(_tasks)
    .where(
        _tasks.c.id == bindparam("task_id"),
        _tasks.c.state == "created",
        # Whoever was found to be allowed to is still the one who has it.
        _tasks.c.assignee.is_not_distinct_from(bindparam("seen")),
        _not_lent,
        _active,
    )
    .values(state="completed", assignee=bindparam("by"), ended_at=bindparam("now"), draft=None)
)
_remove_candidates = Statement(delete(_candidates).where(_candidates.c.user_task_id == bindparam("task_id")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """A user task that has just been completed."""

    id: int
    name: str
    process_instance_id: int
    activity_instance: int


def get(session: Session, task_id: int) -> UserTask:
    """Return a user task as it is in the database now; raises `NotFound`."""
    task = session.get(UserTask, task_id, populate_existing=True)
    if task is None:
        raise errors.NotFound("user task", task_id)
    return task


def open_of(session: Session, business_key: str, element_id: str) -> int:
    """Return the id of the open user task of an element, the oldest of several; raises `NotFound`."""
    found = session.scalars(
        select(UserTask.id)
        .where(UserTask.business_key == business_key, UserTask.element_id == element_id, UserTask.state == "created")
        .order_by(UserTask.id)
    ).first()
    if found is None:
        raise errors.NotFound("open user task", f"{element_id} of {business_key}")
    return found


def complete(session: Session, task_id: int, variables: Mapping[str, Any], *, by: str | Person) -> Completed:
    """
    Mark a user task as done and move the process instance on to its next wait states.

    Raises `NotFound`, `Forbidden`, or `InvalidState` if somebody completed or took it before (and names who), if it is
    delegated, or if the process instance is suspended.
    """
    task = _read(session, task_id)
    username = _require(session, task, "complete", authorization.may_complete, by)
    instance = runtime.lock(session, task.process_instance_id)
    change = {"task_id": task_id, "seen": task.assignee, "by": username, "now": clock.now()}
    if not _complete.change(session.connection(), change):
        raise _refusal(session, "complete", task_id)
    if (task.candidate_users, task.candidate_groups) != _NOBODY:
        _remove_candidates.change(session.connection(), {"task_id": task_id})
    trigger = triggers.CompleteUserTask(activity_instance=task.activity_instance, variables=variables)
    runtime.advance(session, instance, trigger, by=username)
    return Completed(
        id=task_id,
        name=task.name,
        process_instance_id=task.process_instance_id,
        activity_instance=task.activity_instance,
    )


def claim(session: Session, task_id: int, *, by: str | Person) -> UserTask:
    """
    Take a user task that nobody has; taking one's own again changes nothing.

    Raises `NotFound`, `Forbidden`, or `InvalidState` naming whoever has it.
    """
    task = _locked(session, task_id)
    username = _require(session, task, "claim", authorization.may_claim, by)
    if task.state == "created" and task.assignee == username:
        return get(session, task_id)
    nobody_has_it = _tasks.c.assignee.is_(None)
    return _change(session, task, "claim", {"assignee": username}, nobody_has_it, event="claimed", by=username)


def unclaim(session: Session, task_id: int, *, by: str | Person) -> UserTask:
    """
    Give a user task back, so that every candidate may claim it again.

    Raises `NotFound`, `Forbidden`, or `InvalidState` if nobody has it, if it is delegated, or if nobody might claim it.
    """
    task = _locked(session, task_id)
    username = _require(session, task, "unclaim", authorization.may_unclaim, by)
    claimable = select(_candidates.c.name).where(_candidates.c.user_task_id == _tasks.c.id).exists()
    condition = _tasks.c.assignee.is_not(None) & _not_lent & claimable
    return _change(
        session, task, "unclaim", {"assignee": None, "owner": None}, condition, event="unclaimed", by=username
    )


def assign(session: Session, task_id: int, to: str, *, by: str | Person) -> UserTask:
    """
    Give a user task to somebody, whoever had it; a delegation ends.

    Raises `NotFound`, `Forbidden`, `InvalidState` if it has ended, and `InvalidInput` if there is no such active user.
    """
    task = _locked(session, task_id)
    username = _require(session, task, "assign", authorization.may_assign, by)
    to = _active_user(session, to)
    facts = {"assignee": to}
    return _change(session, task, "assign", {"assignee": to, "owner": None}, event="assigned", facts=facts, by=username)


def delegate(session: Session, task_id: int, to: str, *, by: str | Person) -> UserTask:
    """
    Lend a user task to somebody; whoever had it stays its owner and gets it back with `resolve`.

    Raises `NotFound`, `Forbidden`, `InvalidState` if nobody has it, and `InvalidInput` if there is no such active user
    or it is the owner.
    """
    task = _locked(session, task_id)
    username = _require(session, task, "delegate", authorization.may_delegate, by)
    to = _active_user(session, to)
    if to in {task.owner, task.assignee}:
        raise errors.InvalidEntry("delegate-again", task=task_id, username=to)
    change = {"assignee": to, "owner": func.coalesce(_tasks.c.owner, _tasks.c.assignee)}
    somebody_has_it = _tasks.c.assignee.is_not(None)
    return _change(
        session, task, "delegate", change, somebody_has_it, event="delegated", facts={"assignee": to}, by=username
    )


def resolve(session: Session, task_id: int, *, by: str | Person) -> UserTask:
    """
    Give a delegated user task back to its owner.

    Raises `NotFound`, `Forbidden`, or `InvalidState` if it is not delegated.
    """
    task = _locked(session, task_id)
    username = _require(session, task, "resolve", authorization.may_resolve, by)
    lent, change = _tasks.c.owner != _tasks.c.assignee, {"assignee": task.owner}
    return _change(session, task, "resolve", change, lent, event="resolved", facts=change, by=username)


def save_draft(session: Session, task_id: int, submitted: Mapping[str, Any], *, by: str | Person) -> None:
    """
    Keep what was typed but not submitted; no event, because nothing has happened yet.

    Raises `NotFound`, `Forbidden`, `InvalidInput` if it is too long, or `InvalidState` if the task has ended or
    somebody else took it.
    """
    typed = values.dumps(dict(submitted))
    if len(typed) > MAX_DRAFT_LENGTH:
        raise errors.InvalidEntry("draft-too-long", limit=MAX_DRAFT_LENGTH, length=len(typed))
    task = _read(session, task_id)
    username = _require(session, task, "save the draft of", authorization.may_save_draft, by)
    mine = or_(_tasks.c.assignee.is_(None), _tasks.c.assignee == username)
    landed = session.connection().execute(
        update(_tasks).where(_tasks.c.id == task_id, _tasks.c.state == "created", mine).values(draft=typed)
    )
    if not landed.rowcount:
        raise _refusal(session, "save the draft of", task_id)


def draft(task: UserTask) -> dict[str, Any]:
    """Return what was typed but not submitted."""
    typed: Any = values.loads(task.draft) if task.draft else {}
    return dict(typed)


def set_due(session: Session, task_id: int, due_at: datetime | None, *, by: str | Person) -> UserTask:
    """Change when a user task should be done; raises `NotFound`, `Forbidden`, or `InvalidState` if it has ended."""
    change = {"due_at": due_at, "sort_at": due_at or FAR_FUTURE}
    return _set(session, task_id, change, {"due_at": due_at}, _may_distribute, by)


def set_follow_up(session: Session, task_id: int, follow_up_at: datetime | None, *, by: str | Person) -> UserTask:
    """Hide a user task from task lists until then; raises `NotFound`, `Forbidden`, `InvalidState` if it has ended."""
    change = {"follow_up_at": follow_up_at}
    return _set(session, task_id, change, change, authorization.may_set_follow_up, by)


def set_priority(session: Session, task_id: int, priority: int, *, by: str | Person) -> UserTask:
    """
    Change the priority, 0 to 100.

    Raises `NotFound`, `Forbidden`, `InvalidInput`, or `InvalidState` if the task has ended.
    """
    if not 0 <= priority <= MAX_PRIORITY:
        raise errors.InvalidEntry("priority", limit=MAX_PRIORITY, priority=priority)
    change = {"priority": priority}
    return _set(session, task_id, change, change, _may_distribute, by)


def _may_distribute(person: Person, _task: Candidacy) -> bool:
    return authorization.may_distribute(person)


def _set(
    session: Session,
    task_id: int,
    change: Mapping[str, Any],
    facts: Mapping[str, Any],
    rule: Rule,
    by: str | Person,
) -> UserTask:
    task = _locked(session, task_id)
    username = _require(session, task, "change", rule, by)
    return _change(session, task, "change", change, event="changed", facts=facts, by=username)


def _read(session: Session, task_id: int) -> Found:
    """Return what commands need to know of a user task; raises `NotFound`."""
    found: list[Found] = _find.rows(session.connection(), {"task_id": task_id})
    if not found:
        raise errors.NotFound("user task", task_id)
    return found[0]


def _locked(session: Session, task_id: int) -> Found:
    """Return a user task that nobody else can change until the transaction ends; raises `NotFound`."""
    runtime.lock(session, _read(session, task_id).process_instance_id)
    return _read(session, task_id)


def _require(session: Session, task: Found, verb: str, rule: Rule, by: str | Person) -> str:
    """Return the name of who asks; raises `NotFound` for strangers, `Forbidden` for those who may only look."""
    person = by if isinstance(by, Person) else identity.known(session, by)
    if person is None:
        return str(by)
    whose = authorization.candidacy(task)
    if not authorization.may_see_task(person, whose):
        raise errors.NotFound("user task", task.id)
    if task.state == "created" and not rule(person, whose):
        if whose.assignee not in {None, person.username} and authorization.is_candidate(person, whose):
            raise _refusal(session, verb, task.id)
        raise errors.Forbidden(verb, "user task", task.id, person.username)
    return person.username


def _change(
    session: Session,
    task: Found,
    verb: str,
    change: Mapping[str, Any],
    *conditions: ColumnElement[bool],
    event: str,
    by: str,
    facts: Mapping[str, Any] | None = None,
) -> UserTask:
    """Change an open user task of an active, locked process instance where the conditions hold; write the event."""
    open_task = (_tasks.c.id == task.id, _tasks.c.state == "created", _active)
    if not session.connection().execute(update(_tasks).where(*open_task, *conditions).values(**change)).rowcount:
        raise _refusal(session, verb, task.id)
    changed = get(session, task.id)
    session.connection().execute(
        update(_candidates)
        .where(_candidates.c.user_task_id == task.id)
        .values(claimed=changed.assignee is not None, sort_at=changed.sort_at)
    )
    happened = Event(
        kind=f"user_task.{event}",
        activity_instance=task.activity_instance,
        element_id=task.element_id,
        facts=facts or {},
        by=by,
    )
    history.record(session, task.process_instance_id, happened)
    return changed


def _refusal(session: Session, verb: str, task_id: int) -> errors.InvalidState:
    """Return why a guarded update found nothing to change, in a word for the state that a person knows."""
    task = get(session, task_id)
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


def _active_user(session: Session, username: str) -> str:
    found = session.scalar(select(User.username).where(User.username == identity.normal(username), User.active))
    if found is None:
        raise errors.InvalidEntry("user-inactive", username=username)
    return found
