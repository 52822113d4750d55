"""What is measured of process instances: one row each, in columns that reports add up without reading anything else."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine.database.base import Base, Code, RowId, RowNumber, String, Text

#: Columns of each kind in a row; a process measures at most so many values of it.
COLUMNS: Final = {"text": 24, "number": 40}
#: Characters of a measured text.
MAX_TEXT: Final = 255


class Measure(Base):
    """In which column stands what a process measures under a name: the same one for ever, in all its versions."""

    __tablename__ = "measures"
    __table_args__ = (UniqueConstraint("process", "kind", "position"),)

    #: Key of the process.
    process: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: `text` or `number`.
    kind: Mapped[str] = mapped_column(Code(8), primary_key=True)
    #: From 1.
    position: Mapped[int]


#: A row for each process instance that nobody called and whose process measures anything: `text_1`, `number_1`, ….
measurements = Table(
    "measurements",
    Base.metadata,
    Column("process_instance_id", RowId, ForeignKey("process_instances.id"), primary_key=True, autoincrement=False),
    #: Key of the process.
    Column("process", String(255), nullable=False),
    #: `open`, `completed` or `cancelled`.
    Column("state", String(16), nullable=False),
    #: In seconds since 1970: the first moment that the process measures, its start where that is not known.
    Column("begun_at", RowNumber, nullable=False),
    *(Column(f"text_{position}", Text) for position in range(1, COLUMNS["text"] + 1)),
    *(Column(f"number_{position}", RowNumber) for position in range(1, COLUMNS["number"] + 1)),
    Index("measurements_begun", "process", "begun_at"),
)
