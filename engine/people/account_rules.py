"""What may be the name, address, language and password of a user, and the key of a group."""

from __future__ import annotations

import re

from casepath.engine import errors
from casepath.engine.people import passwords
from casepath.engine.people.authentication import normal

LANGUAGES = ("zh_CN", "en")

_USERNAME = re.compile(r"\w[\w.@+-]{0,63}")
_GROUP_KEY = re.compile(r"\w[\w.-]{0,63}")
_EMAIL = re.compile(r"[^\s\x00-\x1f\x7f@<>\"',;]{1,64}@[^\s\x00-\x1f\x7f@<>\"',;]{1,180}")


def username(typed: str) -> str:
    """Return a user name as it is stored; raises `InvalidInput`."""
    checked = normal(typed)
    if not _USERNAME.fullmatch(checked):
        raise errors.InvalidInput(
            "A user name has 1 to 64 letters, digits, '_', '.', '@', '+' and '-'; you wrote “{username}”.",
            code="user-name",
            username=typed,
        )
    return checked


def group_key(key: str) -> str:
    """Return the key of a group; raises `InvalidInput`."""
    if not _GROUP_KEY.fullmatch(key):
        raise errors.InvalidInput(
            "A key has 1 to 64 letters, digits, '_', '.' and '-'; you wrote “{key}”.",
            code="group-key",
            key=key,
        )
    return key


def email(address: str | None) -> str | None:
    """Return an e-mail address, None for an empty one; raises `InvalidInput`."""
    if not address:
        return None
    if not _EMAIL.fullmatch(address):
        raise no_email(address)
    return address


def no_email(text: str) -> errors.InvalidInput:
    """Return the refusal of a text that is no e-mail address."""
    return errors.InvalidInput(
        "Please write an e-mail address, such as name@example.com; you wrote “{email}”.", code="email", email=text
    )


def mailbox(text: str) -> tuple[str, str]:
    """
    Return name and address of `Casepath <casepath@house.example>`, the name empty where there is only an address.

    A name may have commas in it; there is one address. Raises `InvalidInput` for anything else.
    """
    name, bracket, rest = text.strip().rpartition("<")
    address = rest.removesuffix(">") if bracket and rest.endswith(">") else text.strip()
    checked = email(address)
    if checked is None:
        raise errors.InvalidInput("Expected a name and an address, or an address, but found none")
    return " ".join(name.replace('"', " ").split()), checked


def language(code: str) -> str:
    """Return the code of a language that pages are written in; raises `InvalidInput`."""
    if code not in LANGUAGES:
        raise errors.InvalidInput(
            "Please choose one of the languages {expected}; “{language}” has arrived.",
            code="language",
            expected=", ".join(LANGUAGES),
            language=code,
        )
    return code


def hashed(password: str, username: str) -> str:
    """Return what is stored of a password; raises `InvalidInput` for one that cannot be used."""
    passwords.check_rules(password, username)
    return passwords.hashed(password)
