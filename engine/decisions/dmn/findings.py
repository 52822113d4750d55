"""What a check of a DMN file finds, in both languages, at its element."""

from __future__ import annotations

from typing import Literal

from lxml import etree

from casepath.engine.errors import ExpressionError, Finding

_LABELS: dict[str, tuple[str, str]] = {
    "inputExpression": ("input expression", "输入表达式"),
    "inputEntry": ("condition", "条件"),
    "outputEntry": ("result", "结果"),
    "inputValues": ("allowed inputs", "输入允许值"),
    "outputValues": ("allowed results", "输出允许值"),
    "defaultOutputEntry": ("default result", "默认结果"),
    "allowedValues": ("allowed values", "允许值"),
    "typeConstraint": ("type constraint", "类型约束"),
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

    def add(
        self,
        level: Literal["error", "warning"],
        code: str,
        element: etree._Element,
        message: str,
        message_zh: str,
    ) -> None:
        """Add a finding."""
        element_id, name = nearest_id(element)
        self.all.append(
            Finding(
                level=level, code=code, file=self.file, element_id=element_id, name=name,
                line=int(element.sourceline or 0), message=message, message_zh=message_zh,
            )
        )  # fmt: skip

    def error(self, code: str, element: etree._Element, message: str, message_zh: str) -> None:
        """Add an error: the file cannot be deployed."""
        self.add("error", code, element, message, message_zh)

    def warning(self, code: str, element: etree._Element, message: str, message_zh: str) -> None:
        """Add a warning."""
        self.add("warning", code, element, message, message_zh)

    def expression(self, element: etree._Element, place: tuple[str, str], error: ExpressionError) -> None:
        """Add the error that an expression cannot be read."""
        at = "" if error.position is None else f" at character {error.position + 1}"
        at_zh = "" if error.position is None else f"第 {error.position + 1} 个字符："
        shown = error.text if len(error.text) <= 80 else error.text[:80] + "…"
        message_zh = str(getattr(error, "message_zh", error.message))
        self.error(
            "feel-error", element,
            f"{error.message}{at} of {place[0]}: {shown}",
            f"{place[1]}：{at_zh}{message_zh}（{shown}）",
        )  # fmt: skip


def place_of(element: etree._Element) -> tuple[str, str]:
    """Say in both languages where an expression stands: decision, and row and column in a table."""
    label, label_zh = _LABELS.get(local_name(element), ("expression", "表达式"))
    row, column = cell_of(element)
    if row:
        label, label_zh = f"{label} in row {row}, column {column}", f"第 {row} 行第 {column} 列的{label_zh}"
    current = element.getparent()
    while current is not None and local_name(current) not in ("decision", "businessKnowledgeModel", "itemDefinition"):
        current = current.getparent()
    if current is None:
        return label, label_zh
    name = current.get("name") or current.get("id") or ""
    return f"{label} of '{name}'", f"“{name}”的{label_zh}"


def cell_of(element: etree._Element) -> tuple[int, int]:
    """Return row and column, from 1, of a cell of a decision table; zeros for anything else."""
    rule = element.getparent()
    around = None if rule is None else rule.getparent()
    if rule is None or around is None or local_name(rule) != "rule":
        return 0, 0
    rules = [child for child in around if local_name(child) == "rule"]
    cells = [child for child in rule if local_name(child) == local_name(element)]
    return rules.index(rule) + 1, cells.index(element) + 1
