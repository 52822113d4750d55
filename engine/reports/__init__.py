"""
Reports as they are declared: what is counted of process instances, by what, in which periods. Knows no database.

    definition  a report, its figures, tables and conditions
    source      YAML, as far as declarations need it, within bounds
    reading     a declaration as a definition, or all that is wrong with it
    periods     the months and years that reports are about, and times between two moments
"""

from casepath.engine.reports.definition import (
    ALWAYS,
    BUILT_IN,
    OF_FACT,
    PARTS,
    UNITS,
    Bound,
    Condition,
    Figure,
    Report,
    RowOf,
    Table,
    Target,
    Test,
    element_of,
)
from casepath.engine.reports.periods import Period, Span
from casepath.engine.reports.reading import read

__all__ = [
    "ALWAYS",
    "BUILT_IN",
    "OF_FACT",
    "PARTS",
    "UNITS",
    "Bound",
    "Condition",
    "Figure",
    "Period",
    "Report",
    "RowOf",
    "Span",
    "Table",
    "Target",
    "Test",
    "element_of",
    "read",
]
