"""What passwords must be, and their hashes."""

from __future__ import annotations

import argon2
import pytest

from casepath.engine import errors
from casepath.engine.people import passwords
from tests.each import each

#: What users have, who have it before any test begins.
HASHER = passwords._hasher


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes are those of users."""
    monkeypatch.setattr(passwords, "_hasher", HASHER)


def test_hashed__is_slow_on_purpose() -> None:
    """As OWASP recommends: argon2id, 19 MiB of memory, two passes."""
    found = argon2.extract_parameters(passwords.hashed("something else"))

    assert (found.type, found.time_cost >= 2, found.memory_cost >= 19_456) == (argon2.Type.ID, True, True)


def test_matches__the_right_one_only() -> None:
    stored = passwords.hashed("正确的密码 1234")

    assert passwords.matches("正确的密码 1234", stored)
    assert not passwords.matches("正确的密码 1235", stored)


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$v=19$broken"])
def test_matches__no_hash(stored: str | None) -> None:
    assert not passwords.matches("", stored)
    assert not passwords.matches("nobody has this password", stored)


@pytest.mark.parametrize("password", ["\ud800", "x" * 100_000, "\x00", ""])
def test_matches__what_nobody_types(password: str) -> None:
    assert not passwords.matches(password, passwords.hashed("something else"))


def test_hashed__twice_is_different() -> None:
    assert passwords.hashed("something else") != passwords.hashed("something else")


def test_is_outdated__fresh() -> None:
    assert not passwords.is_outdated(passwords.hashed("something else"))


@each("password", ["", "short 1", "x" * 201, "aaaaaaaaaa", "alice123", "AliceAlice"])
def test_check_rules__refused(password: str) -> None:
    with pytest.raises(errors.InvalidInput, match="A password "):
        passwords.check_rules(password, "alice")


@pytest.mark.parametrize("password", ["correct horse", "投诉处理流程规定", "x9!x9?x8", "alice likes horses"])
def test_check_rules__accepted(password: str) -> None:
    passwords.check_rules(password, "alice")


@each("password", ["password1", "Sunshine", "iloveyou!", "qwertyuiop", "1q2w3e4r5t", "PRINCESS2026"])
def test_rules__of_passwords_that_many_people_have(password: str) -> None:
    with pytest.raises(errors.InvalidInput) as refusal:
        passwords.check_rules(password, "alice")

    assert refusal.value.code == "password-known"


@each("password", ["quiet-river-42", "casepath-demo", "correct horse", "mary84731956", "投诉处理流程很好用"])
def test_rules__of_passwords_that_are_not_on_the_list(password: str) -> None:
    passwords.check_rules(password, "alice")
