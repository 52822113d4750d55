"""
What people of a demo do of the work that no story tells: of what begins by itself, or what a story has begun beside it.

`done` of `demo.yaml` says it: which task is done after how many days, how many percent of them, and with which answers,
one of which is drawn. Whoever comes first among those for whom a task is does it. The same task is always drawn alike,
so that an interrupted run goes on as it would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml
from sqlalchemy.orm import Session

from casepath import retelling
from casepath.engine.people import identity
from casepath.engine.queries import user_task
from casepath.engine.queries.user_task import TaskDetail


@dataclass(frozen=True, kw_only=True)
class Habit:
    """How a task is done that no story tells of."""

    #: Process and element: `improvement/carry_out`.
    task: str
    percent: int
    #: At least and at most so many days after it came.
    days: Sequence[int]
    #: What it may be answered; `{in_days: 14}` is a day from then.
    answers: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What somebody is to do when."""

    at: datetime
    task_id: int
    by: str
    answers: Mapping[str, Any]


def read(processes: Path) -> Sequence[Habit]:
    """Return what the folder's `demo.yaml` says; nothing without one."""
    file = processes / retelling.FILE
    told = yaml.safe_load(file.read_text(encoding="utf-8")).get("done", []) if file.is_file() else []
    return [Habit(**each) for each in told]


class Diary:
    """What is to be done of the tasks that are open."""

    def __init__(self, habits: Sequence[Habit]) -> None:
        self._habits = {habit.task: habit for habit in habits}
        self._elements = {habit.task.partition("/")[2] for habit in habits}
        self._deeds: dict[int, Deed | None] = {}

    def next(self, session: Session, until: datetime) -> Deed | None:
        """Return what is to be done first, up to a moment; None where nothing is."""
        still_open = user_task.open_of_elements(session, self._elements)
        for task_id in still_open:
            if task_id not in self._deeds:
                self._deeds[task_id] = self._drawn(session, user_task.find(session, task_id))
        deeds = (self._deeds[task_id] for task_id in still_open)
        due = (deed for deed in deeds if deed is not None and deed.at <= until)
        return min(due, key=lambda deed: (deed.at, deed.task_id), default=None)

    def leave(self, deed: Deed) -> None:
        """Have nobody do this any more."""
        self._deeds[deed.task_id] = None

    def _drawn(self, session: Session, task: TaskDetail) -> Deed | None:
        habit = self._habits.get(f"{task.definition_key}/{task.element_id}")
        draw = Random(task.id)  # noqa: S311 - a demo, nothing secret
        if habit is None or draw.randrange(100) >= habit.percent:
            return None
        at = task.created_at + timedelta(days=draw.randint(*habit.days), minutes=draw.randrange(240))
        answers = {name: _from(at, told) for name, told in draw.choice(habit.answers).items()}
        by = next(_doers(session, task), None)
        return None if by is None else Deed(at=at, task_id=task.id, by=by, answers=answers)


def _doers(session: Session, task: TaskDetail) -> Iterator[str]:
    if task.assignee:
        yield task.assignee
    yield from sorted(task.candidacy.candidate_users)
    for group in task.candidate_groups:
        yield from sorted(identity.members(session, [group]))


def _from(at: datetime, told: Any) -> Any:
    return (at + timedelta(days=told["in_days"])).date().isoformat() if isinstance(told, Mapping) else told
