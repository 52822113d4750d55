"""What is alive: process instances and the work that waits for people, workers and the clock."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine import phrases
from casepath.engine.database import Base, Code, Ordered, Prose, RowId, String, Text
from casepath.engine.database.models.states import states_check
from casepath.engine.phrases import Phrase
from casepath.engine.settings import ATTEMPTS


class ProcessInstance(Base):
    """One run of a process definition."""

    __tablename__ = "process_instances"
    __table_args__ = (
        states_check("process_instances"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('active', 'suspended'))", name="process_instances_ended"),
        Index("process_instances_started", "definition_key", "started_at", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"), index=True)
    definition_key: Mapped[str] = mapped_column(String(255))
    #: The name of the matter in the business, shared by all process instances that serve it.
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(Code(16))
    #: The outermost caller, whose row locks for all below it; itself for one that nobody called.
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
    history_hash: Mapped[str] = mapped_column(Code(64), default="")
    #: Of the digest of state, tokens and variables in the history; null until they are first sealed.
    state_salt: Mapped[str | None] = mapped_column(Code(32))
    started_at: Mapped[datetime]
    started_by: Mapped[str | None] = mapped_column(String(255))
    ended_at: Mapped[datetime | None]
    #: Why it ended early: `error:<code>`, `caller`, or the reason that a person gave.
    end_reason: Mapped[str | None] = mapped_column(Prose)


class UserTask(Base):
    """Work for a person."""

    __tablename__ = "user_tasks"
    __table_args__ = (
        states_check("user_tasks"),
        CheckConstraint("(ended_at IS NULL) = (state = 'created')", name="user_tasks_ended"),
        UniqueConstraint("process_instance_id", "activity_instance"),
        Index(
            "user_tasks_inbox",
            "assignee",
            "sort_at",
            "id",
            sqlite_where=text("state = 'created'"),
            postgresql_where=text("state = 'created'"),
        ),
        Index(
            "user_tasks_lent",
            "owner",
            "sort_at",
            "id",
            sqlite_where=text("state = 'created' AND owner IS NOT NULL"),
            postgresql_where=text("state = 'created' AND owner IS NOT NULL"),
        ),
        Index(
            "user_tasks_open",
            "sort_at",
            "id",
            sqlite_where=text("state = 'created'"),
            postgresql_where=text("state = 'created'"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    activity_instance: Mapped[int]
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"))
    element_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="created")
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
    kind: Mapped[str] = mapped_column(Code(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Whether somebody has it.
    claimed: Mapped[bool] = mapped_column(default=False)
    sort_at: Mapped[datetime]


class ExternalTask(Base):
    """Work for a worker, waiting under a topic."""

    __tablename__ = "external_tasks"
    __table_args__ = (
        states_check("external_tasks"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('created', 'locked', 'failed'))", name="external_tasks_ended"),
        UniqueConstraint("process_instance_id", "activity_instance"),
        Index(
            "external_tasks_due",
            "topic",
            "locked_until",
            "id",
            sqlite_where=text("state IN ('created', 'locked')"),
            postgresql_where=text("state IN ('created', 'locked')"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    activity_instance: Mapped[int]
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"))
    element_id: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255))
    topic: Mapped[str] = mapped_column(String(255))
    priority: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Code(16), default="created")
    worker_id: Mapped[str | None] = mapped_column(String(255))
    #: Given out until then; in the past when it is free.
    locked_until: Mapped[datetime]
    #: Attempts left; null until a worker has reported a failure.
    retries: Mapped[int | None]
    error_message: Mapped[str | None] = mapped_column(Prose)
    error_details: Mapped[str | None] = mapped_column(Prose)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Job(Base):
    """
    The engine's own due work: a timer, a continuation, a message or signal on its way.

    An instance goes on after a save point; without one, the records of a register are found anew, of which there were
    too many for the deployment.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        states_check("jobs"),
        CheckConstraint("kind IN ('timer', 'start_timer', 'continuation', 'message', 'signal')", name="jobs_kind"),
        Index(
            "jobs_due",
            "due_at",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("jobs_owner", "process_instance_id", "activity_instance"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(Code(16))
    #: Null for timers that start an instance, and for records.
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    definition_id: Mapped[int | None] = mapped_column(ForeignKey("definitions.id"))
    #: What it moves; null for what starts an instance, and for a message or signal that still looks for its receivers.
    activity_instance: Mapped[int | None]
    element_id: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(Code(16), default="waiting")
    due_at: Mapped[datetime]
    #: What is needed to go on: the rest of a cycle, name and variables of a message, what a worker reported, or after
    #: which record; JSON.
    payload: Mapped[str | None] = mapped_column(Text)
    retries: Mapped[int] = mapped_column(default=ATTEMPTS)
    error_message: Mapped[str | None] = mapped_column(Prose)
    #: The message as a phrase with its facts (`phrases.dumps`), or what Python tells of an error that is none of ours.
    error_details: Mapped[str | None] = mapped_column(Prose)
    created_at: Mapped[datetime]

    @property
    def phrase(self) -> Phrase | None:
        """Why it failed, where the engine itself said so."""
        return phrases.loads(self.error_details)


class Subscription(Base):
    """Who waits for a message or signal: a process instance, or a definition that it starts."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("kind IN ('message', 'signal')", name="subscriptions_kind"),
        Index("subscriptions_name", "kind", "name", "business_key"),
        Index("subscriptions_correlation", "kind", "name", "correlation_key", "business_key"),
        Index("subscriptions_owner", "process_instance_id", "activity_instance"),
        Index(
            "subscriptions_starting",
            "kind",
            "name",
            sqlite_where=text("process_instance_id IS NULL"),
            postgresql_where=text("process_instance_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(Code(8))
    name: Mapped[str] = mapped_column(String(255))
    #: Null for a start event.
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"), index=True)
    activity_instance: Mapped[int | None]
    element_id: Mapped[str] = mapped_column(String(255))
    business_key: Mapped[str | None] = mapped_column(String(255))
    #: The values by which the diagram wants its message, as `engine.database.correlation.key` writes them, or empty.
    correlation_key: Mapped[str] = mapped_column(String(255), server_default="")
    created_at: Mapped[datetime]


class CorrelationValue(Base):
    """A variable that an activity sees which waits for a message: what the message may be correlated by."""

    __tablename__ = "correlation_values"
    __table_args__ = (
        Index("correlation_values_equal", "name", "value", "process_instance_id", "activity_instance"),
    )

    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), primary_key=True)
    #: 0 where the process itself waits.
    activity_instance: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: As `engine.database.correlation.text` writes it.
    value: Mapped[str] = mapped_column(String(255))


class Fact(Base):
    """A variable by which people know a process instance, as its process declares it (`engine.database.facts`)."""

    __tablename__ = "facts"
    __table_args__ = (Index("facts_of_root", "root_id", "process_instance_id", "position"),)

    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: The outermost caller of its process instance.
    root_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    #: In the order of the declaration.
    position: Mapped[int]
    #: JSON.
    value: Mapped[str] = mapped_column(Text)


class SearchTerm(Base):
    """Some letters of a text that people know a process instance by (`engine.database.terms`)."""

    __tablename__ = "search_terms"
    #: Rows are their own key: nothing else is stored of them.
    __table_args__ = ({"sqlite_with_rowid": False},)
    #: Characters.
    SIZE: ClassVar[int] = 16

    term: Mapped[str] = mapped_column(Ordered(SIZE), primary_key=True)
    #: The outermost caller of its process instance.
    root_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), primary_key=True)


class Incident(Base):
    """Something is stuck and needs a person."""

    __tablename__ = "incidents"
    __table_args__ = (
        states_check("incidents"),
        CheckConstraint("kind IN ('execution', 'job', 'external_task', 'stuck')", name="incidents_kind"),
        CheckConstraint("(resolved_at IS NULL) = (state = 'open')", name="incidents_resolved"),
        Index("incidents_owner", "process_instance_id", "activity_instance"),
        Index("incidents_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: `execution`: an element failed and its token stands still; `stuck`: nothing can move the instance, or,
    #: with an activity instance, what somebody did there was taken back.
    kind: Mapped[str] = mapped_column(Code(16))
    #: Null for a timer that should have started an instance.
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"))
    activity_instance: Mapped[int | None]
    element_id: Mapped[str | None] = mapped_column(String(255))
    #: The job or external task that has no retries left.
    job_id: Mapped[int | None]
    external_task_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(Code(16), default="open")
    message: Mapped[str] = mapped_column(Prose)
    #: Of the engine's own incidents the phrase with its facts (`phrases.dumps`), else what a worker or Python tells.
    details: Mapped[str | None] = mapped_column(Prose)
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def phrase(self) -> Phrase | None:
        """What the engine said when it got stuck; None where a worker or Python said it."""
        return phrases.loads(self.details)
