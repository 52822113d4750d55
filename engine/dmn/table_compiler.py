"""Compile the cells of a decision table."""

from __future__ import annotations

from lxml import etree

from engine.dmn.boxed import BoxedCompiler, Names, nothing
from engine.dmn.elements import child, children, text_in
from engine.dmn.table_logic import TableParts, compiled_table
from engine.dmn.tables import DecisionTable, read_table
from engine.feel.iteration import Evaluate, Scope
from engine.feel.types import ANY, FeelType
from engine.feel.unary import Test, constant


def compile_table(boxed: BoxedCompiler, xml: etree._Element, names: Names) -> Evaluate:
    """Return the function that evaluates the table; adds findings."""
    owner = xml
    while owner.getparent() is not None and owner.getparent().getparent() is not None:
        owner = owner.getparent()
    table = read_table(xml, owner.get("id") or "", owner.get("name") or owner.get("id") or "", boxed.findings)
    boxed.tables.append((table, xml))
    output_types = [boxed.types.of(column) for column in children(xml, "output")]
    if len(output_types) == 1 and output_types[0] is not ANY:
        # With one column, `typeRef` stands at the column or at the variable, and may mean the list of all answers.
        output_types = [_of_one_row(table, output_types[0])]
    parts = TableParts(
        inputs=[_input(boxed, column, names) for column in children(xml, "input")],
        input_types=[boxed.types.of(child(column, "inputExpression")) for column in children(xml, "input")],
        allowed=[_allowed(boxed, column, names) for column in children(xml, "input")],
        conditions=[_conditions(boxed, table, row, names) for row in children(xml, "rule")],
        results=[[_result(boxed, cell, names) for cell in children(row, "outputEntry")] for row in children(xml, "rule")],
        output_types=output_types,
        defaults=[_default(boxed, column, names) for column in children(xml, "output")],
        priorities=[_priorities(boxed, column, names) for column in children(xml, "output")],
    )
    return compiled_table(table, parts)


def _of_one_row(table: DecisionTable, kind: FeelType) -> FeelType:
    return ANY if table.hit_policy in ("COLLECT", "RULE ORDER", "OUTPUT ORDER") else kind


def _input(boxed: BoxedCompiler, column: etree._Element, names: Names) -> Evaluate:
    expression = child(column, "inputExpression")
    text = text_in(expression)
    feel = None if expression is None or not text else boxed.feel(expression, text, names)
    return nothing if feel is None else feel.evaluate_in


def _allowed(boxed: BoxedCompiler, column: etree._Element, names: Names) -> Test | None:
    values = child(column, "inputValues")
    text = text_in(values)
    tests = None if values is None or not text else boxed.tests(values, text, names)
    return None if tests is None else tests.test


def _conditions(
    boxed: BoxedCompiler, table: DecisionTable, row: etree._Element, names: Names
) -> list[tuple[int, Test]]:
    conditions: list[tuple[int, Test]] = []
    for index, cell in enumerate(children(row, "inputEntry")):
        text = text_in(cell)
        if text in ("", "-") or index >= len(table.inputs):
            continue
        variable = table.inputs[index].variable or "cellInput"
        tests = boxed.tests(cell, text, names | {variable})
        if tests is None:
            conditions.append((index, lambda value, scope: None))
        elif variable in tests.free and variable not in names:
            conditions.append((index, _with_variable(tests.test, variable)))
        else:
            conditions.append((index, tests.test))
    return conditions


def _with_variable(test: Test, variable: str) -> Test:
    return lambda value, scope: test(value, Scope({variable: value}, scope))


def _result(boxed: BoxedCompiler, cell: etree._Element, names: Names) -> Evaluate:
    text = text_in(cell)
    feel = boxed.feel(cell, text, names) if text not in ("", "-") else None
    return nothing if feel is None else feel.evaluate_in


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
