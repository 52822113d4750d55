"""
What a worker does all day: due jobs in one thread, external tasks in others, mails, channels, what is started for
records and files that become records in theirs.

The thread of the jobs (timers, continuations, messages) never waits for anything but the database. A step that fails is
taken again after a while; a thread that has ended is begun again. Both give signs of life; a third one looks whether
the engine moves.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from casepath.engine.deployments import channels as deployed_channels
from casepath.engine.instances import batches, jobs, record_starts, signs, watches
from casepath.engine.registers import files
from casepath.engine.time import clock
from casepath.workers import (
    HANDLERS,
    Handler,
    Surroundings,
    digests,
    documents,
    notifications,
    records,
    reports,
)
from casepath.workers.channels import BREATH, Couriers
from casepath.workers.outbox import Outbox
from casepath.workers.topics import Topics
from casepath.workers.watch import Watch

log = logging.getLogger(__name__)

#: Importing a module of handlers registers them.
HANDLER_MODULES = (documents, notifications, records, reports)
#: Jobs executed, and tasks handled, before it is asked again whether to stop; few, so that several share the work.
TOGETHER = 10
#: How long a thread rests when there was nothing to do, in seconds.
REST = 1.0
#: How often it is looked for news of matters that are watched, in seconds.
NEWS_EVERY = 10.0
#: The longest rest after steps that failed; the first is `REST`, each further one twice as long.
LONGEST_REST = 30.0
#: How often a thread gives a sign of life.
SIGN_EVERY = timedelta(seconds=5)
#: How long what is being done may take when the worker stops, in seconds.
PATIENCE = 4.0


class Sign:
    """Signs of life of one thread."""

    def __init__(self, restarts: int) -> None:
        self.restarts = restarts
        self.began_at = clock.now()
        self.given_at: datetime | None = None


class Loop:
    """One worker: takes what is due and what waits under its topics, until it is stopped."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        handlers: Mapping[str, Handler] | None = None,
        worker_id: str | None = None,
    ) -> None:
        self.surroundings = surroundings
        self.worker_id = worker_id or f"{socket.gethostname()}/{os.getpid()}"
        self.topics = Topics(surroundings, HANDLERS if handlers is None else handlers, self.worker_id)
        self.signs: dict[str, Sign] = {}
        self._stopping = threading.Event()
        self.outbox = Outbox(surroundings, self._stopping)
        self.couriers = Couriers(surroundings, self._stopping, self.topics)
        self.taker = files.Taker(surroundings.sessions, surroundings.readers)

    def run(self) -> None:
        """Work until `stop` is called; what is being done then is finished first, within `PATIENCE`."""
        log.info("worker %s serves %s", self.worker_id, ", ".join(sorted(self.topics.handlers)))
        threads: dict[str, threading.Thread] = {}
        steps = {
            "jobs": partial(self.living, "jobs", self.run_jobs),
            "topics": partial(self.living, "topics", self.serve_topics),
            "mails": self.send_mails,
            "channels": self.send_through_channels,
            "batches": self.start_batches,
            "files": self.take_files,
            "watch": Watch(self.surroundings).step,
            "news": self.tell_news,
        }
        while not self._stopping.is_set():
            for name, step in steps.items():
                if name in threads and threads[name].is_alive():
                    continue
                if name in threads:
                    log.error("the thread of the %s has ended; it is begun again", name)
                self.signs[name] = Sign(self.signs[name].restarts + 1 if name in threads else 0)
                threads[name] = threading.Thread(target=repeat, args=(step, self._stopping), name=name, daemon=True)
                threads[name].start()
            self._stopping.wait(REST)
        end = time.monotonic() + PATIENCE
        for thread in threads.values():
            thread.join(max(end - time.monotonic(), 0))
        self.topics.finish(max(end - time.monotonic(), 0))
        self.couriers.finish(max(end - time.monotonic(), 0))
        self.sign_off()
        log.info("worker %s has stopped", self.worker_id)

    def stop(self) -> None:
        """Have `run` return soon."""
        self._stopping.set()
        self.topics.freed.set()

    def living(self, name: str, step: Callable[[], float]) -> float:
        """Take a step of a thread, after a sign of life where the last one was given a while ago."""
        sign, now = self.signs[name], clock.now()
        if sign.given_at is None or abs(now - sign.given_at) >= SIGN_EVERY:
            with self.surroundings.sessions.begin() as session:
                topics = {*self.topics.handlers, *deployed_channels.keys(session)} if name == "topics" else set()
                signs.give(session, self.worker_id, name, began_at=sign.began_at, topics=topics, restarts=sign.restarts)
            sign.given_at = now
        return step()

    def sign_off(self) -> None:
        """Note that this worker was stopped as it should be; where the database is away, it looks as if it was not."""
        try:
            with self.surroundings.sessions.begin() as session:
                signs.end(session, self.worker_id)
        except SQLAlchemyError as error:
            log.warning("worker %s could not sign off: %s", self.worker_id, error)

    def run_jobs(self) -> float:
        """Execute due jobs; return how many seconds there is nothing to do."""
        now = clock.now()
        with self.surroundings.readers.begin() as session:
            due = jobs.next_due(session)
        if due is not None and due <= now:
            if jobs.run_due(self.surroundings.sessions, TOGETHER):
                return 0
            # Others have those.
            with self.surroundings.readers.begin() as session:
                due = jobs.next_due(session, after=now)
        return REST if due is None else min((due - now).total_seconds(), REST)

    def serve_topics(self) -> float:
        """Begin external tasks, or wait for a while; return 0, since there may be something to do then."""
        self.topics.serve(REST)
        return 0

    def send_mails(self) -> float:
        """Send mails that are due; return how many seconds there is nothing to do."""
        return 0 if self.outbox.step() else REST

    def send_through_channels(self) -> float:
        """Take what is to go out, and have channels send it; return how many seconds there is nothing to do."""
        taken = self.couriers.take()
        self.couriers.begin()
        return BREATH if taken else REST

    def start_batches(self) -> float:
        """Start instances for records, new ones first; return how many seconds there is nothing to do."""
        with self.surroundings.readers.begin() as session:
            is_new, is_more = record_starts.are_waiting(session), batches.are_running(session)
        sessions = self.surroundings.sessions
        return BREATH if (is_new and record_starts.run(sessions)) or (is_more and batches.run(sessions)) else REST

    def take_files(self) -> float:
        """Take rows of files into registers; return how many seconds there is nothing to do."""
        return BREATH if self.taker.step() else REST

    def tell_news(self) -> float:
        """Tell of what happened in matters, and write digests; return how many seconds there is nothing to do."""
        with self.surroundings.readers.begin() as session:
            told = watches.is_news(session)
        if told:
            with self.surroundings.sessions.begin() as session:
                watches.tell_news(session)
        return 0 if digests.step(self.surroundings) or told else NEWS_EVERY

    def step(self) -> bool:
        """Do in this thread what there is to do now, once; return whether there was anything."""
        sessions = self.surroundings.sessions
        executed = jobs.run_due(sessions) + record_starts.run(sessions) + batches.run(sessions)
        fetched = self.topics.fetch(self.topics.handlers, TOGETHER)
        for task in fetched:
            if self._stopping.is_set():
                self.topics.give_back(task)
            else:
                self.topics.handle(task)
        taken, sent, mailed = self.couriers.take(), self.couriers.step(), self.outbox.step()
        done = self.taker.step() or mailed or sent
        return done or bool(executed or fetched or taken) or not self.tell_news()

    def rest(self) -> None:
        """Step until there is nothing left to do."""
        while self.step():
            pass


def repeat(step: Callable[[], float], stopping: threading.Event) -> None:
    """Take a step again and again, whatever it raises; each returns how many seconds there is nothing to do."""
    back_off = REST
    while not stopping.is_set():
        try:
            pause = step()
        except Exception:
            # The database is restarted, another writer took very long, or a fault of ours: nothing is lost.
            log.exception("a step failed; the next is in %s s", back_off)
            pause, back_off = back_off, min(back_off * 2, LONGEST_REST)
        else:
            back_off = REST
        stopping.wait(pause)


def run_until_signalled(loop: Loop) -> None:
    """Work until SIGTERM or ctrl-C; what is being done then is finished first."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        loop.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    loop.run()
