"""Logging in, and being slowed down."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.database.models import LoginFailure
from casepath.engine.people import identity
from casepath.engine.people.identity import Attempt
from tests import factories
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

HOME = "192.0.2.1"
PASSWORD = "correct horse"


@pytest.fixture
def alice(transaction: Sessions, clock: ModuleType) -> str:
    """A user with a password, at a time that stands still."""
    clock.set_to(clock.now())
    with transaction.begin() as session:
        return identity.create_user(session, "alice", name="Alice", password=PASSWORD, by=PROGRAM).username


def attempt(transaction: Sessions, username: str, password: str, address: str = HOME) -> Attempt:
    with transaction.begin() as session:
        return identity.authenticate(session, username, password, address)


def test_authenticate__right(transaction: Sessions, alice: str) -> None:
    assert attempt(transaction, " Alice", PASSWORD).username == "alice"


@each(
    "username, password", [("alice", "wrong"), ("alice", ""), ("bob", PASSWORD), ("", ""), ("\x00\ud800", "x")]
)
def test_authenticate__wrong(transaction: Sessions, alice: str, username: str, password: str) -> None:
    assert attempt(transaction, username, password) == Attempt()


def test_authenticate__deactivated(transaction: Sessions, alice: str) -> None:
    with transaction.begin() as session:
        identity.set_active(session, "alice", active=False, by=PROGRAM)

    assert attempt(transaction, "alice", PASSWORD).username is None


def test_authenticate__without_password(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.user(session, "bob")

    assert attempt(transaction, "bob", "").username is None


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_authenticate__slowed_down_after_five(transaction: Sessions, alice: str, username: str) -> None:
    """Whether the user exists or not."""
    attempts = [attempt(transaction, username, "wrong") for _ in range(6)]

    assert [one.wait for one in attempts] == [timedelta(0)] * 5 + [timedelta(seconds=15)]


def test_authenticate__right_but_too_early(transaction: Sessions, alice: str, clock: ModuleType) -> None:
    for _ in range(5):
        attempt(transaction, "alice", "wrong")

    clock.move(timedelta(seconds=10))
    early = attempt(transaction, "alice", PASSWORD)
    clock.move(timedelta(seconds=5))
    later = attempt(transaction, "alice", PASSWORD)

    assert (early.username, early.wait) == (None, timedelta(seconds=5))
    assert later.username == "alice"


def test_authenticate__wait_doubles_up_to_its_end(transaction: Sessions, alice: str, clock: ModuleType) -> None:
    for _ in range(5):
        attempt(transaction, "alice", "wrong")
    waits = []
    for _ in range(9):
        wait = attempt(transaction, "alice", "wrong").wait
        waits.append(int(wait.total_seconds()))
        clock.move(wait)
        attempt(transaction, "alice", "wrong")

    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]


def test_authenticate__right_one_forgets_the_wrong_ones(transaction: Sessions, alice: str) -> None:
    for _ in range(4):
        attempt(transaction, "alice", "wrong")
    attempt(transaction, "alice", PASSWORD)

    assert attempt(transaction, "alice", "wrong").wait == timedelta(0)
    with transaction.begin() as session:
        assert len(session.scalars(select(LoginFailure)).all()) == 1


def test_authenticate__other_address_is_not_slowed_down(transaction: Sessions, alice: str) -> None:
    """Otherwise anybody could keep Alice out."""
    for _ in range(6):
        attempt(transaction, "alice", "wrong", "198.51.100.7")

    assert attempt(transaction, "alice", PASSWORD).username == "alice"


def test_authenticate__one_address_and_many_users(transaction: Sessions, alice: str, clock: ModuleType) -> None:
    with transaction.begin() as session:
        session.add_all(LoginFailure(username=f"user{n}", address=HOME, at=clock.now()) for n in range(100))

    # Whoever guesses one password of each has one attempt with each, and colleagues are not locked out.
    assert [attempt(transaction, "bob", "wrong").wait for _ in range(2)] == [timedelta(0), timedelta(minutes=1)]
    assert attempt(transaction, "alice", PASSWORD).username == "alice"


def test_authenticate__one_user_and_many_addresses(transaction: Sessions, alice: str, clock: ModuleType) -> None:
    with transaction.begin() as session:
        session.add_all(LoginFailure(username="alice", address=f"2001:db8::{n}", at=clock.now()) for n in range(50))

    # Whoever has many addresses has one attempt from each, and Alice is not locked out at home.
    waits = [attempt(transaction, "alice", "wrong", "198.51.100.7").wait for _ in range(2)]
    assert waits == [timedelta(0), timedelta(minutes=1)]
    assert attempt(transaction, "alice", PASSWORD).username == "alice"


def test_credentials__a_known_device_counts_for_itself(transaction: Sessions, alice: str, clock: ModuleType) -> None:
    """A colleague behind the same address tries the password of Alice for hours."""
    with transaction.begin() as session:
        session.add_all(LoginFailure(username="alice", address=HOME, at=clock.now()) for _ in range(200))

    def on_device(password: str) -> Attempt:
        with transaction.begin() as session:
            asked = identity.credentials(session, "alice", HOME, device="laptop")
            made = asked.accept(password)
            identity.note(session, asked, made, password)
            return made

    assert attempt(transaction, "alice", PASSWORD).wait == timedelta(minutes=15)
    assert on_device(PASSWORD).username == "alice"
    assert [on_device("wrong").wait for _ in range(6)] == [timedelta(0)] * 5 + [timedelta(seconds=15)]


def test_credentials__who_logs_in_as_ever_needs_nothing_written(transaction: Sessions, alice: str) -> None:
    def is_worth_a_note(password: str) -> bool:
        with transaction.begin() as session:
            asked = identity.credentials(session, "alice", HOME)
        return asked.is_worth_a_note(asked.accept(password))

    assert not is_worth_a_note(PASSWORD)
    assert is_worth_a_note("wrong")
    attempt(transaction, "alice", "wrong")
    assert is_worth_a_note(PASSWORD)


def test_authenticate__old_failures_are_forgotten(transaction: Sessions, alice: str, clock: ModuleType) -> None:
    for _ in range(5):
        attempt(transaction, "alice", "wrong")

    clock.move(timedelta(hours=12))

    assert attempt(transaction, "alice", "wrong").wait == timedelta(0)
    with transaction.begin() as session:
        assert len(session.scalars(select(LoginFailure)).all()) == 1


def test_authenticate__renews_an_outdated_hash(transaction: Sessions, alice: str) -> None:
    import argon2

    old = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with transaction.begin() as session:
        identity.get(session, "alice").password_hash = old

    assert attempt(transaction, "alice", PASSWORD).username == "alice"

    with transaction.begin() as session:
        assert identity.get(session, "alice").password_hash != old
    assert attempt(transaction, "alice", PASSWORD).username == "alice"
