"""Read the test cases of the DMN TCK: inputs, and what each decision or service should give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path

from lxml import etree

from casepath.engine.decisions import feel

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
#: Relative difference that the TCK allows between numbers.
_TOLERANCE = Decimal("1e-8")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One expected result of one test case."""

    folder: str
    case: str
    node: str
    #: Decision service to invoke; empty for a decision.
    service: str
    inputs: Mapping[str, object]
    expected: object

    @property
    def name(self) -> str:
        """Where the check stands."""
        return f"{self.folder}/{self.case}/{self.node}"


def checks(folder: Path) -> Iterator[Check]:
    """Go through all checks of one folder of the TCK."""
    for file in sorted(folder.glob("*-test-*.xml")):
        root = etree.parse(file).getroot()
        for case in root.iter("{*}testCase"):
            inputs = {str(node.get("name")): _value(node) for node in case.iter("{*}inputNode")}
            service = str(case.get("invocableName") or "") if case.get("type") == "decisionService" else ""
            for node in case.iter("{*}resultNode"):
                expected = next(node.iter("{*}expected"))
                yield Check(
                    folder=folder.name, case=str(case.get("id")), node=str(node.get("name")), service=service,
                    inputs=inputs, expected=_value(expected),
                )  # fmt: skip


def files(folder: Path) -> list[tuple[str, bytes]]:
    """Return the models of one folder, the main one first."""
    models = sorted(folder.glob("*.dmn"), key=lambda path: (path.stem != folder.name, path.name))
    return [(path.name, path.read_bytes()) for path in models]


def _value(element: etree._Element) -> object:
    if element.get(f"{_XSI}nil") == "true":
        return None
    parts: dict[str, object] = {}
    for child in element.iterchildren("{*}value", "{*}list", "{*}component"):
        name = etree.QName(child).localname
        if name == "value":
            return _simple(child)
        if name == "list":
            return [_value(item) for item in child.iterchildren("{*}item")]
        parts[str(child.get("name"))] = _value(child)
    return parts or None


def _simple(element: etree._Element) -> object:
    if element.get(f"{_XSI}nil") == "true":
        return None
    kind = (element.get(f"{_XSI}type") or "xsd:string").rpartition(":")[2]
    text = element.text or ""
    if kind in ("decimal", "double", "integer", "int", "long", "float"):
        return Decimal(text.strip())
    if kind == "boolean":
        return text.strip() == "true"
    if kind in ("date", "dateTime", "time", "duration"):
        function = {"dateTime": "date and time"}.get(kind, kind)
        return feel.compile_feel(f'{function}("{text.strip()}")').evaluate({})
    return text


def agree(actual: object, expected: object) -> bool:
    """Say whether a result is what the TCK expects."""
    if isinstance(expected, Decimal) and isinstance(actual, Decimal):
        return actual == expected or math.isclose(actual, expected, rel_tol=float(_TOLERANCE))
    if isinstance(expected, list) and isinstance(actual, list):
        return len(actual) == len(expected) and all(map(agree, actual, expected))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return actual.keys() == expected.keys() and all(agree(actual[key], value) for key, value in expected.items())
    if isinstance(expected, datetime | time) and isinstance(actual, datetime | time):
        zoned = actual.tzinfo is not None, expected.tzinfo is not None
        return type(actual) is type(expected) and actual == expected and zoned[0] == zoned[1]
    return type(actual) is type(expected) and actual == expected
