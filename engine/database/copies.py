"""
Copies of a whole database: into a file while it is in use, and back.

SQLite copies itself page by page; PostgreSQL has its own tools, `pg_dump`, `pg_restore` and `psql`, which must be there
in the version of the server or a later one. Attachments and deployed files are rows, so they are in the copy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.base import Base
from casepath.engine.database.connection import LOCK_TIMEOUT, connect
from casepath.engine.phrases import Phrase

#: How the files begin.
SIGNATURES = {"sqlite": b"SQLite format 3\0", "postgresql": b"PGDMP"}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
#: Pages copied at a time; writers go on in between.
PAGES = 1_000
REVISION_TABLE = "alembic_version"


def back_up(session: Session, path: Path) -> None:
    """
    Copy the database, as a session that only reads sees it, into a file that is not there yet, for its owner only.

    What was written is read back. Raises `InvalidInput` where the file exists, a tool is missing, or one fails.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    if path.exists():
        raise errors.InvalidInput("Expected a new file, but found {path}", path=path)
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        if session.get_bind().dialect.name == "sqlite":
            _dump_sqlite(session, unfinished)
        else:
            _dump_postgresql(session, unfinished)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(url: str, path: Path, *, overwrite: bool = False) -> None:
    """
    Put a copy in the place of a database; nothing is changed where that fails.

    Raises `InvalidInput` where the file is no copy of this kind of database or is damaged, where the database has rows
    already and `overwrite` does not allow it, and where a tool is missing or fails.
    """
    pool = connect(url)
    try:
        _require_copy(pool.dialect.name, path)
        filled = _filled(pool)
        if filled and not overwrite:
            text = "Expected an empty database, but found rows in {table}; --overwrite replaces them"
            raise errors.InvalidInput(text, table=filled)
        if pool.dialect.name == "sqlite":
            _load_sqlite(pool, path)
        else:
            _load_postgresql(pool.url, path)
    finally:
        pool.dispose()


def _require_copy(kind: str, path: Path) -> None:
    with path.open("rb") as file:
        begins = file.read(max(map(len, SIGNATURES.values())))
    if not begins.startswith(SIGNATURES[kind]):
        other = next((NAMES[each] for each, sign in SIGNATURES.items() if begins.startswith(sign)), None)
        found = Phrase("one of {kind}", kind=other) if other else Phrase("another file")
        text = "Expected a copy of a {kind} database in {path}, but found {found}"
        raise errors.InvalidInput(text, kind=NAMES[kind], path=path, found=found)


def _filled(pool: sqlalchemy.Engine) -> str | None:
    """Return the name of a table that has rows."""
    with pool.connect().execution_options(casepath_read_only=True) as connection:
        there = set(sqlalchemy.inspect(connection).get_table_names())
        for table in Base.metadata.sorted_tables:
            if table.name in there and connection.execute(select(text("1")).select_from(table).limit(1)).first():
                return table.name
    return None


# -- SQLite ------------------------------------------------------------------------------------------------------------


def _dump_sqlite(session: Session, path: Path) -> None:
    source: Any = session.connection().connection.driver_connection
    with closing(sqlite3.connect(path)) as target:
        source.backup(target, pages=PAGES)
        # The copy is one file, without a log beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        _require_sound(target, path)


def _load_sqlite(pool: sqlalchemy.Engine, path: Path) -> None:
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, pool.connect() as connection:
        _require_sound(source, path)
        target: Any = connection.connection.driver_connection
        source.backup(target)
        _require_sound(target, path)


def _require_sound(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise errors.InvalidInput("Expected a sound database in {path}, but found: {found}", path=path, found=found)


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


def _dump_postgresql(session: Session, path: Path) -> None:
    address, environment = _address(session.connection().engine.url)
    moment = session.scalar(text("SELECT pg_export_snapshot()"))
    tables = [f"--table={name}" for name in (*sorted(Base.metadata.tables), REVISION_TABLE)]
    command = ["pg_dump", "--format=custom", f"--snapshot={moment}", f"--file={path}", *tables, address]
    _run(command, environment)
    listed = _run(["pg_restore", "--list", str(path)], environment)
    written = {line.split()[6] for line in listed.splitlines() if " TABLE DATA " in line}
    absent = sorted(set(Base.metadata.tables) - written)
    if absent:
        raise errors.InvalidInput("Expected the rows of {table} in {path}, but found none", table=absent[0], path=path)


def _load_postgresql(url: sqlalchemy.URL, path: Path) -> None:
    """Replace the tables in one transaction: `pg_restore` writes the statements, `psql` executes them."""
    address, environment = _address(url)
    old = ", ".join(f'"{name}"' for name in (*sorted(Base.metadata.tables), REVISION_TABLE))
    script = path.with_name(f"{path.name}.sql")
    try:
        _run(["pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(path)], environment)
        script.chmod(0o600)
        once = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        first = f"SET client_min_messages = error; DROP TABLE IF EXISTS {old} CASCADE"
        _run([*once, f"--command={first}", f"--file={script}", f"--dbname={address}"], environment)
    finally:
        script.unlink(missing_ok=True)


def _address(url: sqlalchemy.URL) -> tuple[str, dict[str, str]]:
    """Return a URL as the tools of PostgreSQL read it, and the environment that has its password."""
    environment = {**os.environ, "PGOPTIONS": f"-c lock_timeout={LOCK_TIMEOUT * 1000}"}
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    bare = sqlalchemy.URL.create(
        "postgresql", username=url.username, host=url.host, port=url.port, database=url.database, query=url.query
    )
    return bare.render_as_string(hide_password=False), environment


def _run(command: list[str], environment: dict[str, str]) -> str:
    if shutil.which(command[0], path=environment.get("PATH")) is None:
        raise errors.InvalidInput("Expected the program {program} of PostgreSQL, but found none", program=command[0])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise errors.InvalidInput("Expected {program} to succeed, but found: {said}", program=command[0], said=said)
    return done.stdout
