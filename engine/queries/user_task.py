"""One user task with what its page shows around it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.database import values
from casepath.engine.database.models import Definition, ProcessInstance, UserTask
from casepath.engine.instances import process_instances, seen
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Candidacy
from casepath.engine.queries import deployed, people
from casepath.engine.queries.instances import Reference
from casepath.engine.time import clock


@dataclass(frozen=True, kw_only=True)
class TaskDetail:
    """A user task, open or not, with the names of the people around it."""

    id: int
    process_instance_id: int
    activity_instance: int
    definition_id: int
    element_id: str
    name: str
    business_key: str | None
    #: The outermost process instance around it.
    root_id: int
    definition_key: str
    definition_name: str
    state: str
    #: Whether the process instance is suspended: then nobody can do anything to its tasks.
    is_suspended: bool
    assignee: str | None
    owner: str | None
    candidacy: Candidacy
    candidate_groups: tuple[str, ...]
    form_key: str | None
    priority: int
    due_at: datetime | None
    follow_up_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    #: What was typed but not submitted.
    draft: Mapping[str, Any]
    #: Full names of assignee, owner and candidate users by user name.
    names: Mapping[str, str]

    @property
    def is_overdue(self) -> bool:
        """Whether its due date has passed."""
        return self.due_at is not None and self.due_at < clock.now()

    @property
    def reference(self) -> Reference:
        """The matter it belongs to."""
        return self.business_key or self.root_id


@dataclass(frozen=True, kw_only=True)
class OpenTask:
    """A user task that somebody has to do, as it is told to others."""

    name: str
    #: Full name of whoever has it, else the names of those who may claim it.
    who: tuple[str, ...]
    due_at: datetime | None


def open_in(session: Session, business_key: str, language: str = "") -> list[OpenTask]:
    """Return what is open in a matter and who has it, oldest first; with the names of another language where asked."""
    query = select(UserTask).where(UserTask.business_key == business_key, UserTask.state == "created")
    tasks = session.scalars(query.order_by(UserTask.id)).all()
    groups = {key: english if language else own for key, (own, english) in people.group_names(session).items()}
    users = {task.id: [task.assignee] if task.assignee else json.loads(task.candidate_users) for task in tasks}
    names = people.names(session, (name for each in users.values() for name in each))
    return [
        OpenTask(
            name=_called(session, task, language),
            who=tuple(names.get(name, name) for name in users[task.id])
            + tuple(groups[key] for key in json.loads(task.candidate_groups) if key in groups and not task.assignee),
            due_at=task.due_at,
        )
        for task in tasks
    ]


def concerned(session: Session, process_instance_id: int, element_id: str) -> set[str]:
    """Return who has the open user tasks of an element or answers for them; while nobody has one, whom it is for."""
    query = select(UserTask).where(
        UserTask.process_instance_id == process_instance_id,
        UserTask.element_id == element_id,
        UserTask.state == "created",
    )
    found: set[str] = set()
    for task in session.scalars(query):
        if task.assignee:
            found |= {task.assignee, task.owner or task.assignee}
        else:
            groups = json.loads(task.candidate_groups)
            found |= {*json.loads(task.candidate_users), *(identity.members(session, groups) if groups else ())}
    return found


def _called(session: Session, task: UserTask, language: str) -> str:
    if not language:
        return task.name
    return deployed.texts(session, task.definition_id, language).called(task.element_id, task.name)


def open_of_elements(session: Session, element_ids: Collection[str]) -> list[int]:
    """Return the ids of the open user tasks of elements with these ids, in whichever process, oldest first."""
    query = select(UserTask.id).where(UserTask.state == "created", UserTask.element_id.in_(element_ids))
    return list(session.scalars(query.order_by(UserTask.id)))


def find(session: Session, task_id: int) -> TaskDetail:
    """Return a user task; raises `NotFound`."""
    found = session.execute(
        select(UserTask, Definition.key, Definition.name, ProcessInstance.state, ProcessInstance.root_id)
        .join(Definition, Definition.id == UserTask.definition_id)
        .join(ProcessInstance, ProcessInstance.id == UserTask.process_instance_id)
        .where(UserTask.id == task_id)
    ).one_or_none()
    if found is None:
        raise errors.NotFound("user task", task_id)
    task, definition_key, definition_name, instance_state, root_id = found
    candidacy = authorization.candidacy(task)
    return TaskDetail(
        id=task.id,
        process_instance_id=task.process_instance_id,
        activity_instance=task.activity_instance,
        definition_id=task.definition_id,
        element_id=task.element_id,
        name=task.name or task.element_id,
        business_key=task.business_key,
        root_id=root_id or task.process_instance_id,
        definition_key=definition_key,
        definition_name=definition_name or definition_key,
        state=task.state,
        is_suspended=instance_state == "suspended",
        assignee=task.assignee,
        owner=task.owner,
        candidacy=candidacy,
        candidate_groups=tuple(json.loads(task.candidate_groups)),
        form_key=task.form_key,
        priority=task.priority,
        due_at=task.due_at,
        follow_up_at=task.follow_up_at,
        created_at=task.created_at,
        ended_at=task.ended_at,
        draft=dict(_loaded(task.draft)),
        names=people.names(session, [task.assignee, task.owner, *candidacy.candidate_users]),
    )


def _loaded(draft: str | None) -> Mapping[str, Any]:
    read: Any = values.loads(draft) if draft else {}
    return read if isinstance(read, dict) else {}


def variables(session: Session, task: TaskDetail) -> dict[str, Any]:
    """Return the variables that a task sees: those of its process instance and, where it is open, its own."""
    if task.state == "created":
        own = runtime.activity_variables(session, task.process_instance_id, task.activity_instance)
        return own | seen.files(session, task)
    return process_instances.variables(session, task.process_instance_id)
