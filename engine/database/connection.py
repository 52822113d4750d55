"""
Opens the database and gives the `sessionmaker`.

One machine runs on SQLite: write-ahead log, full synchronisation, and transactions that take the write lock when they
begin, because a lock that is upgraded in the middle fails at once instead of waiting. More machines run on PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from casepath.engine.database import failures
from casepath.engine.database.base import Base
from casepath.engine.database.statements import execute

#: How long a writer waits for another one before it gives up, in seconds.
LOCK_TIMEOUT = 30
#: Number of the lock in PostgreSQL.
ALONE = 5_207_384
#: How long one waits in SQLite to be alone, in seconds.
ALONE_TIMEOUT = 3_600
#: Seconds until a server that does not answer counts as away.
CONNECT_TIMEOUT = 10
#: What every connection to SQLite is told; a commit is on the disk before anybody hears of it.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY")


def connect(url: str, *, patience: float | None = None) -> sqlalchemy.Engine:
    """
    Return a connection pool for a SQLAlchemy URL; `postgresql://` means psycopg 3.

    A statement waits for the locks of others for `patience` seconds; where none is given, for `LOCK_TIMEOUT` on SQLite
    and as long as it takes on PostgreSQL. The folder of a SQLite file is made when it is missing, for its owner only.
    Nothing is connected yet.
    """
    address = sqlalchemy.make_url(url)
    if address.get_backend_name() == "sqlite":
        return _connect_sqlite(address, LOCK_TIMEOUT if patience is None else patience)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(
        address,
        connect_args={"connect_timeout": CONNECT_TIMEOUT},
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=40,
        hide_parameters=True,
    )
    event.listen(engine, "handle_error", failures.told)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
        # In the zone of the server the first and last hours of the calendar have years that Python does not know.
        connection.execute("SET TIME ZONE 'UTC'")
        if patience is not None:
            connection.execute(f"SET lock_timeout = '{patience * 1000:.0f}ms'")
        connection.commit()

    return engine


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()


def _connect_sqlite(address: sqlalchemy.URL, patience: float) -> sqlalchemy.Engine:
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        options: dict[str, Any] = {"pool_size": 20, "max_overflow": 40}
    else:
        # Everyone has to see the one database in memory.
        options = {"poolclass": sqlalchemy.StaticPool}
    engine = sqlalchemy.create_engine(
        address,
        connect_args={"timeout": patience, "check_same_thread": False},
        hide_parameters=True,
        **options,
    )
    event.listen(engine, "handle_error", failures.told)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        # The driver would begin transactions of its own, late and without the write lock.
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        # Its own knows the letters of English only: Éclat would not be found by éclat, as it is on PostgreSQL.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        reading = connection.get_execution_options().get("casepath_read_only", False)
        execute(connection, "BEGIN" if reading else "BEGIN IMMEDIATE", ()).close()

    return engine


def sessions(engine: sqlalchemy.Engine, *, read_only: bool = False) -> sessionmaker[Session]:
    """
    Return the factory of sessions: `with sessions.begin() as session:` is one transaction.

    A session of a `read_only` factory takes no write lock, so that pages are shown while somebody writes; it sees the
    database as it is at one moment.
    """
    if read_only:
        engine = engine.execution_options(casepath_read_only=True)
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
    return sessionmaker(engine, expire_on_commit=False, autoflush=True)


def insert_new(session: Session, model: type[Base], row: Mapping[str, Any], *, unique: Sequence[str] = ()) -> bool:
    """
    Insert a row unless one of its key is there, and tell whether; while another adds it, wait how that ends.

    The key is the primary one, or these columns.
    """
    insert: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[session.get_bind().dialect.name]
    key = [model.__table__.c[name] for name in unique] or list(model.__table__.primary_key)
    statement = insert(model.__table__).on_conflict_do_nothing(index_elements=key).returning(*key)
    return session.execute(statement, row).first() is not None


def insert_several(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *, unique: Sequence[str]
) -> list[tuple[int, str]]:
    """Insert rows as `insert_new` does; return the id of each that was not there, with the last column of its key."""
    insert: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[session.get_bind().dialect.name]
    key = [model.__table__.c[name] for name in unique]
    statement = insert(model.__table__).on_conflict_do_nothing(index_elements=key)
    made = session.execute(statement.returning(model.__table__.c.id, key[-1]), list(rows))
    return [(number, text) for number, text in made]


@contextmanager
def alone(engine: sqlalchemy.Engine) -> Iterator[None]:
    """
    Wait until no other process is in here with this database, and keep others out.

    For what needs many transactions and would be wrong if two did it; nothing else is kept from working. Whoever is
    killed in here leaves it.
    """
    path = engine.url.database
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({ALONE})")
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({ALONE})")
    elif not path or path == ":memory:":
        yield
    else:
        # Another file, because everybody writes into the database meanwhile.
        with closing(sqlite3.connect(f"{path}-alone", timeout=ALONE_TIMEOUT, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
