"""Who may do what: users, groups, wrong passwords, ended sessions, sent forms, drafts, views; and numbers given out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine.database import Base, RowId, String, Text


class User(Base):
    """Somebody who may log in."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(255))
    #: argon2id, PHC string; null: may not log in with a password.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    #: Whether somebody else knows the password, who has given it: the user has to choose another one first.
    password_is_given: Mapped[bool] = mapped_column(default=False, server_default=false())
    language: Mapped[str] = mapped_column(String(8), default="zh_CN")
    active: Mapped[bool] = mapped_column(default=True)
    #: At which hour of the house, 0 to 23, an e-mail tells what is unread; null: none does. And when the next one goes.
    digest_hour: Mapped[int | None]
    digest_at: Mapped[datetime | None]
    #: Ends sessions that were begun before.
    sessions_valid_from: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Group(Base):
    """A role: who belongs to it may claim its user tasks."""

    __tablename__ = "groups"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    name_en: Mapped[str | None] = mapped_column(String(255))
    #: Its people may see every process instance, also those they have no part in.
    sees_all: Mapped[bool] = mapped_column(default=False)
    #: JSON list of keys of groups; its people see the user tasks of those and hand them on.
    distributes: Mapped[str] = mapped_column(Text, default="[]")


class Membership(Base):
    """A user belongs to a group."""

    __tablename__ = "memberships"

    username: Mapped[str] = mapped_column(ForeignKey("users.username"), primary_key=True)
    group_key: Mapped[str] = mapped_column(ForeignKey("groups.key"), primary_key=True, index=True)


class Substitution(Base):
    """Who does the user tasks of somebody who is away, for a period."""

    __tablename__ = "substitutions"
    __table_args__ = (CheckConstraint("begins_at < ends_at", name="substitutions_period"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: Who is away.
    username: Mapped[str] = mapped_column(ForeignKey("users.username"), index=True)
    substitute: Mapped[str] = mapped_column(ForeignKey("users.username"), index=True)
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime]


class LoginFailure(Base):
    """A wrong password, kept for as long as it slows down the next attempt."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    username: Mapped[str] = mapped_column(String(255), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]


class EndedSession(Base):
    """A session of the pages that its user has ended; its cookie counts no longer, whoever has it."""

    __tablename__ = "ended_sessions"

    username: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: When it was begun, which no two sessions of a user share.
    begun_at: Mapped[datetime] = mapped_column(primary_key=True)
    #: When the session would have ended by itself; the row has served its purpose then.
    expires_at: Mapped[datetime]


class Submission(Base):
    """A form that a user sent, kept so that it makes nothing when it arrives again."""

    __tablename__ = "submissions"

    username: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Of the form and what was typed into it.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: What came of it, such as the business key of the process instance that was started.
    made: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class Draft(Base):
    """What a user has typed into the form that starts a process, and not sent."""

    __tablename__ = "drafts"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    username: Mapped[str] = mapped_column(String(255), index=True)
    definition_key: Mapped[str] = mapped_column(String(255))
    #: JSON of what stood in the fields.
    typed: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime]


class TaskView(Base):
    """What somebody, or a group, wants to see of the task lists, under a name (`engine.instances.task_views`)."""

    __tablename__ = "task_views"
    __table_args__ = (
        CheckConstraint("(username IS NULL) <> (group_key IS NULL)", name="task_views_owner"),
        # Of two who keep one of the same name at the same moment, one is told.
        Index("task_views_of_person", "username", "name", unique=True),
        Index("task_views_of_group", "group_key", "name", unique=True),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: Whose own it is.
    username: Mapped[str | None] = mapped_column(ForeignKey("users.username"), index=True)
    #: Whose people share it.
    group_key: Mapped[str | None] = mapped_column(ForeignKey("groups.key"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    #: JSON.
    settings: Mapped[str] = mapped_column(Text)


class NumberSequence(Base):
    """The last number given out under a name, such as the register of a year."""

    __tablename__ = "number_sequences"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    last: Mapped[int]
