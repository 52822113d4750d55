"""
Logging in with a password, slowed down after wrong ones.

Wrong passwords are counted for user and address together, whether the user exists or not; each one too many doubles the
wait. Where many are wrong for a user from anywhere, or from an address for anybody, fewer are free and the waits are
longer, but each address has its own: nobody can use up the attempts of others and lock them out. A device on which the
user has logged in before counts for itself instead of its address, so that colleagues behind one address are apart.

To check a password takes about 20 ms, in which SQLite's one writer should not wait: a busy server calls `credentials`
and `Credentials.accept` outside a writing transaction and `note` inside one; `authenticate` is the three together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, bindparam, delete, exists, or_, select
from sqlalchemy.orm import Session

from casepath.engine import database, texts
from casepath.engine.database import Base, Instant
from casepath.engine.database.models import EndedSession, LoginFailure, User
from casepath.engine.people import passwords
from casepath.engine.time import clock

#: Wrong passwords that are free.
FREE_TOGETHER = 5
#: … and where somebody is trying a lot.
FREE_UNDER_ATTACK = 1
#: Wrong passwords, for a user or from an address, that no people leave behind.
MANY_PER_USER = 50
MANY_PER_ADDRESS = 100
FIRST_WAIT = timedelta(seconds=15)
FIRST_WAIT_UNDER_ATTACK = timedelta(minutes=1)
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
    #: The network address, or the known device.
    origin: str
    password_hash: str | None
    wait: timedelta
    #: Whether wrong passwords are noted that a right one would have forgotten.
    has_failures: bool

    def is_worth_a_note(self, attempt: Attempt) -> bool:
        """Tell whether `note` has something to write; who logs in as ever has not, and waits for no other writer."""
        if attempt.username is None:
            return not attempt.wait
        return self.has_failures or (self.password_hash is not None and passwords.is_outdated(self.password_hash))

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


def credentials(session: Session, username: str, address: str, *, device: str = "") -> Credentials:
    """Return what is needed to check a password from a network address, or from a device that the user has used."""
    username = texts.storable(normal(username), limit=64)
    origin = texts.storable(f"device:{device}" if device else address, limit=64)
    user = session.get(User, username)
    failures = _failures(session, username, origin)
    return Credentials(
        username=username,
        origin=origin,
        password_hash=user.password_hash if user is not None and user.active else None,
        wait=_wait(failures, username, origin, is_known=bool(device)),
        has_failures=any((row.username, row.address) == (username, origin) for row in failures),
    )


def note(session: Session, asked: Credentials, attempt: Attempt, password: str) -> None:
    """Write down a wrong password; forget them after a right one, and renew an outdated hash."""
    if attempt.wait:
        return
    table = LoginFailure
    if attempt.username is None:
        now = clock.now()
        session.execute(delete(table).where(table.at <= now - REMEMBERED))
        session.add(table(username=asked.username, address=asked.origin, at=now))
    else:
        session.execute(delete(table).where(table.username == asked.username, table.address == asked.origin))
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


def _failures(session: Session, username: str, origin: str) -> Sequence[Row[str, str, datetime]]:
    """Return the wrong passwords that still count, for a user and from an origin, the last one last."""
    return session.execute(
        select(LoginFailure.username, LoginFailure.address, LoginFailure.at)
        .where(
            or_(LoginFailure.username == username, LoginFailure.address == origin),
            LoginFailure.at > clock.now() - REMEMBERED,
        )
        .order_by(LoginFailure.at)
    ).all()


def _wait(
    failures: Sequence[Row[str, str, datetime]], username: str, origin: str, *, is_known: bool
) -> timedelta:
    together = [row.at for row in failures if (row.username, row.address) == (username, origin)]
    attacked = not is_known and (
        sum(row.username == username for row in failures) >= MANY_PER_USER
        or sum(row.address == origin for row in failures) >= MANY_PER_ADDRESS
    )
    free = FREE_UNDER_ATTACK if attacked else FREE_TOGETHER
    if len(together) < free:
        return timedelta(0)
    first = FIRST_WAIT_UNDER_ATTACK if attacked else FIRST_WAIT
    doubled: timedelta = first * 2 ** min(len(together) - free, 10)
    over: datetime = together[-1] + min(doubled, LONGEST_WAIT)
    return max(over - clock.now(), timedelta(0))
