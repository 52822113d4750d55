"""Telephone numbers as links."""

from __future__ import annotations

from casepath.web import phones
from tests.each import each


def link(digits: str, text: str) -> str:
    return f'<a class="phone" href="tel:{digits}">{text}</a>'


@each("text, expected", [
    ("154 0000 7103", link("15400007103", "154 0000 7103")),
    ("+86 (21) 5400-0077", link("+862154000077", "+86 (21) 5400-0077")),
    ("025-8123 4567 转 801", link("02581234567", "025-8123 4567") + " 转 801"),
    ("154 0000 7103、5400 0077(家)", f"{link('15400007103', '154 0000 7103')}、{link('54000077', '5400 0077')}(家)"),
    ("154 0000 7103/5400 0077", link("15400007103", "154 0000 7103") + "/" + link("54000077", "5400 0077")),
    ("<b>1</b>", "&lt;b&gt;1&lt;/b&gt;"),
    ("", ""),
])  # fmt: skip
def test_dialled(text: str, expected: str) -> None:
    assert phones.dialled(text) == expected
