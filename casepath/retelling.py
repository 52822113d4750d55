"""
Stories told again, of other people on other days, so that a demo has a year behind it.

`demo.yaml` beside the folders of the processes says how: the words names are made of, records of registers to invent,
how many stories to tell, how often each, and which of its values come from the record it is about. Everything is drawn
by one seed, so the same day makes the same demo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import yaml

from casepath.stories import Story

FILE = "demo.yaml"
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?([+-]\d{2}:\d{2})?)?")
_PART = re.compile(r"\{(\w+)\}|(#)")
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, kw_only=True)
class Invention:
    """Records to invent of one register."""

    register: str
    count: int
    #: Of each field what it may be: a list to choose from, a pattern, `days_ago`, `number` or a `record`.
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Repertoire:
    """What `demo.yaml` says."""

    seed: int
    by: str
    words: Mapping[str, Sequence[str]]
    records: Sequence[Invention]
    #: How many stories are told again, and over how many days before today.
    count: int
    days: int
    #: Within so many of them also stories that do not come to an end.
    open_days: int
    #: Register of the record that each is about, and which variable is which of its values: `owner.customer_name` is
    #: a value of the record that its field `owner` names.
    about: str
    variables: Mapping[str, str]
    #: How often a story is told in comparison to others; once where it is not named.
    weights: Mapping[str, int] = field(default_factory=dict)


def read(processes: Path) -> Repertoire | None:
    """Return what the folder's `demo.yaml` says; None without one."""
    file = processes / FILE
    if not file.is_file():
        return None
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    # That is read by `habits`.
    told.pop("done", None)
    records = [
        Invention(register=register, count=invented.pop("count"), fields=invented)
        for register, invented in told.pop("records").items()
    ]
    words = {name: text.split() if isinstance(text, str) else text for name, text in told.pop("words").items()}
    return Repertoire(words=words, records=records, **told)


def invent(
    repertoire: Repertoire, invention: Invention, known: Mapping[str, Sequence[str]], today: date
) -> Iterator[dict[str, Any]]:
    """Return records of a register as they are filled in; `known` are the keys of the records there are."""
    draw = Random(f"{repertoire.seed} {invention.register}")  # noqa: S311 - a demo, nothing secret
    for _ in range(invention.count):
        yield {name: _drawn(draw, told, repertoire.words, known, today) for name, told in invention.fields.items()}


def _drawn(
    draw: Random, told: Any, words: Mapping[str, Sequence[str]], known: Mapping[str, Sequence[str]], today: date
) -> Any:
    if isinstance(told, list):
        return _drawn(draw, draw.choice(told), words, known, today) if told else told
    if isinstance(told, str):
        return _PART.sub(lambda part: draw.choice(words[part[1]] if part[1] else "0123456789"), told)
    if not isinstance(told, Mapping):
        return told
    ((kind, of),) = told.items()
    if kind == "record":
        return draw.choice(known[of])
    if kind == "each":
        return list(of)
    number = draw.randint(*of)
    return (today - timedelta(days=number)).isoformat() if kind == "days_ago" else number


def recent(told: Sequence[Story], now: datetime) -> list[Story]:
    """Return stories on days by whole weeks later or earlier, so that the last begins within the week before now."""
    shift = _WEEK * ((now - max(story.begins_at for story in told)) // _WEEK)
    return [shifted(story, shift) for story in told]


def tell_again(
    repertoire: Repertoire, told: Sequence[Story], records: Sequence[Mapping[str, Any]], now: datetime
) -> Iterator[Story]:
    """Return stories of other people, on the days before now; `records` are the variables of the records."""
    draw = Random(repertoire.seed)  # noqa: S311 - a demo, nothing secret
    apt = [story for story in told if repertoire.variables.keys() & story.start.get("variables", {}).keys()]
    ended = [story for story in apt if story.expect.get("state") == "completed"]
    for _ in range(repertoire.count):
        days = draw.randint(1, repertoire.days)
        # Stories show rules, and many stop where theirs is shown: told of long ago they would be open for ever.
        choice = apt if days <= repertoire.open_days else ended
        (story,) = draw.choices(choice, [repertoire.weights.get(each.id, 1) for each in choice])
        day = now.astimezone(story.begins_at.tzinfo).date() - timedelta(days=days)
        shift = timedelta(days=(day - story.begins_at.date()).days, minutes=draw.randrange(20))
        yield about(replace(shifted(story, shift), demo=None), draw.choice(records))


def about(story: Story, variables: Mapping[str, Any]) -> Story:
    """Return a story with other variables at its start, which also stand wherever its texts tell the old ones."""
    before = story.start.get("variables", {})
    texts = {
        str(before[name]): str(value)
        for name, value in variables.items()
        if isinstance(before.get(name), str) and isinstance(value, str)
    }

    def renamed(text: str) -> str:
        for old, new in texts.items():
            text = text.replace(old, new)
        return text

    start, steps = _changed(story.start, renamed), _changed(story.steps, renamed)
    return replace(story, start={**start, "variables": {**start.get("variables", {}), **variables}}, steps=steps)


def shifted(story: Story, by: timedelta) -> Story:
    """Return a story so much later, with all moments and days that it tells."""
    return replace(story, start=later(story.start, by), steps=later(story.steps, by))


def later(told: Any, by: timedelta) -> Any:
    """Return what was told, with all its moments and days so much later."""

    def moved(text: str) -> str:
        if not _MOMENT.fullmatch(text):
            return text
        if len(text) == len("2026-01-01"):
            return (date.fromisoformat(text) + timedelta(days=by.days)).isoformat()
        return (datetime.fromisoformat(text) + by).isoformat()

    return _changed(told, moved)


def _changed(told: Any, change: Any) -> Any:
    """Return what was told with each text changed."""
    if isinstance(told, str):
        return change(told)
    if isinstance(told, Mapping):
        return {name: _changed(value, change) for name, value in told.items()}
    return [_changed(value, change) for value in told] if isinstance(told, Sequence) else cast(Any, told)
