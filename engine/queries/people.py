"""People and groups by name, for lists and choices."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.models import Group, Membership, User


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


def choices(session: Session, groups: Iterable[str] = (), *, limit: int = 500) -> list[tuple[str, str]]:
    """
    Return user name and full name of active users, in the order of their names; at most `limit` of them.

    With groups: only who belongs to one of them.
    """
    statement = select(User.username, User.name).where(User.active.is_(True)).order_by(User.name, User.username)
    wanted = sorted(groups)
    if wanted:
        members = select(Membership.username).where(Membership.group_key.in_(wanted))
        statement = statement.where(User.username.in_(members))
    return [(username, name or username) for username, name in session.execute(statement.limit(limit))]
