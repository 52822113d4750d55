"""Whether the engine moves: what its workers do, what waits for them, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.database.models import ExternalTask, Job, ProcessInstance, WorkerThread
from casepath.engine.settings import current
from casepath.engine.time import clock

#: What the threads of a worker do; without one of them the engine stands still.
THREADS: tuple[Literal["jobs", "topics"], ...] = ("jobs", "topics")
#: Each page of those who operate the engine asks for these.
_SEEN = select(WorkerThread).order_by(WorkerThread.seen_at.desc(), WorkerThread.name)
_OLDEST_DUE = (
    select(Job.due_at)
    .outerjoin(ProcessInstance, ProcessInstance.id == Job.process_instance_id)
    .where(Job.state == "waiting", Job.due_at <= bindparam("now", type_=Job.due_at.type))
    .where(or_(ProcessInstance.id.is_(None), ProcessInstance.state != "suspended"))
    .order_by(Job.due_at)
    .limit(1)
)


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A thread of a worker."""

    host: str
    process: str
    name: str
    topics: Sequence[str]
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    #: How often it has died and was begun again.
    restarts: int
    #: Whether it should live and has given no sign for too long.
    is_silent: bool


@dataclass(frozen=True, kw_only=True)
class Topic:
    """External tasks of one topic that any worker may fetch."""

    name: str
    waiting: int
    #: Since when the oldest one waits.
    since: datetime
    #: Whether a living thread of a worker serves it; others may, by the interface for programs.
    is_served: bool


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """Something that does not move: no sign of life of a kind of thread (`silent`), or a job that is due (`late`)."""

    code: Literal["silent", "late"]
    #: Which kind of thread.
    thread: str = ""
    #: The last sign of life, or when the job was due; None where there was no sign ever.
    since: datetime | None

    @property
    def key(self) -> str:
        """What tells it from others."""
        return f"{self.code}:{self.thread}" if self.thread else self.code


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is known of workers and work."""

    threads: Sequence[Thread]
    #: When the oldest job was due that nobody has executed; None where there is none.
    oldest_due: datetime | None
    topics: Sequence[Topic]
    standstills: Sequence[Standstill]


def look(session: Session) -> Watch:
    """Return what workers do and what waits for them."""
    threads, oldest = _threads(session), _oldest_due(session)
    served = {topic for each in threads if each.ended_at is None and not each.is_silent for topic in each.topics}
    return Watch(
        threads=threads, oldest_due=oldest, topics=_topics(session, served), standstills=_standing(threads, oldest)
    )


def standstills(session: Session) -> Sequence[Standstill]:
    """Return what does not move; nothing where all is well."""
    return _standing(_threads(session), _oldest_due(session))


def _threads(session: Session) -> list[Thread]:
    now = clock.now()
    threads = []
    for row in session.scalars(_SEEN):
        host, _, process = row.worker_id.rpartition("/")
        topics: Any = values.loads(row.topics)
        threads.append(
            Thread(
                host=host,
                process=process,
                name=row.name,
                topics=topics,
                began_at=row.began_at,
                seen_at=row.seen_at,
                ended_at=row.ended_at,
                restarts=row.restarts,
                is_silent=row.ended_at is None and now - row.seen_at > current.silent_after,
            )
        )
    return threads


def _oldest_due(session: Session) -> datetime | None:
    return session.scalar(_OLDEST_DUE, {"now": clock.now()})


def _topics(session: Session, served: set[str]) -> list[Topic]:
    rows = session.execute(
        select(ExternalTask.topic, func.count(), func.min(ExternalTask.locked_until))
        .join(ProcessInstance, ProcessInstance.id == ExternalTask.process_instance_id)
        .where(ExternalTask.state.in_(("created", "locked")), ExternalTask.locked_until <= clock.now())
        .where(ProcessInstance.state != "suspended")
        .group_by(ExternalTask.topic)
        .order_by(ExternalTask.topic)
    )
    return [Topic(name=name, waiting=count, since=since, is_served=name in served) for name, count, since in rows]


def _standing(threads: Sequence[Thread], oldest_due: datetime | None) -> list[Standstill]:
    now = clock.now()
    found = []
    for name in THREADS:
        # The one that was stopped last, too: between two workers there may be a moment without any.
        last = max((each.seen_at for each in threads if each.name == name), default=None)
        if last is None or now - last > current.silent_after:
            found.append(Standstill(code="silent", thread=name, since=last))
    if oldest_due is not None and now - oldest_due > current.late_after:
        found.append(Standstill(code="late", since=oldest_due))
    return found
