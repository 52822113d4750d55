"""Values as people read them in what workers write: sheets, notices, e-mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a language says what has no words of its own."""

    #: Stands between the parts of a list.
    between: str
    yes: str
    no: str


#: By the language of an account (`engine.people.account_rules.LANGUAGES`).
MANNERS = {
    "zh_CN": Manner(between="、", yes="是", no="否"),
    "en": Manner(between=", ", yes="Yes", no="No"),
}
CHINESE = "zh_CN"


def listed(parts: Iterable[str], language: str = CHINESE) -> str:
    """Return several texts as one."""
    return MANNERS[language].between.join(parts)


def written(value: Any, zone: ZoneInfo, labels: Mapping[str, str], language: str = CHINESE) -> str:
    """Return a value in a language: labels of options, yes and no, lists, local times; all else as it is."""
    if isinstance(value, list):
        return listed([written(item, zone, labels, language) for item in value], language)
    if isinstance(value, bool):
        manner = MANNERS[language]
        return manner.yes if value else manner.no
    if isinstance(value, datetime):
        return local(value, zone)
    return labels.get(value, value) if isinstance(value, str) else str(value)


def local(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment as a clock on the wall of that zone shows it."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
