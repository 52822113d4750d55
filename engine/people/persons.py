"""Who acts: an active user with all that decides what he may see and do, or a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import Base, values
from casepath.engine.database.models import Group, Membership, Substitution, User
from casepath.engine.database.statements import Statement
from casepath.engine.people import authorization
from casepath.engine.people.authentication import normal
from casepath.engine.people.authorization import Actor, By, Person
from casepath.engine.time import clock

_users = Base.metadata.tables[User.__tablename__]
_groups = Base.metadata.tables[Group.__tablename__]
_memberships = Base.metadata.tables[Membership.__tablename__]
_substitutions = Base.metadata.tables[Substitution.__tablename__]

_now = bindparam("now", type_=_substitutions.c.begins_at.type)
_stands_in = (_substitutions.c.begins_at <= _now, _substitutions.c.ends_at > _now)

#: Somebody with all groups, one row each; one statement, because it runs with every request and every command.
_person = Statement(
    select(
        _users.c.username,
        _users.c.name,
        _users.c.email,
        _users.c.language,
        _users.c.password_is_given,
        _users.c.active,
        _groups.c.key,
        _groups.c.sees_all,
        _groups.c.distributes,
        select(_substitutions.c.id)
        .where(_substitutions.c.substitute == _users.c.username, *_stands_in)
        .exists()
        .label("stands_in"),
    )
    .outerjoin_from(_users, _memberships, _memberships.c.username == _users.c.username)
    .outerjoin(_groups, _groups.c.key == _memberships.c.group_key)
    .where(_users.c.username == bindparam("username"))
)
_absent = Statement(
    select(_substitutions.c.username)
    .where(_substitutions.c.substitute == bindparam("username"), *_stands_in)
    .order_by(_substitutions.c.username)
    .distinct()
)


def person(session: Session, username: str) -> Person:
    """Return an active user as the one who acts; raises `NotFound`."""
    rows = _rows_of(session, username)
    if not rows or not rows[0].active:
        raise errors.NotFound("user", username)
    found = _person_of(rows)
    return replace(found, stands_in_for=_absent_ones(session, found.username)) if rows[0].stands_in else found


def _absent_ones(session: Session, username: str) -> tuple[Person, ...]:
    """Return those for whom a user stands in now, with the groups of the house only: no role of the engine is lent."""
    names = _absent.rows(session.connection(), {"username": username, "now": clock.now()})
    found = (_rows_of(session, row.username) for row in names)
    absent = (_person_of(rows) for rows in found if rows[0].active)
    return tuple(replace(each, groups=each.groups.difference(authorization.ROLES)) for each in absent)


def _rows_of(session: Session, username: str) -> Sequence[Row[*tuple[Any, ...]]]:
    return _person.rows(session.connection(), {"username": normal(username), "now": clock.now()})


def _person_of(rows: Sequence[Row[*tuple[Any, ...]]]) -> Person:
    user = rows[0]
    return Person(
        username=user.username,
        name=user.name,
        groups=frozenset(row.key for row in rows if row.key is not None),
        sees_all=any(row.sees_all for row in rows),
        distributes=frozenset(key for row in rows if row.key is not None for key in distributed(row.distributes)),
        email=user.email,
        language=user.language,
        has_given_password=user.password_is_given,
    )


def actor(session: Session, by: By) -> Actor:
    """Return who acts; raises `NotFound` for a name that is no active user's."""
    return person(session, by) if isinstance(by, str) else by


def allowed(
    session: Session, by: By, rule: Callable[[Person], bool], verb: str, noun: str, key: object = ""
) -> Actor:
    """Return who acts, where a rule of the engine as a whole allows it; raises `NotFound` for no user, `Forbidden`."""
    if isinstance(found := actor(session, by), Person) and not rule(found):
        raise errors.Forbidden(verb, noun, key, found.username)
    return found


def distributed(stored: str) -> list[str]:
    """Return the keys of the groups whose user tasks a group distributes, as they are stored with it."""
    keys: Any = values.loads(stored)
    return list(keys)
