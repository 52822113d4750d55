"""What is begun to be filled in before there is a process instance."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.instances import drafts

Sessions = sessionmaker[Session]
TYPED = {"name": "王建国", "demands": ["return"], "amount": "1e"}


def save(transaction: Sessions, key: str = "request", *, by: str = "alice", draft_id: int | None = None) -> int:
    with transaction.begin() as session:
        return drafts.save(session, key, TYPED, by=by, draft_id=draft_id)


def ids(transaction: Sessions, key: str = "request", *, by: str = "alice") -> list[int]:
    with transaction() as session:
        return [draft.id for draft in drafts.list_of(session, key, by=by)]


def test_save__several_the_newest_first(transaction: Sessions, clock: ModuleType) -> None:
    first = save(transaction)
    clock.move(timedelta(minutes=1))
    second = save(transaction)
    other = save(transaction, "other")

    assert (ids(transaction), ids(transaction, "other")) == ([second, first], [other])
    with transaction() as session:
        assert drafts.get(session, first, by="alice").typed == TYPED


def test_save__again_is_the_same_one(transaction: Sessions) -> None:
    first = save(transaction)

    assert save(transaction, draft_id=first) == first
    assert ids(transaction) == [first]


def test_only_ones_own(transaction: Sessions) -> None:
    of_alice = save(transaction)
    of_bob = save(transaction, by="bob", draft_id=of_alice)
    with transaction.begin() as session:
        drafts.discard(session, of_alice, by="bob")
        with pytest.raises(errors.NotFound):
            drafts.get(session, of_alice, by="bob")

    assert (ids(transaction), ids(transaction, by="bob")) == ([of_alice], [of_bob])


def test_discard__also_what_is_gone(transaction: Sessions) -> None:
    draft_id = save(transaction)
    for _ in range(2):
        with transaction.begin() as session:
            drafts.discard(session, draft_id, by="alice")

    assert ids(transaction) == []


def test_save__too_long_or_too_many(transaction: Sessions) -> None:
    with pytest.raises(errors.InvalidInput, match="A draft has at most"), transaction.begin() as session:
        drafts.save(session, "request", {"x": "y" * drafts.MAX_LENGTH}, by="alice")
    for _ in range(drafts.MAX_COUNT):
        save(transaction)
    with pytest.raises(errors.InvalidInput, match="You have 50 drafts"):
        save(transaction)
    assert save(transaction, draft_id=ids(transaction)[0])


def test_save__old_ones_go(transaction: Sessions, clock: ModuleType) -> None:
    save(transaction)
    clock.move(timedelta(days=89))
    kept = save(transaction)
    clock.move(timedelta(days=2))
    newest = save(transaction)

    assert ids(transaction) == [newest, kept]
