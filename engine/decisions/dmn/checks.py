"""
Find inputs that a decision table answers twice or not at all, where its hit policy forbids that.

Each column is cut at the constants of its cells, and one value of each piece is tried against every cell. So whatever
is reported is real, with the input that shows it; cells that depend on other names cannot be tried and are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from casepath.engine.decisions.dmn.findings import Findings
from casepath.engine.decisions.dmn.tables import DecisionTable
from casepath.engine.decisions.feel import UnaryTests, nodes
from casepath.engine.decisions.feel.builtins.lists import key_of
from casepath.engine.decisions.feel.iteration import Scope
from casepath.engine.decisions.feel.limits import budgeted
from casepath.engine.decisions.feel.operators import place
from casepath.engine.decisions.feel.temporal import (
    Date,
    DateTime,
    DaysTime,
    YearsMonths,
    Zone,
    date_of_ordinal,
    from_local,
)
from casepath.engine.decisions.feel.types import BOOLEAN, FeelType, without_tests
from casepath.engine.decisions.feel.unary import Test
from casepath.engine.decisions.feel.values import text_of
from casepath.engine.errors import ExpressionLimit

#: A text that no table lists.
OTHER = "…"
#: Cells times values of one column, values tried while looking for a gap, and findings of one table.
_MAX_TRIALS = 200_000
_MAX_STEPS = 20_000
_MAX_FINDINGS = 10
#: Rows of which each is compared with each.
_MAX_ROWS = 1000
_SINGLE_HIT = ("UNIQUE", "ANY", "PRIORITY", "FIRST")
_EMPTY = Scope({}, None)


@dataclass(kw_only=True)
class Column:
    """An input column: its cells from the first row on, None for one that matches everything."""

    label: str
    type: FeelType
    allowed: Test | None
    cells: list[UnaryTests | None]


@dataclass(kw_only=True)
class _Cut:
    """A column cut into pieces: a value for each, and for each row the set of pieces that it matches, as bits."""

    values: list[object]
    rows: list[int]


def check_table(table: DecisionTable, columns: list[Column], xml: etree._Element, findings: Findings) -> None:
    """Add errors for overlaps and warnings for gaps, as far as the hit policy minds them."""
    if table.hit_policy not in _SINGLE_HIT or not table.rules or not columns:
        return
    try:
        with budgeted():
            _check(table, columns, xml, findings)
    except ExpressionLimit:
        # A cell that takes that much is stopped when it is evaluated; here it only cannot be checked.
        return


def _check(table: DecisionTable, columns: list[Column], xml: etree._Element, findings: Findings) -> None:
    unknown = [any(_depends(column.cells[row]) for column in columns) for row in range(len(table.rules))]
    cuts = [_cut(column) for column in columns]
    if any(cut is None or not cut.values for cut in cuts):
        return
    pieces = [cut for cut in cuts if cut is not None]
    if table.hit_policy in ("UNIQUE", "ANY") and len(table.rules) <= _MAX_ROWS:
        _report_overlaps(table, columns, pieces, unknown, xml, findings)
    if not any(column.default for column in table.outputs):
        _report_gap(table, columns, pieces, xml, findings)


def _depends(cell: UnaryTests | None) -> bool:
    """Say whether a cell uses names beside the tested value, or the present time."""
    return cell is not None and (bool(cell.free) or not cell.nodes or bool({"now", "today"} & set(cell.called)))


def _cut(column: Column) -> _Cut | None:
    """Cut a column; None where its cells have constants of several types, or too many."""
    cells = [cell for cell in column.cells if cell is not None and not _depends(cell)]
    constants = {key_of(value): value for cell in cells for value in _constants(cell.nodes) if value is not None}
    kinds = {type(value) for value in constants.values()}
    if len(kinds) > 1 or 2 * len(constants) * len(column.cells) > _MAX_TRIALS:
        return None
    values = [value for value in _pieces(list(constants.values()), column.type) if _allowed(column, value)]
    everything = (1 << len(values)) - 1
    return _Cut(
        values=values,
        rows=[everything if cell is None or _depends(cell) else _matched(cell, values) for cell in column.cells],
    )


def _allowed(column: Column, value: object) -> bool:
    return column.type.accepts(value) and (column.allowed is None or column.allowed(value, _EMPTY) is True)


def _matched(cell: UnaryTests, values: Sequence[object]) -> int:
    return sum(1 << index for index, value in enumerate(values) if cell.test(value, _EMPTY) is True)


def _constants(node: object) -> Iterator[object]:
    """Go through all values written out in a tree."""
    if isinstance(node, nodes.Literal):
        yield node.value
    elif isinstance(node, nodes.Negation) and isinstance(node.operand, nodes.Literal):
        yield -node.operand.value if isinstance(node.operand.value, Decimal) else node.operand.value
    elif isinstance(node, tuple):
        for part in node:
            yield from _constants(part)
    elif dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            yield from _constants(getattr(node, field.name))


def _pieces(constants: list[object], kind: FeelType) -> list[object]:
    """Return a value for each piece into which the constants cut the type."""
    if without_tests(kind) is BOOLEAN or (constants and isinstance(constants[0], bool)):
        return [True, False]
    if not constants:
        return [Decimal(0), OTHER] if kind.accepts(Decimal(0)) else [OTHER] if kind.accepts(OTHER) else []
    if isinstance(constants[0], str):
        return [*constants, OTHER]
    ordered = sorted(constants, key=_rank)
    step = _between(constants[0])
    pieces: list[object] = [step(ordered[0], None)]
    for index, value in enumerate(ordered):
        pieces.append(value)
        following = ordered[index + 1] if index + 1 < len(ordered) else None
        pieces.append(step(value, following) if following is not None else step(None, value))
    return list({key_of(piece): piece for piece in pieces if piece is not None}.values())


def _rank(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(place(value) or 0)


def _between(kind: object) -> Callable[[object, object], object]:
    """Return what finds a value between two, below the first where there is no second, above it where no first."""

    def number(low: object, high: object) -> object:
        if isinstance(low, Decimal) and isinstance(high, Decimal):
            whole = (low + 1).to_integral_value()
            return whole if low < whole < high else (low + high) / 2
        return low - 1 if isinstance(low, Decimal) else high + 1 if isinstance(high, Decimal) else None

    def whole_steps(of: Callable[[object], int], back: Callable[[int, object], object], size: int) -> Callable[
        [object, object], object
    ]:
        def step(low: object, high: object) -> object:
            if low is not None and high is not None:
                middle = (of(low) + of(high)) // 2
                return back(middle, low) if of(low) < middle < of(high) else None
            return back(of(low) - size, low) if high is None else back(of(high) + size, high)

        return step

    if isinstance(kind, Date):
        return whole_steps(_integer, lambda ordinal, _: date_of_ordinal(ordinal), 1)
    if isinstance(kind, DateTime):
        return whole_steps(_local, lambda local, near: from_local(local, _zone(near)), 3600 * 10**9)
    if isinstance(kind, DaysTime):
        return whole_steps(_integer, lambda nanoseconds, _: DaysTime(nanoseconds), 3600 * 10**9)
    if isinstance(kind, YearsMonths):
        return whole_steps(_integer, lambda months, _: YearsMonths(months), 1)
    return number


def _integer(value: object) -> int:
    return place(value) or 0


def _local(value: object) -> int:
    return value.local if isinstance(value, DateTime) else 0


def _zone(value: object) -> Zone | None:
    return value.time.zone if isinstance(value, DateTime) else None


def _report_overlaps(
    table: DecisionTable, columns: list[Column], cuts: list[_Cut], unknown: list[bool], xml: etree._Element,
    findings: Findings,
) -> None:  # fmt: skip
    found = 0
    rows = [row for row in range(len(table.rules)) if not unknown[row]]
    for index, first in enumerate(rows):
        for second in rows[index + 1 :]:
            if table.hit_policy == "ANY" and table.rules[first].results == table.rules[second].results:
                continue
            shared = [cut.rows[first] & cut.rows[second] for cut in cuts]
            if not all(shared):
                continue
            example = _example(columns, [cut.values[_lowest(bits)] for cut, bits in zip(cuts, shared, strict=True)])
            findings.error(
                "table-overlap",
                xml,
                "Expected at most one matching row in table '{name}' ({hit_policy}), but rows {first} and {second} "
                "both match {example}",
                name=table.name,
                hit_policy=table.hit_policy,
                first=first + 1,
                second=second + 1,
                example=example,
            )  # fmt: skip
            found += 1
            if found >= _MAX_FINDINGS:
                return


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _report_gap(
    table: DecisionTable, columns: list[Column], cuts: list[_Cut], xml: etree._Element, findings: Findings
) -> None:
    # A row that cannot be tried counts as matching everything that its other cells match.
    gap = _Search(cuts).find()
    if gap is None:
        return
    example = _example(columns, gap)
    findings.warning(
        "table-gap",
        xml,
        "Expected a row of table '{name}' for every input, but none matches {example}",
        name=table.name,
        example=example,
    )  # fmt: skip


class _Search:
    """Looks for a combination of pieces that no row matches, column by column."""

    def __init__(self, cuts: list[_Cut]) -> None:
        self._cuts = cuts
        self._seen: set[tuple[int, int]] = set()
        self._steps = 0
        rows = range(len(cuts[0].rows))
        #: For each column and piece, the rows that match it, as bits.
        self._rows_of = [
            [sum(1 << row for row in rows if cut.rows[row] >> piece & 1) for piece in range(len(cut.values))]
            for cut in cuts
        ]

    def find(self) -> list[object] | None:
        """Return a value for each column, None where every combination has a row or the search gets too long."""
        return self._descend(0, (1 << len(self._cuts[0].rows)) - 1)

    def _descend(self, column: int, rows: int) -> list[object] | None:
        if not rows:
            return [cut.values[0] for cut in self._cuts[column:]]
        if column == len(self._cuts) or (column, rows) in self._seen or self._steps > _MAX_STEPS:
            return None
        self._seen.add((column, rows))
        for piece, matching in enumerate(self._rows_of[column]):
            self._steps += 1
            rest = self._descend(column + 1, rows & matching)
            if rest is not None:
                return [self._cuts[column].values[piece], *rest]
        return None


def _example(columns: list[Column], values: list[object]) -> str:
    """Write an input so that people recognize it: `Days = 5, Grade = "A"`."""
    return ", ".join(
        f"{column.label} = {text_of(value, quoted=True)}" for column, value in zip(columns, values, strict=True)
    )

