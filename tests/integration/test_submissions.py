"""Forms that arrive again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from types import ModuleType

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.database import numbers
from casepath.engine.database.models import Submission
from casepath.engine.instances import submissions

Sessions = sessionmaker[Session]


def send(transaction: Sessions, key: str = "form-1", by: str = "alice") -> str:
    """Send a form that takes the next number; return the number it led to."""
    with transaction.begin() as session:
        made = submissions.claim(session, key, by=by)
        if made is None:
            made = str(numbers.next_number(session, "matters"))
            submissions.settle(session, key, made, by=by)
        return made


def test_claim__again_leads_to_what_the_first_made(transaction: Sessions) -> None:
    assert [send(transaction), send(transaction), send(transaction, "form-2")] == ["1", "1", "2"]


def test_claim__only_ones_own(transaction: Sessions) -> None:
    assert [send(transaction, by="alice"), send(transaction, by="bob")] == ["1", "2"]


def test_claim__again_after_a_refusal(transaction: Sessions) -> None:
    with transaction() as session:
        assert submissions.claim(session, "form-1", by="alice") is None

    assert send(transaction) == "1"


def test_claim__without_a_result(transaction: Sessions) -> None:
    with transaction.begin() as session:
        submissions.claim(session, "form-1", by="alice")

    with transaction.begin() as session:
        assert submissions.claim(session, "form-1", by="alice") == ""


def test_claim__many_at_once(transaction: Sessions) -> None:
    together = Barrier(8)

    def click(_: int) -> str:
        together.wait()
        return send(transaction)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(click, range(8))) == ["1"] * 8
    with transaction.begin() as session:
        assert numbers.next_number(session, "matters") == 2


def test_claim__forgets_what_is_old(transaction: Sessions, clock: ModuleType) -> None:
    send(transaction, "old")
    send(transaction, "old", by="bob")
    clock.move(submissions.REMEMBERED + timedelta(seconds=1))

    send(transaction, "new")

    with transaction.begin() as session:
        kept = session.execute(select(Submission.username, Submission.key).order_by(Submission.username)).all()
        assert [tuple(each) for each in kept] == [("alice", "new"), ("bob", "old")]
        assert session.scalar(select(func.count()).select_from(Submission)) == 2
