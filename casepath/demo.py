"""The demo: people of every role, and stories played up to where the inbox is alive."""

from __future__ import annotations

import contextlib
import heapq
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from casepath import retelling, stories
from casepath.engine import errors
from casepath.engine.deployments import definitions, registers, selections
from casepath.engine.forms import MATTER
from casepath.engine.history import organisation
from casepath.engine.instances import batches, jobs, messages, process_instances, user_tasks
from casepath.engine.people import identity, passwords
from casepath.engine.people.authorization import Program
from casepath.engine.queries import records as lists
from casepath.engine.registers import records
from casepath.engine.time import clock
from casepath.habits import Diary, Habit
from casepath.retelling import Repertoire
from casepath.stories import Story

log = logging.getLogger(__name__)

#: Everybody's password in the demo.
PASSWORD = "casepath-demo"  # noqa: S105
#: Who deploys and lets people in.
DEMO = Program("demo")
#: How long ago they were let in and the processes deployed: before all that is told.
LEAD = timedelta(days=400)
#: So much later than it was told elsewhere something may happen in a story of the demo.
PATIENCE = timedelta(days=14)


class EngineStage:
    """Plays a story directly on the engine, with the workers' loop running in between."""

    def __init__(self, sessions: sessionmaker[Session], work: Callable[[], object]) -> None:
        self.sessions = sessions
        self.work = work
        self.business_key = ""
        #: Register and key of the first record of the story.
        self.about = ("", "")

    def now(self) -> datetime:
        """Return the time of the engine."""
        return clock.now()

    def move_to(self, at: datetime) -> None:
        """
        Move the clock from one due job to the next: each is executed at its time.

        What somebody did is worked off by moving to where the clock already is, with which every step ends.
        """
        if at <= clock.now():
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

    def start(self, story: Story, by: str, variables: Mapping[str, Any]) -> None:
        """Register the matter, or start it for a record."""
        if story.records:
            keys: dict[str, str] = {}
            with self.sessions.begin() as session:
                for register, values in story.records:
                    keys[register] = records.create(session, register, stories.pointing(values, keys), by=by).key
                self.about = next(iter(keys.items()))
                if story.process in {definition.key for definition, _ in selections.startable(session, register)}:
                    batches.propose(session, story.process, [keys[register]], variables, by=by)
            self.work()
            with self.sessions.begin() as session, contextlib.suppress(errors.NotFound):
                self.business_key = process_instances.newest_number(session, story.process, (register, keys[register]))
            return
        with self.sessions.begin() as session:
            asked = _asked(session, story.process, variables)
            started = process_instances.start(session, story.process, asked, by=by)
            self.business_key = started.business_key or ""
            self.about = (MATTER, self.business_key)

    def turn_to(self, process: str) -> None:
        """Go on with the newest matter of another process."""
        with self.sessions.begin() as session:
            self.business_key = process_instances.newest_number(session, process, self.about)

    def wait_for(self, story: Story) -> None:
        """What begins by itself is told by no story of the demo."""

    def complete(self, by: str, element_id: str, variables: Mapping[str, Any]) -> None:
        """Claim where nobody has it, and complete."""
        with self.sessions.begin() as session:
            task = user_tasks.get(session, user_tasks.open_of(session, self.business_key, element_id))
            if task.assignee is None:
                user_tasks.claim(session, task.id, by=by)
            user_tasks.complete(session, task.id, variables, by=by)

    def complete_by_habit(self, diary: Diary, until: datetime) -> None:
        """Have people do what is to be done up to a moment, each at its time; what cannot be done so is left."""
        while True:
            with self.sessions.begin() as session:
                deed = diary.next(session, until)
            if deed is None:
                break
            self.move_to(max(deed.at, clock.now()))
            try:
                with self.sessions.begin() as session:
                    if user_tasks.get(session, deed.task_id).assignee is None:
                        user_tasks.claim(session, deed.task_id, by=deed.by)
                    user_tasks.complete(session, deed.task_id, deed.answers, by=deed.by)
            except errors.EngineError as error:
                log.info("task %s of the demo is left to people: %s", deed.task_id, error)
                diary.leave(deed)
            self.work()

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


