"""The few words that papers have of themselves, and how they write moments, in each language that papers may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class PaperLanguage:
    """The words of one language."""

    #: As HTML and PDF name it.
    code: str
    yes: str
    no: str
    #: Stands where a value was erased.
    erased: str
    #: Between several values.
    separator: str
    #: With `{page}` and `{pages}`.
    pages: str
    #: With `{name}` and `{other}`: who did something for somebody else.
    acted_for: str
    #: With `{number}`: which time it was, behind the name of a step.
    round: str
    day: Callable[[date], str]

    def said(self, value: Any, zone: ZoneInfo, labels: Mapping[str, str]) -> str:
        """Return a value as people read it: labels of options, yes and no, local times."""
        if isinstance(value, list):
            return self.separator.join(self.said(item, zone, labels) for item in value)
        if isinstance(value, bool):
            return self.yes if value else self.no
        if isinstance(value, datetime):
            local = value.astimezone(zone) if value.tzinfo else value
            return f"{self.day(local)} {local:%H:%M}"
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, time):
            return f"{value:%H:%M}"
        if isinstance(value, Decimal):
            return f"{value:f}"
        return labels.get(value, value) if isinstance(value, str) else str(value)


CHINESE = PaperLanguage(
    code="zh",
    yes="是",
    no="否",
    erased="（已删除）",
    separator="、",
    pages="第 {page} 页，共 {pages} 页",
    acted_for="{name}（代{other}）",
    round="（第 {number} 次）",
    day=lambda day: f"{day.year}年{day.month}月{day.day}日",
)
ENGLISH = PaperLanguage(
    code="en",
    yes="yes",
    no="no",
    erased="(erased)",
    separator=", ",
    pages="Page {page} of {pages}",
    acted_for="{name} (for {other})",
    round=" (round {number})",
    day=lambda day: f"{day.day} {day:%b %Y}",
)
LANGUAGES: Mapping[str, PaperLanguage] = {each.code: each for each in (CHINESE, ENGLISH)}
