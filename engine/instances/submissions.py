"""
Forms that were sent: one that arrives again, by a second click or a page that is loaded again, makes nothing anew.

Who takes an entry calls `claim` first in the transaction and `settle` with what came of it. Of two that arrive together
the later one waits until the first has ended: it finds what that one made, or goes ahead where it was refused.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from casepath.engine import database
from casepath.engine.database import Base
from casepath.engine.database.models import Submission
from casepath.engine.time import clock

#: How long a form is remembered. Who sends it even later has been logged out long since.
REMEMBERED = timedelta(days=7)
MAX_KEY = 64

_table = Base.metadata.tables[Submission.__tablename__]


def claim(session: Session, key: str, *, by: str) -> str | None:
    """
    Return what came of a form that was sent before, or None where it arrives for the first time.

    `key` names the form and all that was typed into it, within `MAX_KEY` characters; only the user's own count.
    """
    now = clock.now()
    own = _table.c.username == by
    session.execute(delete(_table).where(own, _table.c.created_at < now - REMEMBERED))
    if database.insert_new(session, Submission, {"username": by, "key": key, "made": "", "created_at": now}):
        return None
    return session.scalar(select(_table.c.made).where(own, _table.c.key == key))


def settle(session: Session, key: str, made: str, *, by: str) -> None:
    """Write down what came of a claimed form, such as the number of a matter, of up to 255 characters."""
    session.execute(update(_table).where(_table.c.username == by, _table.c.key == key).values(made=made))
