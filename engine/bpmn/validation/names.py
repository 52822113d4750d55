"""Names in `${…}` that nothing in a deployment ever gives a value: surely misspelt, where the forms are known."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator

from lxml import etree

from casepath.engine import errors
from casepath.engine.expressions import compile_expression
from casepath.engine.phrases import Phrase

#: Attributes whose value is the name of a variable that gets a value; `name` and `target` only of some elements.
GIVING = frozenset({"resultVariable", "elementVariable", "errorCodeVariable", "errorMessageVariable",
                    "escalationCodeVariable", "initiator"})  # fmt: skip
GIVING_ELEMENTS = {"inputParameter": "name", "outputParameter": "name", "in": "target", "out": "target",
                   "dataObject": "name", "property": "name", "dataInput": "name", "dataOutput": "name",
                   "inputDataItem": "name", "outputDataItem": "name", "formField": "id"}  # fmt: skip
#: What the engine itself gives.
OWN = frozenset({"loopCounter", "nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances", "activationCount",
                 "execution", "task"})  # fmt: skip


def check(root: etree._Element, file: str, outside: Iterable[str]) -> list[errors.Finding]:
    """Return a warning for each element that reads a name which neither the diagram nor `outside` gives a value."""
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    known = OWN | set(outside) | {name for element in elements for name in given(element)}
    findings = []
    for element in elements:
        for name in sorted(read(element) - known):
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            findings.append(finding(element, file, name, near))
    return findings


def given(element: etree._Element) -> Iterator[str]:
    """Yield the variables that an element gives a value."""
    tag = etree.QName(element).localname
    wanted = GIVING_ELEMENTS.get(tag)
    for attribute, value in element.attrib.items():
        name = etree.QName(attribute).localname
        if name in GIVING or name == wanted:
            yield str(value)
    if tag == "multiInstanceLoopCharacteristics" and (task := element.getparent()) is not None:
        # Of user tasks, for several people.
        yield f"{task.get('id')}_answers"
    if tag == "script":
        yield from assigned("".join(element.itertext()))


def assigned(script: str) -> Iterator[str]:
    """Yield the names that a Python script assigns."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def read(element: etree._Element) -> set[str]:
    """Return the names that the expressions of an element read."""
    names: set[str] = set()
    for text in (element.text or "", *(str(value) for value in element.attrib.values())):
        if "${" in text or "#{" in text:
            try:
                names |= compile_expression(text.strip()).names
            except errors.ExpressionError:
                # Reported as an error elsewhere, or a text that is no expression.
                continue
    return names


def finding(element: etree._Element, file: str, name: str, near: list[str]) -> errors.Finding:
    """Return the warning, at the nearest element around that has an id."""
    place: etree._Element | None = element
    while place is not None and place.get("id") is None:
        place = place.getparent()
    return errors.Finding(
        level="warning",
        code="unknown-name",
        file=file,
        element_id=(place.get("id") or "") if place is not None else "",
        name=(place.get("name") or "") if place is not None else "",
        line=int(element.sourceline or 0),
        phrase=Phrase(
            "Expected that a form or the diagram gives '{name}' a value, but found neither; the nearest known: {near}",
            name=name,
            near=near,
        ),
    )
