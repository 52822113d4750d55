"""
Claim, give back, assign, delegate, draft, date and complete user tasks.

Every command locks the process instance, reads the task, changes it in one guarded update, and writes its event
(`task_changes`). Two people who want the same task: one gets it, the other is told who has it. Whoever gets a task from
another is told so, and the owner when it comes back.

`by` is who acts: a person, a program, or the name of an active user. People are held to the rules of
`engine.people.authorization`: `NotFound` for strangers, `Forbidden` for those who may only look. Everybody is held to
the form of the task, and hands it only to those who may have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime, texts
from casepath.engine.bpmn import triggers
from casepath.engine.database import values
from casepath.engine.database.models import UserTask
from casepath.engine.database.statements import Statement
from casepath.engine.instances import drafts, receivers, seen, task_changes
from casepath.engine.instances.task_changes import Rule, active, candidates, not_lent, tasks
from casepath.engine.people import authorization
from casepath.engine.people.authorization import By, Person
from casepath.engine.phrases import Phrase
from casepath.engine.registers import lookups
from casepath.engine.runtime import urgency
from casepath.engine.time import clock

MAX_PRIORITY = 100
MAX_REASON = 1000
#: Candidate users and groups of a task that only its assignee may do.
_NOBODY = ("[]", "[]")

_complete = Statement(
    update(tasks)
    .where(
        tasks.c.id == bindparam("task_id"),
        tasks.c.state == "created",
        # Whoever was found to be allowed to is still the one who has it.
        tasks.c.assignee.is_not_distinct_from(bindparam("seen")),
        not_lent,
        active,
    )
    .values(
        state="completed",
        assignee=bindparam("by"),
        # Whom somebody stood in for had it, and is its owner.
        owner=func.coalesce(bindparam("owner", type_=tasks.c.owner.type), tasks.c.owner),
        ended_at=bindparam("now"),
        draft=None,
    )
)
_remove_candidates = Statement(delete(candidates).where(candidates.c.user_task_id == bindparam("task_id")))


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
    task, instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "complete", authorization.may_complete, by)

    def known() -> dict[str, Any]:
        try:
            own = runtime.activity_variables(session, instance, task.activity_instance)
        except errors.NotFound:
            raise task_changes.refusal(session, "complete", task_id) from None
        return own | seen.files(session, task)

    variables = lookups.accepted(
        session, task.form_key, task.definition_id, submitted, known, element_id=task.element_id, by=by
    )
    connection, now = session.connection(), clock.now()
    change = {
        "task_id": task_id,
        "seen": task.assignee,
        "by": acting.signature,
        "owner": acting.acts_for,
        "now": now,
    }
    if not _complete.change(connection, change):
        raise task_changes.refusal(session, "complete", task_id)
    if (task.candidate_users, task.candidate_groups) != _NOBODY:
        _remove_candidates.change(connection, {"task_id": task_id})
    trigger = triggers.CompleteUserTask(
        activity_instance=task.activity_instance, variables=variables, facts=acting.facts
    )
    runtime.advance(session, instance, trigger, by=acting.signature, at=now)
    return Completed(
        id=task_id, name=task.name, process_instance_id=instance.id, activity_instance=task.activity_instance
    )


def claim(session: Session, task_id: int, *, by: By) -> UserTask:
    """
    Take a user task that nobody has; taking one's own again changes nothing. Whoever stands in takes it for the other.

    Programs claim nothing. Raises `NotFound`, `Forbidden`, or `InvalidState` naming whoever has it.
    """
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "claim", authorization.may_claim, by)
    if not isinstance(acting.right_of, Person):
        raise errors.Forbidden("claim", "user task", task_id, acting.signature)
    whose = acting.right_of.username
    if task.assignee == whose:
        return get(session, task_id)
    nobody_has_it = tasks.c.assignee.is_(None)
    return task_changes.change(
        session, task, "claim", {"assignee": whose}, nobody_has_it, event="claimed", by=acting
    )


def unclaim(session: Session, task_id: int, *, by: By, reason: str = "") -> UserTask:
    """
    Give a user task back, so that every candidate may claim it again; whoever takes it from another says why.

    Raises `NotFound`, `Forbidden`, `InvalidInput`, or `InvalidState` if nobody has it, if it is delegated, or if nobody
    might claim it.
    """
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "unclaim", authorization.may_unclaim, by)
    facts = _explained(reason, own=acting.right_of.signature == task.assignee)
    claimable = select(candidates.c.name).where(candidates.c.user_task_id == tasks.c.id).exists()
    condition = tasks.c.assignee.is_not(None) & not_lent & claimable
    change = {"assignee": None, "owner": None}
    return task_changes.change(session, task, "unclaim", change, condition, event="unclaimed", facts=facts, by=acting)


def assign(session: Session, task_id: int, to: str, *, by: By, reason: str = "") -> UserTask:
    """
    Give a user task to somebody who may have it (`receivers`); a delegation ends. Who hands on another's task says why.

    Raises `NotFound`, `Forbidden`, `InvalidState` if it has ended, and `InvalidInput` without a reason, or if there is
    no such active user who may have it.
    """
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "assign", authorization.may_assign, by)
    whose = authorization.candidacy(task)
    right_of = acting.right_of
    facts = {"assignee": receivers.receiver(session, to, receivers.circle(session, whose, right_of))}
    if facts["assignee"] in {acting.signature, right_of.signature} and not authorization.has_candidates(whose):
        # What is nobody's is nobody's to take.
        raise receivers.no_candidate(to)
    own = isinstance(right_of, Person) and authorization.may_hand_on(right_of, whose)
    facts |= _explained(reason, own=own)
    change = {"assignee": facts["assignee"], "owner": None}
    changed = task_changes.change(session, task, "assign", change, event="assigned", facts=facts, by=acting)
    who, name, receiver = acting.name, task_changes.name(task), facts["assignee"]
    handed = Phrase("{who} handed the task “{task}” to you.", who=who, task=name)
    task_changes.tell(session, task, {receiver} - acting.own_names, handed)
    lost = Phrase("{who} handed the task “{task}” on, which you had.", who=who, task=name)
    task_changes.tell(session, task, {task.assignee, task.owner} - {receiver} - acting.own_names, lost)
    return changed


def _explained(reason: str, *, own: bool) -> dict[str, str]:
    """Return the reason as a fact; raises `InvalidInput` without one where it is not one's own affair."""
    told = texts.checked(reason, name="a reason", limit=MAX_REASON, required=not own)
    return {"reason": told} if told else {}


