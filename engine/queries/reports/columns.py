"""Where the facts of a report stand, and its conditions, as SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from casepath.engine.database import measures
from casepath.engine.database.measures import KINDS, SCALE
from casepath.engine.database.models import ActivityInstance, ProcessInstance, measurements
from casepath.engine.deployments import reports
from casepath.engine.people import access, authorization
from casepath.engine.people.authorization import Actor, Person
from casepath.engine.reports import Bound, Condition, Period, Report, Span, Test, element_of
from casepath.engine.time import clock

HOUR, DAY = 3_600, 86_400
#: What each side of a bound asks.
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}
_INSTANCES = ProcessInstance.__table__
#: That an element was passed at all.
_ONCE = (Bound(side="at_least", value=Decimal(1)),)
#: Days from a Monday to the first one of 1970.
_WEEKDAY = 3


class Columns:
    """The process instances that a report counts in a period for somebody, and what it reads of them."""

    def __init__(self, session: Session, report: Report, period: Period | Span, actor: Actor, zone: ZoneInfo) -> None:
        self.session = session
        self.report = report
        self.zone = zone
        self.now = clock.now()
        self._types = reports.measured(session, report.processes)
        connection = session.connection()
        self._positions = {key: measures.positions(connection, key) for key in report.processes}
        self.base = [measurements.c.process.in_(report.processes), *self._within(period)]
        self._is_narrowed = isinstance(actor, Person) and not authorization.may_see_every_instance(actor)
        if isinstance(actor, Person) and self._is_narrowed:
            self.base.append(access.seen_by(actor))

    def _within(self, period: Period | Span) -> Iterator[ColumnElement[bool]]:
        if bounds := period.bounds(self.zone):
            first, after = map(measures.seconds, bounds)
            yield measurements.c.begun_at >= first
            yield measurements.c.begun_at < after

    def select(self, *selected: ColumnElement[Any], where: Sequence[ColumnElement[bool]] = ()) -> Select[Any]:
        """Return a query over all that is counted; it reads the instances themselves only where it needs them."""
        query = select(*selected).where(*self.base, *where)
        if self._is_narrowed or any(map(_reads_instances, (*selected, *where))):
            query = query.where(_INSTANCES.c.id == measurements.c.process_instance_id)
        return query

    def fact(self, name: str) -> ColumnElement[Any]:
        """Return the column of a fact; where processes have it in different ones, whichever is theirs."""
        if (place := element_of(name)) is not None:
            return _passes(*place)
        built_in: dict[str, ColumnElement[Any]] = {
            "state": measurements.c.state,
            "process": measurements.c.process,
            "started_by": _INSTANCES.c.started_by,
            "begun": measurements.c.begun_at,
        }
        if name in built_in and name not in self._types:
            return built_in[name]
        kind = KINDS[self._types[name]] if name in self._types else "text"
        found = {key: known[name, kind] for key, known in self._positions.items() if (name, kind) in known}
        columns = {key: measurements.c[f"{kind}_{position}"] for key, position in found.items()}
        if not columns:
            return null()
        if len(found) == len(self._positions) and len(set(found.values())) == 1:
            return next(iter(columns.values()))
        return case(*((measurements.c.process == key, column) for key, column in columns.items()), else_=None)

    def type(self, name: str) -> str:
        """Return the type of a fact."""
        return self._types.get(name, "text")

    def scale(self, name: str) -> int:
        """Return how many of what stands in the column of a fact make 1."""
        return SCALE if self.type(name) == "number" else 1

    def condition(self, condition: Condition) -> ColumnElement[bool]:
        """Return a condition as SQL."""
        if () in condition:
            return true()
        return or_(false(), *(and_(true(), *map(self._test, tests)) for tests in condition))

    def _test(self, test: Test) -> ColumnElement[bool]:
        if (place := element_of(test.fact)) is not None and test == Test(fact=test.fact, bounds=_ONCE):
            # The database finds all of them at once, which is faster than to count for each.
            return measurements.c.process_instance_id.in_(_passed(*place))
        column = self.fact(test.fact)
        parts: list[ColumnElement[bool]] = []
        if test.is_known is not None:
            parts.append(column.is_not(None) if test.is_known else column.is_(None))
        if test.values and test.is_negated:
            parts.append(or_(column.is_(None), column.not_in(test.values)))
        elif test.values:
            parts.append(column.in_(test.values))
        parts += (self._bound(test.fact, column, bound) for bound in test.bounds)
        return and_(true(), *parts)

    def _bound(self, fact: str, column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
        match bound.value:
            case Decimal():
                limit: Any = literal(int(bound.value * self.scale(fact)))
            case timedelta():
                limit = literal(int(bound.value.total_seconds()))
            case "now":
                limit = literal(measures.seconds(self.now))
            case name:
                limit = self.fact(str(name))
        compared: ColumnElement[bool] = _COMPARED[bound.side](column, limit)
        return compared

    # -- parts of moments ----------------------------------------------------------------------------------------------

    def part(self, part: str, moment: str) -> ColumnElement[Any]:
        """Return the hour, weekday (Monday is 0), day (since 1970) or month (since year 0) of a moment."""
        column = self.fact(moment)
        ends = self.session.execute(self.select(func.min(column), func.max(column))).one()
        if ends[0] is None:
            return null()
        if part == "month":
            return self._month(column, *(datetime.fromtimestamp(end, UTC).astimezone(self.zone).date() for end in ends))
        local = self._local(column, *ends)
        if part == "hour":
            return (local // HOUR) % 24
        return local // DAY if part == "day" else (local // DAY + _WEEKDAY) % 7

    def _month(self, column: ColumnElement[Any], first: date, last: date) -> ColumnElement[Any]:
        month, number = Period(first.year, first.month), first.year * 12 + first.month - 1
        limits: list[tuple[ColumnElement[bool], Any]] = [(column.is_(None), null())]
        while month < Period(last.year, last.month):
            month = month.moved(1)
            assert month.first_day is not None
            limits.append((column < measures.seconds(clock.moment(month.first_day, 0, self.zone)), literal(number)))
            number += 1
        return case(*limits, else_=literal(number))

    def _local(self, column: ColumnElement[Any], first: int, last: int) -> ColumnElement[Any]:
        """Return a moment as the clocks of the house show it, with each change of theirs within the moments asked."""
        shifts = list(_shifts(self.zone, first, last))
        if len(shifts) == 1:
            return column + shifts[0][1]
        changes: Sequence[tuple[ColumnElement[bool], Any]] = [
            (column < after, column + offset) for (_, offset), (after, _) in pairwise(shifts)
        ]
        return case(*changes, else_=column + shifts[-1][1])


def _reads_instances(expression: ColumnElement[Any]) -> bool:
    return any(getattr(each, "table", None) is _INSTANCES for each in visitors.iterate(expression))


def _shifts(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield since when, in seconds, clocks of a zone are so many seconds ahead, from the first moment to the last."""
    at, offset = first, _offset(zone, first)
    yield at, offset
    while at < last:
        before, at = at, min(at + DAY, last)
        if (following := _offset(zone, at)) == offset:
            continue
        after = at
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
        yield after, following
        offset = following


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _passed(process: str, element: str) -> Select[Any]:
    """Return the outermost instances of all that have passed an element of a process."""
    inner, visits = _INSTANCES.alias(), ActivityInstance.__table__
    return (
        select(inner.c.root_id)
        .select_from(inner.join(visits, visits.c.process_instance_id == inner.c.id))
        .where(inner.c.definition_key == process, visits.c.element_id == element, inner.c.root_id.is_not(None))
    )


def _passes(process: str, element: str) -> ColumnElement[Any]:
    """Return how often an instance, or one that it called, has passed an element."""
    visits = _passed(process, element)
    return (
        visits.with_only_columns(func.count())
        .where(visits.selected_columns.root_id == measurements.c.process_instance_id)
        .correlate(measurements)
        .scalar_subquery()
    )
