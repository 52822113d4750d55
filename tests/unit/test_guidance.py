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
        ("**媒体:**只能有一个声音", "<b>媒体:</b>只能有一个声音"),
        ("**法院：**不讨论法律", "<b>法院：</b>不讨论法律"),
        ("**“重要”**请读", "<b>“重要”</b>请读"),
        ("请**（必须）**联系", "请<b>（必须）</b>联系"),
        ("请先听，**再说**。", "请先听，<b>再说</b>。"),
        ("客户说**“不行”**，就升级", "客户说<b>“不行”</b>，就升级"),
        ("甲：**乙**；**丙**：丁", "甲：<b>乙</b>；<b>丙</b>：丁"),
        ("*强调。*后", "<i>强调。</i>后"),
        ("**Media:** one voice", "<b>Media:</b> one voice"),
        ("a ** b", "a ** b"),
        ("2**3 and x*(y)*z", "2**3 and x*(y)*z"),
    ],
)
def test_html__bold_beside_chinese(text: str, shown: str) -> None:
    found = str(guidance.html(text)).strip().removeprefix("<p>").removesuffix("</p>")

    assert found.replace("strong>", "b>").replace("em>", "i>") == shown


def test_html__long_and_odd_texts_end() -> None:
    assert len(guidance.html("*" * 1_000_000)) < 1_000_000
    assert guidance.html(None) == ""
    assert "\ufffd" in guidance.html(b"\xff\xfe")
