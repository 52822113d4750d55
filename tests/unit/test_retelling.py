"""Stories told again: of other people, on other days, and the same each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from casepath import retelling, stories
from casepath.retelling import Invention, Repertoire
from casepath.stories import Story

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
NOW = datetime(2027, 2, 10, tzinfo=UTC)
TODAY = date(2027, 2, 10)
STORY = Story(
    id="one",
    name={},
    process="p",
    start={"at": "2026-03-02T09:10:00+08:00", "by": "x", "variables": {"who": "王先生", "day": "2026-03-01", "n": 3}},
    steps=[
        {"at": "2026-03-02T10:00:00+08:00", "complete": "a", "by": "y", "variables": {"said": "王先生：2026-03-02前"}},
        {"advance": "PT2H", "complete": "b", "by": "y", "variables": {"on": "2026-03-05", "list": ["王先生"]}},
    ],
    demo={"stop_after": 1},
)
REPERTOIRE = Repertoire(
    seed=1, by="x", words={"name": ["甲", "乙"]}, records=[],
    count=40, days=30, open_days=9, about="r", variables={"who": "name"},
)  # fmt: skip


def shipped() -> Repertoire:
    found = retelling.read(PROCESSES)
    assert found is not None
    return found


def test_shifted__all_moments_and_days_and_no_other_text() -> None:
    later = retelling.shifted(STORY, timedelta(days=7, minutes=5))

    assert later.begins_at == STORY.begins_at + timedelta(days=7, minutes=5)
    assert later.start["variables"] == {"who": "王先生", "day": "2026-03-08", "n": 3}
    assert later.steps[0]["at"] == "2026-03-09T10:05:00+08:00"
    assert later.steps[0]["variables"] == {"said": "王先生：2026-03-02前"}
    assert later.steps[1]["variables"] == {"on": "2026-03-12", "list": ["王先生"]}


def test_about__the_old_name_stands_nowhere() -> None:
    told = retelling.about(STORY, {"who": "叶澜", "other": 1})

    assert told.start["variables"] == {"who": "叶澜", "day": "2026-03-01", "n": 3, "other": 1}
    assert "王先生" not in str(told)
    assert told.steps[1]["variables"]["list"] == ["叶澜"]


def test_moments__what_passes_is_counted_from_the_step_before() -> None:
    moments = stories.moments(STORY)

    assert [at - STORY.begins_at for at, _step in moments] == [timedelta(minutes=50), timedelta(minutes=170)]
    assert all("advance" not in step for _at, step in moments)
    assert len(stories.moments(STORY, stop_after=1)) == 1


@pytest.mark.parametrize("later", [timedelta(), timedelta(days=6, hours=23), timedelta(days=-400), timedelta(days=900)])
def test_recent__the_last_begins_within_the_week_before_now(later: timedelta) -> None:
    moved = retelling.recent([STORY, retelling.shifted(STORY, timedelta(days=3))], NOW + later)

    assert NOW + later - timedelta(weeks=1) < moved[1].begins_at <= NOW + later
    assert moved[1].begins_at - moved[0].begins_at == timedelta(days=3)
    assert moved[0].begins_at.weekday() == STORY.begins_at.weekday()


def test_tell_again__within_the_days_and_whole_and_the_same_each_time() -> None:
    ended = replace(STORY, id="ended", expect={"state": "completed"})
    never = replace(ended, id="never")
    of_nobody = replace(STORY, id="of nobody", start={**STORY.start, "variables": {}})
    weighed = replace(REPERTOIRE, weights={"never": 0})
    every, names = [STORY, ended, never, of_nobody], [{"who": "甲"}, {"who": "乙"}]

    told = list(retelling.tell_again(weighed, every, names, NOW))

    assert told == list(retelling.tell_again(weighed, every, names, NOW))
    assert len(told) == 40
    assert {story.id for story in told} == {"one", "ended"}
    assert all(story.begins_at > NOW - timedelta(days=10) for story in told if story.id == "one")
    assert {story.id for story in told if story.begins_at > NOW - timedelta(days=9)} == {"one", "ended"}
    assert {story.start["variables"]["who"] for story in told} == {"甲", "乙"}
    assert all(NOW - timedelta(days=30) <= story.begins_at <= NOW + timedelta(days=1) for story in told)
    assert all(story.demo is None for story in told)


def test_invent__each_kind_of_value() -> None:
    fields = {"a": "{name}-##", "b": [True, "{name}"], "c": {"days_ago": [1, 2]}, "d": {"number": [5, 5]},
              "e": {"record": "r"}, "f": {"each": ["x", "y"]}, "g": 7}  # fmt: skip
    invention = Invention(register="r", count=30, fields=fields)

    found = list(retelling.invent(REPERTOIRE, invention, {"r": ["K1"]}, TODAY))

    assert found == list(retelling.invent(REPERTOIRE, invention, {"r": ["K1"]}, TODAY))
    assert {each["a"][0] for each in found} == {"甲", "乙"}
    assert all(each["a"][1] == "-" and each["a"][2:].isdigit() and len(each["a"]) == 4 for each in found)
    assert {each["b"] for each in found} == {True, "甲", "乙"}
    assert {each["c"] for each in found} == {"2027-02-09", "2027-02-08"}
    assert all((each["d"], each["e"], each["f"], each["g"]) == (5, "K1", ["x", "y"], 7) for each in found)


def test_shipped__enough_and_no_story_that_is_not_there() -> None:
    repertoire = shipped()
    told = stories.read_all(PROCESSES)

    assert len(told) + repertoire.count >= 300
    assert repertoire.weights.keys() <= {story.id for story in told}
    # Whoever a story is about is named by what a record says, so that no name of another stays behind.
    for story in told:
        if "customer_name" in story.start.get("variables", {}):
            assert {"customer_name", "customer_phone", "plate_number"} <= story.start["variables"].keys()


def test_read__nothing_to_tell_again(tmp_path: Path) -> None:
    assert retelling.read(tmp_path) is None
