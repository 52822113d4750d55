"""Every example of the guide to expressions does what the guide says, in both languages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from casepath.engine import errors
from casepath.engine.bpmn import scripts
from casepath.engine.database import values
from casepath.engine.expressions import Environment, compile_expression
from casepath.engine.expressions.functions import FUNCTIONS
from casepath.engine.expressions.methods import METHODS
from casepath.engine.time import timers
from casepath.engine.time.clock import Calendar
from casepath.engine.time.timers import Due, Kind
from tests.each import each

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH = (DOCS / "expressions.md").read_text("utf-8")
CHINESE = (DOCS / "expressions.zh-CN.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"(?P<text>.+?) +(?P<sign>[→✗]) (?P<expected>.+)")

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 30, 17, tzinfo=SHANGHAI).astimezone(UTC)
ENVIRONMENT = Environment(
    now=NOW,
    calendar=Calendar.from_json({"zone": "Asia/Shanghai", "country": "CN", "hours": {"mon-fri": [["09:00", "18:00"]]}}),
)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(ENGLISH) if found == kind]


def variables() -> dict[str, object]:
    loaded = values.loads(blocks("variables")[0])
    assert isinstance(loaded, dict)
    return loaded


EXPRESSIONS = [line for block in blocks("juel") for line in block.splitlines()]
TIMERS = [line for block in blocks("timers") for line in block.splitlines()]


@each("line", EXPRESSIONS)
def test_expression(line: str) -> None:
    example = EXAMPLE.fullmatch(line)
    assert example is not None
    if example["sign"] == "✗":
        with pytest.raises(errors.ExpressionError, match=re.escape(example["expected"])):
            compile_expression(example["text"]).evaluate(variables(), ENVIRONMENT)
        return

    value = compile_expression(example["text"]).evaluate(variables(), ENVIRONMENT)

    assert values.plain(value) == json.loads(example["expected"])


@each("line", TIMERS)
def test_timer(line: str) -> None:
    example = EXAMPLE.fullmatch(line)
    assert example is not None
    kinds: dict[str, Kind] = {"date": "date", "duration": "duration", "cycle": "cycle"}
    kind, text = example["text"].split(maxsplit=1)
    due: Due | None = timers.parse(kinds[kind], text).first(NOW, "Asia/Shanghai")

    for expected in example["expected"].split(", "):
        assert due is not None
        assert due.at == datetime.fromisoformat(expected)
        due = due.next(due.at)


def test_script() -> None:
    text, _, expected = blocks("python")[0].partition("→ ")

    try:
        result = scripts.compile_script(text, format="python").run(variables(), now=NOW, seed=1)
    finally:
        scripts.close()

    assert values.plain(result.assigned) == json.loads(expected)


def test_chinese_guide__has_the_same_examples() -> None:
    assert BLOCK.findall(CHINESE) == BLOCK.findall(ENGLISH)


@pytest.mark.parametrize("guide", [ENGLISH, CHINESE], ids=["en", "zh-CN"])
def test_guide__names_every_function_and_method(guide: str) -> None:
    named = {word for code in re.findall(r"`([^`\n]+)`", guide) for word in re.findall(r"\w+", code)}

    assert not {*FUNCTIONS, *METHODS} - named


def test_guide__has_examples() -> None:
    assert len(EXPRESSIONS) > 60
    assert len(TIMERS) >= 8
