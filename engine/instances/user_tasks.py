"""
Claim, give back, assign, delegate, draft, date and complete user tasks.

Every command locks the process instance before the task, changes the task in one guarded update, and writes its event.
Two people who want the same task: one gets it, the other is told who has it.

`by` is who acts: a person, a program, or the name of an active user. People are held to the rules of
`engine.people.authorization`: `NotFound` for strangers, `Forbidden` for those who may only look. Everybody is held to
the form of the task, and hands it only to those who may have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history, runtime, texts
from casepath.engine.bpmn import triggers
from casepath.engine.database import Base, values
from casepath.engine.database.models import ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.database.statements import Statement
from casepath.engine.deployments import definitions
from casepath.engine.history import Event
from casepath.engine.instances import drafts
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Candidacy, Person
from casepath.engine.runtime import FAR_FUTURE
from casepath.engine.time import clock

MAX_PRIORITY = 100
MAX_REASON = 1000
#: Candidate users and groups of a task that only its assignee may do.
_NOBODY = ("[]", "[]")

Found = Row[*tuple[Any, ...]]
Rule = Callable[[Person, Candidacy], bool]

_tasks = Base.metadata.tables[UserTask.__tablename__]
_candidates = Base.metadata.tables[UserTaskCandidate.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]

_own_instance = _instances.c.id == _tasks.c.process_instance_id
_active = select(_instances.c.id).where(_own_instance, _instances.c.state == "active").exists()
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
    _tasks.c.definition_id,
    _tasks.c.form_key,
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


def complete(session: Session, task_id: int, submitted: Mapping[str, Any], *, by: By) -> Completed:
    """
    Mark a user task as done, with what was submitted for it, and move the process instance on to its next wait states.

    Raises `NotFound`, `Forbidden`, `InvalidVariables` for what does not fit the form of the task, or `InvalidState` if
    somebody completed or took it before (and names who), if it is delegated, or if the process instance is suspended.
    """
    connection = session.connection()
    task = _read(connection, task_id)
    actor = _require(session, task, "complete", authorization.may_complete, by)
    instance = runtime.lock(session, task.process_instance_id)

    def seen() -> dict[str, Any]:
        try:
            return runtime.activity_variables(session, instance, task.activity_instance)
        except errors.NotFound:
            raise _refusal(session, "complete", task_id) from None

    variables = definitions.accepted(session, task.form_key, task.definition_id, submitted, seen)
    now = clock.now()
    change = {"task_id": task_id, "seen": task.assignee, "by": actor.signature, "now": now}
    if not _complete.change(connection, change):
        raise _refusal(session, "complete", task_id)
    if (task.candidate_users, task.candidate_groups) != _NOBODY:
        _remove_candidates.change(connection, {"task_id": task_id})
    trigger = triggers.CompleteUserTask(activity_instance=task.activity_instance, variables=variables)
    runtime.advance(session, instance, trigger, by=actor.signature, at=now)
    return Completed(
        id=task_id, name=task.name, process_instance_id=instance.id, activity_instance=task.activity_instance
    )


def claim(session: Session, task_id: int, *, by: By) -> UserTask:
    """
    Take a user task that nobody has; taking one's own again changes nothing.

    Programs claim nothing. Raises `NotFound`, `Forbidden`, or `InvalidState` naming whoever has it.
    """
    task = _locked(session, task_id)
    actor = _require(session, task, "claim", authorization.may_claim, by)
    if not isinstance(actor, Person):
        raise errors.Forbidden("claim", "user task", task_id, actor.signature)
    if task.assignee == actor.username:
        return get(session, task_id)
    nobody_has_it = _tasks.c.assignee.is_(None)
    return _change(session, task, "claim", {"assignee": actor.username}, nobody_has_it, event="claimed", by=actor)


def unclaim(session: Session, task_id: int, *, by: By, reason: str = "") -> UserTask:
    """
    Give a user task back, so that every candidate may claim it again; whoever takes it from another says why.

    Raises `NotFound`, `Forbidden`, `InvalidInput`, or `InvalidState` if nobody has it, if it is delegated, or if nobody
    might claim it.
    """
    task = _locked(session, task_id)
    actor = _require(session, task, "unclaim", authorization.may_unclaim, by)
    facts = _explained(reason, own=actor.signature == task.assignee)
    claimable = select(_candidates.c.name).where(_candidates.c.user_task_id == _tasks.c.id).exists()
    condition = _tasks.c.assignee.is_not(None) & _not_lent & claimable
    change = {"assignee": None, "owner": None}
    return _change(session, task, "unclaim", change, condition, event="unclaimed", facts=facts, by=actor)


def assign(session: Session, task_id: int, to: str, *, by: By, reason: str = "") -> UserTask:
    """
    Give a user task to somebody who may have it (`circle`); a delegation ends. Who hands on another's task says why.

    Raises `NotFound`, `Forbidden`, `InvalidState` if it has ended, and `InvalidInput` without a reason, or if there is
    no such active user who may have it.
    """
    task = _locked(session, task_id)
    actor = _require(session, task, "assign", authorization.may_assign, by)
    whose = authorization.candidacy(task)
    facts = {"assignee": _receiver(session, to, circle(session, whose, actor))}
    if facts["assignee"] == actor.signature and not authorization.has_candidates(whose):
        # What is nobody's is nobody's to take.
        raise _no_candidate(to)
    own = isinstance(actor, Person) and authorization.may_hand_on(actor, whose)
    facts |= _explained(reason, own=own)
    change = {"assignee": facts["assignee"], "owner": None}
    return _change(session, task, "assign", change, event="assigned", facts=facts, by=actor)


def circle(session: Session, whose: Candidacy, actor: Actor) -> Candidacy | None:
    """
    Return among whom somebody may hand on a user task; None for everybody who works here.

    They are its candidates. One without any goes to those who share a group with whoever has it; those who operate the
    engine, and programs, may give it to everybody but themselves.
    """
    if authorization.has_candidates(whose):
        return whose
    if not isinstance(actor, Person) or authorization.may_operate(actor):
        return None
    fellows = identity.groups_of(session, whose.assignee or "").difference(authorization.ROLES)
    return Candidacy(assignee=whose.assignee, candidate_groups=fellows)


def _receiver(session: Session, to: str, among: Candidacy | None) -> str:
    """Return the name of somebody who may have a task; raises `InvalidInput`."""
    try:
        receiver = identity.person(session, to)
    except errors.NotFound:
        text = "Please choose an active user; “{username}” is none."
        raise errors.InvalidInput(text, code="user-inactive", username=to) from None
    fits = authorization.may_have(receiver, among) if among is not None else not receiver.is_auditor
    if not fits:
        raise _no_candidate(to)
    return receiver.username


def _no_candidate(username: str) -> errors.InvalidInput:
    text = "“{username}” may not have this task; please choose one of those it is meant for."
    return errors.InvalidInput(text, code="not-a-candidate", username=username)


def _explained(reason: str, *, own: bool) -> dict[str, str]:
    """Return the reason as a fact; raises `InvalidInput` without one where the task is another's."""
    told = texts.checked(reason, name="a reason", limit=MAX_REASON, required=not own)
    return {"reason": told} if told else {}


