"""Templates of documents: read, checked, filled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from casepath.engine import errors
from casepath.engine.forms import documents
from casepath.engine.papers import Paragraph, Table
from tests.each import each

NOW = datetime(2026, 12, 2, 2, 12, tzinfo=UTC)
BEGIN = "---\ntitle: 通知单\nfor: repair\n---\n"
#: What somebody types to get out of a cell.
WILD = "a | b\n{{number}} -> **c**"


def said(name: str | None, value: Any) -> str:
    return f"{name or ''}:{value}"


def cells(text: str, **known: Any) -> list[list[str]]:
    paper = documents.parse("d", BEGIN + text).paper(known, said, now=NOW)
    tables = [block for block in paper.blocks if isinstance(block, Table)]
    return [[cell.text for cell in row.cells] for table in tables for row in table.rows]


def refusal(text: str) -> str:
    with pytest.raises(errors.InvalidInput) as refused:
        documents.parse("d", text)
    return refused.value.message


def test_parse__reads_what_stands_in_front() -> None:
    found = documents.parse(
        "notice",
        "---\ntitle: 通知单\ntitle_en: Notice\nfor: repair, exchange\npaper: A4 landscape\nlanguage: en\n"
        "copies: One, for the team | Two\nhead: {{number}}\nwhen: state = \"open\"\n---\n# {{title}}\n",
    )

    assert (found.title, found.title_en, sorted(found.processes)) == ("通知单", "Notice", ["exchange", "repair"])
    assert (found.landscape, found.language.code, found.copies) == (True, "en", ("One, for the team", "Two"))
    assert not found.is_list
    assert [found.is_offered({"state": state}, now=NOW) for state in ("open", "completed")] == [True, False]


@each(
    "text, told",
    [
        ("# 通知单", "Line 1: Expected a first line “---”"),
        ("---\ntitle: x\nfor: y\n", "Line 1: Expected a first line “---”"),
        ("---\nfor: y\n---\n", "Line 1: Expected “title”"),
        ("---\ntitle: x\n---\n", "Line 1: Expected either “for”"),
        ("---\ntitle: x\nfor: y\nover: z\n---\n", "Line 1: Expected either “for”"),
        ("---\ntitle: x\nfor: y\nfont: Arial\n---\n", "Line 4: Expected one of title, "),
        ("---\ntitle: x\nfor: y\npaper: A3\n---\n", "Line 1: Expected one of A4, A4 landscape as “paper”"),
        ("---\ntitle: x\nfor: y\nlanguage: fr\n---\n", "Line 1: Expected one of zh, en as “language”"),
        ("---\ntitle: x\nfor: y\nwhen: 1 +\n---\n", "“when” cannot be read"),
        ("---\ntitle: x\nover: y\n---\n# a\n", "Expected {{#loop matters}}…{{/loop}}"),
        (BEGIN + "# a\n{{customer}}", "Line 6: Expected one of ended_at, facts, "),
        (BEGIN + "# a\n{{#if state = \"open\"}}\n", "Line 6: expected {{#if condition}}"),
        (BEGIN + "{{1 +}}", "Line 5: the expression cannot be read"),
        (BEGIN + "{{#loop steps}}{{label}}{{/loop}}", "found “label”"),
        ("---\ntitle: x\nover: y\n---\n{{#loop matters}}{{/loop}}{{count(matters)}}", "found “matters”"),
        (BEGIN + "字" * 200_000, "Line 1: Expected at most 200000 characters"),
    ],
)
def test_parse__refuses(text: str, told: str) -> None:
    assert told in refusal(text)


@each(
    "text",
    [
        "{{#loop steps}}{{title}}{{signed}}{{#loop rows}}{{label}}{{value}}{{/loop}}{{/loop}}",
        "{{#loop rounds.check}}{{whatever}}{{step.by}}{{/loop}}",
        "{{#loop files}}{{name}}{{/loop}}{{count(files[by != null])}}",
        "{{rounds.check[-1].note}}{{facts.customer}}{{if ended_at = null then \"\" else \"x\"}}",
        "{{for each in [1, 2] return each}}{{#loop [1, 2]}}{{this}}{{/loop}}",
    ],
)
def test_parse__knows_what_there_is(text: str) -> None:
    assert documents.parse("d", BEGIN + text).key == "d"


def test_mentions__name_elements_and_fields_with_their_lines() -> None:
    text = "{{rounds.check[-1].note}}\n{{#loop rounds.plan}}\n{{cost}} {{step.by}} {{number}}\n{{/loop}}\n"
    found = documents.parse("d", BEGIN + text + "{{facts.colour}}")

    assert set(documents.mentions(found)) == {("check", "note", 5), ("plan", None, 6), ("plan", "cost", 7)}
    assert list(documents.facts(found)) == ["colour"]


def test_paper__says_values_by_their_names() -> None:
    known = {"number": "K1", "facts": {"kind": "a"}, "rounds": {"check": [{"kind": "b"}, {"kind": "c"}]}}

    text = "|-|\n| {{facts.kind}} |\n| {{rounds.check[-1].kind}} |\n{{#loop rounds.check}}\n| {{kind}} |\n{{/loop}}\n"
    assert cells(text + "| {{1 + 1}} |", **known) == [["kind:a"], ["kind:c"], ["kind:b"], ["kind:c"], [":2"]]


def test_paper__takes_no_value_for_markup() -> None:
    assert cells("|-|-|\n| {{number}} | x |", number=WILD) == [[f"number:{WILD}", "x"]]


def test_paper__leaves_nothing_out() -> None:
    with pytest.raises(errors.ExpressionLimit):
        cells("{{#loop steps}}\n| {{title}} |\n{{/loop}}", steps=[{"title": "x"}] * 60_000)


def test_paper__of_a_period_goes_through_its_matters() -> None:
    text = (
        "---\ntitle: 登记表\nover: repair\n---\n共 {{period.count}}\n\n|-|-|\n"
        "{{#loop matters}}\n| {{number}} | {{facts.kind}} |\n{{/loop}}\n"
    )
    matters = [{"number": str(number), "facts": {"kind": "k"}} for number in range(3_000)]

    paper = documents.parse("d", text).paper({"period": {"count": 3_000}, "matters": iter(matters)}, said, now=NOW)

    count, listed = paper.blocks
    assert isinstance(count, Paragraph)
    assert isinstance(listed, Table)
    assert [run.text for run in count.line[0]] == ["共 ", ":3000"]
    assert len(listed.rows) == 3_000
    assert [cell.text for cell in listed.rows[-1].cells] == ["number:2999", "kind:k"]


def test_paper__signs_that_only_marks_have_are_dropped() -> None:
    assert cells("|-|\n| \ue0000\ue001 {{number}} |", number="K") == [["0 number:K"]]
