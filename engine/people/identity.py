"""
Users and groups: who there is, who belongs to what, and what is known about whoever acts.

Every change is an event in the history of the house (`engine.history.organisation`), made by an administrator, by the
user concerned where it is a password or a language, or by a program.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from casepath.engine import errors, settings, texts
from casepath.engine.database import values
from casepath.engine.database.models import Group, Membership, User
from casepath.engine.history import Event, organisation
from casepath.engine.people import account_rules, authorization, groups_file
from casepath.engine.people.authentication import (
    Attempt,
    Credentials,
    authenticate,
    credentials,
    end_session,
    normal,
    note,
    still_counts,
)
from casepath.engine.people.authorization import Actor, By, Person
from casepath.engine.people.persons import actor, allowed, distributed, person
from casepath.engine.time import clock

__all__ = [
    "Attempt",
    "Credentials",
    "Imported",
    "Person",
    "actor",
    "add_group",
    "allowed",
    "authenticate",
    "change_password",
    "create_user",
    "credentials",
    "distributed",
    "end_session",
    "get",
    "group",
    "groups",
    "groups_of",
    "import_people",
    "members",
    "normal",
    "note",
    "person",
    "person_since",
    "set_active",
    "set_digest",
    "set_groups",
    "set_language",
    "set_password",
    "users",
]

MAX_NAME_LENGTH = 100
#: Of a day.
HOURS = 24

@dataclass(frozen=True, kw_only=True)
class Imported:
    """How many an import added."""

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


def memberships(session: Session, keys: Collection[str]) -> list[tuple[str, str, str, bool]]:
    """Return group, user name, full name and whether he is active of all who belong to these groups, in one order."""
    columns = Membership.group_key, User.username, User.name, User.active
    query = select(*columns).join(User, User.username == Membership.username).where(Membership.group_key.in_(keys))
    found = session.execute(query.order_by(User.username, Membership.group_key))
    return [(row.group_key, row.username, row.name, row.active) for row in found]


def person_since(session: Session, username: str, begun_at: datetime) -> Person | None:
    """Return whoever logged in at `begun_at`, or None where it counts no longer: ended, deactivated, a new password."""
    return person(session, username) if still_counts(session, username, begun_at) else None


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
    by: By,
) -> User:
    """
    Add a user; without a password nobody can log in as this one, and one that a person gives has to be changed first.

    Raises `Forbidden`, `InvalidInput` for a name, address or password that cannot be used or a user name that exists,
    and `NotFound` for a group that does not.
    """
    doer = _change(session, by, username)
    username = account_rules.username(username)
    if session.get(User, username) is not None:
        text = "The user name must be new, but “{username}” exists."
        raise errors.InvalidInput(text, code="user-name-taken", username=username)
    user = User(
        username=username,
        name=texts.checked(name, name="a name", limit=MAX_NAME_LENGTH),
        email=account_rules.email(email),
        password_hash=None if password is None else account_rules.hashed(password, username),
        password_is_given=password is not None and isinstance(doer, Person),
        language=account_rules.language(language),
        active=True,
        created_at=clock.now(),
    )
    session.add(user)
    session.flush()
    keys, has_password = _join(session, username, groups), password is not None
    facts = {"user": username, "groups": keys, "has_password": has_password, "language": language}
    personal = {"name": user.name, "email": user.email}
    organisation.record(session, Event(kind="user.created", facts=facts, variables=personal, by=doer.signature))
    return user


def set_password(session: Session, username: str, password: str | None, *, by: By) -> None:
    """
    Give a user another password and end the user's sessions; None locks the password.

    One that a person gives two people know, so its user has to choose another one before anything else.

    Raises `NotFound`, `Forbidden`, also for one's own (`change_password`), and `InvalidInput`.
    """
    doer = _change(session, by, username)
    user = get(session, username)
    user.password_is_given = password is not None and isinstance(doer, Person)
    _put_password(session, user, password, doer)


def change_password(session: Session, attempt: Attempt, password: str) -> None:
    """Change the password of whoever has just shown to know the old one; raises `Forbidden`, `InvalidInput`."""
    if attempt.username is None:
        raise errors.Forbidden("change", "user", "", None)
    organisation.lock(session)
    user = get(session, attempt.username)
    user.password_is_given = False
    _put_password(session, user, password, person(session, attempt.username))


def _put_password(session: Session, user: User, password: str | None, doer: Actor) -> None:
    user.password_hash = None if password is None else account_rules.hashed(password, user.username)
    user.sessions_valid_from = clock.now()
    session.flush()
    facts = {"user": user.username, "has_password": password is not None}
    organisation.record(session, Event(kind="user.password_changed", facts=facts, by=doer.signature))


def set_active(session: Session, username: str, active: bool, *, by: By) -> None:
    """
    Let a user in or lock the user out at once.

    Raises `NotFound`, `Forbidden`, and `InvalidInput` for the last administrator.
    """
    doer = _change(session, by, username)
    user, administrators = get(session, username), _administrators(session)
    if user.active == active:
        return
    user.active = active
    if not active:
        user.sessions_valid_from = clock.now()
    session.flush()
    _require_an_administrator(session, administrators)
    kind = "user.activated" if active else "user.deactivated"
    organisation.record(session, Event(kind=kind, facts={"user": user.username}, by=doer.signature))


def set_language(session: Session, username: str, language: str, *, by: By) -> None:
    """Change the language of pages and e-mails; raises `NotFound`, `Forbidden`, `InvalidInput`."""
    doer = _change(session, by, username, own=True)
    user = get(session, username)
    if user.language == account_rules.language(language):
        return
    user.language = language
    session.flush()
    facts = {"user": user.username, "language": language}
    organisation.record(session, Event(kind="user.changed", facts=facts, by=doer.signature))


def set_digest(session: Session, username: str, hour: int | None, *, by: By) -> None:
    """
    Have an e-mail tell a user each day, at an hour of the house (0 to 23), what is unread; None for no such e-mail.

    Raises `NotFound`, `Forbidden`, `InvalidInput`.
    """
    doer = _change(session, by, username, own=True)
    user = get(session, username)
    if hour is not None and not 0 <= hour < HOURS:
        raise errors.InvalidInput("Please choose an hour from 0 to {last}.", code="hour", last=HOURS - 1)
    if user.digest_hour == hour:
        return
    zone = clock.time_zone(settings.current.time_zone)
    user.digest_hour, user.digest_at = hour, None if hour is None else clock.next_hour(hour, clock.now(), zone)
    session.flush()
    facts = {"user": user.username, "digest_hour": hour}
    organisation.record(session, Event(kind="user.changed", facts=facts, by=doer.signature))


def set_groups(session: Session, username: str, keys: Collection[str], *, by: By) -> None:
    """
    Make a user a member of just these groups.

    Raises `NotFound`, `Forbidden`, and `InvalidInput` for the last administrator.
    """
    doer = _change(session, by, username)
    user, administrators = get(session, username), _administrators(session)
    before = groups_of(session, user.username)
    session.execute(delete(Membership).where(Membership.username == user.username))
    after = _join(session, user.username, keys)
    _require_an_administrator(session, administrators)
    for kind, changed in (("removed", before.difference(after)), ("added", set(after) - before)):
        for key in sorted(changed):
            facts = {"user": user.username, "group": key}
            organisation.record(session, Event(kind=f"membership.{kind}", facts=facts, by=doer.signature))


def add_group(
    session: Session,
    key: str,
    *,
    name: str,
    name_en: str | None = None,
    sees_all: bool = False,
    distributes: Collection[str] = (),
    by: By,
) -> Group:
    """
    Add a group, or give an existing one these names and rights.

    Raises `Forbidden`, `InvalidInput`, and `NotFound` for a group to distribute that is not there.
    """
    doer = _change(session, by, key, noun="group")
    for each in set(distributes) - {key}:
        group(session, each)
    entry = groups_file.GroupEntry(key=key, name=name, name_en=name_en or "", sees_all=sees_all,
                                   distributes=tuple(distributes))  # fmt: skip
    return _put_group(session, entry, doer)


def _put_group(session: Session, entry: groups_file.GroupEntry, doer: Actor) -> Group:
    found = session.get(Group, account_rules.group_key(entry.key))
    kind = "group.created" if found is None else "group.changed"
    english = texts.checked(entry.name_en, name="an English name", limit=MAX_NAME_LENGTH, required=False)
    wanted = {
        "name": texts.checked(entry.name, name="a name", limit=MAX_NAME_LENGTH),
        "name_en": english or None,
        "sees_all": entry.sees_all,
        "distributes": sorted(set(entry.distributes)),
    }
    if found is None:
        found = Group(key=entry.key)
        session.add(found)
    elif wanted == {**{name: getattr(found, name) for name in wanted}, "distributes": distributed(found.distributes)}:
        return found
    for name, value in {**wanted, "distributes": values.dumps(wanted["distributes"])}.items():
        setattr(found, name, value)
    session.flush()
    organisation.record(session, Event(kind=kind, facts={"group": entry.key, **wanted}, by=doer.signature))
    return found


def import_people(session: Session, people: Mapping[str, Any], *, by: By) -> Imported:
    """
    Add the groups and people of a `groups.json`, and the engine's own groups.

    Groups get the names and the rights that the file gives them; people who exist stay as they are. Raises `Forbidden`,
    `InvalidInput` where the file has another shape, `NotFound` where a group that it names is not there.
    """
    doer = _change(session, by, "groups.json", noun="group")
    (entries, persons), known = groups_file.read(people), {found.key for found in groups(session)}
    for entry in [*(role for role in groups_file.ROLES if role.key not in known), *entries]:
        _put_group(session, entry, doer)
    for key in {key for entry in entries for key in entry.distributes}:
        group(session, key)
    before = {user.username for user in users(session)}
    added = [each for each in persons if normal(each.username) not in before]
    for each in added:
        create_user(session, each.username, name=each.name, email=each.email, groups=each.groups,
                    language=each.language, by=doer)  # fmt: skip
    counted = {"groups": len(groups(session)) - len(known), "users": len(added)}
    organisation.record(session, Event(kind="people.imported", facts=counted, by=doer.signature))
    return Imported(**counted)


def _change(session: Session, by: By, key: str, *, noun: str = "user", own: bool = False) -> Actor:
    """Return who changes people, and keep others from it until the transaction ends; raises `Forbidden`."""
    doer = actor(session, by)
    is_own = own and isinstance(doer, Person) and doer.username == normal(key)
    if not is_own:
        allowed(session, doer, authorization.may_manage_people, "change", noun, key)
    organisation.lock(session)
    return doer


def _join(session: Session, username: str, keys: Iterable[str]) -> list[str]:
    joined = sorted(set(keys))
    for key in joined:
        group(session, key)
        session.add(Membership(username=username, group_key=key))
    session.flush()
    return joined


def _administrators(session: Session) -> frozenset[str]:
    """Return who administers now: an auditor does not, whatever else an auditor belongs to."""
    return members(session, [authorization.ADMINISTRATOR]) - members(session, [authorization.AUDITOR])


def _require_an_administrator(session: Session, before: frozenset[str]) -> None:
    """Otherwise nobody could let anybody in again."""
    if before and not _administrators(session):
        text = "At least one active administrator has to be left; after this there is none."
        raise errors.InvalidInput(text, code="administrator-last")