def put_up_on(session: Session) -> datetime:
    """
    Return the midnight before the demo was put up, by the first event of the house; today's where it was not yet.

    Its stories belong to the days before that one, whenever it is asked: an interrupted run goes on with the same.
    """
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    put_up = [event.at + LEAD for event in organisation.events(session, limit=1) if event.at + LEAD <= midnight]
    return put_up[0].replace(hour=0, minute=0, second=0, microsecond=0) if put_up else midnight


def begins_at(session: Session) -> datetime | None:
    """Return when people are to be let in and processes deployed: long ago, unless there is something already."""
    return None if organisation.events(session, limit=1) else put_up_on(session) - LEAD


def add_people(session: Session, processes: Path) -> None:
    """Add groups and people, and give everybody who has none yet the demo's password."""
    mapping = json.loads((processes / "shared" / "groups.json").read_text(encoding="utf-8"))
    identity.import_people(session, mapping, by=DEMO)
    for user in identity.users(session):
        if user.password_hash is None:
            identity.set_password(session, user.username, PASSWORD, by=DEMO)


def add_records(session: Session, processes: Path, repertoire: Repertoire | None = None) -> None:
    """
    Fill the registers that nobody has written into, from `records.json` of the folders, and with invented ones.

    A file tells `on` which day its records are true: today they are so much older or newer, and a car whose mileage
    was read the day before has one that was read yesterday.
    """
    unused = {each.key for each in registers.every(session) if not lists.is_used(session, each.key)}
    for file in sorted(processes.glob("*/records.json")):
        _add(session, json.loads(file.read_text(encoding="utf-8")), unused.__contains__)
    if repertoire is None:
        return
    for invention in repertoire.records:
        if invention.register in unused:
            keys = {name: list(_records(session, name)) for name in (each.register for each in repertoire.records)}
            for submitted in retelling.invent(repertoire, invention, keys, clock.now().date()):
                records.create(session, invention.register, submitted, by=repertoire.by)


def add_records_of_today(session: Session, processes: Path) -> None:
    """
    Add what has come in during the last days, from `today.json` of the folders, once the stories are told.

    A file is written as `records.json`; its records may start processes, which then have something to do today.
    """
    for file in sorted(processes.glob("*/today.json")):
        _add(session, json.loads(file.read_text(encoding="utf-8")), lambda _: True)


def _add(session: Session, told: Mapping[str, Any], is_wanted: Callable[[str], bool]) -> None:
    since = clock.now().date() - date.fromisoformat(told["on"])
    for register in filter(is_wanted, told["records"]):
        for submitted in retelling.later(told["records"][register], since):
            records.create(session, register, submitted, by=told["by"])


def told_here(session: Session, processes: Path, repertoire: Repertoire | None) -> list[Story]:
    """Return the stories of the folders, moved to the days before the demo was put up, and those told again."""
    until = put_up_on(session)
    # What is begun for records stands in the history of the house, too, where time does not go back.
    newest = max((event.at for event in organisation.events(session)), default=until - LEAD)
    # What begins by itself does so in the demo, too, on days of its own.
    moved = retelling.recent([each for each in stories.read_all(processes) if not each.begins_by_itself], until)
    told = [story for story in moved if not story.records or story.begins_at > newest]
    if repertoire is None:
        return told
    known = list(_variables(session, repertoire))
    return [*told, *retelling.tell_again(repertoire, told, known, until)]


