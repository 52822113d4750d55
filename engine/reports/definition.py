"""A report, its figures, tables and conditions, as a declaration that was accepted says them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import Final

from casepath.engine import errors

#: What every process instance has, beside what its process measures, and of which type it is.
BUILT_IN: Final = {"state": "text", "process": "text", "started_by": "person", "begun": "moment"}
#: How often an element was passed, in the instance or in one that it called: `passes(process/element)`.
_PASSES = re.compile(r"passes\(\s*([\w.-]+)\s*/\s*([\w.-]+)\s*\)")
#: By which parts of a moment a table may be.
PARTS: Final = ("hour", "weekday", "day", "month")
#: Digits of the number of a row.
MAX_DIGITS: Final = 9


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One side of what a fact may be."""

    #: `at_least`, `at_most`, `above` or `below`.
    side: str
    #: A number, a time, or the name of another fact; `now` is the moment of asking.
    value: Decimal | timedelta | str


@dataclass(frozen=True, kw_only=True)
class Test:
    """What is asked of one fact; what is not known passes only where just that is asked, or what it is not."""

    __test__ = False

    fact: str
    #: It is known, or is not; None where that is not asked.
    is_known: bool | None = None
    #: It is one of these, or, `negated`, none of them.
    values: tuple[str, ...] = ()
    is_negated: bool = False
    bounds: tuple[Bound, ...] = ()

    @property
    def facts(self) -> Iterator[str]:
        """Every fact that it reads."""
        yield self.fact
        yield from (bound.value for bound in self.bounds if isinstance(bound.value, str) and bound.value != "now")


#: Any of these holds, and of that one all.
Condition = tuple[tuple[Test, ...], ...]
ALWAYS: Final[Condition] = ((),)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a figure should be."""

    at_least: Decimal | None = None
    at_most: Decimal | None = None

    def is_met(self, value: Decimal) -> bool:
        """Tell whether a figure, as it is shown, is as it should be."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a report."""

    id: str
    name: str
    #: Empty where the declaration has no English.
    name_en: str
    #: `count`, `share`, `ratio`, or one of `definition.OF_FACT`.
    measure: str
    #: Which instances count; of a share, which are the part.
    where: Condition = ALWAYS
    #: Of which a share is one.
    of: Condition = ALWAYS
    fact: str = ""
    #: Of a percentile.
    percent: Decimal = Decimal(50)
    #: The figures of a ratio: how much the first is of the second.
    part: str = ""
    whole: str = ""
    #: `hours`, `minutes` or `days` for times, else empty.
    unit: str = ""
    decimals: int = 0
    target: Target | None = None
    #: Whether it stands above the tables; others are only columns of tables, or parts of ratios.
    is_shown: bool = True
    #: Keys of the processes whose instances it counts.
    processes: tuple[str, ...] = ()

    @property
    def is_percent(self) -> bool:
        """Whether it is so many of a hundred."""
        return self.measure in ("share", "ratio")


#: Measures of the values of one fact.
OF_FACT: Final = ("mean", "median", "percentile", "sum", "least", "most")
MEASURES: Final = ("count", "share", "ratio", *OF_FACT)
#: Seconds of each unit.
UNITS: Final = {"minutes": 60, "hours": 3_600, "days": 86_400}


@dataclass(frozen=True, kw_only=True)
class RowOf:
    """A row of a table that a condition makes."""

    name: str
    name_en: str
    where: Condition


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures by something."""

    id: str
    name: str
    name_en: str
    #: A fact, or a part of a moment; empty where `rows` says how.
    by: str = ""
    #: The moment of which it is a part.
    moment: str = "begun"
    rows: tuple[RowOf, ...] = ()
    #: Which instances are in it at all.
    where: Condition = ALWAYS
    #: The first one is drawn, and puts the rows in order.
    figures: tuple[str, ...] = ()
    #: `bars`, `columns` or `none`.
    chart: str = "bars"

    def row(self, text: str) -> str | int:
        """Return the key of the row that a text names: a value, or a number; raises `NotFound` where none has it."""
        if not self.rows and self.by not in PARTS:
            return text
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None
        if number is None or (self.rows and number >= len(self.rows)):
            raise errors.NotFound("report", f"{self.id} {text}")
        return number


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report, as it was declared."""

    key: str
    name: str
    name_en: str
    #: Keys of the processes whose instances are counted, those that nobody called, by figures that name no others.
    processes: tuple[str, ...]
    #: `month`, `year` or `any`.
    period: str
    #: `before`, `year_before`: with what it is compared.
    compare: tuple[str, ...]
    #: Groups that may open it.
    readers: frozenset[str]
    figures: dict[str, Figure]
    tables: tuple[Table, ...]

    @property
    def every_process(self) -> tuple[str, ...]:
        """The keys of all processes whose instances are counted, its own first."""
        return tuple(dict.fromkeys(chain(self.processes, *(figure.processes for figure in self.figures.values()))))

    def parts(self) -> Iterator[Report]:
        """Yield what it says of the same processes, as a report of its own, for each of their sets."""
        for processes in dict.fromkeys(figure.processes for figure in self.figures.values()):
            figures = {key: figure for key, figure in self.figures.items() if figure.processes == processes}
            tables = tuple(table for table in self.tables if table.figures[0] in figures)
            yield replace(self, processes=processes, figures=figures, tables=tables)

    def facts(self) -> Iterator[tuple[str, Test | Figure | Table]]:
        """Each fact that it reads, and what reads it."""
        for figure in self.figures.values():
            if figure.fact:
                yield figure.fact, figure
            yield from _asked(figure.where, figure.of)
        for table in self.tables:
            if table.by:
                yield (table.moment if table.by in PARTS else table.by), table
            yield from _asked(table.where, *(row.where for row in table.rows))

    def table(self, table_id: str) -> Table | None:
        """Return the table of an id."""
        return next((table for table in self.tables if table.id == table_id), None)


def _asked(*conditions: Condition) -> Iterator[tuple[str, Test]]:
    for condition in conditions:
        for tests in condition:
            for test in tests:
                yield from ((fact, test) for fact in test.facts)


def element_of(fact: str) -> tuple[str, str] | None:
    """Return process and element of a fact that counts passes."""
    found = _PASSES.fullmatch(fact)
    return (found[1], found[2]) if found else None
