"""Evaluate decision tables: which rows match, and what the hit policy makes of their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from casepath.engine.decisions.dmn.tables import DecisionTable
from casepath.engine.decisions.feel.builtins.lists import key_of
from casepath.engine.decisions.feel.functions import BUILT_INS
from casepath.engine.decisions.feel.iteration import Evaluate, Scope
from casepath.engine.decisions.feel.limits import spend
from casepath.engine.decisions.feel.operators import same
from casepath.engine.decisions.feel.types import ANY, FeelType, coerce
from casepath.engine.decisions.feel.unary import Test
from casepath.engine.phrases import Phrase

#: Key in a root scope under which tables find where to note what they did; no name can be this.
TRACE = "\0trace"
#: Evaluations of tables that are noted for one decision; a knowledge model may be called in a loop.
_MAX_RUNS = 1000


@dataclass
class TableRun:
    """One evaluation of a table, in values of FEEL."""

    table: DecisionTable
    inputs: list[object] = field(default_factory=list)
    #: Indexes of the rows that matched, from 0.
    matched: list[int] = field(default_factory=list)
    #: Results of each matched row, by column.
    outputs: list[list[object]] = field(default_factory=list)
    #: Why there is no answer, or an input counts as null.
    reason: Phrase | None = None


class TableRuns(list[TableRun]):
    """Where tables note what they did; a class of its own, so that no list of a model can be taken for it."""


@dataclass(kw_only=True)
class TableParts:
    """The compiled cells of a table."""

    inputs: list[Evaluate]
    input_types: list[FeelType]
    #: Tests of the allowed values of each input, None where there are none.
    allowed: list[Test | None]
    #: For each row, the cells that do not match everything, as column and test.
    conditions: list[list[tuple[int, Test]]]
    results: list[list[Evaluate]]
    output_types: list[FeelType]
    defaults: list[Evaluate | None]
    #: Values of each output column in order of priority.
    priorities: list[list[object]]


def compiled_table(table: DecisionTable, parts: TableParts) -> Evaluate:
    """Return the function that evaluates a table."""
    names = [column.name for column in table.outputs]
    finish = _finisher(table, parts)
    single = len(names) == 1
    work = 10 + sum(map(len, parts.conditions))

    def evaluate(scope: Scope) -> object:
        spend(work)
        run = TableRun(table)
        _trace(scope, run)
        values = run.inputs = [expression(scope) for expression in parts.inputs]
        if not _inputs_fit(table, parts, run, scope):
            return None
        for index, row in enumerate(parts.conditions):
            for column, test in row:
                if test(values[column], scope) is not True:
                    break
            else:
                run.matched.append(index)
                if table.hit_policy == "FIRST":
                    break
        for index in run.matched:
            row_values = [result(scope) for result in parts.results[index]]
            run.outputs.append([coerce(*pair) for pair in zip(row_values, parts.output_types, strict=True)])
        if not run.matched:
            return _defaults(table, parts, scope, single, names)
        return finish(run)

    return evaluate


def _trace(scope: Scope | None, run: TableRun) -> None:
    while scope is not None:
        notes = scope.values.get(TRACE)
        if isinstance(notes, TableRuns):
            if len(notes) < _MAX_RUNS:
                notes.append(run)
            return
        scope = scope.parent


def _inputs_fit(table: DecisionTable, parts: TableParts, run: TableRun, scope: Scope) -> bool:
    for index, test in enumerate(parts.allowed):
        value = run.inputs[index]
        kind = parts.input_types[index]
        if kind is not ANY and not kind.accepts(value):
            run.inputs[index] = value = coerce(value, kind)
            if value is None:
                label = table.inputs[index].label
                run.reason = Phrase(
                    "Expected a {kind} for input '{label}', but found another type", kind=str(kind), label=label
                )
        if test is not None and value is not None and test(value, scope) is not True:
            column = table.inputs[index]
            run.reason = Phrase(
                "Expected {allowed} for input '{label}', but found another value",
                allowed=column.allowed,
                label=column.label,
            )
            return False
    return True


def _defaults(table: DecisionTable, parts: TableParts, scope: Scope, single: bool, names: list[str]) -> object:
    """Return what a table answers when no row matches."""
    if any(default is not None for default in parts.defaults):
        values = [None if default is None else default(scope) for default in parts.defaults]
        return values[0] if single else dict(zip(names, values, strict=True))
    if table.hit_policy == "COLLECT":
        return BUILT_INS["count"].call([[]]) if table.aggregation == "COUNT" else [] if not table.aggregation else None
    return None


def _finisher(table: DecisionTable, parts: TableParts) -> Callable[[TableRun], object]:
    """Return what the hit policy does with the rows that matched, of which there is at least one."""
    names = [column.name for column in table.outputs]

    def answer(values: Sequence[object]) -> object:
        return values[0] if len(names) == 1 else dict(zip(names, values, strict=True))

    def unique(run: TableRun) -> object:
        if len(run.matched) > 1:
            run.reason = Phrase(
                "Expected one matching row in table '{name}' (UNIQUE), but rows {rows} match",
                name=table.name,
                rows=[index + 1 for index in run.matched],
            )
            return None
        return answer(run.outputs[0])

    def same_answer(run: TableRun) -> object:
        if any(not same(run.outputs[0], values) for values in run.outputs):
            run.reason = Phrase(
                "Expected equal results in table '{name}' (ANY), but rows {rows} differ",
                name=table.name,
                rows=[index + 1 for index in run.matched],
            )
            return None
        return answer(run.outputs[0])

    def by_priority(run: TableRun) -> list[list[object]]:
        return sorted(run.outputs, key=lambda values: [*map(_rank, values, parts.priorities)])

    def collect(run: TableRun) -> object:
        values = [answer(row) for row in run.outputs]
        if table.aggregation == "COUNT":
            # The standard counts what would be collected; rows with equal results count once only for MIN and MAX.
            return BUILT_INS["count"].call([values])
        return BUILT_INS[table.aggregation.lower()].call([values]) if table.aggregation else values

    finishers: dict[str, Callable[[TableRun], object]] = {
        "UNIQUE": unique,
        "ANY": same_answer,
        "FIRST": lambda run: answer(run.outputs[0]),
        "PRIORITY": lambda run: answer(by_priority(run)[0]),
        "RULE ORDER": lambda run: [answer(values) for values in run.outputs],
        "OUTPUT ORDER": lambda run: [answer(values) for values in by_priority(run)],
        "COLLECT": collect,
    }
    return finishers[table.hit_policy]


def _rank(value: object, priorities: list[object]) -> int:
    key = key_of(value)
    return next((rank for rank, known in enumerate(priorities) if key_of(known) == key), len(priorities))
