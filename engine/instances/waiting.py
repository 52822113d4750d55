"""
Who waits for a message or signal, looked for in SQL: by name, business key and correlation values.

A `Search` is a set of conditions and the values that they ask for. Its statement is compiled once for each set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Row, bindparam, func, select
from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.database import Base, correlation
from casepath.engine.database.models import CorrelationValue, ProcessInstance, Subscription
from casepath.engine.database.statements import Statement
from casepath.engine.runtime import InstanceRow

#: So many are named of those that a message fits, where it fits several.
MAX_NAMED = 5

#: A value that so many or more see is as good as any other to begin a search with.
MANY = 100

Condition = ColumnElement[bool]
Found = Row[*tuple[Any, ...]]

_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_subscriptions = Base.metadata.tables[Subscription.__tablename__]
_values = Base.metadata.tables[CorrelationValue.__tablename__]
_rarest = _values.alias("rarest")

_PLACE = (
    _subscriptions.c.id,
    _subscriptions.c.kind,
    _subscriptions.c.name,
    _subscriptions.c.process_instance_id,
    _subscriptions.c.definition_id,
    _subscriptions.c.activity_instance,
    _subscriptions.c.element_id,
    _subscriptions.c.business_key,
)
_belonging = runtime.Belonging(*_PLACE)


def _of_receiver(held: FromClause) -> tuple[Condition, Condition]:
    return (
        held.c.process_instance_id == _subscriptions.c.process_instance_id,
        held.c.activity_instance == _subscriptions.c.activity_instance,
    )


_NAMED = (_subscriptions.c.kind == bindparam("kind"), _subscriptions.c.name == bindparam("name"))
_KEYED, _WITHOUT_KEY = _subscriptions.c.business_key == bindparam("key"), _subscriptions.c.business_key.is_(None)
_OF_INSTANCE = _subscriptions.c.process_instance_id == bindparam("instance")
_OF_ACTIVITY = _subscriptions.c.activity_instance == bindparam("activity")
_OF_ELEMENT = _subscriptions.c.element_id == bindparam("element")
#: By the rarest value the database finds who waits there.
_AT_RAREST = (
    # SQLite does not know how many wait for a name, and would look through all of them by the index of kinds and names.
    _subscriptions.c.kind.concat("") == bindparam("kind"),
    _subscriptions.c.name == bindparam("name"),
    *_of_receiver(_rarest),
    _rarest.c.name == bindparam("rarest"),
    _rarest.c.value == bindparam("rarest_value"),
)
_value = Statement(
    select(_values.c.value).where(
        _values.c.process_instance_id == bindparam("instance"),
        _values.c.activity_instance == bindparam("activity"),
        _values.c.name == bindparam("variable"),
    )
)


class Receiver(NamedTuple):
    """Who gets what has come: where it waits, and its process instance, which is locked."""

    at: Found
    instance: InstanceRow


class Search(NamedTuple):
    """Conditions for those who wait, and the values that they ask for."""

    conditions: tuple[Condition, ...]
    values: Mapping[str, Any]
    #: Texts of variables that they see, by name.
    seen: Mapping[str, str] = MappingProxyType({})

    def narrowed(self, *conditions: Condition, **values: Any) -> Search:
        """Return the search for those of them for whom these conditions hold, too."""
        return Search((*self.conditions, *conditions), {**self.values, **values}, self.seen)

    def keyed(self, business_key: str | None) -> Search:
        """Return the search for those of them who have this business key, or none."""
        return self.narrowed(_WITHOUT_KEY) if business_key is None else self.narrowed(_KEYED, key=business_key)

    def inside(self, process_instance_id: int) -> Search:
        """Return the search for those of them who wait in this process instance."""
        return self.narrowed(_OF_INSTANCE, instance=process_instance_id)

    def at(self, activity_instance: int, element_id: str) -> Search:
        """Return the search for the one of them who waits for this event."""
        return self.narrowed(_OF_ACTIVITY, _OF_ELEMENT, activity=activity_instance, element=element_id)

    def fitting(self, properties: Mapping[str, Any]) -> Search:
        """Return the search for those of them who want all of the properties of a message, some, or none."""
        keys = {f"fits_{number}": key for number, key in enumerate(correlation.fitting(properties))}
        return self.narrowed(_fits(len(keys)), **keys)


def named(kind: str, name: str) -> Search:
    """Return the search for all who wait for a message or signal."""
    return Search(_NAMED, {"kind": kind, "name": name})


def seeing(session: Session, search: Search, seen: Mapping[str, str]) -> Search:
    """Return the search for those who see variables with the values of these texts."""
    conditions, values = list(search.conditions), dict(search.values)
    if seen and search.conditions == _NAMED:
        conditions = [*_AT_RAREST]
        first, value = min(seen.items(), key=lambda each: _frequency(session, *each) if len(seen) > 1 else 0)
        values |= {"rarest": first, "rarest_value": value}
    for number, (variable, value) in enumerate(seen.items()):
        conditions.append(_sees(number))
        values |= {f"variable_{number}": variable, f"value_{number}": value}
    return Search(tuple(conditions), values, seen)


@lru_cache
def _sees(number: int) -> Condition:
    like = (_values.c.name == bindparam(f"variable_{number}"), _values.c.value == bindparam(f"value_{number}"))
    return select(_values.c.name).where(*_of_receiver(_values), *like).correlate(_subscriptions).exists()


@lru_cache
def _fits(count: int) -> Condition:
    return _subscriptions.c.correlation_key.in_([bindparam(f"fits_{number}") for number in range(count)])


def _frequency(session: Session, name: str, value: str) -> int:
    """Return how often a variable is seen with this value, up to `MANY`."""
    held = select(_values.c.name).where(_values.c.name == name, _values.c.value == value).limit(MANY)
    return session.scalar(select(func.count()).select_from(held.subquery())) or 0


@lru_cache(maxsize=256)
def _statement(conditions: tuple[Condition, ...], limit: int | None) -> Statement:
    return Statement(
        select(*_PLACE)
        .join(_instances, _instances.c.id == _subscriptions.c.process_instance_id)
        .where(_instances.c.ended_at.is_(None), *conditions)
        .limit(limit)
    )


def find(session: Session, search: Search, *, limit: int | None = None) -> Sequence[Found]:
    """Return where those wait whose process instances have not ended."""
    found: list[Found] = _statement(search.conditions, limit).rows(session.connection(), search.values)
    return found


def receiver(session: Session, search: Search, name: str, business_key: str | None) -> Receiver | None:
    """Return the only one that waits for a message, locked; None where nobody does. Raises `SeveralWaiting`."""
    while found := find(session, search, limit=MAX_NAMED + 1):
        if len(found) > 1:
            places = sorted((row.process_instance_id, row.business_key or row.element_id) for row in found)
            raise several(name, business_key, [f"{number} ({at})" for number, at in places])
        still = locked(session, found[0], search.seen)
        if still is not None:
            return still
    return None


def locked(session: Session, place: Found, seen: Mapping[str, str] = MappingProxyType({})) -> Receiver | None:
    """
    Return one that was found, locked; None where it no longer waits there or sees something else.

    Somebody may have been faster, and on SQLite the number of a row that is gone may be given out again.
    """
    found = _belonging.lock(session, place.id)
    if found is None or found[0] != place or found[1].state not in ("active", "suspended"):
        return None
    receiver = Receiver(*found)
    return receiver if all(_still_sees(session, receiver.at, *each) for each in seen.items()) else None


def _still_sees(session: Session, at: Found, variable: str, value: str) -> bool:
    of_receiver = {"instance": at.process_instance_id, "activity": at.activity_instance}
    rows = _value.rows(session.connection(), {**of_receiver, "variable": variable})
    return [row.value for row in rows] == [value]


def several(name: str, business_key: str | None, found: Sequence[str]) -> errors.SeveralWaiting:
    """Return the error for a message that fits more than one."""
    return errors.SeveralWaiting(name, business_key, found[:MAX_NAMED], more=len(found) > MAX_NAMED)
