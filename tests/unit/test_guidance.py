"""Guidance as HTML."""

from __future__ import annotations

import pytest

from casepath.web import guidance
from tests.each import each


@each(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://evil.example/pixel.png)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        '[x](https://a.example "\\" onmouseover=alert(1) ")',
        "**<b onclick=alert(1)>**",
        "| a |\n|---|\n| <svg onload=alert(1)> |",
        "```<script>\nalert(1)\n```",
    ],
)
def test_html__carries_no_scripts(text: str) -> None:
    shown = guidance.html(text)

    assert "<script" not in shown
    assert "<img" not in shown
    assert "<svg" not in shown
    assert "<b " not in shown
    assert 'href="javascript' not in shown.lower()
    assert 'href="data' not in shown.lower()
    assert '" onmouseover' not in shown


def test_html__markdown() -> None:
    shown = guidance.html("# 要点\n\n1. **先**\n2. 后\n\n> 注意\n\n| a | b |\n|---|---|\n| c | d |\n")

    for part in ("<h1>要点</h1>", "<ol>", "<strong>先</strong>", "<blockquote>", "<td>c</td>"):
        assert part in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**媒体:**只能有一个声音", "<p><strong>媒体</strong>:只能有一个声音</p>\n"),
        ("**法院：**不讨论法律", "<p><strong>法院</strong>：不讨论法律</p>\n"),
        ("**Media:** one voice", "<p><strong>Media:</strong> one voice</p>\n"),
    ],
)
def test_html__bold_before_chinese(text: str, shown: str) -> None:
    assert guidance.html(text) == shown


def test_html__long_and_odd_texts_end() -> None:
    assert len(guidance.html("*" * 1_000_000)) < 1_000_000
    assert guidance.html(None) == ""
    assert "\ufffd" in guidance.html(b"\xff\xfe")
