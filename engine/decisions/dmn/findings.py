"""What a check of a DMN file finds, at its element."""

from __future__ import annotations

from typing import Literal

from lxml import etree

from casepath.engine.errors import ExpressionError, Finding
from casepath.engine.phrases import Phrase, shortened

#: Characters of an expression that are shown.
MAX_SHOWN = 80
_LABELS = {
    "inputExpression": Phrase("input expression"),
    "inputEntry": Phrase("condition"),
    "outputEntry": Phrase("result"),
    "inputValues": Phrase("allowed inputs"),
    "outputValues": Phrase("allowed results"),
    "defaultOutputEntry": Phrase("default result"),
    "allowedValues": Phrase("allowed values"),
    "typeConstraint": Phrase("type constraint"),
}


def local_name(element: etree._Element) -> str:
    """Return the tag without its namespace."""
    return str(etree.QName(element).localname)


def nearest_id(element: etree._Element) -> tuple[str, str]:
    """Return id and name of the element, or of the nearest one around it that has an id."""
    current: etree._Element | None = element
    while current is not None:
        if current.get("id"):
            return str(current.get("id")), str(current.get("name") or current.get("label") or "")
        current = current.getparent()
    return f"{local_name(element)} (line {element.sourceline})", ""


class Findings:
    """Collects findings of one file, so that all of them are reported at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.all: list[Finding] = []

    def add(self, level: Literal["error", "warning"], code: str, element: etree._Element, phrase: Phrase) -> None:
        """Add a finding."""
        element_id, name = nearest_id(element)
        self.all.append(
            Finding(
                level=level, code=code, file=self.file, element_id=element_id, name=name,
                line=int(element.sourceline or 0), phrase=phrase,
            )
        )  # fmt: skip

    def error(self, code: str, element: etree._Element, text: str, /, **facts: object) -> None:
        """Add an error: the file cannot be deployed."""
        self.add("error", code, element, Phrase(text, **facts))

    def warning(self, code: str, element: etree._Element, text: str, /, **facts: object) -> None:
        """Add a warning."""
        self.add("warning", code, element, Phrase(text, **facts))

    def expression(self, element: etree._Element, error: ExpressionError) -> None:
        """Add the error that an expression cannot be read."""
        facts = {"place": place_of(element), "reason": error.phrase, "found": shortened(error.text, MAX_SHOWN)}
        if error.position is None:
            self.error("feel-error", element, "{reason} in {place}: {found}", **facts)
        else:
            self.error(
                "feel-error", element, "{reason} at character {position} of {place}: {found}",
                position=error.position + 1, **facts,
            )  # fmt: skip


def place_of(element: etree._Element) -> Phrase:
    """Say where an expression stands: decision, and row and column in a table."""
    label = _LABELS.get(local_name(element), Phrase("expression"))
    row, column = cell_of(element)
    if row:
        label = Phrase("{label} in row {row}, column {column}", label=label, row=row, column=column)
    current = element.getparent()
    while current is not None and local_name(current) not in ("decision", "businessKnowledgeModel", "itemDefinition"):
        current = current.getparent()
    if current is None:
        return label
    return Phrase("{label} of '{name}'", label=label, name=current.get("name") or current.get("id") or "")


def cell_of(element: etree._Element) -> tuple[int, int]:
    """Return row and column, from 1, of a cell of a decision table; zeros for anything else."""
    rule = element.getparent()
    around = None if rule is None else rule.getparent()
    if rule is None or around is None or local_name(rule) != "rule":
        return 0, 0
    rules = [child for child in around if local_name(child) == "rule"]
    cells = [child for child in rule if local_name(child) == local_name(element)]
    return rules.index(rule) + 1, cells.index(element) + 1
