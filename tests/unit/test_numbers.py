"""Formats of business keys."""

from __future__ import annotations

import pytest

from casepath.engine import errors
from casepath.engine.database import numbers
from tests.each import each

FORMATS = ["{number}", "TS{year}-{number:4}", "{year}{month}{day}/{number:9}", "投诉{number:3}号"]


@pytest.mark.parametrize("format_text", FORMATS)
def test_check_format__usable(format_text: str) -> None:
    numbers.check_format(format_text)


@each(
    "format_text",
    [
        "", "TS", "TS{year}", "{number}{number:4}", "{number:0}", "{number:10}", "{number:04}", "{Number}",
        "{number}{hour}", "{number", "number}{number}", "{{number}}", "{number}" + "x" * 100,
        "{number!r}{year.__class__}",
    ],
)
def test_check_format__unusable(format_text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="Expected"):
        numbers.check_format(format_text)
