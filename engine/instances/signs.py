"""Signs of life that the threads of workers give, and the alarm where nothing moves any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from casepath.engine import database
from casepath.engine.database import values
from casepath.engine.database.models import Alarm, WorkerThread
from casepath.engine.time import clock

#: How long a thread that has ended, or was killed, is shown.
REMEMBERED = timedelta(days=1)


def give(
    session: Session,
    worker_id: str,
    name: str,
    *,
    began_at: datetime,
    topics: Iterable[str] = (),
    restarts: int = 0,
) -> None:
    """Note that a thread of a worker lives; the first sign forgets the threads that nobody asks for any more."""
    now = clock.now()
    changed = {"topics": values.dumps(sorted(topics)), "began_at": began_at, "seen_at": now, "restarts": restarts}
    row = {"worker_id": worker_id, "name": name, **changed}
    if database.insert_new(session, WorkerThread, row):
        session.execute(delete(WorkerThread).where(WorkerThread.seen_at < now - REMEMBERED))
    else:
        same = (WorkerThread.worker_id == worker_id, WorkerThread.name == name)
        session.execute(update(WorkerThread).where(*same).values(**changed, ended_at=None))


def end(session: Session, worker_id: str) -> None:
    """Note that a worker was stopped as it should be."""
    running = (WorkerThread.worker_id == worker_id, WorkerThread.ended_at.is_(None))
    session.execute(update(WorkerThread).where(*running).values(ended_at=clock.now()))


def ring(session: Session, standing: Collection[str]) -> list[str]:
    """Note what stands still; return what nobody was told of yet. What moves again may be told of again."""
    session.execute(delete(Alarm).where(Alarm.key.not_in(standing)))
    now = clock.now()
    return [key for key in sorted(standing) if database.insert_new(session, Alarm, {"key": key, "rung_at": now})]
