"""
Every table with its states, constraints and indexes, in the order of a process instance's life.

A row of `process_instances` holds only what is alive: tokens and variable scopes, as compact JSON. What happened is in
`activity_instances` (for reading) and `history_events` (as proof), once. `activity_instance` is everywhere the number
of an activity instance within its process instance; 0 is the process instance itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Base, RowId

#: The states of each table and where each may go; an empty set is an end. Guarded updates and CHECK constraints follow.
TRANSITIONS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "process_instances": {
        # Runs; every trigger moves it. After a crash it is where its last transaction left it.
        "active": frozenset({"suspended", "completed", "cancelled"}),
        # Holds still: user tasks cannot be completed, jobs and external tasks are not given out.
        "suspended": frozenset({"active", "cancelled"}),
        "completed": frozenset(),
        # Ended early by hand, by an uncaught error event or together with its caller; `end_reason` says which.
        "cancelled": frozenset(),
    },
    "user_tasks": {
        "created": frozenset({"completed", "cancelled"}),
        "completed": frozenset(),
        "cancelled": frozenset(),
    },
    "external_tasks": {
        # Free to be fetched, when `retries` is not 0 and `locked_until` is past.
        "created": frozenset({"locked", "completed", "failed", "cancelled"}),
        # A worker has it until `locked_until`; after that it may be fetched again by anybody.
        "locked": frozenset({"created", "completed", "failed", "cancelled"}),
        # No retries left; an incident is open. Setting retries brings it back.
        "failed": frozenset({"created", "cancelled"}),
        "completed": frozenset(),
        "cancelled": frozenset(),
    },
    "jobs": {
        # Waits for `due_at`, is executed in the transaction that moves the instance; then the row is gone.
        "waiting": frozenset({"failed"}),
        # No retries left; an incident is open.
        "failed": frozenset({"waiting"}),
    },
    "incidents": {"open": frozenset({"resolved"}), "resolved": frozenset()},
    "activity_instances": {
        "active": frozenset({"completed", "cancelled"}),
        "completed": frozenset(),
        "cancelled": frozenset(),
    },
}


def _states(table: str) -> CheckConstraint:
    names = ", ".join(f"'{state}'" for state in TRANSITIONS[table])
    return CheckConstraint(f"state IN ({names})", name=f"{table}_state")


class Deployment(Base):
    """A read-only set of resources put into the engine together."""

    __tablename__ = "deployments"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    #: SHA-256 over names and contents of all resources, in hex.
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(255))


class Resource(Base):
    """One file of a deployment, as it came."""

    __tablename__ = "resources"
    __table_args__ = (UniqueConstraint("deployment_id", "name"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployments.id"))
    #: Path below the deployed folder, with `/`.
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Definition(Base):
    """One version of something that is found by its key: a process, a decision, or a form."""

    __tablename__ = "definitions"
    __table_args__ = (
        UniqueConstraint("kind", "key", "version"),
        CheckConstraint("kind IN ('process', 'decision', 'form')", name="definitions_kind"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    #: The id in the file: process id, decision id, form id.
    key: Mapped[str] = mapped_column(String(255))
    #: Counts per kind and key, from 1.
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    version_tag: Mapped[str | None] = mapped_column(String(255))
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployments.id"), index=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resources.id"))
    #: Of the resource: the same content again is no new version.
    sha256: Mapped[str] = mapped_column(String(64))
    #: False for a process that only documents (`isExecutable="false"`).
    executable: Mapped[bool] = mapped_column(default=True)
    #: New instances are not started while a definition is suspended.
    suspended: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ProcessInstance(Base):
    """One run of a process definition."""

    __tablename__ = "process_instances"
    __table_args__ = (
        _states("process_instances"),
        CheckConstraint(
            "(ended_at IS NULL) = (state IN ('active', 'suspended'))", name="process_instances_ended"
        ),
        Index("process_instances_started", "definition_key", "started_at", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"), index=True)
    definition_key: Mapped[str] = mapped_column(String(255))
    #: The name of the matter in the business, shared by all process instances that serve it.
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(String(16))
    #: Who called it; the root locks for all below it. The root's own row has itself here.
    root_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"), index=True)
    #: The call activity in the parent.
    parent_activity_instance: Mapped[int | None]
    #: Tokens and scopes that are alive, JSON; empty when ended.
    tokens: Mapped[str] = mapped_column(Text, default="")
    #: Variables of the scopes that are alive, JSON; those of the process scope stay after the end.
    variables: Mapped[str] = mapped_column(Text, default="{}")
    #: Number and hash of the last history event, so that a cut tail is noticed.
    history_length: Mapped[int] = mapped_column(default=0)
    history_hash: Mapped[str] = mapped_column(String(64), default="")
    started_at: Mapped[datetime]
    started_by: Mapped[str | None] = mapped_column(String(255))
    ended_at: Mapped[datetime | None]
    #: Why it ended early: `error:<code>`, `caller`, or the reason that a person gave.
    end_reason: Mapped[str | None] = mapped_column(Text)


class UserTask(Base):
    """Work for a person."""

    __tablename__ = "user_tasks"
    __table_args__ = (
        _states("user_tasks"),
        CheckConstraint("(ended_at IS NULL) = (state = 'created')", name="user_tasks_ended"),
        UniqueConstraint("process_instance_id", "activity_instance"),
        Index("user_tasks_inbox", "assignee", "sort_at", "id", sqlite_where=text("state = 'created'"),
              postgresql_where=text("state = 'created'")),
        Index("user_tasks_open", "sort_at", "id", sqlite_where=text("state = 'created'"),
              postgresql_where=text("state = 'created'")),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    activity_instance: Mapped[int]
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"))
    element_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(String(16), default="created")
    assignee: Mapped[str | None] = mapped_column(String(255))
    #: Who stays responsible while it is delegated.
    owner: Mapped[str | None] = mapped_column(String(255))
    #: JSON lists of names; the same names stand in `user_task_candidates` while the task is open.
    candidate_users: Mapped[str] = mapped_column(Text, default="[]")
    candidate_groups: Mapped[str] = mapped_column(Text, default="[]")
    form_key: Mapped[str | None] = mapped_column(String(255))
    #: 0 to 100, 50 unless the diagram says otherwise.
    priority: Mapped[int] = mapped_column(default=50)
    due_at: Mapped[datetime | None]
    #: Hidden from the task list until then.
    follow_up_at: Mapped[datetime | None]
    #: The due date, or the far future: what task lists are ordered by.
    sort_at: Mapped[datetime]
    #: Values that were typed but not submitted, JSON.
    draft: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class UserTaskCandidate(Base):
    """Who may claim an open user task; the row goes when the task ends."""

    __tablename__ = "user_task_candidates"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'group')", name="user_task_candidates_kind"),
        # The page of somebody's task list is one range of this index, however many tasks there are.
        Index("user_task_candidates_inbox", "kind", "name", "claimed", "sort_at", "user_task_id"),
    )

    user_task_id: Mapped[int] = mapped_column(ForeignKey("user_tasks.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Whether somebody has it.
    claimed: Mapped[bool] = mapped_column(default=False)
    sort_at: Mapped[datetime]


class ExternalTask(Base):
    """Work for a worker, waiting under a topic."""

    __tablename__ = "external_tasks"
    __table_args__ = (
        _states("external_tasks"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('created', 'locked', 'failed'))", name="external_tasks_ended"),
        UniqueConstraint("process_instance_id", "activity_instance"),
        Index("external_tasks_due", "topic", "locked_until", "id",
              sqlite_where=text("state IN ('created', 'locked')"),
              postgresql_where=text("state IN ('created', 'locked')")),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    activity_instance: Mapped[int]
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"))
    element_id: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255))
    topic: Mapped[str] = mapped_column(String(255))
    priority: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16), default="created")
    worker_id: Mapped[str | None] = mapped_column(String(255))
    #: Given out until then; in the past when it is free.
    locked_until: Mapped[datetime]
    #: Attempts left; null until a worker has reported a failure.
    retries: Mapped[int | None]
    error_message: Mapped[str | None] = mapped_column(Text)
    error_details: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Job(Base):
    """The engine's own due work: a timer, a continuation after a save point, a message or signal on its way."""

    __tablename__ = "jobs"
    __table_args__ = (
        _states("jobs"),
        CheckConstraint("kind IN ('timer', 'start_timer', 'continuation', 'message', 'signal')", name="jobs_kind"),
        Index("jobs_due", "due_at", "id", sqlite_where=text("state = 'waiting'"),
              postgresql_where=text("state = 'waiting'")),
        Index("jobs_owner", "process_instance_id", "activity_instance"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    #: Null for timers that start an instance and for signals.
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    definition_id: Mapped[int | None] = mapped_column(ForeignKey("definitions.id"))
    activity_instance: Mapped[int | None]
    element_id: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    due_at: Mapped[datetime]
    #: What is needed to go on: the rest of a cycle, or name and variables of a message; JSON.
    payload: Mapped[str | None] = mapped_column(Text)
    retries: Mapped[int] = mapped_column(default=3)
    error_message: Mapped[str | None] = mapped_column(Text)
    error_details: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Subscription(Base):
    """Who waits for a message or signal: a process instance, or a definition that it starts."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("kind IN ('message', 'signal')", name="subscriptions_kind"),
        Index("subscriptions_name", "kind", "name", "business_key"),
        Index("subscriptions_owner", "process_instance_id", "activity_instance"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(255))
    #: Null for a start event.
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"), index=True)
    activity_instance: Mapped[int | None]
    element_id: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255))
    #: Correlation keys of the diagram with their values in this instance, canonical JSON; null without.
    correlation: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Incident(Base):
    """Something is stuck and needs a person."""

    __tablename__ = "incidents"
    __table_args__ = (
        _states("incidents"),
        CheckConstraint("kind IN ('execution', 'job', 'external_task', 'stuck')", name="incidents_kind"),
        CheckConstraint("(resolved_at IS NULL) = (state = 'open')", name="incidents_resolved"),
        Index("incidents_owner", "process_instance_id", "activity_instance"),
        Index("incidents_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: `execution`: an element failed and its token stands still; `stuck`: nothing can move the instance.
    kind: Mapped[str] = mapped_column(String(16))
    #: Null for a timer that should have started an instance.
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    activity_instance: Mapped[int | None]
    element_id: Mapped[str | None] = mapped_column(String(255))
    #: The job or external task that has no retries left.
    job_id: Mapped[int | None]
    external_task_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16), default="open")
    message: Mapped[str] = mapped_column(Text)
    details: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(255))


class ActivityInstance(Base):
    """One visit of a process instance to a node."""

    __tablename__ = "activity_instances"
    __table_args__ = (
        _states("activity_instances"),
        CheckConstraint("(ended_at IS NULL) = (state = 'active')", name="activity_instances_ended"),
        Index("activity_instances_element", "process_instance_id", "element_id"),
    )

    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), primary_key=True)
    #: Counts per process instance, from 1.
    number: Mapped[int] = mapped_column(primary_key=True)
    #: The activity instance it lives in: a sub-process, a multi-instance body; 0 for the process instance.
    parent: Mapped[int] = mapped_column(default=0)
    element_id: Mapped[str] = mapped_column(String(255))
    #: Tag of the element, such as `userTask`.
    element_type: Mapped[str] = mapped_column(String(64))
    #: The sequence flow it came by, where there is one.
    flow_id: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class HistoryEvent(Base):
    """What happened, once, each event sealed with the hash of the one before it in the same process instance."""

    __tablename__ = "history_events"
    __table_args__ = (UniqueConstraint("process_instance_id", "sequence"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    #: Counts per process instance, from 1 without gaps.
    sequence: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(64))
    activity_instance: Mapped[int | None]
    element_id: Mapped[str | None] = mapped_column(String(255))
    #: User name, worker id, or null for the engine itself.
    by: Mapped[str | None] = mapped_column(String(255))
    #: What is not personal: flow taken, reason, timer text; canonical JSON.
    facts: Mapped[str] = mapped_column(Text, default="{}")
    #: Values, each with its salt: {name: [salt, value]}, or {name: [digest]} once erased; canonical JSON.
    variables: Mapped[str | None] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


class Attachment(Base):
    """A file that belongs to a matter: a photo, a letter, the archived form."""

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    business_key: Mapped[str] = mapped_column(String(255), index=True)
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(255))


class Comment(Base):
    """What somebody noted about a matter."""

    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    business_key: Mapped[str] = mapped_column(String(255), index=True)
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))


class Notification(Base):
    """What a user was told."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("notifications_unread", "username", "id", sqlite_where=text("read_at IS NULL"),
              postgresql_where=text("read_at IS NULL")),
        # The worker that is interrupted after writing and before completing tells nobody twice.
        UniqueConstraint("idempotency_key", "username"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    username: Mapped[str] = mapped_column(String(255), index=True)
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    #: `notice`, `reminder` or `escalation`.
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    #: When the e-mail went out, where one is configured.
    sent_at: Mapped[datetime | None]


class User(Base):
    """Somebody who may log in."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(255))
    #: argon2id, PHC string; null: may not log in with a password.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(8), default="zh_CN")
    active: Mapped[bool] = mapped_column(default=True)
    #: Ends sessions that were begun before.
    sessions_valid_from: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Group(Base):
    """A role: who belongs to it may claim its user tasks."""

    __tablename__ = "groups"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    name_en: Mapped[str | None] = mapped_column(String(255))


class Membership(Base):
    """A user belongs to a group."""

    __tablename__ = "memberships"

    username: Mapped[str] = mapped_column(ForeignKey("users.username"), primary_key=True)
    group_key: Mapped[str] = mapped_column(ForeignKey("groups.key"), primary_key=True, index=True)


class LoginFailure(Base):
    """A wrong password, kept for as long as it slows down the next attempt."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    username: Mapped[str] = mapped_column(String(255), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]


class NumberSequence(Base):
    """The last number given out under a name, such as the register of a year."""

    __tablename__ = "number_sequences"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    last: Mapped[int]
