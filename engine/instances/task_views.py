"""
Views of task lists: what somebody wants to see of one, in which columns and order, kept under a name.

A view is a person's own, or a group's, which all of its members see and change. Facts, by which people know a matter,
are named as `fact.<name>` among columns and orders; those that no deployed process declares are refused. What becomes
of the views of groups stands in the history of the house.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from casepath.engine import errors, texts
from casepath.engine.database import values
from casepath.engine.database.models import Group, TaskView
from casepath.engine.deployments import definitions
from casepath.engine.history import Event, organisation
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person

#: Which open tasks: one's own, what one may claim, everything that one may see, or what is put off.
ListName = Literal["mine", "claimable", "all", "put_off"]
LISTS: tuple[ListName, ...] = get_args(ListName)
#: When tasks are due: any time, before now, or before a day has passed.
DUE = ("", "overdue", "soon")
#: Begins the name of a fact among columns and orders.
FACT = "fact."
#: Turns the order of a fact round.
BACKWARDS = "-"
#: What comes first in a list; empty for what is overdue, then by urgency. Facts are orders as well.
ORDERS = ("", "due", "priority", "newest", "oldest")
#: What a list can show beside its tasks; facts are columns as well.
COLUMNS = ("matter", "due", "who", "since", "priority", "process", "number")
#: Columns of one list, facts that it is narrowed by, and views of one person or group.
MAX_COLUMNS = 12
MAX_FACTS = 6
MAX_VIEWS = 30
#: Characters of a name, and of anything that is looked for.
MAX_NAME = 60
MAX_TEXT = 255


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a list is narrowed to, and in which order; everything unset shows everything."""

    #: Words, each part of the task's name, of the business key, or of a fact of its matter.
    text: str = ""
    definition_key: str = ""
    #: `overdue`, or `soon`: due within a day, overdue ones included.
    due: str = ""
    assignee: str = ""
    #: Fact → its value, as a text.
    facts: Mapping[str, str] = field(default_factory=dict)
    #: One of `ORDERS`, or a fact, perhaps backwards.
    order: str = ""

    @property
    def is_set(self) -> bool:
        """Whether the list is narrowed at all."""
        return self != Filters(order=self.order)

    @property
    def needs_reading(self) -> bool:
        """Whether something is looked for that no index of the list has."""
        return bool(self.text or self.definition_key or self.assignee or self.facts)

    @property
    def fact(self) -> str:
        """The fact that gives the order; empty where none does."""
        name = self.order.removeprefix(BACKWARDS)
        return name.removeprefix(FACT) if name.startswith(FACT) else ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a view shows."""

    list: ListName = "mine"
    filters: Filters = field(default_factory=Filters)
    #: Some of `COLUMNS` and of the facts, in the order in which they stand; none for the usual ones.
    columns: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A view that is kept."""

    id: int
    name: str
    #: The group that shares it; None where it is somebody's own.
    group: str | None
    settings: Settings


def of_person(session: Session, person: Person) -> list[Kept]:
    """Return the views that somebody has: those of the groups first, then his own, by name."""
    found = session.scalars(select(TaskView).where(_seen_by(person)).order_by(TaskView.name, TaskView.id))
    return sorted(map(_kept, found), key=lambda view: view.group is None)


def get(session: Session, person: Person, view_id: int) -> Kept:
    """Return a view that somebody has; raises `NotFound`."""
    return _kept(_found(session, person, view_id))


def save(session: Session, name: str, settings: Settings, *, group: str | None = None, by: By) -> Kept:
    """
    Keep a view under a name, as one's own or for a group; the same once more, as by a second click, is the first one.

    Raises `NotFound` for no such group, `Forbidden` for a group that one does not belong to and for auditors, who share
    none, and `InvalidInput` for a name that is taken, for too many, and for what no list can show.
    """
    actor = identity.actor(session, by)
    if group is None and not isinstance(actor, Person):
        raise errors.Forbidden("keep", "view", name, actor.signature)
    owner = _shared(session, actor, group) if group is not None else {"username": actor.signature}
    name, stored = _as_kept(name), _stored(session, settings)
    if (there := _named(session, name, owner)) is not None and there.settings == stored:
        return _kept(there)
    _require_free(session, name, owner)
    _require_room(session, owner)
    row = TaskView(**owner, name=name, settings=stored)
    try:
        with _as_one(session, name):
            session.add(row)
            session.flush()
    except errors.InvalidInput:
        if (there := _named(session, name, owner)) is not None and there.settings == stored:
            return _kept(there)
        raise
    _record(session, "view.created", row, actor)
    return _kept(row)


def change(
    session: Session, view_id: int, *, name: str | None = None, settings: Settings | None = None, by: By
) -> Kept:
    """
    Give a view another name, or have it show something else.

    Raises `NotFound` for strangers, `Forbidden` and `InvalidInput` as `save` does.
    """
    row, actor = _changed(session, view_id, by)
    if name is not None and (name := _as_kept(name)) != row.name:
        _require_free(session, name, {"username": row.username, "group_key": row.group_key})
        with _as_one(session, name):
            row.name = name
            session.flush()
    if settings is not None:
        row.settings = _stored(session, settings)
    session.flush()
    _record(session, "view.changed", row, actor)
    return _kept(row)


def remove(session: Session, view_id: int, *, by: By) -> None:
    """Keep a view no longer; raises `NotFound` for strangers, `Forbidden`."""
    row, actor = _changed(session, view_id, by)
    _record(session, "view.removed", row, actor)
    session.delete(row)
    session.flush()


def may_change(person: Person, view: Kept) -> bool:
    """Tell whether somebody who has a view may change it."""
    return view.group is None or authorization.may_share_views(person, view.group)


# What is checked