def _asked(session: Session, process: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the start forms of a process ask; stories told again say of a record what others ask, too."""
    definition_id = definitions.latest(session, "process", process).id
    keys = definitions.start_forms(session, definition_id).values()
    forms = [definitions.form(session, key, definition_id) for key in keys]
    fields = {field.key for form in forms if form is not None for field in form.fields}
    return {name: value for name, value in variables.items() if name in fields} if fields else variables


def _variables(session: Session, repertoire: Repertoire) -> Iterator[dict[str, Any]]:
    """Return what a story says of each record that it can be about."""
    declared = registers.declared(session, repertoire.about)
    others = {field: _records(session, register) for field, register in declared.references.items()}
    for held in _records(session, repertoire.about).values():
        of = {"": held, **{field: known[held[field]] for field, known in others.items() if held.get(field)}}
        told = {name: path.rpartition(".") for name, path in repertoire.variables.items()}
        yield {name: of[field][value] for name, (field, _, value) in told.items() if of.get(field, {}).get(value)}


def _records(session: Session, register: str) -> dict[str, Mapping[str, Any]]:
    """Return the values of the records of a register, by key, oldest first."""
    found = lists.every(session, registers.declared(session, register), lists.Filters())
    return {row.key: row.values for row in sorted(found, key=lambda row: row.id)}


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


def unplayed(session: Session, told: list[Story]) -> list[Story]:
    """
    Return the stories that are still to be played: all where nothing was started, the later ones after a run that was
    interrupted, since they are begun in the order of time. None where work is done, or other stories were told.
    """
    left = [story for story in told if not process_instances.was_started(session, story.process, story.begins_at)]
    if len(left) == len(told):
        return [] if process_instances.was_started(session) else told
    begun = max(story.begins_at for story in told if story not in left)
    return left if all(story.begins_at >= begun for story in left) else []


class _Teller:
    """Tells one story step by step; what has not come to it yet on the days of the demo is waited for."""

    def __init__(self, number: int, story: Story, stage: EngineStage) -> None:
        self.number, self.story, self.stage = number, story, stage
        stop_after = story.demo.get("stop_after") if story.demo else None
        #: What is still to be told, with its moment in the story; without anything its beginning.
        self.steps = deque([(story.begins_at, {}), *stories.moments(story, stop_after=stop_after)])
        #: How much later than in the story it is.
        self.late = timedelta(0)

    def __lt__(self, other: _Teller) -> bool:
        return (self.at, self.number) < (other.at, other.number)

    @property
    def at(self) -> datetime:
        """When the next step is told."""
        return self.steps[0][0] + self.late

    def tell(self) -> bool:
        """
        Tell the next step and return True, or put it off to the next day and return False.

        Raises `EngineError` for what cannot be told, and for what has not come in `PATIENCE`.
        """
        _, step = self.steps[0]
        try:
            if step:
                stories.play_step(retelling.later(step, self.late), self.stage)
            else:
                stories.begin(self.story, self.stage)
        except (errors.NotFound, errors.NotWaiting):
            # On other days holidays lie elsewhere, and what a deadline brings comes later.
            if not step or self.late >= PATIENCE:
                raise
            self.late += timedelta(days=1)
            return False
        self.steps.popleft()
        return True


def play_all(
    sessions: sessionmaker[Session],
    work: Callable[[], object],
    told: Sequence[Story],
    progress: Callable[[int, int], object] = lambda done, count: None,
    habits: Sequence[Habit] = (),
) -> list[Story]:
    """
    Play stories beside each other, as far as the demo goes and up to now; the clock is real again afterwards.

    Between them people do by `habits` what no story tells of.

    `progress` is told how many of how many steps are done. Returns the stories that could not be told to their end,
    because the day on which they are told made them go another way.
    """
    now = clock.now()
    tellers = [_Teller(number, story, EngineStage(sessions, work)) for number, story in enumerate(told)]
    count, done = sum(at <= now for teller in tellers for at, _ in teller.steps), 0
    diary, aside = Diary(habits), EngineStage(sessions, work)
    over: set[int] = set()
    waiting = [teller for teller in tellers if teller.at <= now]
    heapq.heapify(waiting)
    if waiting:
        # What has become due since the processes were deployed begins before the stories, not today.
        clock.set_to(waiting[0].at)
    try:
        while waiting:
            teller = heapq.heappop(waiting)
            progress(min(done, count), count)
            aside.complete_by_habit(diary, teller.at)
            try:
                if teller.tell():
                    done += 1
            except errors.EngineError as error:
                log.info("the demo tells no more of %s after %s: %s", teller.story.id, teller.at, error)
                over.add(teller.number)
            else:
                if teller.steps and teller.at <= now:
                    heapq.heappush(waiting, teller)
                elif teller.late and teller.steps and teller.steps[0][0] <= now:
                    over.add(teller.number)
        aside.complete_by_habit(diary, now)
        aside.move_to(now)
    finally:
        clock.reset()
    work()
    return [told[number] for number in sorted(over)]
