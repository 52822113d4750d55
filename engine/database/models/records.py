"""What happened and what was written down: activity instances, history, attachments, comments, notifications, mails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine import phrases
from casepath.engine.database import Base, Code, RowId, String, Text
from casepath.engine.database.models.states import states_check
from casepath.engine.phrases import Phrase


class ActivityInstance(Base):
    """One visit of a process instance to a node."""

    __tablename__ = "activity_instances"
    __table_args__ = (
        states_check("activity_instances"),
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
    state: Mapped[str] = mapped_column(Code(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


#: Events by which somebody takes a user task, or hands on the one that he has.
TAKEN = ("user_task.claimed", "user_task.unclaimed", "user_task.assigned", "user_task.delegated")
_TAKEN = text(f"kind IN {TAKEN}")


class HistoryEvent(Base):
    """What happened, once, each event sealed with the hash of the one before it in the same process instance."""

    __tablename__ = "history_events"
    __table_args__ = (
        UniqueConstraint("process_instance_id", "sequence"),
        # Whoever had a user task finds the matter again when another has it.
        Index(
            "history_events_taken",
            "by",
            "process_instance_id",
            sqlite_where=_TAKEN,
            postgresql_where=_TAKEN,
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    #: Counts per process instance, from 1 without gaps.
    sequence: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Code(64))
    activity_instance: Mapped[int | None]
    element_id: Mapped[str | None] = mapped_column(String(255))
    #: User name, program, or null for the engine itself.
    by: Mapped[str | None] = mapped_column(String(255))
    #: What is not personal: flow taken, reason, timer text; canonical JSON.
    facts: Mapped[str] = mapped_column(Text, default="{}")
    #: Values, each with its salt: {name: [salt, value]}, or {name: [digest]} once erased; canonical JSON.
    variables: Mapped[str | None] = mapped_column(Text)
    #: Digests of what the process instance was, on the first event of a step, and what it became, on the last.
    state_before: Mapped[str | None] = mapped_column(Code(64))
    state_after: Mapped[str | None] = mapped_column(Code(64))
    hash: Mapped[str] = mapped_column(Code(64))


class OrganisationEvent(Base):
    """What happened to people, groups and the calendar, once, sealed as the events of process instances are."""

    __tablename__ = "organisation_events"

    #: Counts from 1 without gaps.
    sequence: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(64))
    #: User name, program, or null for the engine itself.
    by: Mapped[str | None] = mapped_column(String(255))
    facts: Mapped[str] = mapped_column(Text, default="{}")
    #: Names and addresses, each with its salt, as in `history_events`.
    variables: Mapped[str | None] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


class OrganisationHistory(Base):
    """The one row that says how long the history of the house is and how it ends, so that a cut tail is noticed."""

    __tablename__ = "organisation_history"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    length: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default="")


class Attachment(Base):
    """A file that belongs to a matter: a photo, a letter, the archived form."""

    __tablename__ = "attachments"
    # What somebody has added lately is summed up without a look at the contents, behind which the other columns lie.
    __table_args__ = (Index("attachments_of_person", "created_by", "created_at", "size"),)

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
        Index(
            "notifications_unread",
            "username",
            "id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
        # A task that is tried again tells nobody twice, whatever an earlier version had written before it failed.
        UniqueConstraint("idempotency_key", "username"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    username: Mapped[str] = mapped_column(String(255), index=True)
    business_key: Mapped[str | None] = mapped_column(String(255), index=True)
    #: `notice`, `reminder` or `escalation`; `mention` in a comment, `news` of what one watches.
    kind: Mapped[str] = mapped_column(String(16))
    #: Of the process instance that told it: when it has ended, its reminders and escalations ask for nothing any more.
    process_instance_id: Mapped[int | None] = mapped_column(RowId)
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    #: JSON by language, where it is told in several: `{"en": ["subject", "text"]}`.
    wordings: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    @property
    def phrase(self) -> Phrase | None:
        """What the engine itself says, to be told in the language of the reader; None for a diagram's own words."""
        return phrases.loads(self.text)


class Watch(Base):
    """Somebody wants to be told what happens in a matter (`engine.instances.watches`)."""

    __tablename__ = "watches"

    username: Mapped[str] = mapped_column(ForeignKey("users.username"), primary_key=True)
    business_key: Mapped[str] = mapped_column(String(255), primary_key=True, index=True)
    #: Of how many events of the matter's histories this one was told, or need not be.
    events: Mapped[int]
    #: How many of them each process instance had, JSON: `{"12": 40}`.
    seen: Mapped[str] = mapped_column(Text)


class Mail(Base):
    """A notification that goes out by e-mail as well: the queue, and what came of it."""

    __tablename__ = "mails"
    __table_args__ = (
        states_check("mails"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('waiting', 'sending'))", name="mails_ended"),
        Index("mails_due", "state", "due_at", "id"),
        Index("mails_by_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: What is said, and to whom; the address is looked up when it is sent.
    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id"), unique=True)
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    #: Begins the Message-ID, the same for every attempt.
    token: Mapped[str] = mapped_column(String(32))
    #: Attempts that were begun; only the last one may say what came of it.
    attempts: Mapped[int] = mapped_column(default=0)
    #: When the next attempt may begin: while one is made, when it is given up.
    due_at: Mapped[datetime]
    #: Where the last attempt went.
    address: Mapped[str | None] = mapped_column(String(255))
    #: What the mail server said last, or why it was not asked (a phrase).
    answer: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
