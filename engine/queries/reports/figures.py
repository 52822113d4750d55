"""The numbers of reports: whole ones from the database, exact fractions of them, rounded once, as the report says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, text

from casepath.engine.queries.reports.columns import Columns
from casepath.engine.reports import ALWAYS, UNITS, Condition, Figure

#: Figures of one statement, each with two columns at most.
AT_ONCE = 100
#: Parts of a percent that a percentile may name.
FINE = 1_000_000

#: What stands in a group that has nothing.
Key = str | int | None


@dataclass(frozen=True, kw_only=True)
class Value:
    """A number of a report."""

    figure: Figure
    #: As it is shown, with the figure's decimals; None where nothing can be said.
    value: Decimal | None
    #: What it was rounded from, times in seconds whatever the figure's unit: ratios are made of it.
    exact: Fraction | None
    #: How many process instances it is about: those that count, the part of a share, those whose fact is known.
    part: int
    #: Of how many a share is a part; else the same.
    whole: int

    @property
    def is_met(self) -> bool | None:
        """Whether it is as it should be; None where nobody said how, or nothing can be said."""
        target = self.figure.target
        return None if target is None or self.value is None else target.is_met(self.value)


def both(one: Condition, other: Condition) -> Condition:
    """Return the condition that two hold."""
    return tuple((*first, *second) for first in one for second in other)


def totals(columns: Columns, wanted: Sequence[tuple[Figure, Condition]]) -> list[Value]:
    """Return figures over all that is counted and fits a condition of its own."""
    parts = (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))
    return [value for part in parts for value in _totals(columns, part)]


def _totals(columns: Columns, wanted: Sequence[tuple[Figure, Condition]]) -> list[Value]:
    sums = [list(_sums(columns, figure, where)) for figure, where in wanted]
    numbers = iter(columns.session.execute(columns.select(*chain(*sums))).one() if sums else ())
    found = []
    for (figure, where), parts in zip(wanted, sums, strict=True):
        ranked = _percentiles(columns, figure, where, None).get(None) if _is_ranked(figure) else None
        found.append(_value(columns, figure, list(islice(numbers, len(parts))), ranked))
    return found


def grouped(
    columns: Columns,
    by: ColumnElement[Any],
    figures: Sequence[Figure],
    where: Condition = ALWAYS,
    *,
    limit: int | None,
) -> dict[Key, list[Value]]:
    """Return figures by a column, of what fits a condition, the most frequent first; what is in no row is not there."""
    group = by.label("grouped_by")
    sums = [list(_sums(columns, figure, ALWAYS)) for figure in figures]
    ranked = [_percentiles(columns, each, where, by) if _is_ranked(each) else {} for each in figures]
    found: dict[Key, list[Value]] = {}
    # By its place: PostgreSQL takes two parameters of the same value for two columns.
    chosen = columns.select(group, *chain(*sums), where=[columns.condition(where)])
    query = chosen.group_by(text("1")).order_by(func.count().desc()).limit(limit)
    for key, *row in columns.session.execute(query):
        numbers = iter(row)
        found[key] = [
            _value(columns, figure, list(islice(numbers, len(parts))), known.get(key))
            for figure, parts, known in zip(figures, sums, ranked, strict=True)
        ]
    return found


def with_ratios(values: Mapping[str, Value], figures: Sequence[Figure]) -> dict[str, Value]:
    """Return values with those of the figures that are made of others."""
    found = dict(values)
    for figure in figures:
        if figure.measure == "ratio":
            part, whole = values[figure.part], values[figure.whole]
            exact = part.exact * 100 / whole.exact if part.exact is not None and whole.exact else None
            found[figure.id] = _shown(figure, exact, part=part.part, whole=whole.part)
    return found


def single(figure: Figure, exact: Fraction) -> Value:
    """Return what one process instance was counted with, as the figure shows it."""
    return _shown(figure, exact, part=1, whole=1)


def rounded(exact: Fraction, decimals: int) -> Decimal:
    """Return a number with so many decimals, a half away from 0."""
    scaled = abs(exact) * 10**decimals
    whole = (scaled.numerator * 2 + scaled.denominator) // (scaled.denominator * 2)
    return Decimal(-whole if exact < 0 else whole).scaleb(-decimals)


def known(figure: Figure) -> Condition:
    """Return the condition of what a figure is about."""
    return both(figure.where, figure.of)


def _is_ranked(figure: Figure) -> bool:
    return figure.measure in ("median", "percentile")


def _sums(columns: Columns, figure: Figure, where: Condition) -> Iterator[ColumnElement[Any]]:
    """Yield the whole numbers of which a figure is made: how many count, and of how many, or their sum."""
    chosen = columns.condition(both(where, figure.where))
    match figure.measure:
        case "share":
            whole = columns.condition(both(where, figure.of))
            yield func.count().filter(and_(chosen, whole))
            yield func.count().filter(whole)
        case "count" | "ratio":
            yield func.count().filter(chosen)
        case measure:
            fact = columns.fact(figure.fact)
            yield func.count(fact).filter(chosen)
            if measure == "least":
                yield func.min(fact).filter(chosen)
            elif measure == "most":
                yield func.max(fact).filter(chosen)
            elif not _is_ranked(figure):
                yield func.sum(fact).filter(chosen)


def _value(columns: Columns, figure: Figure, numbers: Sequence[Any], ranked: Fraction | None) -> Value:
    part, second = int(numbers[0]), int(numbers[-1] or 0)
    whole, exact = part, None
    match figure.measure:
        case "count":
            exact = Fraction(part)
        case "share":
            whole = second
            exact = Fraction(part * 100, second) if second else None
        case "sum":
            exact = Fraction(second)
        case "mean":
            exact = Fraction(second, part) if part else None
        case "least" | "most":
            exact = Fraction(second) if part else None
        case "median" | "percentile":
            exact = ranked
    if exact is not None and figure.fact:
        exact /= columns.scale(figure.fact)
    return _shown(figure, exact, part=part, whole=whole)


def _shown(figure: Figure, exact: Fraction | None, *, part: int, whole: int) -> Value:
    """Return a number as its figure shows it: in its unit, with its decimals."""
    unit = UNITS.get(figure.unit, 1) if figure.fact else 1
    value = None if exact is None else rounded(exact / unit, figure.decimals)
    return Value(figure=figure, value=value, exact=exact, part=part, whole=whole)


def _percentiles(
    columns: Columns, figure: Figure, where: Condition, by: ColumnElement[Any] | None
) -> dict[Key, Fraction]:
    """
    Return a percentile by a column, or of all under None: between the two values around it, in proportion.

    Half of the way between the middle ones is the median; spreadsheets call it `PERCENTILE.INC`.
    """
    fact = columns.fact(figure.fact)
    by_group = [] if by is None else [by.label("grouped_by")]
    chosen = columns.condition(both(where, figure.where))
    values = columns.select(fact.label("fact"), *by_group, where=[chosen]).subquery()
    within = [] if by is None else [values.c.grouped_by]
    ranked = (
        select(
            values.c.fact,
            *within,
            (func.row_number().over(partition_by=within or None, order_by=values.c.fact) - 1).label("place"),
            func.count().over(partition_by=within or None).label("many"),
        )
        .where(values.c.fact.is_not(None))
        .subquery()
    )
    percent = Decimal(50) if figure.measure == "median" else figure.percent
    portion = int(percent * FINE)
    lower = ((ranked.c.many - 1) * portion) // (100 * FINE)
    around = select(ranked).where(ranked.c.place >= lower, ranked.c.place <= lower + 1)
    found: dict[Key, dict[int, int]] = {}
    many: dict[Key, int] = {}
    for row in columns.session.execute(around):
        key = None if by is None else row.grouped_by
        found.setdefault(key, {})[row.place] = int(row.fact)
        many[key] = row.many
    return {key: _between(values, many[key], portion) for key, values in found.items()}


def _between(values: Mapping[int, int], many: int, portion: int) -> Fraction:
    lower, rest = divmod((many - 1) * portion, 100 * FINE)
    low = values[lower]
    return low + (values.get(lower + 1, low) - low) * Fraction(rest, 100 * FINE)
