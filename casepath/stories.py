"""
Complete stories of the processes, read from their `scenarios.yaml`: who does what when.

`play` tells a story on a stage. The demo's stage is the engine itself; the tests have one of real requests and workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import yaml

from casepath.engine import errors
from casepath.engine.time import timers

#: The quick one, where PyYAML was built with it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Keys of a step, besides what it needs.
ACTIONS = ("turn_to", "complete", "hand_on", "message", "advance", "expect_open", "expect_held", "expect_notified",
           "expect_task", "expect_reading")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Story:
    """One story."""

    id: str
    name: Mapping[str, str]
    process: str
    start: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    expect: Mapping[str, Any] = field(default_factory=dict)
    #: `{"stop_after": n}` where the demo leaves it unfinished.
    demo: Mapping[str, Any] | None = None

    @property
    def records(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Register and values of each record that is added before; it begins with the last, without any by a form."""
        return list(self.start.get("record", {}).items())

    @property
    def begins_by_itself(self) -> bool:
        """Whether nobody begins it: its time comes."""
        return "by" not in self.start

    @property
    def begins_at(self) -> datetime:
        """When it begins."""
        return datetime.fromisoformat(str(self.start["at"]))


class Stage(Protocol):
    """Where a story is played."""

    def move_to(self, at: datetime) -> None:
        """Let it be that moment; everything that was due before has happened at its time."""

    def now(self) -> datetime:
        """Return what time it is in the story."""

    def start(self, story: Story, by: str, variables: Mapping[str, Any]) -> None:
        """Have somebody register the matter, or add the records of the story, of which the last starts it."""

    def turn_to(self, process: str) -> None:
        """Go on with the newest matter of another process that is about its first record, else about its matter."""

    def wait_for(self, story: Story) -> None:
        """Let it be the moment at which a story begins by itself."""

    def complete(self, by: str, element_id: str, variables: Mapping[str, Any]) -> None:
        """Have somebody complete a user task, claiming it first where nobody has it."""

    def refuse(self, by: str, element_id: str, variables: Mapping[str, Any], field: str) -> None:
        """Have somebody try to complete a user task with values that are refused because of a field."""

    def hand_on(self, by: str, element_id: str, to: str) -> None:
        """Have somebody hand a user task to another."""

    def message(self, by: str, name: str, variables: Mapping[str, Any]) -> None:
        """Have somebody report what has happened."""

    def expect_open(self, element_ids: Sequence[str]) -> None:
        """Check which user tasks are open."""

    def expect_held(self, holders: Mapping[str, str | None]) -> None:
        """Check who has which open user task; None where nobody has it."""

    def expect_notified(self, usernames: Sequence[str]) -> None:
        """Check who was told something since the last such check."""

    def expect_task(self, by: str, element_id: str, empty: Sequence[str], shows: Sequence[str]) -> None:
        """Check which fields of an open user task begin empty, and what its page tells whoever opens it."""

    def expect_reading(self, usernames: Sequence[str], *, is_open: bool) -> None:
        """Check for whom the matter is open for reading, or is not."""


def folders(processes: Path) -> list[Path]:
    """Return the folders to deploy, one deployment each: what is shared first, because the others need it."""
    return sorted(filter(Path.is_dir, processes.iterdir()), key=lambda path: (path.name != "shared", path.name))


def read(path: Path) -> list[Story]:
    """Return the stories of a file; raises `InvalidInput` for one that is incomplete."""
    return parse(path.read_bytes(), path.name)


def parse(content: bytes, name: str) -> list[Story]:
    """Return the stories of a file's content; raises `InvalidInput` for one that is incomplete."""
    entries = yaml.load(content, _LOADER) or []  # noqa: S506 - both are safe
    stories = []
    for entry in entries:
        missing = {"id", "name", "process", "start", "steps"} - set(entry)
        if missing:
            raise errors.InvalidInput(
                "Expected {missing} in story {id} of {name}",
                missing=sorted(missing),
                id=entry.get("id"),
                name=name,
            )
        stories.append(
            Story(
                id=entry["id"],
                name=entry["name"],
                process=entry["process"],
                start=entry["start"],
                steps=entry["steps"],
                expect=entry.get("expect", {}),
                demo=entry.get("demo"),
            )
        )
    return stories


