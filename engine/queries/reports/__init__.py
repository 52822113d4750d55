"""
What reports say: each figure and table in a statement that adds up columns, and the process instances behind each.

    columns    where the facts of a report stand, and its conditions, as SQL
    figures    the numbers, exact until they are rounded as the report says
    reckoning  a whole report for a period, beside those that it is compared with
    rows       what stands in its files; `workbook` for spreadsheets, `paper` to be printed
"""

from casepath.engine.queries.reports.figures import Key, Value
from casepath.engine.queries.reports.reckoning import (
    MAX_GROUPS,
    Reckoning,
    RowOfTable,
    Side,
    behind,
    count,
    counted,
    every,
    newest,
    opened,
    reckon,
    types,
)

__all__ = [
    "MAX_GROUPS",
    "Key",
    "Reckoning",
    "RowOfTable",
    "Side",
    "Value",
    "behind",
    "count",
    "counted",
    "every",
    "newest",
    "opened",
    "reckon",
    "types",
]
