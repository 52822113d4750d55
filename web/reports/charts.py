"""How the first figure of a table is drawn: where each bar stands and how long it is, in parts of the width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from casepath.engine.queries.reports import Key, Reckoning, RowOfTable, Value
from casepath.engine.reports import PARTS, Table
from casepath.web.reports.wording import Wording

#: The box in which columns are drawn, in units of the drawing.
WIDTH, HEIGHT, TOP, BOTTOM = 400, 150, 20, 126
#: Parts of a column's place that it fills, and how broad one is at most.
FILLED, BROADEST = Decimal("0.62"), 44
#: Rows that lie between the first and the last one, and have nothing, are drawn up to so many.
MAX_COLUMNS = 62


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A row as it is drawn."""

    key: Key
    label: str
    #: None where the row has nothing.
    row: RowOfTable | None
    value: Value | None
    #: So many hundredths of the longest one.
    share: Decimal
    #: Of a column: its left edge, its middle, its upper edge, its width and its height.
    left: Decimal = Decimal(0)
    middle: Decimal = Decimal(0)
    top: Decimal = Decimal(0)
    width: Decimal = Decimal(0)
    height: Decimal = Decimal(0)
    #: With what it is compared: the same row of other periods.
    compared: Sequence[Value | None] = ()


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The rows of a table as they are drawn."""

    marks: Sequence[Mark]
    #: With what they are compared, as far as there is anything.
    compared: Sequence[Reckoning]


def of(found: Reckoning, table: Table, words: Wording) -> Drawing:
    """Return how a table is drawn."""
    first = table.figures[0]
    rows = {row.key: row for row in found.tables[table.id]}
    compared = [
        each for each in found.compared.values() if any(row.values[first].part for row in each.tables[table.id])
    ]
    others = [{row.key: row.values[first] for row in each.tables[table.id]} for each in compared]
    keys = _filled(table, list(rows))
    known = [shown for row in rows.values() if (shown := row.values[first].value) is not None]
    longest = max(known, default=Decimal(0)) or Decimal(1)
    step = Decimal(WIDTH) / max(len(keys), 1)
    broad = min(step * FILLED, Decimal(BROADEST))
    marks = []
    for number, key in enumerate(keys):
        row = rows.get(key)
        value = row.values[first] if row is not None else None
        share = max((value.value if value and value.value else Decimal(0)) / longest, Decimal(0))
        height, middle = share * (BOTTOM - TOP), step * number + step / 2
        marks.append(
            Mark(
                key=key,
                label=words.key(found.report, table, key),
                row=row,
                value=value,
                share=round(share * 100, 2),
                left=round(middle - broad / 2, 1),
                middle=round(middle, 1),
                top=round(BOTTOM - height, 1),
                width=round(broad, 1),
                height=round(height, 1),
                compared=[each.get(key) for each in others],
            )
        )
    return Drawing(marks=marks, compared=compared)


def _filled(table: Table, keys: list[Key]) -> list[Key]:
    """Return the keys with those between them, where parts of a moment are counted; all days of the week always."""
    numbers = [key for key in keys if isinstance(key, int)]
    if table.by not in PARTS or not numbers:
        return keys
    first, last = (0, 6) if table.by == "weekday" else (min(numbers), max(numbers))
    if last - first > MAX_COLUMNS:
        return keys
    unknown: list[Key] = [None] if None in keys else []
    return [*range(first, last + 1), *unknown]
