"""The demo: people of every role, and stories played up to where the inbox is alive."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from casepath import stories
from casepath.engine.instances import batches, jobs, messages, process_instances, user_tasks
from casepath.engine.people import identity, passwords
from casepath.engine.people.authorization import Program
from casepath.engine.queries import records as lists
from casepath.engine.registers import records
from casepath.engine.time import clock
from casepath.stories import Story

#: Everybody's password in the demo.
PASSWORD = "casepath-demo"  # noqa: S105
#: Who deploys and lets people in.
DEMO = Program("demo")


class EngineStage:
    """Plays a story directly on the engine, with the workers' loop running in between."""

    def __init__(self, sessions: sessionmaker[Session], work: Callable[[], None]) -> None:
        self.sessions = sessions
        self.work = work
        self.business_key = ""

    def now(self) -> datetime:
        """Return the time of the engine."""
        return clock.now()

    def move_to(self, at: datetime) -> None:
        """Move the clock from one due job to the next, so that each is executed at its time."""
        self.work()
        while True:
            with self.sessions.begin() as session:
                due = jobs.next_due(session)
            if due is None or due > at:
                break
            if due > clock.now():
                clock.set_to(due)
            before = due
            self.work()
            with self.sessions.begin() as session:
                if jobs.next_due(session) == before:
                    # It failed and waits for its next attempt, or its instance is suspended.
                    break
        clock.set_to(at)
        self.work()

    def start(self, story: Story, by: str, variables: Mapping[str, Any]) -> None:
        """Register the matter, or start it for a record."""
        if story.record is not None:
            register, values = story.record
            with self.sessions.begin() as session:
                kept = records.create(session, register, values, by=by)
                batches.propose(session, story.process, [kept.key], variables, by=by)
            self.work()
            return
        with self.sessions.begin() as session:
            started = process_instances.start(session, story.process, variables, by=by)
            self.business_key = started.business_key or ""

    def complete(self, by: str, element_id: str, variables: Mapping[str, Any]) -> None:
        """Claim where nobody has it, and complete."""
        with self.sessions.begin() as session:
            task = user_tasks.get(session, user_tasks.open_of(session, self.business_key, element_id))
            if task.assignee is None:
                user_tasks.claim(session, task.id, by=by)
            user_tasks.complete(session, task.id, variables, by=by)

    def refuse(self, by: str, element_id: str, variables: Mapping[str, Any], field: str) -> None:
        """The demo does not try what is refused."""

    def hand_on(self, by: str, element_id: str, to: str) -> None:
        """Hand a task to another."""
        with self.sessions.begin() as session:
            user_tasks.assign(session, user_tasks.open_of(session, self.business_key, element_id), to, by=by)

    def message(self, by: str, name: str, variables: Mapping[str, Any]) -> None:
        """Report what has happened."""
        with self.sessions.begin() as session:
            messages.correlate(session, name, business_key=self.business_key, variables=variables, by=by)

    def expect_open(self, element_ids: Sequence[str]) -> None:
        """The demo does not check."""

    def expect_held(self, holders: Mapping[str, str | None]) -> None:
        """The demo does not check."""

    def expect_notified(self, usernames: Sequence[str]) -> None:
        """The demo does not check."""

    def expect_task(self, by: str, element_id: str, empty: Sequence[str], shows: Sequence[str]) -> None:
        """The demo does not check."""

    def expect_reading(self, usernames: Sequence[str], *, is_open: bool) -> None:
        """The demo does not check."""


def add_people(session: Session, processes: Path) -> None:
    """Add groups and people, and give everybody who has none yet the demo's password."""
    mapping = json.loads((processes / "shared" / "groups.json").read_text(encoding="utf-8"))
    identity.import_people(session, mapping, by=DEMO)
    for user in identity.users(session):
        if user.password_hash is None:
            identity.set_password(session, user.username, PASSWORD, by=DEMO)


def add_records(session: Session, processes: Path) -> None:
    """Fill the registers that nobody has written into, from the `records.json` of the folders."""
    for file in sorted(processes.glob("*/records.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        for key, rows in told["records"].items():
            if not lists.is_used(session, key):
                for submitted in rows:
                    records.create(session, key, submitted, by=told["by"])


def known_passwords(session: Session, processes: Path) -> list[str]:
    """Return the people of the demo that have its password still."""
    file = processes / "shared" / "groups.json"
    people = json.loads(file.read_text(encoding="utf-8"))["people"] if file.is_file() else []
    names = {entry["username"] for entry in people}
    return [
        user.username
        for user in identity.users(session)
        if user.username in names and passwords.matches(PASSWORD, user.password_hash)
    ]


def unplayed(session: Session, processes: Path) -> list[Story]:
    """Return the stories that were not begun; none where work is done that is no demo."""
    told = stories.read_all(processes)
    left = [story for story in told if not process_instances.was_started(session, story.process, story.begins_at)]
    return [] if left == told and process_instances.was_started(session) else left


def play_all(sessions: sessionmaker[Session], work: Callable[[], None], told: list[Story]) -> None:
    """Play stories as far as the demo goes. The clock is real again afterwards."""
    try:
        for story in told:
            stop_after = story.demo.get("stop_after") if story.demo else None
            stories.play(story, EngineStage(sessions, work), stop_after=stop_after)
    finally:
        clock.reset()
    work()