def delegate(session: Session, task_id: int, to: str, *, by: By) -> UserTask:
    """
    Lend a user task to somebody; whoever had it stays its owner, gets it back with `resolve`, and completes it.

    Raises `NotFound`, `Forbidden`, `InvalidState` if nobody has it, and `InvalidInput` if there is no such active user
    who changes anything, or it is the owner.
    """
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "delegate", authorization.may_delegate, by)
    to = receivers.receiver(session, to, None)
    if to in {task.owner, task.assignee, acting.signature}:
        text = "Please choose somebody else; “{username}” has this task already."
        raise errors.InvalidInput(text, code="delegate-again", username=to)
    change = {"assignee": to, "owner": func.coalesce(tasks.c.owner, tasks.c.assignee)}
    had = tasks.c.assignee.is_not(None)
    facts = {"assignee": to}
    changed = task_changes.change(session, task, "delegate", change, had, event="delegated", facts=facts, by=acting)
    who, name = acting.name, task_changes.name(task)
    asked = Phrase("{who} asks you to fill in the task “{task}” and to give it back.", who=who, task=name)
    task_changes.tell(session, task, [to], asked)
    return changed


def resolve(session: Session, task_id: int, *, by: By) -> UserTask:
    """
    Give a delegated user task back to its owner.

    Raises `NotFound`, `Forbidden`, or `InvalidState` if it is not delegated.
    """
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "resolve", authorization.may_resolve, by)
    lent, back = tasks.c.owner != tasks.c.assignee, {"assignee": task.owner}
    changed = task_changes.change(session, task, "resolve", back, lent, event="resolved", facts=back, by=acting)
    who, name = acting.name, task_changes.name(task)
    given = Phrase("{who} gave the task “{task}” back to you.", who=who, task=name)
    task_changes.tell(session, task, {task.owner} - acting.own_names, given)
    taken = Phrase("{who} took the task “{task}” back, which was lent to you.", who=who, task=name)
    task_changes.tell(session, task, {task.assignee} - acting.own_names, taken)
    return changed


