"""Every example of the guide to FEEL does what the guide says, and both languages have the same examples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from casepath.engine import errors
from casepath.engine.database import values
from casepath.engine.decisions import dmn
from casepath.engine.decisions.feel import compile_feel, compile_unary_tests
from tests.each import each
from tests.unit.dmn_files import decision, definitions, table

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH = (DOCS / "feel.md").read_text("utf-8")
CHINESE = (DOCS / "feel.zh-CN.md").read_text("utf-8")
BLOCK = re.compile(r"^```([\w-]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"(?P<text>.+?) +[→✗] (?P<expected>.+)")


def lines(kind: str) -> list[str]:
    return [line for found, text in BLOCK.findall(ENGLISH) if found == kind for line in text.splitlines()]


def parts(line: str) -> tuple[str, str]:
    example = EXAMPLE.fullmatch(line)
    assert example is not None, line
    return example["text"], example["expected"]


def variables() -> dict[str, object]:
    loaded = values.loads("\n".join(lines("variables")))
    assert isinstance(loaded, dict)
    return loaded


@each("line", lines("feel"))
def test_expression(line: str) -> None:
    text, expected = parts(line)

    assert compile_feel(text, variables()).evaluate(variables()) == compile_feel(expected).evaluate({})


@each("line", lines("tests"))
def test_cell(line: str) -> None:
    text, expected = parts(line)
    cell, value = re.split(r"  +", text)

    given = compile_feel(value).evaluate({})

    assert compile_unary_tests(cell, variables()).matches(given, variables()) is json.loads(expected)


@each("line", lines("refused"))
def test_refused(line: str) -> None:
    text, expected = parts(line)

    with pytest.raises(errors.ExpressionError, match=re.escape(expected)):
        compile_feel(text, variables())


def guide_table() -> dmn.DecisionModel:
    rows = [row.strip("| ").split(" | ") for row in ENGLISH.splitlines() if re.match(r"\| \d ", row)]
    logic = table(["severity", "amount"], ["who"], *(" | ".join(row[1:]) for row in rows))
    return dmn.parse(definitions(decision("Who decides", logic)), "guide.dmn")


@pytest.mark.parametrize("line", lines("table-examples"))
def test_table(line: str) -> None:
    given, expected = parts(line)

    assert guide_table().evaluate("Who decides", json.loads(given)).value == json.loads(expected)


def test_table__has_the_gap_that_the_guide_tells() -> None:
    gap = next(finding for finding in guide_table().findings if finding.code == "table-gap")

    assert 'none matches severity = "…"' in gap.message


def test_guide__same_examples_in_both_languages() -> None:
    assert BLOCK.findall(CHINESE) == BLOCK.findall(ENGLISH)
