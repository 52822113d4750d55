"""
One, two and four workers with 2,000 due timers and then 2,000 external tasks, on PostgreSQL.

    python -m tests.benchmarks.bench_workers [--instances N] [--rounds N] [--quick]

Each worker is a process of its own, which has done a little of the work before. Measured are the work that is done in
a second, and the processor time of a piece of work, of the workers and of the server together; of several rounds the
best. Ends with an error where an attempt was made in vain, where more workers do less than one, or where a piece of
work costs them more than 1.1 times as much. Other programs that need the processors spoil it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments
from casepath.engine.database.models import ExternalTask, Job
from casepath.engine.instances import jobs, process_instances
from casepath.engine.time import clock
from casepath.workers import Result, Surroundings, Work
from casepath.workers.loop import TOGETHER, Loop
from tests import database as databases
from tests import diagrams
from tests.acting import PROGRAM

WORKERS = (1, 2, 4)
#: Processor time of a piece of work, against one worker.
DEARER = 1.1
TEMPLATE = "casepath_workers_template"
DIAGRAM = diagrams.process(
    '<startEvent id="Start"/><endEvent id="End"/>',
    f'<intermediateCatchEvent id="Timer">{diagrams.timer("PT1H")}</intermediateCatchEvent>',
    '<serviceTask id="Work" camunda:type="external" camunda:topic="work"/>',
    flow="Start > Timer; Timer > Work; Work > End",
)

Sessions = sessionmaker[Session]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What workers did together."""

    #: Attempts for nothing.
    vain: int
    per_second: float
    #: Milliseconds for a piece of work.
    processor: float


def main() -> None:
    """Measure each number of workers in turns, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--instances", type=int, default=2_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the instances, once")
    options = arguments.parse_args()
    instances, rounds = (options.instances // 10, 1) if options.quick else (options.instances, options.rounds)
    server = databases.PostgresServer()
    prepare(server.create(TEMPLATE), instances)
    found: dict[tuple[str, int], list[Measured]] = {}
    for _ in range(rounds):
        for number in WORKERS:
            url = server.create("casepath_workers", template=TEMPLATE)
            for kind in PHASES:
                found.setdefault((kind, number), []).append(measure(url, kind, number, instances, server.folder))
    verdicts = [verdict(kind, found) for kind in PHASES]
    sys.exit(not all(verdicts))


def prepare(url: str, instances: int) -> None:
    """Start process instances whose timers will be due."""
    pool = database.connect(url)
    sessions = database.sessions(pool)
    with sessions.begin() as session:
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="benchmark", by=PROGRAM)
    with sessions.begin() as session:
        for _ in range(instances):
            process_instances.start(session, "p", {"order": 1}, by=PROGRAM)
    pool.dispose()


def run_timers(sessions: Sessions, most: int | None) -> int:
    """Execute so many jobs, or all; return how many were tried."""
    tried = 0
    while tried < most if most else left(sessions, Job.state == "waiting"):
        tried += jobs.run_due(sessions, TOGETHER)
    return tried


def do_tasks(sessions: Sessions, most: int | None) -> int:
    """Do so many external tasks, or all; return how many were begun."""
    begun: list[int] = []

    def work(work: Work) -> Result:
        begun.append(work.task.id)
        return Result(variables={"done": True})

    loop = Loop(Surroundings(sessions=sessions), handlers={"work": work}, worker_id=str(os.getpid()))
    if most:
        for task in loop.topics.fetch(["work"], most):
            loop.topics.handle(task)
    else:
        while left(sessions, ExternalTask.ended_at.is_(None)):
            loop.topics.serve(0.1)
        loop.topics.finish(60)
    return len(begun)


PHASES: Mapping[str, Callable[[Sessions, int | None], int]] = {"timers": run_timers, "external tasks": do_tasks}


def left(sessions: Sessions, condition: ColumnElement[bool]) -> bool:
    """Whether there is still work."""
    with sessions.begin() as session:
        return session.execute(select(1).where(condition).limit(1)).first() is not None


def measure(url: str, kind: str, number: int, instances: int, folder: Path) -> Measured:
    """Have so many workers do all the work."""
    context = multiprocessing.get_context("spawn")
    ready, done, answers = context.Barrier(number + 1), context.Event(), context.Queue()
    workers = [context.Process(target=work, args=(url, kind, ready, done, answers)) for _ in range(number)]
    for each in workers:
        each.start()
    ready.wait()
    before, begun = server_time(folder), time.perf_counter()
    told = [answers.get() for _ in workers]
    took = time.perf_counter() - begun
    # The server's processes end with the connections, so that the workers wait until this is read.
    server = server_time(folder) - before
    done.set()
    for each in workers:
        each.join()
    pieces = instances - number * TOGETHER
    own = sum(processor for _, processor in told) / pieces * 1000
    measured = Measured(
        vain=sum(attempts for attempts, _ in told) - pieces,
        per_second=pieces / took,
        processor=own + server / pieces * 1000,
    )
    print(
        f"{kind:<15} {number} workers: {measured.per_second:6.0f} in a second, processor {measured.processor:5.2f} ms "
        f"each, {own:.2f} of it in the workers, {measured.vain} attempts in vain",
        flush=True,
    )
    return measured


def work(url: str, kind: str, ready: Barrier, done: Event, answers: Queue[tuple[int, float]]) -> None:
    """Work as one of several workers; tell how many attempts were made, and the processor time."""
    clock.move(timedelta(hours=2))
    pool = database.connect(url)
    sessions = database.sessions(pool)
    PHASES[kind](sessions, TOGETHER)
    ready.wait()
    begun = time.process_time()
    attempts = PHASES[kind](sessions, None)
    answers.put((attempts, time.process_time() - begun))
    done.wait()
    pool.dispose()


def server_time(folder: Path) -> float:
    """Return the processor time that the server and its processes have used, in seconds."""
    postmaster = (folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    ticks = 0
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = process.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            # It has ended.
            continue
        if fields[1] == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def verdict(kind: str, found: Mapping[tuple[str, int], list[Measured]]) -> bool:
    """Print how several workers compare with one; whether all is as wanted."""
    fastest = {number: max(each.per_second for each in found[kind, number]) for number in WORKERS}
    cheapest = {number: min(each.processor for each in found[kind, number]) for number in WORKERS}
    good = not any(each.vain for number in WORKERS for each in found[kind, number])
    for number in WORKERS[1:]:
        faster, dearer = fastest[number] / fastest[1], cheapest[number] / cheapest[1]
        good &= faster >= 1 and dearer <= DEARER
        print(f"{kind}: {number} workers do {faster:.2f} times as much as one, at {dearer:.2f} times the cost of each")
    return good


if __name__ == "__main__":
    main()
