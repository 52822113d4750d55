"""
The database of a rehearsal: in memory, with all tables, what is in force, and the roles of the house.

People come with their names and groups, without passwords and addresses. Where a group has nobody, somebody stands in
who is there in the rehearsal only: each role can be played.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database
from casepath.engine.database import Base
from casepath.engine.database.models import Group, Membership, User
from casepath.engine.deployments import transfer
from casepath.engine.people.authorization import ROLES
from casepath.engine.time import clock

#: Databases that a process keeps as they stood after an input, and bytes of all of them.
MAX_KEPT = 32
MAX_BYTES = 256 * 1024 * 1024

_users = Base.metadata.tables[User.__tablename__]
_groups = Base.metadata.tables[Group.__tablename__]
_memberships = Base.metadata.tables[Membership.__tablename__]


@dataclass(frozen=True, kw_only=True)
class House:
    """What a rehearsal finds of the installation."""

    present: transfer.Present
    groups: Sequence[Mapping[str, Any]]
    users: Sequence[Mapping[str, Any]]
    memberships: Sequence[Mapping[str, Any]]

    @property
    def mark(self) -> str:
        """What is another where a rehearsal would find something else."""
        people = [sorted(map(str, rows)) for rows in (self.groups, self.users, self.memberships)]
        return sha256(repr((self.present.mark, people)).encode()).hexdigest()


def house(session: Session) -> House:
    """Return what is in force, and the roles with their people."""
    rows = {
        table: [dict(row._mapping) for row in session.execute(select(table))]
        for table in (_groups, _users, _memberships)
    }
    bare = {"email": None, "password_hash": None, "digest_hour": None, "digest_at": None, "sessions_valid_from": None}
    active = [{**each, **bare} for each in rows[_users] if each["active"]]
    known = {each["username"] for each in active}
    members = [each for each in rows[_memberships] if each["username"] in known]
    filled = {each["group_key"] for each in members}
    for group in rows[_groups]:
        name = f"rehearsal.{group['key']}"
        if group["key"] not in filled and group["key"] not in ROLES and name not in known:
            stand_in = {**bare, "username": name, "name": group["name"], "active": True, "created_at": None}
            active.append({**stand_in, "language": "zh_CN", "password_is_given": False})
            members.append({"username": name, "group_key": group["key"]})
    return House(present=transfer.present(session), groups=rows[_groups], users=active, memberships=members)


class Sandbox:
    """A database in memory, of one thread."""

    def __init__(self, content: bytes) -> None:
        self._pool = database.connect("sqlite://")
        with self._driver() as driver:
            driver.deserialize(content)
            # Foreign keys are told to a connection, not to its content.
            driver.execute("PRAGMA foreign_keys=ON")
        self.sessions: sessionmaker[Session] = database.sessions(self._pool)
        self.readers: sessionmaker[Session] = database.sessions(self._pool, read_only=True)

    def content(self) -> bytes:
        """Return everything that is in it now."""
        with self._driver() as driver:
            return driver.serialize()

    def close(self) -> None:
        """Throw it away."""
        self._pool.dispose()

    @contextmanager
    def _driver(self) -> Iterator[sqlite3.Connection]:
        connection = self._pool.raw_connection()
        try:
            driver: Any = connection.driver_connection
            yield driver
        finally:
            connection.close()


@contextmanager
def opened(content: bytes) -> Iterator[Sandbox]:
    """Have a sandbox inside, with a content of before."""
    sandbox = Sandbox(content)
    try:
        yield sandbox
    finally:
        sandbox.close()


def furnish(sandbox: Sandbox, source: Session, found: House) -> None:
    """Put into an empty sandbox what it finds of the installation."""
    with sandbox.sessions.begin() as session:
        now = clock.now()
        for table, rows in ((_groups, found.groups), (_users, found.users), (_memberships, found.memberships)):
            dated = [{**row, "created_at": row["created_at"] or now} if "created_at" in row else row for row in rows]
            if dated:
                session.execute(insert(table), dated)
        transfer.put(session, source, found.present)


@cache
def empty() -> bytes:
    """Return the content of a database with all tables and no rows."""
    pool = database.connect("sqlite://")
    try:
        with pool.begin() as connection:
            Base.metadata.create_all(connection)
        raw = pool.raw_connection()
        driver: Any = raw.driver_connection
        content: bytes = driver.serialize()
        raw.close()
        return content
    finally:
        pool.dispose()


class Kept:
    """Databases as they stood, so that a recording that grows by one input is not played from its beginning."""

    def __init__(self) -> None:
        self._contents: OrderedDict[str, tuple[bytes, datetime]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> tuple[bytes, datetime] | None:
        """Return a content that was kept, if it still is, and what time it was in it."""
        with self._lock:
            found = self._contents.get(key)
            if found is not None:
                self._contents.move_to_end(key)
            return found

    def put(self, key: str, content: bytes, at: datetime) -> None:
        """Keep a content, instead of those that nobody has asked for the longest."""
        with self._lock:
            self._contents[key] = content, at
            self._contents.move_to_end(key)
            while len(self._contents) > 1 and (len(self._contents) > MAX_KEPT or self._size() > MAX_BYTES):
                self._contents.popitem(last=False)

    def _size(self) -> int:
        return sum(len(content) for content, _ in self._contents.values())

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._contents.clear()


kept = Kept()
