"""Users and groups: who there is, who belongs to what, and what is known about whoever is logged in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.orm import Session

from casepath.engine import errors, texts
from casepath.engine.database import Base, Instant
from casepath.engine.database.models import EndedSession, Group, Membership, User
from casepath.engine.database.statements import Statement
from casepath.engine.people import authorization, passwords
from casepath.engine.people.authentication import (
    Attempt,
    Credentials,
    authenticate,
    credentials,
    end_session,
    normal,
    note,
)
from casepath.engine.people.authorization import Person
from casepath.engine.time import clock

__all__ = [
    "Attempt",
    "Credentials",
    "Imported",
    "Person",
    "add_group",
    "authenticate",
    "create_user",
    "credentials",
    "end_session",
    "get",
    "group",
    "groups",
    "groups_of",
    "import_people",
    "known",
    "members",
    "normal",
    "note",
    "person",
    "person_since",
    "set_active",
    "set_groups",
    "set_language",
    "set_password",
    "users",
]

LANGUAGES = ("zh_CN", "en")
MAX_NAME_LENGTH = 100

_USERNAME = re.compile(r"\w[\w.@+-]{0,63}")
_GROUP_KEY = re.compile(r"\w[\w.-]{0,63}")
_EMAIL = re.compile(r"[^\s\x00-\x1f\x7f@<>\"',;]{1,64}@[^\s\x00-\x1f\x7f@<>\"',;]{1,180}")

_users = Base.metadata.tables[User.__tablename__]
_groups = Base.metadata.tables[Group.__tablename__]
_memberships = Base.metadata.tables[Membership.__tablename__]
_ended = Base.metadata.tables[EndedSession.__tablename__]

#: Somebody with all groups, one row each; one statement, because it runs with every request and every command.
_person = Statement(
    select(
        _users.c.username,
        _users.c.name,
        _users.c.email,
        _users.c.language,
        _users.c.active,
        _groups.c.key,
        _groups.c.sees_all,
    )
    .outerjoin_from(_users, _memberships, _memberships.c.username == _users.c.username)
    .outerjoin(_groups, _groups.c.key == _memberships.c.group_key)
    .where(_users.c.username == bindparam("username"))
)

#: What decides whether a session still counts.
_session = select(
    _users.c.active,
    _users.c.sessions_valid_from,
    exists()
    .where(_ended.c.username == _users.c.username, _ended.c.begun_at == bindparam("begun_at", type_=Instant()))
    .label("ended"),
).where(_users.c.username == bindparam("username"))

#: The engine's own groups, with their names in Chinese and English.
_ROLE_NAMES = {
    authorization.ADMINISTRATOR: ("系统管理员", "Administrators"),
    authorization.AUDITOR: ("审计员", "Auditors"),
    authorization.OPERATOR: ("运维人员", "Operators"),
    authorization.PROCESS_OWNER: ("流程负责人", "Process owners"),
}


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import added."""

    groups: int
    users: int


# Reading


def get(session: Session, username: str) -> User:
    """Return a user; raises `NotFound`."""
    user = session.get(User, normal(username))
    if user is None:
        raise errors.NotFound("user", username)
    return user


def group(session: Session, key: str) -> Group:
    """Return a group; raises `NotFound`."""
    found = session.get(Group, texts.storable(key))
    if found is None:
        raise errors.NotFound("group", key)
    return found


def groups(session: Session) -> list[Group]:
    """Return every group, ordered by key."""
    return list(session.scalars(select(Group).order_by(Group.key)))


def users(session: Session, *, after: str = "", limit: int | None = None) -> list[User]:
    """Return users ordered by user name, from the one behind `after`."""
    return list(session.scalars(select(User).where(User.username > after).order_by(User.username).limit(limit)))


def groups_of(session: Session, username: str) -> frozenset[str]:
    """Return the keys of the groups that a user belongs to; none for somebody who does not exist."""
    return frozenset(session.scalars(select(Membership.group_key).where(Membership.username == normal(username))))


