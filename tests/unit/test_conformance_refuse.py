"""Models that others wrote: those that break a rule of the standard are refused, all others are not."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from casepath.engine import errors, xml
from casepath.engine.bpmn.validation import check
from tests.each import each
from tests.outside import CONFORMANCE
from tests.respelling import respell

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CONDITIONS = {
    "conditionExpression", "condition", "loopCondition", "loopCardinality", "completionCondition",
    "activationCondition",
}

pytestmark = pytest.mark.conformance


def models(name: str) -> list[dict[str, object]]:
    """The tests of one list; none where it is missing, which fails the tests that go through them."""
    path = CONFORMANCE / name
    return list(json.loads(path.read_text(encoding="utf-8"))["tests"]) if path.is_file() else []


def content(test: dict[str, object]) -> bytes:
    """The model of a test, with conditions in the dialect."""
    root = etree.fromstring((CONFORMANCE / str(test["bpmn_path"])).read_bytes())
    for element in root.iter(*(BPMN + tag for tag in CONDITIONS)):
        text = (element.text or "").strip().rstrip(">").strip()
        if text and not text.lstrip("-").isdecimal():
            element.text = f"${{{text}}}"
    return etree.tostring(root)


def wrong(file: bytes, name: str) -> list[errors.Finding]:
    """The errors of a file."""
    return [finding for finding in check(xml.parse(file, name), name).findings if finding.level == "error"]


def expects_error(test: dict[str, object]) -> bool:
    """Whether a test that executes may be refused instead."""
    cases = test["cases"]
    assert isinstance(cases, list)
    return all(case["expected"] in (["ERROR"], ["ERROR_deployment"]) for case in cases)


@each("test", models("betsy_refuse.json"))
def test_rule_breaker__is_refused_and_the_element_named(test: dict[str, object]) -> None:
    name = str(test["name"])

    for file in (content(test), (CONFORMANCE / str(test["bpmn_path"])).read_bytes(), respell(content(test))):
        found = wrong(file, name)
        assert found
        assert all(finding.element_id for finding in found)


@each("test", [test for test in models("betsy_execute.json") if not expects_error(test)])
def test_model_to_execute__is_not_refused(test: dict[str, object]) -> None:
    name = str(test["name"])

    for file in (content(test), *(respell(content(test), seed) for seed in range(3))):
        assert [str(finding) for finding in wrong(file, name)] == []


def test_vendor_models__are_accepted_or_refused_with_element_and_reason() -> None:
    found = {path.name: wrong(path.read_bytes(), path.name) for path in (CONFORMANCE / "miwg").glob("*.bpmn")}

    for findings in found.values():
        assert all(finding.element_id and finding.line and finding.message for finding in findings)
    assert sum(not findings for findings in found.values()) >= 11
