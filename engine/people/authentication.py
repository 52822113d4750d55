"""
Logging in with a password, slowed down after wrong ones.

Wrong passwords are counted for user and address together, for the user, and for the address, whether the user exists or
not; each one too many doubles the wait. To check a password takes about 20 ms, in which SQLite's one writer should not
wait: a busy server calls `credentials` and `Credentials.accept` outside a writing transaction and `note` inside one;
`authenticate` is the three together.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, exists, or_, select
from sqlalchemy.orm import Session

from casepath.engine import database, texts
from casepath.engine.database import Base, Instant
from casepath.engine.database.models import EndedSession, LoginFailure, User
from casepath.engine.people import passwords
from casepath.engine.time import clock

#: Wrong passwords that are free.
FREE_TOGETHER = 5
FREE_PER_USER = 50
FREE_PER_ADDRESS = 100
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)
#: How long a wrong password counts.
REMEMBERED = timedelta(hours=12)


_users = Base.metadata.tables[User.__tablename__]
_ended = Base.metadata.tables[EndedSession.__tablename__]

#: What decides whether a session still counts.
_session = select(
    _users.c.active,
    _users.c.sessions_valid_from,
    exists()
    .where(_ended.c.username == _users.c.username, _ended.c.begun_at == bindparam("begun_at", type_=Instant()))
    .label("ended"),
).where(_users.c.username == bindparam("username"))


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How a log-in went."""

    #: Who is in; None where the password was wrong, there is no such active user, or it is too early.
    username: str | None = None
    #: How long to wait before the password is looked at; 0 where it was.
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What is needed to check a password."""

    username: str
    address: str
    password_hash: str | None
    wait: timedelta

    def accept(self, password: str) -> Attempt:
        """Check the password; takes as long for a user who does not exist."""
        if self.wait:
            return Attempt(wait=self.wait)
        fits = passwords.matches(password, self.password_hash)
        return Attempt(username=self.username if fits else None)


def normal(username: str) -> str:
    """Return a user name as it is stored, so that no two look alike."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def authenticate(session: Session, username: str, password: str, address: str) -> Attempt:
    """Check a password and note the outcome; the transaction must be committed whatever the outcome is."""
    asked = credentials(session, username, address)
    attempt = asked.accept(password)
    note(session, asked, attempt, password)
    return attempt


def credentials(session: Session, username: str, address: str) -> Credentials:
    """Return what is needed to check a password that comes from a network address."""
    username, address = texts.storable(normal(username), limit=64), texts.storable(address, limit=64)
    user = session.get(User, username)
    return Credentials(
        username=username,
        address=address,
        password_hash=user.password_hash if user is not None and user.active else None,
        wait=_wait(session, username, address, clock.now()),
    )


def note(session: Session, asked: Credentials, attempt: Attempt, password: str) -> None:
    """Write down a wrong password; forget them after a right one, and renew an outdated hash."""
    if attempt.wait:
        return
    table = LoginFailure
    if attempt.username is None:
        now = clock.now()
        session.execute(delete(table).where(table.at <= now - REMEMBERED))
        session.add(table(username=asked.username, address=asked.address, at=now))
    else:
        session.execute(delete(table).where(table.username == asked.username, table.address == asked.address))
        if asked.password_hash is not None and passwords.is_outdated(asked.password_hash):
            session.get_one(User, asked.username).password_hash = passwords.hashed(password)
    session.flush()


def end_session(session: Session, username: str, begun_at: datetime, *, expires_at: datetime) -> None:
    """End the session that a user began at `begun_at` and that would end at `expires_at` by itself; twice is once."""
    username, now = normal(username), clock.now()
    session.execute(delete(EndedSession).where(EndedSession.username == username, EndedSession.expires_at <= now))
    row = {"username": username, "begun_at": begun_at, "expires_at": expires_at}
    database.insert_new(session, EndedSession, row)


def still_counts(session: Session, username: str, begun_at: datetime) -> bool:
    """Tell whether a session counts: it has not been ended, its user is active and has no newer password."""
    row = session.execute(_session, {"username": normal(username), "begun_at": begun_at}).one_or_none()
    return row is not None and row.active and not row.ended and (row.sessions_valid_from or begun_at) <= begun_at


def _wait(session: Session, username: str, address: str, now: datetime) -> timedelta:
    failures = session.execute(
        select(LoginFailure.username, LoginFailure.address, LoginFailure.at)
        .where(
            or_(LoginFailure.username == username, LoginFailure.address == address),
            LoginFailure.at > now - REMEMBERED,
        )
        .order_by(LoginFailure.at)
    ).all()
    by_user = [row.at for row in failures if row.username == username]
    by_address = [row.at for row in failures if row.address == address]
    together = [row.at for row in failures if row.username == username and row.address == address]
    return max(
        _wait_after(together, FREE_TOGETHER, now),
        _wait_after(by_user, FREE_PER_USER, now),
        _wait_after(by_address, FREE_PER_ADDRESS, now),
    )


def _wait_after(failures: list[datetime], free: int, now: datetime) -> timedelta:
    if len(failures) < free:
        return timedelta(0)
    doubled: timedelta = FIRST_WAIT * 2 ** min(len(failures) - free, 10)
    return max(failures[-1] + min(doubled, LONGEST_WAIT) - now, timedelta(0))
