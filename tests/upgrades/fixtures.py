"""The databases of earlier versions, as they were left: unpacked, put on PostgreSQL, and gone on with."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, Table, insert, select, text

from casepath.engine import database
from casepath.engine.database import schema

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "databases"
#: Every fixture there is, in the order of names.
NAMES = sorted(path.name.removesuffix(".db.gz") for path in FOLDER.glob("*.db.gz"))
#: The first ones are named after commits, later ones after revisions.
COMMITS = ("642706f", "0ede2b4")
OLDEST_FIRST = [*COMMITS, *(name for name in NAMES if name not in COMMITS)]


@dataclass(frozen=True, kw_only=True)
class Rest:
    """How a story was left."""

    steps: int
    business_key: str
    at: datetime


def rests(name: str) -> dict[str, Rest]:
    """How each story of a fixture was left, by its id."""
    entries = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {
        story: Rest(steps=it["steps"], business_key=it["business_key"], at=datetime.fromisoformat(it["at"]))
        for story, it in entries.items()
    }


def unpack(name: str, folder: Path) -> str:
    """Write a fixture into a folder; return its URL."""
    path = folder / f"{name}.db"
    path.write_bytes(gzip.decompress((FOLDER / f"{name}.db.gz").read_bytes()))
    return f"sqlite:///{path}"


def convert(source: str, target: str) -> None:
    """Make the tables of a SQLite database, at its revision, in an empty one of PostgreSQL, and copy its rows."""
    there, here = sqlalchemy.create_engine(source), database.connect(target)
    found, made = MetaData(), MetaData()
    found.reflect(there)
    with there.connect() as reading, here.begin() as writing:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "alembic"))
        config.attributes["connection"] = writing
        command.upgrade(config, reading.scalar(text("SELECT version_num FROM alembic_version")) or "")
        made.reflect(writing)
        for table in reversed(made.sorted_tables):
            if table.name not in found.tables:
                table.drop(writing)
        for table in found.sorted_tables:
            if table.name != "alembic_version":
                copy(reading, writing, table, made.tables[table.name])
    there.dispose()
    here.dispose()


def copy(reading: Connection, writing: Connection, source: Table, target: Table) -> None:
    """Copy the rows of a table, and count on from the last."""
    rows = reading.execute(select(source).order_by(*source.primary_key)).mappings()
    copied = [{name: with_zone(value) for name, value in row.items()} for row in rows]
    if copied:
        writing.execute(insert(target), copied)
    if copied and "id" in target.c:
        last = max(row["id"] for row in copied)
        writing.execute(text(f"SELECT setval(pg_get_serial_sequence('{target.name}', 'id'), {last})"))


def with_zone(value: Any) -> Any:
    """SQLite knows no time zones: what it has is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