def delegate(session: Session, task_id: int, to: str, *, by: By) -> UserTask:
    """
    Lend a user task to somebody; whoever had it stays its owner, gets it back with `resolve`, and completes it.

    Raises `NotFound`, `Forbidden`, `InvalidState` if nobody has it, and `InvalidInput` if there is no such active user
    who changes anything, or it is the owner.
    """
    task = _locked(session, task_id)
    actor = _require(session, task, "delegate", authorization.may_delegate, by)
    to = _receiver(session, to, None)
    if to in {task.owner, task.assignee}:
        text = "Please choose somebody else; “{username}” has this task already."
        raise errors.InvalidInput(text, code="delegate-again", username=to)
    change = {"assignee": to, "owner": func.coalesce(_tasks.c.owner, _tasks.c.assignee)}
    had = _tasks.c.assignee.is_not(None)
    return _change(session, task, "delegate", change, had, event="delegated", facts={"assignee": to}, by=actor)


def resolve(session: Session, task_id: int, *, by: By) -> UserTask:
    """
    Give a delegated user task back to its owner.

    Raises `NotFound`, `Forbidden`, or `InvalidState` if it is not delegated.
    """
    task = _locked(session, task_id)
    actor = _require(session, task, "resolve", authorization.may_resolve, by)
    lent, back = _tasks.c.owner != _tasks.c.assignee, {"assignee": task.owner}
    return _change(session, task, "resolve", back, lent, event="resolved", facts=back, by=actor)


