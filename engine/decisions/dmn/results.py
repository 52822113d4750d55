"""What an evaluation gives: the value, and for the history every decision with its inputs, matched rows and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casepath.engine.decisions.dmn.table_logic import TableRun
from casepath.engine.decisions.dmn.tables import DecisionTable
from casepath.engine.decisions.feel.values import to_python
from casepath.engine.errors import Finding


@dataclass(frozen=True, kw_only=True)
class TableEvaluation:
    """One evaluation of a decision table."""

    table: DecisionTable
    #: Values of the inputs, in the order of the columns.
    inputs: tuple[object, ...]
    #: Indexes from 0 and ids of the rows that matched.
    matched: tuple[int, ...]
    rule_ids: tuple[str, ...]
    #: Results of each matched row by the name of the column.
    outputs: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, kw_only=True)
class DecisionEvaluation:
    """One decision that was evaluated, with the tables evaluated for it."""

    id: str
    name: str
    value: object
    tables: tuple[TableEvaluation, ...]


@dataclass(frozen=True, kw_only=True)
class DecisionResult:
    """The value of the decision asked for, and how it came about: required decisions first."""

    value: object
    decisions: tuple[DecisionEvaluation, ...]
    #: Why values are null where the model expected others.
    findings: tuple[Finding, ...]


def table_evaluation(run: TableRun) -> TableEvaluation:
    """Return what a table did, in Python's values."""
    names = [column.name or column.label or f"output {index}" for index, column in enumerate(run.table.outputs, 1)]
    return TableEvaluation(
        table=run.table,
        inputs=tuple(map(to_python, run.inputs)),
        matched=tuple(run.matched),
        rule_ids=tuple(run.table.rules[index].id for index in run.matched),
        outputs=tuple(dict(zip(names, map(to_python, values), strict=True)) for values in run.outputs),
    )