def save_draft(session: Session, task_id: int, submitted: Mapping[str, Any], *, by: By) -> None:
    """
    Keep what was typed but not submitted; no event, because nothing has happened yet.

    Raises `NotFound`, `Forbidden`, `InvalidInput` if it is too long, or `InvalidState` if the task has ended or
    somebody else took it.
    """
    typed = drafts.text_of(submitted)
    task = task_changes.read(session, task_id)
    task_changes.require(session, task, "save the draft of", authorization.may_save_draft, by)
    as_seen = tasks.c.assignee.is_not_distinct_from(task.assignee)
    landed = session.connection().execute(
        update(tasks).where(tasks.c.id == task_id, tasks.c.state == "created", as_seen).values(draft=typed)
    )
    if not landed.rowcount:
        raise task_changes.refusal(session, "save the draft of", task_id)


def draft(task: UserTask) -> dict[str, Any]:
    """Return what was typed but not submitted."""
    typed: Any = values.loads(task.draft) if task.draft else {}
    return dict(typed)


def set_due(session: Session, task_id: int, due_at: datetime | None, *, by: By) -> UserTask:
    """Change when a user task should be done; raises `NotFound`, `Forbidden`, or `InvalidState` if it has ended."""
    return _set(session, task_id, {"due_at": due_at}, authorization.may_distribute, by)


def set_follow_up(
    session: Session, task_id: int, follow_up_at: datetime | None, *, by: By, reason: str = ""
) -> UserTask:
    """
    Hide a user task from task lists until then, or until it is overdue; past its due date only for a reason.

    Raises `NotFound`, `Forbidden`, `InvalidInput` without such a reason, for a time that is over or for a task that is
    overdue, which nothing hides, or `InvalidState` if it has ended.
    """
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "change", authorization.may_set_follow_up, by)
    if follow_up_at is not None and follow_up_at <= clock.now():
        raise errors.InvalidInput("Please choose a day after today; that one has begun.", code="follow-up-over")
    if follow_up_at is not None and task.due_at is not None and task.due_at < clock.now():
        text = "This task is overdue and stays in the list; it cannot be put off."
        raise errors.InvalidInput(text, code="follow-up-overdue")
    in_time = follow_up_at is None or task.due_at is None or follow_up_at <= task.due_at
    change = {"follow_up_at": follow_up_at}
    facts = {**change, **_explained(reason, own=in_time)}
    return task_changes.change(session, task, "change", change, event="changed", facts=facts, by=acting)


def set_priority(session: Session, task_id: int, priority: int, *, by: By) -> UserTask:
    """
    Change the priority, 0 to 100.

    Raises `NotFound`, `Forbidden`, `InvalidInput`, or `InvalidState` if the task has ended.
    """
    if not 0 <= priority <= MAX_PRIORITY:
        text = "A priority is a number from 0 to {limit}; you wrote “{priority}”."
        raise errors.InvalidInput(text, code="priority", limit=MAX_PRIORITY, priority=priority)
    return _set(session, task_id, {"priority": priority}, authorization.may_distribute, by)


def _set(session: Session, task_id: int, change: Mapping[str, Any], rule: Rule, by: By) -> UserTask:
    task, _instance = task_changes.locked(session, task_id)
    acting = task_changes.require(session, task, "change", rule, by)
    due_at, priority = change.get("due_at", task.due_at), change.get("priority", task.priority)
    ordered = {**change, "sort_at": urgency.sort_at(due_at, priority)}
    return task_changes.change(session, task, "change", ordered, event="changed", facts=change, by=acting)