def members(session: Session, keys: Collection[str]) -> frozenset[str]:
    """Return the user names of active users who belong to at least one of these groups."""
    return frozenset(
        session.scalars(
            select(Membership.username)
            .join(User, User.username == Membership.username)
            .where(Membership.group_key.in_(keys), User.active)
        )
    )


def person(session: Session, username: str) -> Person:
    """Return an active user as the one who asks; raises `NotFound`."""
    found = known(session, username)
    if found is None:
        raise errors.NotFound("user", username)
    return found


def known(session: Session, username: str) -> Person | None:
    """Return a user as the one who asks, or None where it is no user's name; raises `NotFound` for an inactive one."""
    rows = _person.rows(session.connection(), {"username": normal(username)})
    if not rows:
        return None
    user = rows[0]
    if not user.active:
        raise errors.NotFound("user", username)
    return Person(
        username=user.username,
        name=user.name,
        groups=frozenset(row.key for row in rows if row.key is not None),
        sees_all=any(row.sees_all for row in rows),
        email=user.email,
        language=user.language,
    )


def person_since(session: Session, username: str, begun_at: datetime) -> Person | None:
    """Return whoever logged in at `begun_at`, or None where it counts no longer: ended, deactivated, a new password."""
    username = normal(username)
    row = session.execute(_session, {"username": username, "begun_at": begun_at}).one_or_none()
    if row is None or not row.active or row.ended or (row.sessions_valid_from or begun_at) > begun_at:
        return None
    return person(session, username)


# Changing


def create_user(
    session: Session,
    username: str,
    *,
    name: str,
    email: str | None = None,
    password: str | None = None,
    groups: Iterable[str] = (),
    language: str = "zh_CN",
) -> User:
    """
    Add a user; without a password nobody can log in as this one.

    Raises `InvalidInput` for a name, address or password that cannot be used or a user name that exists, and `NotFound`
    for a group that does not.
    """
    username = _checked_username(username)
    if session.get(User, username) is not None:
        raise errors.InvalidEntry("user-name-taken", username=username)
    user = User(
        username=username,
        name=texts.checked(name, name="a name", limit=MAX_NAME_LENGTH),
        email=_checked_email(email),
        password_hash=None if password is None else _hashed(password, username),
        language=_checked_language(language),
        active=True,
        created_at=clock.now(),
    )
    session.add(user)
    session.flush()
    _join(session, username, groups)
    return user


def set_password(session: Session, username: str, password: str | None) -> None:
    """Change the password and end the user's sessions; None locks the password. Raises `NotFound`, `InvalidInput`."""
    user = get(session, username)
    user.password_hash = None if password is None else _hashed(password, user.username)
    user.sessions_valid_from = clock.now()
    session.flush()


def set_active(session: Session, username: str, active: bool) -> None:
    """Let a user in or lock the user out at once; raises `NotFound`, and `InvalidInput` for the last administrator."""
    user, administrators = get(session, username), _administrators(session)
    user.active = active
    if not active:
        user.sessions_valid_from = clock.now()
    session.flush()
    _require_an_administrator(session, administrators)


def set_language(session: Session, username: str, language: str) -> None:
    """Change the language of pages and e-mails; raises `NotFound`, `InvalidInput`."""
    get(session, username).language = _checked_language(language)
    session.flush()


def set_groups(session: Session, username: str, keys: Collection[str]) -> None:
    """Make a user a member of just these groups; raises `NotFound`, and `InvalidInput` for the last administrator."""
    user, administrators = get(session, username), _administrators(session)
    session.execute(delete(Membership).where(Membership.username == user.username))
    _join(session, user.username, keys)
    _require_an_administrator(session, administrators)


