"""
Two processes do at the same moment what excludes, or must not hinder, each other, and see that nothing is wrong.

    python -m tests.acceptance.racing --rounds 100 [--postgresql]

Each round has an instance of its own. Who loses is refused in words of ours, and the instance stands where the winner
has brought it, once, with a history that verifies.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments, errors, history
from casepath.engine.database.models import ExternalTask, Incident, Job, ProcessInstance, UserTask
from casepath.engine.instances import (
    attachments,
    comments,
    external_tasks,
    jobs,
    messages,
    migration_plans,
    process_instances,
    user_tasks,
)
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.time import clock
from tests import database as databases
from tests import diagrams, factories
from tests.acting import ADMINISTRATOR, ALICE, BOB, OPERATOR, PROGRAM

Sessions = sessionmaker[Session]
#: What somebody does, to an instance whose open user tasks he has seen.
Side = Callable[[Sessions, int, list[int]], object]

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
#: Those who race live later, so that timers are due and locks have ended.
LATER = timedelta(hours=2)
OUTSIDE = Topic(name="outside", lock_for=timedelta(hours=1))
FAR = timedelta(hours=5)

TASK = '<userTask id="A" camunda:candidateGroups="service"/>'
#: What the process that sends it does not hear itself.
BEGINS = '<message id="m" name="begin"/>'
FILES = {
    "one.bpmn": diagrams.process(
        '<startEvent id="Start"/><userTask id="Next"/><userTask id="Late"/><userTask id="Told"/>', TASK,
        diagrams.border("Hour", "A", diagrams.timer("PT1H")), diagrams.border("On", "A", diagrams.message()),
        flow="Start > A; A > Next; Hour > Late; On > Told", key="one", root=diagrams.MESSAGE),
    "two.bpmn": diagrams.process(
        '<startEvent id="Start"/><parallelGateway id="Fork"/><parallelGateway id="Join"/><userTask id="B"/>', TASK,
        '<userTask id="Next"/>', flow="Start > Fork; Fork > A; Fork > B; A > Join; B > Join; Join > Next", key="two"),
    "called.bpmn": diagrams.process('<startEvent id="Start"/>', TASK, flow="Start > A", key="called"),
    "calling.bpmn": diagrams.process(
        '<startEvent id="Start"/><userTask id="Next"/><callActivity id="Call" calledElement="called">'
        "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
        "</callActivity>", flow="Start > Call; Call > Next", key="calling"),
    "work.bpmn": diagrams.process(
        '<startEvent id="Start"/><userTask id="Next"/>'
        '<serviceTask id="Work" camunda:type="external" camunda:topic="outside"/>', flow="Start > Work; Work > Next",
        key="work"),
    "fails.bpmn": diagrams.process(
        '<startEvent id="Start"/><task id="T" camunda:asyncBefore="true"/><userTask id="Next"/>',
        '<exclusiveGateway id="G"/><endEvent id="End"/>',
        flow="Start > T; T > G; G > Next [${ready}]; G > End [${not ready}]", key="fails"),
    "sends.bpmn": diagrams.process(
        '<startEvent id="Start"/>', diagrams.throw("Send", diagrams.message()), TASK, flow="Start > Send; Send > A",
        key="sends", root=BEGINS),
    "begun.bpmn": diagrams.process(
        '<extensionElements><camunda:properties><camunda:property name="businessKeyFormat" value="B{number}"/>'
        "</camunda:properties></extensionElements>",
        f'<startEvent id="Start">{diagrams.message()}</startEvent>', '<userTask id="B"/>', flow="Start > B",
        key="begun", root=BEGINS),
}  # fmt: skip
NEWEST = {"new.bpmn": FILES["called.bpmn"].replace(b'id="called"', b'id="new"')}


# -- what somebody does ------------------------------------------------------------------------------------------------


def open_tasks(session: Session, instance: int) -> list[UserTask]:
    """The open user tasks of an instance and those it called."""
    roots = select(ProcessInstance.id).where(ProcessInstance.root_id == instance)
    query = select(UserTask).where(UserTask.process_instance_id.in_(roots), UserTask.state == "created")
    return list(session.scalars(query.order_by(UserTask.id)))


def on_task(do: Callable[[Session, int], object], index: int = 0) -> Side:
    """What somebody does to an open task."""

    def act(sessions: Sessions, _: int, tasks: list[int]) -> None:
        with sessions.begin() as session:
            do(session, tasks[index])

    return act


def on_instance(do: Callable[[Session, int], object]) -> Side:
    """What somebody does to an instance."""

    def act(sessions: Sessions, instance: int, _: list[int]) -> None:
        with sessions.begin() as session:
            do(session, instance)

    return act


def run_jobs(sessions: Sessions, _instance: int, _tasks: list[int]) -> None:
    """Do as a worker does with what is due."""
    jobs.run_due(sessions)


def tell(session: Session, instance: int) -> None:
    """Report the message that the instance waits for."""
    messages.correlate(session, "order", process_instance_id=instance, by=PROGRAM)


def fetch(session: Session, instance: int) -> None:
    """Take the work of an instance."""
    # Two workers of one process each: the name is that of the process.
    if not external_tasks.fetch_and_lock(session, [OUTSIDE], worker_id=str(id(session)), limit=1):
        raise errors.NotFound("external task", instance)


def report(name: str) -> Side:
    """What a worker says that has had the work of an instance."""

    def act(sessions: Sessions, instance: int, _: list[int]) -> None:
        with sessions.begin() as session:
            task = session.scalars(select(ExternalTask.id).where(ExternalTask.process_instance_id == instance)).one()
            external_tasks.complete(session, task, worker_id=name)

    return act


def take_over(session: Session, instance: int) -> None:
    """Take the work of a worker whose lock has ended."""
    if not external_tasks.fetch_and_lock(session, [OUTSIDE], worker_id="second", limit=1):
        raise errors.NotFound("external task", instance)


def deploy_newer(session: Session, instance: int) -> None:
    """Deploy another version than any before."""
    named = FILES["one.bpmn"].replace(b'id="Next"', b'id="Next" name="Next %d"' % instance)
    deployments.deploy(session, {"one.bpmn": named}, name="newer", by=PROGRAM)


def migrate(session: Session, instance: int) -> None:
    """Move an instance to the newest version."""
    source = session.get_one(ProcessInstance, instance).definition_id
    plan = migration_plans.draft(session, source, deployments.latest(session, "process", "one").id)
    migration_plans.execute(session, plan, instance, by=ADMINISTRATOR, reason="new version")


def retry(session: Session, instance: int) -> None:
    """Have the failed job of an instance tried again."""
    job = session.scalars(select(Job.id).where(Job.process_instance_id == instance)).one_or_none()
    if job is None:
        raise errors.NotFound("job", instance)
    jobs.retry(session, job, by=OPERATOR)


def complete(by: object) -> Callable[[Session, int], object]:
    """Complete a task as somebody."""
    return lambda session, task: user_tasks.complete(session, task, {}, by=by)  # type: ignore[arg-type]


def go_on(session: Session, task: int) -> None:
    """Complete a task, and draw a number in the same transaction."""
    user_tasks.complete(session, task, {}, by=ALICE)
    messages.correlate(session, "begin", by=PROGRAM)


@dataclass(frozen=True, kw_only=True)
class Race:
    """What two do at the same moment, and what may come of it."""

    process: str
    first: Side
    second: Side
    #: How many of the two may succeed.
    succeed: frozenset[int]
    #: Open user tasks afterwards: one of these; `""` stands for none.
    ends: frozenset[str]
    #: What happens before.
    before: Callable[[Session, int], object] | None = None
    #: Whether a message of it has begun one matter with a number of its own, which its history says.
    begins: bool = False


ONE, BOTH, ANY = frozenset({1}), frozenset({2}), frozenset({1, 2})


def to(*ends: str) -> frozenset[str]:
    """Where a race may end."""
    return frozenset(ends)


def drop_out(session: Session, instance: int) -> None:
    """Give back nothing: the lock of the first worker ends by itself."""
    external_tasks.fetch_and_lock(session, [Topic(name="outside", lock_for=timedelta(minutes=1))], worker_id="first",
                                  limit=1)  # fmt: skip


def suspend(session: Session, instance: int) -> None:
    process_instances.suspend(session, instance, by=OPERATOR, reason="wait")


RACES: dict[str, Race] = {
    "claim, claim": Race(
        process="one", succeed=ONE, ends=to("A"),
        first=on_task(lambda session, task: user_tasks.claim(session, task, by=ALICE)),
        second=on_task(lambda session, task: user_tasks.claim(session, task, by=BOB))),
    "complete, complete": Race(
        process="one", first=on_task(complete(ALICE)), second=on_task(complete(PROGRAM)), succeed=ONE,
        ends=to("Next")),
    "complete, timer": Race(
        process="one", first=on_task(complete(ALICE)), second=run_jobs, succeed=ANY, ends=to("Next", "Late")),
    "complete, message": Race(
        process="one", first=on_task(complete(ALICE)), second=on_instance(tell), succeed=ONE, ends=to("Next", "Told")),
    "message, message": Race(
        process="one", first=on_instance(tell), second=on_instance(tell), succeed=ONE, ends=to("Told")),
    "message, timer": Race(
        process="one", first=on_instance(tell), second=run_jobs, succeed=ANY, ends=to("Told", "Late")),
    "complete, cancel": Race(
        process="one", first=on_task(complete(ALICE)), succeed=ANY, ends=to(""),
        second=on_instance(lambda session, number: process_instances.cancel(
            session, number, by=ADMINISTRATOR, reason="no longer wanted"))),
    "message begins, cancel": Race(
        process="sends", first=run_jobs, succeed=BOTH, ends=to(""), begins=True,
        second=on_instance(lambda session, number: process_instances.cancel(
            session, number, by=ADMINISTRATOR, reason="no longer wanted"))),
    "message begins, complete": Race(
        process="sends", first=run_jobs, second=on_task(go_on), succeed=BOTH, ends=to(""), begins=True),
    "complete, suspend": Race(
        process="one", first=on_task(complete(ALICE)), second=on_instance(suspend), succeed=ANY, ends=to("A", "Next")),
    "complete, assign": Race(
        process="one", first=on_task(complete(ALICE)), succeed=ANY, ends=to("Next"),
        second=on_task(lambda session, task: user_tasks.assign(session, task, "alice", by=PROGRAM))),
    "complete, delegate": Race(
        process="one", first=on_task(complete(PROGRAM)), succeed=ANY, ends=to("A", "Next"),
        before=lambda session, number: user_tasks.claim(session, open_tasks(session, number)[0].id, by=ALICE),
        second=on_task(lambda session, task: user_tasks.delegate(session, task, "bob", by=ALICE))),
    "complete, draft": Race(
        process="one", first=on_task(complete(PROGRAM)), succeed=ANY, ends=to("Next"),
        before=lambda session, number: user_tasks.claim(session, open_tasks(session, number)[0].id, by=ALICE),
        second=on_task(lambda session, task: user_tasks.save_draft(session, task, {}, by=ALICE))),
    "complete, migrate": Race(
        process="one", first=on_task(complete(ALICE)), second=on_instance(migrate), before=deploy_newer, succeed=BOTH,
        ends=to("Next")),
    "comment, attach": Race(
        process="one", succeed=BOTH, ends=to("A"),
        first=on_instance(lambda session, number: comments.add(session, f"K{number}", "a", by=PROGRAM)),
        second=on_instance(lambda session, number: attachments.add(
            session, f"K{number}", name="a.txt", content=b"a", by=PROGRAM))),
    "branch, branch": Race(
        process="two", first=on_task(complete(PROGRAM)), second=on_task(complete(PROGRAM), 1), succeed=BOTH,
        ends=to("Next")),
    "called, called": Race(
        process="calling", first=on_task(complete(PROGRAM)), second=on_task(complete(PROGRAM), 1), succeed=BOTH,
        ends=to("Next")),
    "timer, timer": Race(process="one", first=run_jobs, second=run_jobs, succeed=BOTH, ends=to("Late")),
    "fetch, fetch": Race(process="work", first=on_instance(fetch), second=on_instance(fetch), succeed=ONE, ends=to("")),
    "report, take over": Race(
        process="work", first=report("first"), second=on_instance(take_over), before=drop_out, succeed=ANY,
        ends=to("", "Next")),
    "report, report": Race(
        process="work", first=report("first"), second=report("first"), before=drop_out, succeed=ONE, ends=to("Next")),
    "retry, retry": Race(
        process="fails", first=on_instance(retry), second=on_instance(retry), succeed=ONE, ends=to(""),
        before=lambda session, number: jobs.fail(
            session, session.scalars(select(Job.id).where(Job.process_instance_id == number)).one(), "x", "x",
            again=False)),
    "deploy, deploy": Race(
        process="one", succeed=ANY, ends=to("A"),
        first=on_instance(lambda session, _: deployments.deploy(session, NEWEST, name="new", by=PROGRAM)),
        second=on_instance(lambda session, _: deployments.deploy(session, NEWEST, name="new", by=PROGRAM))),
}  # fmt: skip


# -- racing ------------------------------------------------------------------------------------------------------------

_sessions: Sessions


def open_database(url: str) -> None:
    """Be one of the two."""
    global _sessions  # noqa: PLW0603 - of a process that does nothing else
    clock.set_to(BEGIN + LATER)
    _sessions = database.sessions(database.connect(url))


def act(name: str, side: int, instance: int, tasks: list[int], at: float) -> str:
    """Do one side of a race at a moment; return `done`, or the code of the refusal."""
    race = RACES[name]
    do = race.second if side else race.first
    while time.monotonic() < at:
        pass
    try:
        do(_sessions, instance, tasks)
    except errors.EngineError as refusal:
        return refusal.code
    return "done"


class Course:
    """A database, and two processes that race on it."""

    def __init__(self, url: str, runners: ProcessPoolExecutor) -> None:
        self.pool = database.connect(url)
        self.sessions = database.sessions(self.pool)
        self.runners = runners
        clock.set_to(BEGIN)
        with self.sessions.begin() as session:
            factories.group(session, "service")
            for name in ("alice", "bob"):
                factories.user(session, name, groups=["service"])
            deployments.deploy(session, FILES, name="races", by=PROGRAM)

    def run(self, name: str) -> list[str]:
        """Have one race run; return what is wrong."""
        race = RACES[name]
        clock.set_to(BEGIN)
        with self.sessions.begin() as session:
            # Of an older race nothing is left to be fetched or to be due.
            session.query(ExternalTask).filter(ExternalTask.ended_at.is_(None)).update({"locked_until": BEGIN + FAR})
            session.query(Job).update({"due_at": BEGIN + FAR})
        with self.sessions.begin() as session:
            instance = process_instances.start(session, race.process, {}, by=PROGRAM).id
            started = session.get_one(ProcessInstance, instance)
            started.business_key = f"K{instance}"
        with self.sessions.begin() as session:
            if race.before is not None:
                race.before(session, instance)
        with self.sessions.begin() as session:
            tasks = [task.id for task in open_tasks(session, instance)]
        at = time.monotonic() + 0.02
        sides = [self.runners.submit(act, name, side, instance, tasks, at) for side in (0, 1)]
        outcomes = sorted(side.result() for side in sides)
        return [f"{name}: {problem}" for problem in self.problems(race, instance, outcomes)]

    def problems(self, race: Race, instance: int, outcomes: list[str]) -> Iterator[str]:
        """Yield what is wrong after a race."""
        if outcomes.count("done") not in race.succeed:
            yield f"came out as {outcomes}"
        with self.sessions.begin() as session:
            ended = ", ".join(task.element_id for task in open_tasks(session, instance))
            if ended not in race.ends:
                yield f"stands at {ended or 'nothing'} after {outcomes}"
            incident = select(Incident.message).where(
                Incident.process_instance_id == instance, Incident.state == "open"
            )
            yield from session.scalars(incident)
            yield from map(str, history.verify(session, instance))
            begun = [each.facts for each in history.events(session, instance) if each.kind == "message.began"]
            if len(begun) != race.begins:
                yield f"has begun {len(begun)} matters after {outcomes}"
            for facts in begun:
                other = session.get_one(ProcessInstance, facts["process_instance"])
                if other.business_key != facts["number"]:
                    yield f"has begun {other.business_key}, but tells of {facts['number']}"


@contextmanager
def course(url: str) -> Iterator[Course]:
    """Two processes on a database that has tables and nothing else."""
    # To import the engine takes most of what they do; who has done so once in a run is forked from.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(2, mp_context=context, initializer=open_database, initargs=(url,)) as runners:
        ready = Course(url, runners)
        yield ready
        ready.pool.dispose()


def main() -> None:
    """Run all races as often as the command line says."""
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--postgresql", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        postgres = databases.PostgresServer() if chosen.postgresql else None
        url = postgres.create("racing") if postgres else f"sqlite:///{Path(name) / 'casepath.db'}"
        if postgres is None:
            databases.create_tables(url)
        begun = time.monotonic()
        with course(url) as ground:
            found = [problem for race in RACES for _ in range(chosen.rounds) for problem in ground.run(race)]
        took = time.monotonic() - begun
        print(f"{len(RACES)} races, {chosen.rounds} times each, in {took:.0f} s: {len(found)} wrong")
        for problem in found:
            print(f"  {problem}")
    if postgres is not None:
        postgres.stop()
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
