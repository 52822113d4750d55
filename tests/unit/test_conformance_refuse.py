"""Models that others wrote: those that break a rule of the standard are refused, all others are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from casepath.engine import errors, xml
from casepath.engine.bpmn.validation import check
from tests.respelling import respell

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CONDITIONS = {
    "conditionExpression", "condition", "loopCondition", "loopCardinality", "completionCondition",
    "activationCondition",
}

pytestmark = pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="The conformance models are not here")


def models(name: str) -> list[dict[str, object]]:
    """The tests of one list."""
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
    return [finding for finding in check(xml.parse(file, name), name) if finding.level == "error"]


def expects_error(test: dict[str, object]) -> bool:
    """Whether a test that executes may be refused instead."""
    cases = test["cases"]
    assert isinstance(cases, list)
    return all(case["expected"] in (["ERROR"], ["ERROR_deployment"]) for case in cases)


@pytest.mark.parametrize("test", models("betsy_refuse.json"), ids=lambda test: str(test["name"]))
def test_rule_breaker__is_refused_and_the_element_named(test: dict[str, object]) -> None:
    name = str(test["name"])

    for file in (content(test), (CONFORMANCE / str(test["bpmn_path"])).read_bytes(), respell(content(test))):
        found = wrong(file, name)
        assert found
        assert all(finding.element_id for finding in found)


@pytest.mark.parametrize("test", models("betsy_execute.json"), ids=lambda test: str(test["name"]))
def test_model_to_execute__is_not_refused(test: dict[str, object]) -> None:
    name = str(test["name"])
    if expects_error(test):
        pytest.skip("It is expected to fail, at deployment or later")

    for file in (content(test), *(respell(content(test), seed) for seed in range(3))):
        assert [str(finding) for finding in wrong(file, name)] == []


def test_vendor_models__are_accepted_or_refused_with_element_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    table = []
    for path in sorted((CONFORMANCE / "miwg").glob("*.bpmn")):
        found = wrong(path.read_bytes(), path.name)
        assert all(finding.element_id and finding.line and finding.message for finding in found)
        table.append(f"{path.name:12} {'refused: ' + str(found[0])[:150] if found else 'accepted'}")

    with capsys.disabled():
        print("\n" + "\n".join(table))
    assert sum(line.endswith("accepted") for line in table) >= 11
