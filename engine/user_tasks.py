"""
Claim, give back, assign, delegate, draft, date and complete user tasks.

Every command locks the process instance before the task, changes the task in one guarded update, and writes its event.
Two people who want the same task: one gets it, the other is told who has it. Whether a person may do it at all is asked
in `engine.access` before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from engine import clock, errors, history, runtime, values
from engine.database import Base
from engine.history import Event
from engine.models import ProcessInstance, User, UserTask, UserTaskCandidate
from engine.triggers import CompleteUserTask

#: What a user task without a due date is sorted by.
NO_DUE_DATE = datetime(9999, 12, 31, tzinfo=UTC)
#: Characters of the JSON of a draft.
MAX_DRAFT_LENGTH = 200_000

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

_where = select(_tasks.c.process_instance_id, _tasks.c.activity_instance).where(_tasks.c.id == bindparam("task_id"))
_complete = (
    update(_tasks)
    .where(_tasks.c.id == bindparam("task_id"), _tasks.c.state == "created", _not_lent, _active)
    .values(state="completed", assignee=bindparam("by"), ended_at=bindparam("now"), draft=None)
)
_remove_candidates = delete(_candidates).where(_candidates.c.user_task_id == bindparam("task_id"))


def get(session: Session, task_id: int) -> UserTask:
    """Return a user task as it is in the database now; raises `NotFound`."""
    task = session.get(UserTask, task_id, populate_existing=True)
    if task is None:
        raise errors.NotFound("user task", task_id)
    return task


def locked(session: Session, task_id: int) -> UserTask:
    """Return a user task that nobody else can change until the transaction ends; raises `NotFound`."""
    place = session.execute(_where, {"task_id": task_id}).one_or_none()
    if place is None:
        raise errors.NotFound("user task", task_id)
    runtime.lock(session, place.process_instance_id)
    return get(session, task_id)


def complete(session: Session, task_id: int, variables: Mapping[str, Any], *, by: str) -> None:
    """
    Mark a user task as done and move the process instance on to its next wait states.

    Raises `NotFound`, or `InvalidState` if somebody completed it before (and names who), if it is delegated, or if the
    process instance is suspended.
    """
    place = session.execute(_where, {"task_id": task_id}).one_or_none()
    if place is None:
        raise errors.NotFound("user task", task_id)
    runtime.lock(session, place.process_instance_id)
    landed = session.connection().execute(_complete, {"task_id": task_id, "by": by, "now": clock.now()})
    if not landed.rowcount:
        raise _refusal(session, "complete", task_id)
    session.execute(_remove_candidates, {"task_id": task_id})
    trigger = CompleteUserTask(activity_instance=place.activity_instance, variables=variables)
    runtime.advance(session, place.process_instance_id, trigger, by=by)


def claim(session: Session, task_id: int, *, by: str) -> UserTask:
    """
    Take a user task that nobody has; taking one's own again changes nothing.

    Raises `NotFound`, or `InvalidState` naming whoever has it.
    """
    task = locked(session, task_id)
    if task.state == "created" and task.assignee == by:
        return task
    return _change(
        session, task_id, "claim", {"assignee": by}, _tasks.c.assignee.is_(None), kind="user_task.claimed", by=by
    )


def unclaim(session: Session, task_id: int, *, by: str) -> UserTask:
    """
    Give a user task back, so that every candidate may claim it again.

    Raises `NotFound`, or `InvalidState` if nobody has it, if it is delegated, or if nobody else might claim it.
    """
    locked(session, task_id)
    claimable = select(_candidates.c.name).where(_candidates.c.user_task_id == _tasks.c.id).exists()
    return _change(
        session,
        task_id,
        "unclaim",
        {"assignee": None, "owner": None},
        _tasks.c.assignee.is_not(None) & _not_lent & claimable,
        kind="user_task.unclaimed",
        by=by,
    )


def assign(session: Session, task_id: int, to: str, *, by: str) -> UserTask:
    """
    Give a user task to somebody, whoever had it; a delegation ends.

    Raises `NotFound`, `InvalidState` if it has ended, and `InvalidInput` if there is no such active user.
    """
    locked(session, task_id)
    _require_active(session, to)
    change = {"assignee": to, "owner": None}
    return _change(session, task_id, "assign", change, kind="user_task.assigned", facts={"assignee": to}, by=by)


def delegate(session: Session, task_id: int, to: str, *, by: str) -> UserTask:
    """
    Lend a user task to somebody; whoever had it stays its owner and gets it back with `resolve`.

    Raises `NotFound`, `InvalidState` if nobody has it, and `InvalidInput` if there is no such active user or it is the
    owner.
    """
    task = locked(session, task_id)
    _require_active(session, to)
    if to in {task.owner, task.assignee}:
        raise errors.InvalidInput(f"Expected somebody else to delegate user task {task_id} to, but found '{to}'")
    return _change(
        session,
        task_id,
        "delegate",
        {"assignee": to, "owner": func.coalesce(_tasks.c.owner, _tasks.c.assignee)},
        _tasks.c.assignee.is_not(None),
        kind="user_task.delegated",
        facts={"assignee": to},
        by=by,
    )


def resolve(session: Session, task_id: int, *, by: str) -> UserTask:
    """Give a delegated user task back to its owner; raises `NotFound`, or `InvalidState` if it is not delegated."""
    owner = locked(session, task_id).owner
    return _change(
        session,
        task_id,
        "resolve",
        {"assignee": owner},
        _tasks.c.owner != _tasks.c.assignee,
        kind="user_task.resolved",
        facts={"assignee": owner},
        by=by,
    )


def save_draft(session: Session, task_id: int, submitted: Mapping[str, Any], *, by: str) -> None:
    """
    Keep what was typed but not submitted; no event, because nothing has happened yet.

    Raises `NotFound`, `InvalidInput` if it is too long, or `InvalidState` if the task ended or somebody else took it.
    """
    draft = values.dumps(dict(submitted))
    if len(draft) > MAX_DRAFT_LENGTH:
        raise errors.InvalidInput(f"Expected a draft of at most {MAX_DRAFT_LENGTH} characters, but found {len(draft)}")
    mine = or_(_tasks.c.assignee.is_(None), _tasks.c.assignee == by)
    landed = session.connection().execute(
        update(_tasks).where(_tasks.c.id == task_id, _tasks.c.state == "created", mine).values(draft=draft)
    )
    if not landed.rowcount:
        raise _refusal(session, "save draft of", task_id)


def draft(task: UserTask) -> dict[str, Any]:
    """Return what was typed but not submitted."""
    typed: Any = values.loads(task.draft) if task.draft else {}
    return dict(typed)


def set_due(session: Session, task_id: int, due_at: datetime | None, *, by: str) -> UserTask:
    """Change when a user task should be done; raises `NotFound`, or `InvalidState` if it has ended."""
    locked(session, task_id)
    change = {"due_at": due_at, "sort_at": due_at or NO_DUE_DATE}
    return _change(session, task_id, "change", change, kind="user_task.changed", facts={"due_at": due_at}, by=by)


def set_follow_up(session: Session, task_id: int, follow_up_at: datetime | None, *, by: str) -> UserTask:
    """Hide a user task from task lists until then; raises `NotFound`, or `InvalidState` if it has ended."""
    locked(session, task_id)
    change = {"follow_up_at": follow_up_at}
    return _change(session, task_id, "change", change, kind="user_task.changed", facts=change, by=by)


def set_priority(session: Session, task_id: int, priority: int, *, by: str) -> UserTask:
    """Change the priority, 0 to 100; raises `NotFound`, `InvalidInput`, or `InvalidState` if the task has ended."""
    if not 0 <= priority <= 100:
        raise errors.InvalidInput(f"Expected a priority from 0 to 100, but found {priority}")
    locked(session, task_id)
    change = {"priority": priority}
    return _change(session, task_id, "change", change, kind="user_task.changed", facts=change, by=by)


def _change(
    session: Session,
    task_id: int,
    verb: str,
    change: Mapping[str, Any],
    *conditions: ColumnElement[bool],
    kind: str,
    by: str,
    facts: Mapping[str, Any] | None = None,
) -> UserTask:
    """Change an open user task of an active, locked process instance where the conditions hold; write the event."""
    open_task = (_tasks.c.id == task_id, _tasks.c.state == "created", _active)
    landed = session.connection().execute(update(_tasks).where(*open_task, *conditions).values(**change))
    if not landed.rowcount:
        raise _refusal(session, verb, task_id)
    task = get(session, task_id)
    session.execute(
        update(_candidates)
        .where(_candidates.c.user_task_id == task_id)
        .values(claimed=task.assignee is not None, sort_at=task.sort_at)
    )
    event = Event(
        kind=kind, activity_instance=task.activity_instance, element_id=task.element_id, facts=facts or {}, by=by
    )
    history.record(session, task.process_instance_id, event)
    return task


def _refusal(session: Session, verb: str, task_id: int) -> errors.EngineError:
    """Return why a guarded update found nothing to change; the noun's state is said in a word that a person knows."""
    try:
        task = get(session, task_id)
    except errors.NotFound as error:
        return error
    state, by = task.state, task.assignee
    if state == "created":
        running = session.scalar(
            select(ProcessInstance.state).where(ProcessInstance.id == task.process_instance_id)
        )
        if running != "active":
            state, by = str(running), None
        elif task.owner is not None and task.owner != task.assignee:
            state = "delegated"
        elif task.assignee is not None:
            state = "claimed"
    elif state == "cancelled":
        by = None
    return errors.InvalidState(verb, "user task", task_id, state, by=by)


def _require_active(session: Session, username: str) -> None:
    if not session.scalar(select(User.active).where(User.username == username)):
        raise errors.InvalidInput(f"Expected an active user, but found '{username}'")
