"""
Send a message to many customers, and kill the worker meanwhile: each has exactly one, who does not agree has none.

    python -m tests.acceptance.sending --records 10000 --kills 20 [--seed 1] [--postgresql]

The customers of the dealership are chosen from its register, the process of `processes/mass_message` is proposed by
one person and begun by another. A worker runs as a process of its own and is killed without warning; the next one
begins with nothing but the database. With `--kills 0` the times are those of work that nobody disturbs.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath import demo, stories
from casepath.engine import database, deployments, history
from casepath.engine.database.models import Batch, BatchItem, Delivery, ExternalTask, ProcessInstance
from casepath.engine.instances import batches
from casepath.engine.registers import records
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import database as databases
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
#: Of every so many customers one does not agree to messages.
OBJECTS_EVERY = 73
#: Records that are added in one transaction.
TOGETHER = 500
#: The longest time between two kills, in seconds.
LIFE = 2.0
#: Histories that are verified at the end; one in so many where there are more.
VERIFIED = 200

Sessions = sessionmaker[Session]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run."""

    kills: int
    seconds: float
    #: The longest that another writer had to wait for the database, in seconds.
    waited: float


def prepare(url: str) -> None:
    """Make tables, add the people, deploy the dealership."""
    pool = database.connect(url)
    database.upgrade(pool)
    sessions = database.sessions(pool)
    with sessions.begin() as session:
        demo.add_people(session, PROCESSES)
    for folder in stories.folders(PROCESSES):
        with sessions.begin() as session:
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by=PROGRAM)
    pool.dispose()


def keep_customers(sessions: Sessions, count: int) -> tuple[list[str], set[str]]:
    """Add customers to the register; return the keys of all, and of those who do not agree to messages."""
    keys: list[str] = []
    objecting: set[str] = set()
    for begin in range(0, count, TOGETHER):
        with sessions.begin() as session:
            for number in range(begin, min(begin + TOGETHER, count)):
                agrees = number % OBJECTS_EVERY != 0
                phone = f"138{number:08}"
                told = {"customer_name": f"客户{number}", "customer_kind": "private", "customer_phone": phone}
                keys.append(
                    records.create(
                        session, "customer", {**told, **({"consents_to_messages": True} if agrees else {})}, by=PROGRAM
                    ).key
                )
                if not agrees:
                    objecting.add(keys[-1])
    return keys, objecting


def propose(sessions: Sessions, keys: list[str]) -> None:
    """Have one person propose it, and another one let it begin where that is needed."""
    typed = {"message_purpose": "service", "message_text": "尊敬的【客户】，欢迎到店。"}
    with sessions.begin() as session:
        batch = batches.propose(session, "mass_message", keys, typed, by="administrator_xu")
        if batch.state == "proposed":
            batches.approve(session, batch.id, by="customer_director_zhao")


@contextmanager
def worker(url: str) -> Iterator[int]:
    """A worker in a process of its own, which is killed in the end."""
    child = os.fork()
    if child == 0:
        try:
            logging.disable()
            pool = database.connect(url)
            Loop(Surroundings(sessions=database.sessions(pool)), worker_id=f"w{os.getpid()}").run()
        finally:
            os._exit(1)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def unfinished(session: Session) -> int:
    """Return for how many records something is still to be done."""
    waiting = session.scalar(select(func.count()).select_from(BatchItem).where(BatchItem.state == "waiting")) or 0
    tasks = session.scalar(select(func.count()).select_from(ExternalTask).where(ExternalTask.ended_at.is_(None))) or 0
    queued = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.ended_at.is_(None))) or 0
    return waiting + tasks + queued


def run(url: str, *, kills: int, chance: random.Random, told: Callable[[str], object]) -> Outcome:
    """Have workers send everything, and kill so many of them meanwhile."""
    pool = database.connect(url)
    sessions, readers = database.sessions(pool), database.sessions(pool, read_only=True)
    pool.dispose()
    begin, killed, waited = time.monotonic(), 0, 0.0
    while True:
        with worker(url):
            end = time.monotonic() + chance.uniform(0.2, LIFE)
            while killed >= kills or time.monotonic() < end:
                time.sleep(0.05)
                asked = time.monotonic()
                with sessions.begin() as session:
                    session.execute(sqlalchemy.text("SELECT 1"))
                waited = max(waited, time.monotonic() - asked)
                with readers.begin() as session:
                    left = unfinished(session)
                if not left:
                    break
        if not left:
            break
        killed += 1
        told(f"killed {killed} times, {left} left")
    pool.dispose()
    return Outcome(kills=killed, seconds=time.monotonic() - begin, waited=waited)


def check(sessions: Sessions, keys: list[str], objecting: set[str]) -> None:
    """Raise `AssertionError` where anybody has not exactly what he should."""
    with sessions.begin() as session:
        found = session.execute(select(Delivery.record_key, Delivery.state)).all()
        assert len(found) == len(keys), f"{len(found)} deliveries for {len(keys)} customers"
        assert {row.record_key for row in found} == set(keys)
        assert {row.record_key for row in found if row.state == "withheld"} == objecting
        assert {row.record_key for row in found if row.state == "sent"} == set(keys) - objecting
        instances = session.scalar(select(func.count()).select_from(ProcessInstance))
        assert instances == len(keys), f"{instances} process instances for {len(keys)} customers"
        assert session.scalars(select(Batch.state)).all() in (["completed"], ["running"])
        numbers = session.scalars(select(ProcessInstance.id).order_by(ProcessInstance.id)).all()
        for number in numbers[:: max(len(numbers) // VERIFIED, 1)]:
            assert history.verify_instance(session, number) == []
        assert list(history.organisation.verify(session)) == []


def main(arguments: list[str]) -> None:
    """Run it, and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        server = databases.PostgresServer() if chosen.postgresql else None
        url = server.create("sending") if server else f"sqlite:///{folder}/casepath.db"
        try:
            prepare(url)
            outcome, keys, objecting = play(url, chosen.records, chosen.kills, chosen.seed, told=print)
        finally:
            if server:
                server.stop()
    rate = len(keys) / outcome.seconds
    print(f"{len(keys)} customers, {len(objecting)} without consent, {outcome.kills} kills: each exactly once")
    print(f"{outcome.seconds:.1f} s, {rate:.0f}/s; another writer waited {outcome.waited:.2f} s at most")


def play(
    url: str, count: int, kills: int, seed: int, *, told: Callable[[str], object]
) -> tuple[Outcome, list[str], set[str]]:
    """
    Send to so many customers of the dealership that is on a database, and check that each has what he should.

    Return what came of it, all customers, and those who do not agree to messages.
    """
    pool = database.connect(url)
    sessions = database.sessions(pool)
    keys, objecting = keep_customers(sessions, count)
    begin = time.monotonic()
    propose(sessions, keys)
    told(f"{count} customers are kept; proposed in {time.monotonic() - begin:.2f} s")
    pool.dispose()
    outcome = run(url, kills=kills, chance=random.Random(seed), told=told)
    check(sessions, keys, objecting)
    pool.dispose()
    return outcome, keys, objecting


if __name__ == "__main__":
    main(sys.argv[1:])
