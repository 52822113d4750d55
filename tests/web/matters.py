"""A matter of Alice, for tests of its page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import process_instances, user_tasks

Rows = sessionmaker[Session]
FOLDER = Path(__file__).parent / "matter"


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A matter that Alice has registered: its task `solve` is open for the group `service`."""

    key: str
    id: int
    task_id: int


def register(rows: Rows, **variables: Any) -> Matter:
    """Start a matter."""
    with rows.begin() as session:
        instance = process_instances.start(session, "matter", {"loss": 20, **variables}, by="alice")
        key = str(instance.business_key)
        return Matter(key=key, id=instance.id, task_id=user_tasks.open_of(session, key, "solve"))


def solve(rows: Rows, matter: Matter, solved: str) -> None:
    """Complete the first task."""
    with rows.begin() as session:
        user_tasks.claim(session, matter.task_id, by="bob")
        user_tasks.complete(session, matter.task_id, {"solved": solved, "note": "<b>备注</b>"}, by="bob")


def state_of(rows: Rows, matter: Matter) -> str:
    with rows.begin() as session:
        return process_instances.get(session, matter.id).state
