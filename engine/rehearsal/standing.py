"""How a rehearsal stands: what people and workers have to do, what is awaited, what is due next, who would be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.database.models import ExternalTask, Incident, Job, ProcessInstance, UserTask
from casepath.engine.instances import incidents
from casepath.engine.people.authorization import Candidacy
from casepath.engine.queries import instances, notices, people, user_task
from casepath.engine.queries.instances import Awaited, InstanceView, Reference
from casepath.engine.queries.notices import Notice
from casepath.engine.queries.people import Choices
from casepath.engine.queries.user_task import TaskDetail
from casepath.engine.time import clock

#: Work that is not done, in the states that it may have then.
OPEN_WORK = ("created", "locked", "failed")


@dataclass(frozen=True, kw_only=True)
class OpenTask:
    """A user task that is open."""

    task: TaskDetail
    #: Which of several that are open at its element; the oldest is 0.
    number: int
    #: Who may do it: whoever has it, else its candidates.
    people: Choices


@dataclass(frozen=True, kw_only=True)
class OpenWork:
    """Work for a worker, which waits to be answered."""

    definition_id: int
    element_id: str
    #: Which of several that are open at its element; the oldest is 0.
    number: int
    topic: str
    #: Why it failed, where it was tried.
    error: str


@dataclass(frozen=True, kw_only=True)
class Due:
    """What comes by itself."""

    definition_id: int
    element_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a rehearsal stands."""

    now: datetime
    #: The matters that there are, the one that was begun first before the others.
    matters: Sequence[Reference]
    instances: Sequence[InstanceView]
    tasks: Sequence[OpenTask]
    work: Sequence[OpenWork]
    messages: Sequence[Awaited]
    #: In the order of time.
    due: Sequence[Due]
    #: Newest first.
    told: Sequence[Notice]
    stuck: Sequence[Incident]

    @property
    def is_over(self) -> bool:
        """Whether something was begun, and all of it has ended."""
        return bool(self.instances) and all(each.ended_at is not None for each in self.instances)


def of(session: Session, language: str = "") -> Standing:
    """Return how the rehearsal stands whose session this is; notices in a language where they have its words."""
    matters: Mapping[Reference, None] = dict.fromkeys(
        row.business_key or row.root_id or row.id
        for row in session.execute(
            select(ProcessInstance.business_key, ProcessInstance.root_id, ProcessInstance.id).order_by(
                ProcessInstance.id
            )
        )
    )
    views = [view for matter in matters for view in instances.of_matter(session, matter)]
    return Standing(
        now=clock.now(),
        matters=list(matters),
        instances=views,
        tasks=_tasks(session),
        work=_work(session),
        messages=[each for matter in matters for each in instances.awaited_messages(session, matter)],
        due=_due(session, {view.id: view.definition_id for view in views}),
        told=notices.every(session, language),
        stuck=incidents.list_open(session, *(view.id for view in views)) if views else [],
    )


def _due(session: Session, versions: Mapping[int, int]) -> list[Due]:
    query = select(Job).where(Job.state == "waiting", Job.element_id.is_not(None)).order_by(Job.due_at, Job.id)
    return [
        Due(definition_id=versions[row.process_instance_id or 0], element_id=row.element_id or "", at=row.due_at)
        for row in session.scalars(query)
        if row.process_instance_id in versions
    ]


def _tasks(session: Session) -> list[OpenTask]:
    seen: Counter[str] = Counter()
    found = []
    for number in session.scalars(select(UserTask.id).where(UserTask.state == "created").order_by(UserTask.id)):
        task = user_task.find(session, number)
        whose = Candidacy(candidate_users=frozenset({task.assignee})) if task.assignee else task.candidacy
        found.append(OpenTask(task=task, number=seen[task.element_id], people=people.choices(session, whose)))
        seen[task.element_id] += 1
    return found


def _work(session: Session) -> list[OpenWork]:
    seen: Counter[str] = Counter()
    found = []
    query = select(ExternalTask).where(ExternalTask.state.in_(OPEN_WORK)).order_by(ExternalTask.id)
    for row in session.scalars(query):
        found.append(
            OpenWork(
                definition_id=row.definition_id,
                element_id=row.element_id,
                number=seen[row.element_id],
                topic=row.topic,
                error=row.error_message or "",
            )
        )
        seen[row.element_id] += 1
    return found
