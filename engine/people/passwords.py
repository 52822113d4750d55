"""Passwords: what they must be, and their argon2id hashes."""

from __future__ import annotations

import functools
import importlib
import string

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from casepath.engine import errors

MIN_LENGTH = 8
#: Hashing is slow on purpose; nobody may make it slower with a book for a password.
MAX_LENGTH = 200
#: Different characters.
MIN_VARIETY = 4
#: Digits and signs that people put behind a password that everybody knows.
MAX_SUFFIX = 4

#: OWASP's smaller set: 19 MiB and about 20 ms, so that a morning's log-ins fit into a small machine.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def check_rules(password: str, username: str) -> None:
    """Raise `InvalidInput` where a password is too short or long, or guessed early: by the user name, or by a list."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise errors.InvalidInput(
            "A password has {least} to {limit} characters; yours has {length}.",
            code="password-length",
            least=MIN_LENGTH,
            limit=MAX_LENGTH,
            length=len(password),
        )
    if username.casefold() in password.casefold() and len(password) < len(username) + MIN_LENGTH:
        raise errors.InvalidInput("A password must not contain the user name; yours does.", code="password-user-name")
    if len(set(password)) < MIN_VARIETY:
        raise errors.InvalidInput(
            "A password has at least {least} different characters; yours has {count}.",
            code="password-variety",
            least=MIN_VARIETY,
            count=len(set(password)),
        )


    if is_known(password):
        raise errors.InvalidInput(
            "Many people have this password, so it is guessed first; please take another one.", code="password-known"
        )


def is_known(password: str) -> bool:
    """Tell whether a password is one of the 30,000 most common ones, maybe with a few digits or signs behind it."""
    word = password.casefold()
    stem = word.rstrip(string.digits + string.punctuation)
    found = _common()
    return word in found or (len(word) - len(stem) <= MAX_SUFFIX and stem in found)


@functools.cache
def _common() -> frozenset[str]:
    # Read when the first password is set, which most processes never see.
    lists = importlib.import_module("zxcvbn.frequency_lists")
    return frozenset(lists.FREQUENCY_LISTS["passwords"])


def hashed(password: str) -> str:
    """Return the hash to be stored, as a PHC string."""
    return _hasher.hash(_bytes(password))


def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password belongs to a hash; without a hash it takes as long and says no."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        fits = _hasher.verify(password_hash or _nobody(), _bytes(password))
    except (InvalidHashError, VerificationError):
        return False
    return fits and bool(password_hash)


def is_outdated(password_hash: str) -> bool:
    """Tell whether the hash was made with other parameters than new ones."""
    return _hasher.check_needs_rehash(password_hash)


@functools.cache
def _nobody() -> str:
    return hashed("nobody has this password")


def _bytes(password: str) -> bytes:
    # Half of a surrogate pair is no character, but nobody's log-in may end in an error page.
    return password.encode("utf-8", "surrogatepass")
