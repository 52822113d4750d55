"""Compile the cells of a decision table."""

from __future__ import annotations

from lxml import etree

from casepath.engine.decisions.dmn.boxed import BoxedCompiler, Names, converted, nothing
from casepath.engine.decisions.dmn.checks import Column
from casepath.engine.decisions.dmn.elements import child, children, name_of, text_in
from casepath.engine.decisions.dmn.findings import local_name
from casepath.engine.decisions.dmn.table_logic import TableParts, compiled_table
from casepath.engine.decisions.dmn.tables import DecisionTable, read_table
from casepath.engine.decisions.feel import UnaryTests, compile_unary_tests
from casepath.engine.decisions.feel.iteration import Evaluate, Scope
from casepath.engine.decisions.feel.types import ANY, FeelType
from casepath.engine.decisions.feel.unary import Test, constant

_OWNERS = ("decision", "businessKnowledgeModel")


def compile_table(boxed: BoxedCompiler, xml: etree._Element, names: Names) -> Evaluate:
    """Return the function that evaluates the table; adds findings."""
    owner = next((around for around in xml.iterancestors() if local_name(around) in _OWNERS), xml)
    before = len(boxed.findings.all)
    table = read_table(xml, owner.get("id") or "", name_of(owner) or owner.get("id") or "", boxed.findings)
    if len(boxed.findings.all) > before:
        # Its rows and columns do not fit together.
        return nothing
    output_types = [boxed.types.of(column) for column in children(xml, "output")]
    if len(output_types) == 1 and output_types[0] is not ANY:
        # With one column, `typeRef` stands at the column or at the variable, and may mean the list of all answers.
        output_types = [_of_one_row(table, output_types[0])]
    columns = _columns(boxed, table, xml, names)
    boxed.tables.append((table, columns, xml))
    parts = TableParts(
        inputs=[_input(boxed, column, names) for column in children(xml, "input")],
        input_types=[column.type for column in columns],
        allowed=[column.allowed for column in columns],
        conditions=[_conditions(table, columns, row, names) for row in range(len(table.rules))],
        results=[
            [_result(boxed, cell, names) for cell in children(row, "outputEntry")] for row in children(xml, "rule")
        ],
        output_types=output_types,
        defaults=[_default(boxed, column, names) for column in children(xml, "output")],
        priorities=[_priorities(boxed, column, names) for column in children(xml, "output")],
    )
    return compiled_table(table, parts)


def _of_one_row(table: DecisionTable, kind: FeelType) -> FeelType:
    return ANY if table.hit_policy in ("COLLECT", "RULE ORDER", "OUTPUT ORDER") else kind


def _input(boxed: BoxedCompiler, column: etree._Element, names: Names) -> Evaluate:
    expression = child(column, "inputExpression")
    assert expression is not None, "columns without one were refused"
    feel = boxed.feel(expression, text_in(expression), names)
    return nothing if feel is None else feel.evaluate_in


def _allowed(boxed: BoxedCompiler, column: etree._Element, names: Names) -> Test | None:
    values = child(column, "inputValues")
    text = text_in(values)
    tests = None if values is None or not text else boxed.tests(values, text, names)
    return None if tests is None else tests.test


def _columns(boxed: BoxedCompiler, table: DecisionTable, xml: etree._Element, names: Names) -> list[Column]:
    """Compile the cells of the conditions, column by column."""
    rows = [list(children(row, "inputEntry")) for row in children(xml, "rule")]
    columns: list[Column] = []
    for index, entry in enumerate(children(xml, "input")):
        known = names | {_variable(table, index)}
        columns.append(
            Column(
                label=table.inputs[index].label,
                type=boxed.types.of(child(entry, "inputExpression")),
                allowed=_allowed(boxed, entry, names),
                cells=[_cell(boxed, row[index], known) for row in rows],
            )
        )
    return columns


def _cell(boxed: BoxedCompiler, cell: etree._Element, names: Names) -> UnaryTests | None:
    text = text_in(cell)
    if text in ("", "-"):
        return None
    # A cell that cannot be read never matches.
    return boxed.tests(cell, text, names) or compile_unary_tests("> null")


def _variable(table: DecisionTable, index: int) -> str:
    """Return the name of the tested value beside `?`, as Camunda's modeler writes it."""
    return table.inputs[index].variable or "cellInput"


def _conditions(
    table: DecisionTable, columns: list[Column], row: int, names: Names
) -> list[tuple[int, Test]]:
    conditions: list[tuple[int, Test]] = []
    for index, column in enumerate(columns):
        tests = column.cells[row]
        if tests is None:
            continue
        variable = _variable(table, index)
        asks = variable in tests.free and variable not in names
        conditions.append((index, _with_variable(tests.test, variable) if asks else tests.test))
    return conditions


def _with_variable(test: Test, variable: str) -> Test:
    return lambda value, scope: test(value, Scope({variable: value}, scope))


def _result(boxed: BoxedCompiler, cell: etree._Element, names: Names) -> Evaluate:
    text = text_in(cell)
    feel = boxed.feel(cell, text, names) if text not in ("", "-") else None
    if feel is None:
        return nothing
    return converted(feel.evaluate_in, boxed.types.of(cell)) if cell.get("typeRef") else feel.evaluate_in


def _default(boxed: BoxedCompiler, column: etree._Element, names: Names) -> Evaluate | None:
    entry = child(column, "defaultOutputEntry")
    text = text_in(entry)
    feel = None if entry is None or not text else boxed.feel(entry, text, names)
    return None if feel is None else feel.evaluate_in


def _priorities(boxed: BoxedCompiler, column: etree._Element, names: Names) -> list[object]:
    """Return the allowed values of an output in the order in which they stand."""
    values = child(column, "outputValues")
    text = text_in(values)
    tests = None if values is None or not text else boxed.tests(values, text, names)
    return [] if tests is None else [constant(node) for node in tests.nodes]
