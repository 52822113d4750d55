"""In a rehearsal: the work of those topics that write into the database only, by the handlers that do it otherwise."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from casepath.workers import HANDLERS, REHEARSED, Surroundings
from casepath.workers.loop import TOGETHER
from casepath.workers.topics import Topics

#: Who has done it, as the history tells.
WORKER = "rehearsal"


def work(time_zone: str) -> Callable[[sessionmaker[Session]], bool]:
    """
    Return what does the work that waits in a database, once, and tells whether there was any.

    Without a mail server and without servers outside: whatever a handler tries, nothing leaves the database.
    """

    def step(sessions: sessionmaker[Session]) -> bool:
        topics = Topics(Surroundings(sessions=sessions, time_zone=time_zone), HANDLERS, WORKER)
        fetched = topics.fetch(REHEARSED, TOGETHER)
        for task in fetched:
            topics.handle(task)
        return bool(fetched)

    return step
