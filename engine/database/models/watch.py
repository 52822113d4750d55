"""How the engine watches itself: signs of life of its workers, and what administrators were told of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine.database import Base, String, Text


class WorkerThread(Base):
    """A thread of a worker; one that was killed stays until nobody can be interested in it any more."""

    __tablename__ = "worker_threads"

    #: Host and process.
    worker_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: What it does: `jobs` or `topics`.
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    #: JSON list of the topics that it serves.
    topics: Mapped[str] = mapped_column(Text, default="[]")
    began_at: Mapped[datetime]
    #: Its last sign of life.
    seen_at: Mapped[datetime]
    #: When it was stopped as it should be.
    ended_at: Mapped[datetime | None]
    #: How often it has died and was begun again.
    restarts: Mapped[int] = mapped_column(default=0)


class Alarm(Base):
    """A standstill of which administrators were told; the row goes when things move again."""

    __tablename__ = "alarms"

    #: What stands still, such as `silent:jobs`.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    rung_at: Mapped[datetime]
