"""People and groups by name, for lists and choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from casepath.engine import texts
from casepath.engine.database.models import Group, Membership, User
from casepath.engine.people import authentication
from casepath.engine.people.authorization import AUDITOR, Candidacy


@dataclass(frozen=True, kw_only=True)
class UserRow:
    """One user in the list."""

    username: str
    name: str
    email: str | None
    active: bool
    has_password: bool
    groups: Sequence[str]


def users(
    session: Session, *, text: str = "", group: str = "", after: str = "", limit: int = 50
) -> tuple[list[UserRow], str | None]:
    """
    Return users whose names contain a text, those behind a user name; and behind which the next page begins.

    With a group only those who belong to it.
    """
    query = select(User).where(User.username > after).order_by(User.username).limit(limit + 1)
    if group:
        query = query.where(User.username.in_(select(Membership.username).where(Membership.group_key == group)))
    if text:
        query = query.where(
            or_(User.username.icontains(text, autoescape=True), User.name.icontains(text, autoescape=True))
        )
    found = list(session.scalars(query))
    groups: dict[str, list[str]] = {}
    memberships = select(Membership.username, Membership.group_key).where(
        Membership.username.in_([user.username for user in found[:limit]])
    )
    for username, key in session.execute(memberships.order_by(Membership.group_key)):
        groups.setdefault(username, []).append(key)
    rows = [
        UserRow(
            username=user.username,
            name=user.name,
            email=user.email,
            active=user.active,
            has_password=user.password_hash is not None,
            groups=groups.get(user.username, []),
        )
        for user in found[:limit]
    ]
    return rows, rows[-1].username if len(found) > limit else None


def groups(session: Session, *, after: str = "", limit: int = 50) -> tuple[list[Group], str | None]:
    """Return groups by key, those behind one; and behind which the next page begins."""
    query = select(Group).where(Group.key > after).order_by(Group.key).limit(limit + 1)
    found = list(session.scalars(query))
    return found[:limit], found[limit - 1].key if len(found) > limit else None


def group_sizes(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """Return how many active users belong to each of these groups that has any."""
    query = select(Membership.group_key, func.count()).join(User, User.username == Membership.username)
    found = session.execute(query.where(User.active, Membership.group_key.in_(keys)).group_by(Membership.group_key))
    return {row[0]: row[1] for row in found}


def names(session: Session, usernames: Iterable[str | None]) -> dict[str, str]:
    """Return the full names of users; who is not known is left out."""
    wanted = {username for username in usernames if username}
    if not wanted:
        return {}
    found = session.execute(select(User.username, User.name).where(User.username.in_(wanted)))
    return {username: name or username for username, name in found}


def group_names(session: Session) -> dict[str, tuple[str, str]]:
    """Return the names of all groups by key: the Chinese and the English one."""
    found = session.execute(select(Group.key, Group.name, Group.name_en))
    return {key: (name, name_en or name) for key, name, name_en in found}


@dataclass(frozen=True, kw_only=True)
class Choices:
    """People to choose from, in the order of their names: user name and full name."""

    people: Sequence[tuple[str, str]]
    #: Whether these are all; of more than a list is good for, the others are found by what is written (`chosen`).
    are_all: bool


def choices(session: Session, among: Candidacy | None = None, *, limit: int = 500) -> Choices:
    """Return active users who may act, at most `limit` of them; with a candidacy only its candidates."""
    auditors = select(Membership.username).where(Membership.group_key == AUDITOR)
    statement = select(User.username, User.name).where(User.active.is_(True), User.username.not_in(auditors))
    if among is not None:
        members = select(Membership.username).where(Membership.group_key.in_(among.candidate_groups))
        statement = statement.where(or_(User.username.in_(members), User.username.in_(among.candidate_users)))
    found = session.execute(statement.order_by(User.name, User.username).limit(limit + 1)).all()
    shown = [(username, name or username) for username, name in found[:limit]]
    return Choices(people=shown, are_all=len(found) <= limit)


def chosen(session: Session, text: str) -> str:
    """Return the user name of whoever is meant by a user name, or by a full name that only one active user has."""
    wanted = texts.storable(text).strip()
    if session.get(User, authentication.normal(wanted)) is not None:
        return wanted
    found = session.scalars(select(User.username).where(User.active, User.name == wanted).limit(2)).all()
    return found[0] if len(found) == 1 else wanted
