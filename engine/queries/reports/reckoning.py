"""A whole report for a period, beside those that it is compared with; and the process instances behind each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import ProcessInstance, measurements
from casepath.engine.deployments import definitions, reports
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person
from casepath.engine.queries.reports import figures
from casepath.engine.queries.reports.columns import Columns
from casepath.engine.queries.reports.figures import Key, Value
from casepath.engine.reports import ALWAYS, BUILT_IN, OF_FACT, PARTS, Condition, Figure, Period, Report, Span, Table
from casepath.engine.time import clock

#: What is rarer than so many others is not in a table by values.
MAX_GROUPS = 400
#: Which of the two numbers of a share is meant.
Side = Literal["part", "whole"]


@dataclass(frozen=True, kw_only=True)
class RowOfTable:
    """Figures of one thing."""

    #: A value, the number of a part of a moment, or of a row that a condition makes; None where it is not known.
    key: Key
    #: By the ids of the figures.
    values: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Reckoning:
    """A report for a period, as it is at a moment for somebody."""

    report: Report
    period: Period
    asked_at: datetime
    values: Mapping[str, Value]
    #: By the ids of the tables.
    tables: Mapping[str, Sequence[RowOfTable]]
    #: The ids of those that leave out what is rare: they are by something of which there is more than `MAX_GROUPS`.
    shortened: frozenset[str] = frozenset()
    #: With what it is compared: `before`, `year_before`.
    compared: Mapping[str, Reckoning] = field(default_factory=dict)


def every(session: Session, by: By) -> list[Report]:
    """Return the reports that somebody may open, by name."""
    actor = identity.actor(session, by)
    return [report for report in reports.every(session) if _may_read(actor, report)]


def opened(session: Session, key: str, *, by: By) -> Report:
    """Return a report; raises `NotFound`, also for whoever may not open it."""
    found = reports.declared(session, key)
    if not _may_read(identity.actor(session, by), found):
        raise errors.NotFound("report", key)
    return found


def types(session: Session, report: Report) -> Mapping[str, str]:
    """Return the types of the facts of a report."""
    return {**BUILT_IN, **reports.measured(session, report.every_process)}


def _may_read(actor: Actor, report: Report) -> bool:
    return not isinstance(actor, Person) or authorization.may_read_report(actor, report.readers)


def reckon(session: Session, report: Report, period: Period, *, by: By) -> Reckoning:
    """Return a report for a period and those that it is compared with: what somebody may see is what counts."""
    actor = identity.actor(session, by)
    periods = {how: period.compared(how) for how in report.compare}
    return _reckon(
        session,
        report,
        period,
        actor,
        compared={how: _reckon(session, report, each, actor) for how, each in periods.items() if each is not None},
    )


def _reckon(
    session: Session,
    report: Report,
    period: Period,
    actor: Actor,
    *,
    compared: Mapping[str, Reckoning] | None = None,
) -> Reckoning:
    asked_at = clock.now()
    values: dict[str, Value] = {}
    tables: dict[str, tuple[list[RowOfTable], bool]] = {}
    for part in report.parts():
        columns = _columns(session, part, period, actor)
        every_figure = tuple(part.figures.values())
        found = figures.totals(columns, [(figure, ALWAYS) for figure in every_figure])
        values |= figures.with_ratios(dict(zip(part.figures, found, strict=True)), every_figure)
        tables |= {table.id: _rows(columns, table) for table in part.tables}
    return Reckoning(
        report=report,
        period=period,
        asked_at=asked_at,
        values=values,
        tables={key: rows for key, (rows, _) in tables.items()},
        shortened=frozenset(key for key, (_, is_shortened) in tables.items() if is_shortened),
        compared=compared or {},
    )


def _columns(session: Session, report: Report, period: Period | Span, actor: Actor) -> Columns:
    return Columns(session, report, period, actor, clock.zone_of(definitions.calendar(session)))


def _rows(columns: Columns, table: Table) -> tuple[list[RowOfTable], bool]:
    """Return the rows of a table, and whether it leaves out what is rare."""
    wanted = _needed(columns.report, table)
    is_shortened = False
    if table.rows:
        requests = [(figure, figures.both(row.where, table.where)) for row in table.rows for figure in wanted]
        found = figures.totals(columns, requests)
        size = len(wanted)
        parts: dict[Key, list[Value]] = {
            number: found[number * size : (number + 1) * size] for number in range(len(table.rows))
        }
    else:
        # What a moment has parts of is bounded by itself, and none of them may lack.
        limit = None if table.by in PARTS else MAX_GROUPS
        parts = figures.grouped(columns, _by(columns, table), wanted, table.where, limit=limit and limit + 1)
        if is_shortened := limit is not None and len(parts) > limit:
            parts.popitem()
    rows = [
        RowOfTable(key=key, values=figures.with_ratios({each.figure.id: each for each in values}, wanted))
        for key, values in parts.items()
    ]
    return _ordered(table, rows), is_shortened


def _needed(report: Report, table: Table) -> list[Figure]:
    """Return the figures of a table, and those of which its ratios are made."""
    chosen = [report.figures[name] for name in table.figures]
    behind = (name for figure in chosen if figure.measure == "ratio" for name in (figure.part, figure.whole))
    names = dict.fromkeys([*behind, *table.figures])
    return [report.figures[name] for name in names]


def _by(columns: Columns, table: Table) -> ColumnElement[Any]:
    return columns.part(table.by, table.moment) if table.by in PARTS else columns.fact(table.by)


def _ordered(table: Table, rows: list[RowOfTable]) -> list[RowOfTable]:
    """Conditions and parts of moments have an order of their own; values come by the first figure, the unknown last."""
    if table.rows:
        return rows
    if table.by in PARTS:
        return sorted(rows, key=lambda row: (row.key is None, row.key))
    first = table.figures[0]
    return sorted(rows, key=lambda row: (row.key is None, -(row.values[first].value or 0), str(row.key)))


# -- what is behind a number -------------------------------------------------------------------------------------------


def behind(
    session: Session,
    report: Report,
    period: Period | Span,
    *,
    by: By,
    figure: Figure,
    side: Side = "part",
    table: Table | None = None,
    key: Key = None,
) -> Select[int]:
    """Return the ids of the process instances that a number is about: as many as its `part`, or its `whole`."""
    part = next(each for each in report.parts() if figure.id in each.figures)
    columns = _columns(session, part, period, identity.actor(session, by))
    if figure.measure == "ratio":
        figure, side = report.figures[figure.part if side == "part" else figure.whole], "part"
    wanted: Condition = figure.of if side == "whole" and figure.measure == "share" else figures.known(figure)
    conditions = [columns.condition(wanted)]
    if figure.measure in OF_FACT:
        conditions.append(columns.fact(figure.fact).is_not(None))
    if table is not None:
        conditions.append(columns.condition(table.where))
    if table is not None and table.rows:
        conditions.append(columns.condition(table.rows[int(key or 0)].where))
    elif table is not None:
        column = _by(columns, table)
        conditions.append(column.is_(None) if key is None else column == key)
    return columns.select(measurements.c.process_instance_id, where=conditions)


def counted(
    session: Session,
    report: Report,
    period: Period | Span,
    ids: Sequence[int],
    *,
    by: By,
    figure: Figure,
    side: Side = "part",
) -> Mapping[int, Value]:
    """
    Return what each of these process instances, which are behind a number, was counted with.

    Of a figure of a fact that is its value, of the whole of a share 1 for those that are its part and 0 for others;
    nothing where each counts as one.
    """
    part = next(each for each in report.parts() if figure.id in each.figures)
    columns = _columns(session, part, period, identity.actor(session, by))
    if figure.measure == "ratio":
        figure, side = report.figures[figure.part if side == "part" else figure.whole], "part"
    mine = measurements.c.process_instance_id
    if figure.measure in OF_FACT:
        query = columns.select(mine, columns.fact(figure.fact), where=[mine.in_(ids)])
        scale = columns.scale(figure.fact)
        return {row[0]: figures.single(figure, Fraction(row[1], scale)) for row in session.execute(query)}
    if figure.measure == "share" and side == "whole":
        fitting = columns.condition(figures.known(figure))
        parts = set(session.scalars(columns.select(mine, where=[mine.in_(ids), fitting])))
        return {each: figures.single(figure, Fraction(int(each in parts))) for each in ids}
    return {}


def count(session: Session, chosen: Select[int]) -> int:
    """Return how many process instances there are behind a number."""
    return session.scalar(chosen.with_only_columns(func.count())) or 0


def newest(session: Session, chosen: Select[int], limit: int) -> list[str]:
    """Return the numbers of the newest matters behind a number, the newest first; those that have none are left out."""
    query = select(ProcessInstance.business_key).where(
        ProcessInstance.id.in_(chosen), ProcessInstance.business_key.is_not(None)
    )
    return [key for key in session.scalars(query.order_by(ProcessInstance.id.desc()).limit(limit)) if key is not None]
