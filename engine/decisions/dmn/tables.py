"""Decision tables as they stand in the file: what the engine evaluates and what pages show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lxml import etree

from casepath.engine.decisions.dmn.elements import child, children, name_of, text_in, type_ref_of
from casepath.engine.decisions.dmn.findings import Findings

HitPolicy = Literal["UNIQUE", "ANY", "PRIORITY", "FIRST", "OUTPUT ORDER", "RULE ORDER", "COLLECT"]
Aggregation = Literal["", "SUM", "COUNT", "MIN", "MAX"]
HIT_POLICIES: tuple[HitPolicy, ...] = (
    "UNIQUE", "ANY", "PRIORITY", "FIRST", "OUTPUT ORDER", "RULE ORDER", "COLLECT",
)  # fmt: skip
AGGREGATIONS: tuple[Aggregation, ...] = ("", "SUM", "COUNT", "MIN", "MAX")


@dataclass(frozen=True, kw_only=True)
class InputColumn:
    """What a table asks: an expression, its type, and the values it may have."""

    id: str
    label: str
    expression: str
    type: str
    allowed: str
    #: Name of the tested value in cells, beside `?`.
    variable: str


@dataclass(frozen=True, kw_only=True)
class OutputColumn:
    """What a table answers."""

    id: str
    label: str
    name: str
    type: str
    #: In order of priority.
    allowed: str
    default: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A row: texts of its cells, in the order of the columns."""

    id: str
    conditions: tuple[str, ...]
    results: tuple[str, ...]
    annotations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DecisionTable:
    """A decision table for display."""

    id: str
    decision_id: str
    name: str
    hit_policy: HitPolicy
    aggregation: Aggregation
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputColumn, ...]
    annotations: tuple[str, ...]
    rules: tuple[Rule, ...]


def read_table(xml: etree._Element, decision_id: str, name: str, findings: Findings) -> DecisionTable:
    """Read a table; adds findings for what does not fit together."""
    policy = (xml.get("hitPolicy") or "UNIQUE").strip().upper()
    aggregation = (xml.get("aggregation") or "").strip().upper()
    found_policy = next((known for known in HIT_POLICIES if known == policy), None)
    found_aggregation = next((known for known in AGGREGATIONS if known == aggregation), None)
    if found_policy is None:
        findings.error(
            "unknown-hit-policy",
            xml,
            "Expected a hit policy such as UNIQUE or FIRST, but found '{policy}'",
            policy=policy,
        )  # fmt: skip
    if found_aggregation is None:
        findings.error(
            "unknown-aggregation",
            xml,
            "Expected SUM, COUNT, MIN or MAX, but found '{aggregation}'",
            aggregation=aggregation,
        )  # fmt: skip
    if found_policy != "COLLECT":
        found_aggregation = ""
    table = DecisionTable(
        id=xml.get("id") or "",
        decision_id=decision_id,
        name=name,
        hit_policy=found_policy or "UNIQUE",
        aggregation=found_aggregation or "",
        inputs=tuple(_input(column) for column in children(xml, "input")),
        outputs=tuple(_output(column, xml) for column in children(xml, "output")),
        annotations=tuple(name_of(column) for column in children(xml, "annotation")),
        rules=tuple(_rule(row) for row in children(xml, "rule")),
    )
    _check_shape(table, xml, findings)
    return table


def _input(xml: etree._Element) -> InputColumn:
    expression = child(xml, "inputExpression")
    attributes = {etree.QName(key).localname: value for key, value in xml.attrib.items()}
    text = text_in(expression)
    return InputColumn(
        id=xml.get("id") or "",
        label=xml.get("label") or text,
        expression=text,
        type="" if expression is None else type_ref_of(expression),
        allowed=text_in(child(xml, "inputValues")),
        variable=str(attributes.get("inputVariable") or ""),
    )


def _output(xml: etree._Element, table: etree._Element) -> OutputColumn:
    # What the result of the table is called is what its only column is called.
    of_table = table.get("outputLabel") if len(list(children(table, "output"))) == 1 else None
    return OutputColumn(
        id=xml.get("id") or "",
        label=xml.get("label") or of_table or name_of(xml),
        name=name_of(xml),
        type=type_ref_of(xml),
        allowed=text_in(child(xml, "outputValues")),
        default=text_in(child(xml, "defaultOutputEntry")),
    )


def _rule(xml: etree._Element) -> Rule:
    description = child(xml, "description")
    annotations = [text_in(entry) for entry in children(xml, "annotationEntry")]
    if not annotations and description is not None and description.text:
        annotations = [description.text.strip()]
    return Rule(
        id=xml.get("id") or "",
        conditions=tuple(text_in(entry) for entry in children(xml, "inputEntry")),
        results=tuple(text_in(entry) for entry in children(xml, "outputEntry")),
        annotations=tuple(annotations),
    )


def _check_shape(table: DecisionTable, xml: etree._Element, findings: Findings) -> None:
    if not table.outputs:
        findings.error("no-output", xml, "Expected at least one output column, but found none")
    if table.aggregation and len(table.outputs) > 1 and table.aggregation != "COUNT":
        findings.error(
            "aggregation-of-many",
            xml,
            "Expected one output column with {aggregation}, but found {count}",
            aggregation=table.aggregation,
            count=len(table.outputs),
        )  # fmt: skip
    names = [column.name for column in table.outputs]
    if len(names) > 1 and (len(set(names)) < len(names) or "" in names):
        findings.error(
            "output-names",
            xml,
            "Expected output columns with different names, but found names missing or twice",
        )  # fmt: skip
    for column, entry in zip(table.inputs, children(xml, "input"), strict=True):
        if not column.expression:
            findings.error(
                "no-input-expression",
                entry,
                "Expected an expression for the input column, but found none",
            )  # fmt: skip
    for number, (rule, row) in enumerate(zip(table.rules, children(xml, "rule"), strict=True), 1):
        if len(rule.conditions) != len(table.inputs) or len(rule.results) != len(table.outputs):
            findings.error(
                "row-shape", row,
                "Expected {inputs} conditions and {outputs} results in row {row}, but found {conditions} and {results}",
                inputs=len(table.inputs), outputs=len(table.outputs), row=number,
                conditions=len(rule.conditions), results=len(rule.results),
            )  # fmt: skip
