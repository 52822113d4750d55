"""Lists that are read in pages: every row once, in one order, whatever stands at the border of two pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.database.models import Definition
from casepath.engine.people import substitutes
from casepath.engine.queries import people, versions
from casepath.engine.time import clock
from tests import factories
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]
T = TypeVar("T")
#: Key → name: some share one, one has none.
NAMES = {"a": "核实", "b": "", "c": "回访", "d": "核实", "e": "核实"}


def walk(read: Callable[..., tuple[list[T], Any]], by: str = "after") -> list[T]:
    """Return the rows of all pages, two on each."""
    found, following = read(limit=2)
    while following is not None:
        assert len(found) % 2 == 0
        rows, following = read(limit=2, **{by: following})
        found += rows
    return found


@pytest.fixture
def drawn(transaction: Sessions) -> Sessions:
    """Five processes, one of them in three versions, with a process instance of the first version."""
    with transaction.begin() as session:
        for key, name in NAMES.items():
            made = factories.definition(session, key=key)
            made.name, made.version = name, 1
        session.flush()
        first = session.scalars(select(Definition).where(Definition.key == "a")).one()
        factories.process_instance(session, of=first)
        columns = {column.name: getattr(first, column.name) for column in Definition.__table__.columns}
        del columns["id"]
        for number in (2, 3):
            session.add(Definition(**{**columns, "version": number, "name": f"核实{number}"}))
    return transaction


def test_newest__each_once_by_name(drawn: Sessions) -> None:
    with drawn.begin() as session:
        found = walk(lambda **page: versions.newest(session, "process", **page))
        anew, _ = versions.newest(session, "process", after="never")

    assert sorted(each.key for each in found) == sorted(NAMES)
    assert [each.key for each in found if each.name == "核实"] == ["d", "e"]
    assert {each.key: (each.version, each.total) for each in found}["a"] == (3, 1)
    assert [each.key for each in anew] == [each.key for each in found]


def test_versions__newest_first(drawn: Sessions) -> None:
    with drawn.begin() as session:
        found = walk(lambda **page: versions.of_key(session, "process", "a", **page), by="below")

        assert [(each.version, each.total) for each in found] == [(3, 0), (2, 0), (1, 1)]
        assert versions.one(session, "process", "a").version == 3
        assert versions.one(session, "process", "a", 1).version == 1
        assert [each.version for each in versions.newest_of(session, "process", ["a", "never"])] == [3]
        for key, number in (("a", 4), ("never", None)):
            with pytest.raises(errors.NotFound):
                versions.one(session, "process", key, number)


def test_groups_and_their_people__by_key(transaction: Sessions) -> None:
    with transaction.begin() as session:
        for key in ("g1", "g2", "g3"):
            factories.group(session, key)
        for username in ("alice", "bob", "carol"):
            factories.user(session, username, groups=["g2"])
        factories.user(session, "dora", groups=["g1"])

        groups = walk(lambda **page: people.groups(session, **page))
        members = walk(lambda **page: people.users(session, group="g2", **page))

        assert [each.key for each in groups if each.key.startswith("g")] == ["g1", "g2", "g3"]
        assert [each.username for each in members] == ["alice", "bob", "carol"]
        assert people.group_sizes(session, ["g2", "g3"]) == {"g2": 3}


def test_substitutions__in_the_order_of_time(transaction: Sessions) -> None:
    now = clock.now()
    with transaction.begin() as session:
        for username in ("alice", "bob"):
            factories.user(session, username)
        for days in (2, 1, 3, 1, 1):
            begins_at = now + timedelta(days=days)
            ends_at = begins_at + timedelta(hours=1)
            substitutes.appoint(session, "alice", "bob", begins_at=begins_at, ends_at=ends_at, by=PROGRAM)

        found = walk(lambda **page: substitutes.concerning(session, "bob", **page))

        assert [each.id for each in found] == [2, 4, 5, 1, 3]
        assert [each.id for each in substitutes.concerning(session, "bob", after=987)[0]] == [2, 4, 5, 1, 3]
