"""Guidance by values: what fits is there, the rest is not, and nothing that is filled in changes the text around it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from casepath.engine import errors
from casepath.engine.forms import guidance
from casepath.engine.time import clock
from casepath.web.guidance import escaped, html
from tests.each import each

KNOWN: dict[str, Any] = {
    "who": "王建国", "kind": "rude", "demands": ["court", "media"], "loss": 20, "none": None,
    "rules": [{"demand": "court", "rule": "Stay calm"}, {"demand": "media", "rule": "One voice"}],
}  # fmt: skip


def filled(text: str, known: dict[str, Any] = KNOWN) -> str:
    return guidance.parse(text).filled(known, lambda name, value: f"<{name or ''}:{value}>", now=clock.now())


@each(
    "text, expected",
    [
        ("plain {x} } {", "plain {x} } {"),
        ("{{who}} and {{ who }}", "<who:王建国> and <who:王建国>"),
        ("{{loss + 1}}", "<:21>"),
        ("a{{missing}}b{{none}}c", "abc"),
        ('{{#if kind = "rude"}}yes{{/if}}', "yes"),
        ('{{#if kind = "kind"}}yes{{/if}}no', "no"),
        ("{{#if kind}}a word is no yes{{/if}}", ""),
        ("{{#if missing > 1}}yes{{/if}}", ""),
        ('a\n{{#if kind = "rude"}}\nb\n{{/if}}\nc', "a\nb\nc"),
        ('a\r\n  {{#if kind = "x"}}  \r\nb\r\n{{/if}}\r\nc', "a\r\nc"),
        ("{{#loop demands}}- {{this}}\n{{/loop}}", "- <this:court>\n- <this:media>\n"),
        ("{{#loop rules}}\n{{rule}} {{this.demand}}\n{{/loop}}",
         "<rule:Stay calm> <demand:court>\n<rule:One voice> <demand:media>\n"),
        ("{{#loop who}}{{this}}{{/loop}}{{#loop none}}x{{/loop}}{{#loop missing}}x{{/loop}}", "<this:王建国>"),
        ('{{#loop rules}}{{#if demand = kind}}{{rule}}{{/if}}{{#if this.demand = "media"}}m{{/if}}{{/loop}}', "m"),
        ("{{#loop demands}}{{#loop rules}}{{#if demand = \"court\"}}c{{/if}}{{/loop}}{{/loop}}", "cc"),
        ('{{{"a": 1}.a}}', "<:1>"),
    ],
)  # fmt: skip
def test_filled__what_fits(text: str, expected: str) -> None:
    assert filled(text) == expected


@each(
    "text, line",
    [
        ("a\n{{#if x}}\nb", 2), ("a\n\n{{/if}}", 3), ("{{#loop x}}{{/if}}", 1), ("{{#if}}x{{/if}}", 1),
        ("{{#each x}}{{/each}}", 1), ("\n{{1 +}}", 2), ("{{}}", 1), ("{{#if a}}{{#loop b}}{{/if}}{{/loop}}", 1),
    ],
)  # fmt: skip
def test_parse__tells_the_line(text: str, line: int) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        guidance.parse(text)
    assert refused.value.facts["line"] == line


def test_decisions__are_those_that_it_asks() -> None:
    read = guidance.parse('{{#if decisions.a.b = "c"}}{{#loop decisions.d}}{{this.e}}{{decision.f}}{{/loop}}{{/if}}')

    assert read.decisions == {"a", "d"}


def test_parse__blocks_within_each_other_are_few() -> None:
    assert filled("{{#if true}}" * guidance.MAX_NESTING + "x" + "{{/if}}" * guidance.MAX_NESTING) == "x"
    with pytest.raises(errors.InvalidInput) as refused:
        guidance.parse("{{#if true}}" * 100 + "x" + "{{/if}}" * 100)
    assert refused.value.code == "guidance-expression"


def test_parse__so_many_tags_and_none_of_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert filled("{{1}}" * guidance.MAX_TAGS).count("<:1>") == guidance.MAX_TAGS
    monkeypatch.setattr(guidance, "_expression", lambda *_: pytest.fail("one was compiled"))
    with pytest.raises(errors.InvalidInput) as refused:
        guidance.parse("{{1}}" * (guidance.MAX_TAGS + 1))
    assert refused.value.code == "guidance-tags"


@each(
    "text",
    [
        "{{#loop many}}" * 4 + "x{{who}}" + "{{/loop}}" * 4,
        "{{#loop many}}{{#loop many}}AAAAAAAAAA{{/loop}}{{/loop}}",
        "{{#loop many}}{{#loop many}}{{#if false}}x{{/if}}{{/loop}}{{/loop}}",
        "{{#loop many}}" + "long " * 10_000 + "{{/loop}}",
    ],
)
def test_filled__ends_whatever_it_asks_for(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    evaluated = guidance._evaluated

    def counting(*arguments: Any) -> Any:
        nonlocal steps
        steps += 1
        return evaluated(*arguments)

    monkeypatch.setattr(guidance, "_evaluated", counting)
    assert len(filled(text, {"many": list(range(1000)), "who": "w"})) <= guidance.MAX_LENGTH
    assert steps <= guidance.MAX_STEPS + 1


def test_filled__counts_items_and_has_one_budget_for_the_whole_text() -> None:
    many = {"many": list(range(1000))}
    assert len(filled("{{#loop many}}{{#loop many}}a{{/loop}}{{/loop}}", many)) <= guidance.MAX_STEPS
    assert filled("{{1 + 1}}{{some a in 1..100000000 satisfies a < 0}}{{sum(many)}}", many) == "<:2>"


@each(
    "value",
    ["**b**", "a | b", "[x](javascript:1)", "<script>", "# h", "- i", "1. a", "a\n\n# b", "`c`", "\\", "_a_", "&lt;"],
)
def test_values__say_only_themselves(value: str) -> None:
    said = html(f"| a |\n|---|\n| x {escaped(value)} `{escaped(value)}` **{escaped(value)}**后 |")

    cells = said.split("<td>")[1:]
    shown = " ".join(value.split())
    assert len(cells) == 1
    assert re.findall(r"</?\w+>", cells[0])[:4] == ["<code>", "</code>", "<strong>", "</strong>"]
    assert unescape(re.sub(r"</?(code|strong)>", "", cells[0].split("</td>")[0])) == f"x {shown} {shown} {shown}后"


@each("value, address", [
    ("https://a.example/b-c?d=1&e=(2)", "https://a.example/b-c?d=1&amp;e=(2)"),
    ("javascript:alert(1)", None), ("data:text/html,x", None), ('" onclick="x', None),
])  # fmt: skip
def test_values__in_addresses(value: str, address: str | None) -> None:
    said = html(f"[x]({escaped(value)})")

    assert said.unescape() == f"<p>[x]({value})</p>\n" if address is None else f'<a href="{address}">x</a>' in said