def save_draft(session: Session, task_id: int, submitted: Mapping[str, Any], *, by: By) -> None:
    """
    Keep what was typed but not submitted; no event, because nothing has happened yet.

    Raises `NotFound`, `Forbidden`, `InvalidInput` if it is too long, or `InvalidState` if the task has ended or
    somebody else took it.
    """
    typed = drafts.text_of(submitted)
    task = _read(session.connection(), task_id)
    _require(session, task, "save the draft of", authorization.may_save_draft, by)
    as_seen = _tasks.c.assignee.is_not_distinct_from(task.assignee)
    landed = session.connection().execute(
        update(_tasks).where(_tasks.c.id == task_id, _tasks.c.state == "created", as_seen).values(draft=typed)
    )
    if not landed.rowcount:
        raise _refusal(session, "save the draft of", task_id)


def draft(task: UserTask) -> dict[str, Any]:
    """Return what was typed but not submitted."""
    typed: Any = values.loads(task.draft) if task.draft else {}
    return dict(typed)


def set_due(session: Session, task_id: int, due_at: datetime | None, *, by: By) -> UserTask:
    """Change when a user task should be done; raises `NotFound`, `Forbidden`, or `InvalidState` if it has ended."""
    change = {"due_at": due_at, "sort_at": due_at or FAR_FUTURE}
    return _set(session, task_id, change, {"due_at": due_at}, authorization.may_distribute, by)


def set_follow_up(session: Session, task_id: int, follow_up_at: datetime | None, *, by: By) -> UserTask:
    """Hide a user task from task lists until then; raises `NotFound`, `Forbidden`, `InvalidState` if it has ended."""
    change = {"follow_up_at": follow_up_at}
    return _set(session, task_id, change, change, authorization.may_set_follow_up, by)


def set_priority(session: Session, task_id: int, priority: int, *, by: By) -> UserTask:
    """
    Change the priority, 0 to 100.

    Raises `NotFound`, `Forbidden`, `InvalidInput`, or `InvalidState` if the task has ended.
    """
    if not 0 <= priority <= MAX_PRIORITY:
        text = "A priority is a number from 0 to {limit}; you wrote “{priority}”."
        raise errors.InvalidInput(text, code="priority", limit=MAX_PRIORITY, priority=priority)
    change = {"priority": priority}
    return _set(session, task_id, change, change, authorization.may_distribute, by)


def _set(
    session: Session, task_id: int, change: Mapping[str, Any], facts: Mapping[str, Any], rule: Rule, by: By
) -> UserTask:
    task = _locked(session, task_id)
    actor = _require(session, task, "change", rule, by)
    return _change(session, task, "change", change, event="changed", facts=facts, by=actor)


def _read(connection: Connection, task_id: int) -> Found:
    """Return what commands need to know of a user task; raises `NotFound`."""
    found: list[Found] = _find.rows(connection, {"task_id": task_id})
    if not found:
        raise errors.NotFound("user task", task_id)
    return found[0]


def _locked(session: Session, task_id: int) -> Found:
    """Return a user task that nobody else can change until the transaction ends; raises `NotFound`."""
    runtime.lock(session, _read(session.connection(), task_id).process_instance_id)
    return _read(session.connection(), task_id)


def _require(session: Session, task: Found, verb: str, rule: Rule, by: By) -> Actor:
    """
    Return who acts on an open task.

    Raises `NotFound` for strangers, `InvalidState` where it has ended or a colleague has it, `Forbidden` for those who
    may only look.
    """
    actor, whose = identity.actor(session, by), authorization.candidacy(task)
    if isinstance(actor, Person) and not authorization.may_see_task(actor, whose):
        raise errors.NotFound("user task", task.id)
    if task.state != "created":
        raise _refusal(session, verb, task.id)
    if isinstance(actor, Person) and not rule(actor, whose):
        if whose.assignee not in {None, actor.username} and authorization.may_have(actor, whose):
            raise _refusal(session, verb, task.id)
        raise errors.Forbidden(verb, "user task", task.id, actor.username)
    return actor


def _change(
    session: Session,
    task: Found,
    verb: str,
    change: Mapping[str, Any],
    *conditions: ColumnElement[bool],
    event: str,
    by: Actor,
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
    happened = Event(kind=f"user_task.{event}", activity_instance=task.activity_instance, element_id=task.element_id,
                     facts=facts or {}, by=by.signature)  # fmt: skip
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
