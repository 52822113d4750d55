"""
Records of registers: what is kept beside the process instances, in what it is found, what happened to it, what each
starts, and the files from which they are taken.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine.database import Base, Ordered, RowId, String, Text
from casepath.engine.database.models.states import states_check


class Record(Base):
    """One record of a register, as it is now."""

    __tablename__ = "records"
    __table_args__ = (
        states_check("records"),
        UniqueConstraint("register", "key"),
        Index("records_in_order", "register", "state", "id"),
        CheckConstraint("merged_into IS NULL OR state = 'archived'", name="records_merged"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: Key of its register.
    register: Mapped[str] = mapped_column(String(255))
    #: By which people know it: a number that was given to it, or the value of a field. It stays.
    key: Mapped[str] = mapped_column(String(255))
    #: The version of the register by which it was filled in last.
    definition_id: Mapped[int] = mapped_column(ForeignKey("definitions.id"))
    state: Mapped[str] = mapped_column(String(16), default="active")
    #: The record that stands for it, since both were found to be one; itself merged into no other.
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("records.id", name="records_merged_into"), index=True)
    #: Counts the changes, from 1: whoever changes it names the one that he saw.
    revision: Mapped[int]
    #: JSON of all values, by field.
    values: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(255))
    changed_at: Mapped[datetime]
    changed_by: Mapped[str | None] = mapped_column(String(255))
    #: How long its history is and how it ends, so that a cut tail is noticed.
    history_length: Mapped[int] = mapped_column(default=0)
    history_hash: Mapped[str] = mapped_column(String(64), default="")


class RecordValue(Base):
    """A value of a record, in which it is found, compared with others and put in order (`engine.database.entries`)."""

    __tablename__ = "record_values"
    __table_args__ = (Index("record_values_in_order", "register", "name", "compared", "record_id"),)

    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Of its record.
    register: Mapped[str] = mapped_column(String(255))
    #: JSON.
    value: Mapped[str] = mapped_column(Text)
    compared: Mapped[str] = mapped_column(Text)


class RecordEvent(Base):
    """What happened to a record, once, sealed as the events of process instances are."""

    __tablename__ = "record_events"

    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), primary_key=True)
    #: Counts per record from 1 without gaps.
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(64))
    #: User name, program, or null for the engine itself.
    by: Mapped[str | None] = mapped_column(String(255))
    facts: Mapped[str] = mapped_column(Text, default="{}")
    #: Values, each with its salt, as in `history_events`.
    variables: Mapped[str | None] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


class RecordLink(Base):
    """A record to which a process instance points by a variable (`engine.database.links`)."""

    __tablename__ = "record_links"
    __table_args__ = (Index("record_links_of_record", "register", "key", "root_id"),)

    process_instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"), primary_key=True)
    #: The variable that holds the key.
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: The outermost caller of its process instance.
    root_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    register: Mapped[str] = mapped_column(String(255))
    key: Mapped[str] = mapped_column(String(255))


class RegisterProcess(Base):
    """A process of which each new record of a register starts an instance, as its newest version says."""

    __tablename__ = "register_processes"

    register: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: Key of the process.
    process: Mapped[str] = mapped_column(String(255), primary_key=True)


class RecordStart(Base):
    """What a new record starts: noted with it, and started by a worker."""

    __tablename__ = "record_starts"
    __table_args__ = (
        states_check("record_starts"),
        CheckConstraint("(state = 'started') = (process_instance_id IS NOT NULL)", name="record_starts_started"),
        Index("record_starts_by_state", "state", "process", "record_id"),
    )

    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), primary_key=True)
    #: Key of the process.
    process: Mapped[str] = mapped_column(String(255), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    process_instance_id: Mapped[int | None] = mapped_column(ForeignKey("process_instances.id"), index=True)
    #: Why none was started (a phrase).
    answer: Mapped[str | None] = mapped_column(Text)


class RecordTerm(Base):
    """Some letters of a value by which a record is searched: in each there begins one (`engine.database.entries`)."""

    __tablename__ = "record_terms"
    #: Rows are their own key: nothing else is stored of them.
    __table_args__ = ({"sqlite_with_rowid": False},)
    #: Characters.
    SIZE: ClassVar[int] = 16

    #: Of its record.
    register: Mapped[str] = mapped_column(String(255), primary_key=True)
    term: Mapped[str] = mapped_column(Ordered(SIZE), primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), primary_key=True)


class Import(Base):
    """A file whose rows are taken into a register: the queue, and what came of it."""

    __tablename__ = "imports"
    __table_args__ = (
        states_check("imports"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('waiting', 'running'))", name="imports_ended"),
        CheckConstraint("(ended_at IS NULL) = (content IS NOT NULL)", name="imports_content"),
        Index("imports_of_register", "register", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    register: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    #: JSON of its first row, and of the field that each heading means.
    headings: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)
    #: The file, as long as there is anything left to take.
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    #: How many rows it has; None before a worker has read it.
    size: Mapped[int | None]
    #: Rows of which it is decided what became of them; those behind them are not yet looked at.
    position: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    #: Why no more of it was taken (a phrase).
    answer: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(255))
    ended_at: Mapped[datetime | None]


class ImportRefusal(Base):
    """A row of a file that was not taken; kept for a while, so that whoever sent it can correct it."""

    __tablename__ = "import_refusals"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    #: Where it stands in the file, from 1.
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: JSON of what its cells say, and of why it was refused: fields, each with a phrase.
    cells: Mapped[str] = mapped_column(Text)
    reasons: Mapped[str] = mapped_column(Text)