def _stored(session: Session, settings: Settings) -> str:
    """Return what a view shows as it is stored; raises `InvalidInput` for what no list can show."""
    known, filters = set(definitions.declared_facts(session)), settings.filters
    facts = {f"{FACT}{name}" for name in known}
    _require([settings.list], LISTS)
    _require([filters.due], DUE)
    _require([filters.order], {*ORDERS, *facts, *(f"{BACKWARDS}{name}" for name in facts)})
    _require(settings.columns, {*COLUMNS, *facts})
    _require(filters.facts, known)
    for count, limit in ((len(settings.columns), MAX_COLUMNS), (len(filters.facts), MAX_FACTS)):
        if count > limit:
            text = "A view has at most {limit} columns and is narrowed by at most {facts} facts."
            raise errors.InvalidInput(text, code="view-too-large", limit=MAX_COLUMNS, facts=MAX_FACTS)
    for text in (filters.text, filters.definition_key, filters.assignee, *filters.facts.values()):
        texts.require(text, name="what is looked for", limit=MAX_TEXT)
    return values.dumps({
        "list": settings.list,
        "text": filters.text,
        "process": filters.definition_key,
        "due": filters.due,
        "assignee": filters.assignee,
        "facts": dict(filters.facts),
        "order": filters.order,
        "columns": list(dict.fromkeys(settings.columns)),
    })  # fmt: skip


def _require(found: Iterable[str], known: Iterable[str]) -> None:
    unknown = next((each for each in found if each not in known), None)
    if unknown is not None:
        text = "A task list knows no “{found}”: neither as a column, nor as an order, nor as something to look for."
        raise errors.InvalidInput(text, code="view-unknown", found=unknown)


def _as_kept(name: str) -> str:
    """Return a name as it is kept; raises `InvalidInput`."""
    return texts.checked(" ".join(name.split()), name="a name", limit=MAX_NAME)


def _require_free(session: Session, name: str, owner: Mapping[str, str | None]) -> None:
    """Raise `InvalidInput` where somebody, or a group, has a view of a name."""
    if _named(session, name, owner) is not None:
        raise _taken(name)


def _named(session: Session, name: str, owner: Mapping[str, str | None]) -> TaskView | None:
    return session.scalar(select(TaskView).where(*_owned_by(owner), TaskView.name == name))


@contextlib.contextmanager
def _as_one(session: Session, name: str) -> Iterator[None]:
    """Keep what is written where nobody has kept a view of the same name in the very moment; else `InvalidInput`."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise _taken(name) from error


def _taken(name: str) -> errors.InvalidInput:
    return errors.InvalidInput("There is a view “{name}” already.", code="view-name-taken", name=name)


def _require_room(session: Session, owner: Mapping[str, str | None]) -> None:
    """Raise `InvalidInput` where somebody, or a group, has as many views as can be kept."""
    if (session.scalar(select(func.count()).select_from(TaskView).where(*_owned_by(owner))) or 0) >= MAX_VIEWS:
        text = "At most {limit} views can be kept; please remove one."
        raise errors.InvalidInput(text, code="too-many-views", limit=MAX_VIEWS)


def _owned_by(owner: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    return [getattr(TaskView, column).is_not_distinct_from(value) for column, value in owner.items()]


# Whose it is


def _seen_by(person: Person) -> ColumnElement[bool]:
    return or_(TaskView.username == person.username, TaskView.group_key.in_(person.groups))


def _found(session: Session, person: Person, view_id: int) -> TaskView:
    own = _seen_by(person) if not person.is_administrator else or_(_seen_by(person), TaskView.group_key.is_not(None))
    found = session.scalar(select(TaskView).where(TaskView.id == view_id, own))
    if found is None:
        raise errors.NotFound("view", view_id)
    return found


def _changed(session: Session, view_id: int, by: By) -> tuple[TaskView, Actor]:
    """Return a view with who changes it; raises `NotFound` for strangers, `Forbidden`."""
    actor = identity.actor(session, by)
    row = _found(session, actor, view_id) if isinstance(actor, Person) else session.get(TaskView, view_id)
    if row is None:
        raise errors.NotFound("view", view_id)
    if row.group_key is not None:
        _shared(session, actor, row.group_key)
    elif not isinstance(actor, Person):
        raise errors.Forbidden("change", "view", view_id, actor.signature)
    return row, actor


def _shared(session: Session, actor: Actor, key: str) -> dict[str, str | None]:
    """Return the owner of a group's view; raises `NotFound`, `Forbidden`."""
    if isinstance(actor, Person) and not authorization.may_share_views(actor, key):
        raise errors.Forbidden("share a view with", "group", key, actor.username)
    organisation.lock(session)
    if session.get(Group, key) is None:
        raise errors.NotFound("group", key)
    return {"username": None, "group_key": key}


def _record(session: Session, kind: str, row: TaskView, actor: Actor) -> None:
    """Have the history of the house tell what becomes of a group's view; one's own is nobody else's affair."""
    if row.group_key is not None:
        # What is looked for may be personal.
        shown: Mapping[str, Any] = {"name": row.name, "settings": row.settings}
        facts = {"view": row.id, "group": row.group_key}
        happened = Event(kind=kind, facts=facts, variables=shown, by=actor.signature)
        organisation.record(session, happened)


def _kept(row: TaskView) -> Kept:
    held: Any = values.loads(row.settings)
    filters = Filters(
        text=held["text"],
        definition_key=held["process"],
        due=held["due"],
        assignee=held["assignee"],
        facts=dict(held["facts"]),
        order=held["order"],
    )
    settings = Settings(list=held["list"], filters=filters, columns=tuple(held["columns"]))
    return Kept(id=row.id, name=row.name, group=row.group_key, settings=settings)