def read_all(folder: Path) -> list[Story]:
    """Return the stories of all processes in a folder, in the order in which they begin."""
    found = [story for path in sorted(folder.glob("*/scenarios.yaml")) for story in read(path)]
    return sorted(found, key=lambda story: (story.begins_at, story.id))


def play(story: Story, stage: Stage, *, stop_after: int | None = None) -> None:
    """Tell a story, or only its first steps."""
    begin(story, stage)
    steps: Iterable[Mapping[str, Any]] = story.steps if stop_after is None else story.steps[:stop_after]
    for step in steps:
        play_step(step, stage)


def begin(story: Story, stage: Stage) -> None:
    """Tell how it begins."""
    if story.begins_by_itself:
        stage.wait_for(story)
        return
    stage.move_to(story.begins_at)
    stage.start(story, str(story.start["by"]), story.start.get("variables", {}))
    stage.move_to(story.begins_at)


def moments(story: Story, *, stop_after: int | None = None) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Return the steps of a story, or its first ones, with the moment of each; no step lets time pass by itself."""
    now = story.begins_at
    found: list[tuple[datetime, Mapping[str, Any]]] = []
    for step in story.steps if stop_after is None else story.steps[:stop_after]:
        if "at" in step:
            now = datetime.fromisoformat(str(step["at"]))
        if "advance" in step:
            now += timers.span(str(step["advance"]))
        found.append((now, {**{name: told for name, told in step.items() if name != "advance"}, "at": now.isoformat()}))
    return found


def play_step(step: Mapping[str, Any], stage: Stage) -> None:
    """Tell one step; raises `InvalidInput` for one that says nothing known."""
    if "at" in step:
        stage.move_to(datetime.fromisoformat(str(step["at"])))
    if "advance" in step:
        stage.move_to(stage.now() + timers.span(str(step["advance"])))
    if "turn_to" in step:
        stage.turn_to(str(step["turn_to"]))
    if "refused" in step:
        stage.refuse(str(step["by"]), str(step["complete"]), step.get("variables", {}), str(step["refused"]))
    elif "complete" in step:
        stage.complete(str(step["by"]), str(step["complete"]), step.get("variables", {}))
    if "hand_on" in step:
        stage.hand_on(str(step["by"]), str(step["hand_on"]), str(step["to"]))
    if "message" in step:
        stage.message(str(step["by"]), str(step["message"]), step.get("variables", {}))
    stage.move_to(stage.now())
    _expect(step, stage)
    if not any(action in step for action in (*ACTIONS, "at")):
        raise errors.InvalidInput(
            "Expected one of {actions} in a step, but found {found}",
            actions=ACTIONS,
            found=repr(dict(step)),
        )


def _expect(step: Mapping[str, Any], stage: Stage) -> None:
    if "expect_open" in step:
        stage.expect_open(step["expect_open"])
    if "expect_held" in step:
        stage.expect_held(step["expect_held"])
    if "expect_notified" in step:
        stage.expect_notified(step["expect_notified"])
    if "expect_task" in step:
        expected = step.get("empty", ()), step.get("shows", ())
        stage.expect_task(str(step["by"]), str(step["expect_task"]), *expected)
    for is_open, usernames in step.get("expect_reading", {}).items():
        stage.expect_reading(usernames, is_open=is_open == "by")


def pointing(values: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a record, those that say `{register}` with the key of the one that was added before."""
    named = {f"{{{register}}}": key for register, key in keys.items()}
    return {name: named.get(value, value) if isinstance(value, str) else value for name, value in values.items()}


def as_typed(variables: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return values as they are typed into a form: texts, lists of texts, and a ticked box or none."""
    typed: dict[str, str | list[str]] = {}
    for key, value in variables.items():
        if isinstance(value, list):
            typed[key] = [str(item) for item in value]
        elif isinstance(value, bool):
            typed[key] = "true" if value else ""
        else:
            typed[key] = "" if value is None else str(value)
    return typed