def add_group(session: Session, key: str, *, name: str, name_en: str | None = None, sees_all: bool = False) -> Group:
    """Add a group, or give an existing one these names; raises `InvalidInput`."""
    if not _GROUP_KEY.fullmatch(key):
        raise errors.InvalidEntry("group-key", key=key)
    found = session.get(Group, key)
    if found is None:
        found = Group(key=key)
        session.add(found)
    found.name = texts.checked(name, name="a name", limit=MAX_NAME_LENGTH)
    english = texts.checked(name_en or "", name="an English name", limit=MAX_NAME_LENGTH, required=False)
    found.name_en = english or None
    found.sees_all = sees_all
    session.flush()
    return found


def import_people(session: Session, people: Mapping[str, Any]) -> Imported:
    """
    Add the groups and people of a `groups.json`, and the engine's own groups.

    Groups get the names and the sight that the file gives them; people who exist stay as they are. Raises
    `InvalidInput` where the file has another shape, `NotFound` where a person belongs to a group that is not there.
    """
    known = {found.key for found in groups(session)}
    for key, (name, name_en) in _ROLE_NAMES.items():
        if key not in known:
            add_group(session, key, name=name, name_en=name_en)
    for entry in _entries(people, "groups"):
        names = {"name": _text(entry, "name"), "name_en": _text(entry, "name_en", "nameEn", required=False)}
        sight = entry.get("sees_all", entry.get("seesAll", entry.get("sees") == "all"))
        add_group(session, _text(entry, "key"), sees_all=bool(sight), **names)
    before = {user.username for user in users(session)}
    added = 0
    for entry in _entries(people, "people"):
        if normal(_text(entry, "username")) not in before:
            _import_person(session, entry)
            added += 1
    return Imported(groups=len(groups(session)) - len(known), users=added)


def _import_person(session: Session, entry: Mapping[str, Any]) -> None:
    keys = entry.get("groups", [])
    if not isinstance(keys, list):
        raise errors.InvalidInput("Expected the groups of a person as a list")
    create_user(
        session,
        _text(entry, "username"),
        name=_text(entry, "name"),
        email=_text(entry, "email", required=False) or None,
        groups=[str(key) for key in keys],
        language=_text(entry, "language", required=False) or LANGUAGES[0],
    )


def _entries(people: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = people.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise errors.InvalidInput(f"Expected a list of objects under '{key}'")
    return entries


def _text(entry: Mapping[str, Any], *keys: str, required: bool = True) -> str:
    found = next((entry[key] for key in keys if entry.get(key) is not None), "")
    if not isinstance(found, str) or (required and not found):
        raise errors.InvalidInput(f"Expected a text under '{keys[0]}', but found {str(entry)[:200]}")
    return found


def _join(session: Session, username: str, keys: Iterable[str]) -> None:
    for key in sorted(set(keys)):
        group(session, key)
        session.add(Membership(username=username, group_key=key))
    session.flush()


def _administrators(session: Session) -> frozenset[str]:
    """Return who administers now; nobody else takes an administrator away until the transaction ends."""
    session.execute(select(Group.key).where(Group.key == authorization.ADMINISTRATOR).with_for_update())
    return members(session, [authorization.ADMINISTRATOR])


def _require_an_administrator(session: Session, before: frozenset[str]) -> None:
    """Otherwise nobody could let anybody in again."""
    if before and not members(session, [authorization.ADMINISTRATOR]):
        raise errors.InvalidEntry("administrator-last")


def _checked_username(username: str) -> str:
    checked = normal(username)
    if not _USERNAME.fullmatch(checked):
        raise errors.InvalidEntry("user-name", username=username)
    return checked


def _checked_email(email: str | None) -> str | None:
    if not email:
        return None
    if not _EMAIL.fullmatch(email):
        raise errors.InvalidEntry("email", email=email)
    return email


def _checked_language(language: str) -> str:
    if language not in LANGUAGES:
        raise errors.InvalidEntry("language", expected=", ".join(LANGUAGES), language=language)
    return language


def _hashed(password: str, username: str) -> str:
    passwords.check_rules(password, username)
    return passwords.hashed(password)
