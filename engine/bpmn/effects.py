"""
What a step of a process instance asks of the world and what it leaves; the runtime turns each into rows.

What no row could hold, such as an assignee of 300 characters, is refused here with `InvalidInput`, while its element
runs: then the element stands still with an incident, and whoever moved the instance has done so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from casepath.engine import errors
from casepath.engine.database import Base, require_room
from casepath.engine.database.models import (
    ExternalTask,
    Job,
    ProcessInstance,
    Subscription,
    UserTask,
    UserTaskCandidate,
)
from casepath.engine.time.timers import Due

_candidates = Base.metadata.tables[UserTaskCandidate.__tablename__]
_external_tasks = Base.metadata.tables[ExternalTask.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_jobs = Base.metadata.tables[Job.__tablename__]
_subscriptions = Base.metadata.tables[Subscription.__tablename__]
_user_tasks = Base.metadata.tables[UserTask.__tablename__]
# Looked up once: nearly every step makes a user task.
_ASSIGNEE, _FORM_KEY, _PRIORITY = _user_tasks.c.assignee, _user_tasks.c.form_key, _user_tasks.c.priority
_DUE_AT, _FOLLOW_UP_AT = _user_tasks.c.due_at, _user_tasks.c.follow_up_at


@dataclass(frozen=True, kw_only=True, slots=True)
class UserTaskCreated:
    """Somebody has to do something."""

    number: int
    element_id: str
    name: str
    assignee: str | None
    candidate_users: tuple[str, ...]
    candidate_groups: tuple[str, ...]
    form_key: str | None
    priority: int
    due_at: datetime | None
    follow_up_at: datetime | None

    def __post_init__(self) -> None:
        require_room(_ASSIGNEE, self.assignee, "an assignee")
        for name in (*self.candidate_users, *self.candidate_groups):
            require_room(_candidates.c.name, name, "a candidate")
        require_room(_FORM_KEY, self.form_key, "a form key")
        require_room(_PRIORITY, self.priority, "a priority")
        require_room(_DUE_AT, self.due_at, "a due date")
        require_room(_FOLLOW_UP_AT, self.follow_up_at, "a follow-up date")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalTaskCreated:
    """A worker has to do something."""

    number: int
    element_id: str
    topic: str
    priority: int

    def __post_init__(self) -> None:
        require_room(_external_tasks.c.topic, self.topic, "a topic")
        require_room(_external_tasks.c.priority, self.priority, "a priority")


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerArmed:
    """The clock will bring the instance on."""

    number: int
    element_id: str
    due: Due

    def __post_init__(self) -> None:
        require_room(_jobs.c.due_at, self.due.at, "a due date")


@dataclass(frozen=True, kw_only=True, slots=True)
class ContinuationQueued:
    """A save point: the instance goes on by itself, in a transaction of its own."""

    number: int
    element_id: str
    #: How long it waits before: nothing, unless it is to be tried again.
    after: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribed:
    """A message or signal will bring the instance on."""

    number: int
    element_id: str
    kind: str
    name: str
    correlation: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require_room(_subscriptions.c.name, self.name, "a name of a message or signal")


@dataclass(frozen=True, kw_only=True, slots=True)
class Disarmed:
    """An activity instance no longer waits for a timer, message or signal: at this element, or at any."""

    number: int
    element_id: str | None = None
    #: Whether there can be timers and continuations, messages and signals.
    jobs: bool = True
    subscriptions: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkEnded:
    """A user task or external task is over without having been completed: interrupted, or moved away by hand."""

    number: int
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent:
    """A message goes to whoever waits for it."""

    element_id: str
    name: str
    variables: Mapping[str, Any]
    #: Properties of the message by which the sender's diagram says for whom it is.
    correlation: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_room(_subscriptions.c.name, self.name, "a name of a message or signal")


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalSent:
    """A signal goes to all other instances and start events that wait for it."""

    element_id: str
    name: str
    variables: Mapping[str, Any]

    def __post_init__(self) -> None:
        require_room(_subscriptions.c.name, self.name, "a name of a message or signal")


@dataclass(frozen=True, kw_only=True, slots=True)
class Called:
    """Another process is to be run for a call activity."""

    number: int
    key: str
    version: int | None
    version_tag: str | None
    same_deployment: bool
    variables: Mapping[str, Any]
    business_key: str | None
    #: Whether the caller takes back just what the called process sets.
    tracks: bool

    def __post_init__(self) -> None:
        require_room(_instances.c.business_key, self.business_key, "a number of a matter")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallCancelled:
    """The process that a call activity runs is no longer wanted."""

    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """An element failed: its token stands still until somebody has it run again."""

    number: int
    element_id: str
    message: str
    details: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """A token that had failed goes on, or is gone."""

    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Escalated:
    """An escalation left the process instance; its caller may catch it."""

    code: str
    variables: Mapping[str, Any]
    #: Variables of the process at that moment, which its caller may ask for.
    results: Mapping[str, Any]
    #: Whether it interrupts the call, so that no end of this process gives anything back any more.
    interrupts: bool


Effect = (
    UserTaskCreated
    | ExternalTaskCreated
    | TimerArmed
    | ContinuationQueued
    | Subscribed
    | Disarmed
    | WorkEnded
    | MessageSent
    | SignalSent
    | Called
    | CallCancelled
    | Failed
    | Recovered
    | Escalated
)


@dataclass(kw_only=True, slots=True)
class Visit:
    """An activity instance that began or ended in this step."""

    number: int
    parent: int
    element_id: str
    element_type: str
    flow_id: str | None
    #: None for one that began in an earlier step.
    began: bool = True
    state: str = "active"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a process instance ended."""

    state: str
    #: `error` with its code, or None.
    error: errors.BpmnError | None = None
    reason: str | None = None
