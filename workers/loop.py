"""
The loop that brings everything on that nobody does by hand: due jobs, then external tasks.

One piece of work is a pipeline: fetch, handle, report. A handler that fails is tried again after a while, at growing
intervals; after `ATTEMPTS` it is an incident. A worker that is killed holds its lock until it runs out; then the next
one does the work once more, with the same idempotency key.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import traceback
from collections.abc import Mapping
from datetime import timedelta
from types import FrameType

from sqlalchemy.exc import OperationalError

from casepath.engine import errors
from casepath.engine.instances import external_tasks, jobs
from casepath.engine.instances.external_tasks import FetchedTask, Topic
from casepath.workers import (
    DEFAULT_LOCK,
    HANDLERS,
    Handler,
    Result,
    Surroundings,
    Unrecoverable,
    Work,
    documents,
    notifications,
)

log = logging.getLogger(__name__)

ATTEMPTS = 3
FIRST_BACK_OFF = timedelta(seconds=30)
#: Importing a module of topics registers them.
TOPICS = (documents, notifications)
#: Tasks fetched at once; few, so that several workers share the work.
FETCHED = 10
#: How long the loop rests when there was nothing to do, in seconds.
REST = 0.5


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
        self.handlers = HANDLERS if handlers is None else handlers
        self.worker_id = worker_id or f"{socket.gethostname()}/{os.getpid()}"
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until `stop` is called; what is being done then is finished first."""
        log.info("worker %s serves %s", self.worker_id, ", ".join(sorted(self.handlers)))
        while not self._stopping.is_set():
            try:
                busy = self.step()
            except OperationalError as error:
                # The database is restarted, or another writer took very long: nothing is lost, try again.
                log.warning("database: %s", error)
                busy = False
            if not busy:
                self._stopping.wait(REST)
        log.info("worker %s has stopped", self.worker_id)

    def stop(self) -> None:
        """Have `run` return soon."""
        self._stopping.set()

    def step(self) -> bool:
        """Do what there is to do now, once; return whether there was anything."""
        executed = jobs.run_due(self.surroundings.sessions)
        fetched = self.fetch()
        for task in fetched:
            if self._stopping.is_set():
                self.give_back(task)
            else:
                self.handle(task)
        return bool(executed or fetched)

    def rest(self) -> None:
        """Step until there is nothing left to do."""
        while self.step():
            pass

    def fetch(self) -> list[FetchedTask]:
        """Take tasks of our topics."""
        topics = [Topic(name=name, lock_for=DEFAULT_LOCK) for name in sorted(self.handlers)]
        if not topics:
            return []
        with self.surroundings.sessions.begin() as session:
            return external_tasks.fetch_and_lock(session, topics, worker_id=self.worker_id, limit=FETCHED)

    def handle(self, task: FetchedTask) -> None:
        """Do one task and report what came of it."""
        work = Work(task=task, surroundings=self.surroundings)
        try:
            result = self.handlers[task.topic](work)
        except errors.BpmnError as error:
            self.report_error(task, error)
        except Unrecoverable as error:
            self.report_failure(task, error, retries=0)
        except Exception as error:
            left = ATTEMPTS if task.retries is None else task.retries
            self.report_failure(task, error, retries=max(left - 1, 0))
        else:
            self.report_result(task, result)

    def report_result(self, task: FetchedTask, result: Result) -> None:
        """Complete a task."""
        try:
            with self.surroundings.sessions.begin() as session:
                external_tasks.complete(
                    session,
                    task.id,
                    worker_id=self.worker_id,
                    variables=result.variables,
                    local_variables=result.local_variables,
                )
        except (errors.InvalidState, errors.NotFound) as error:
            # Somebody ended the activity, or another worker took over, while we were at it.
            log.info("task %s of %s is no longer ours: %s", task.id, task.topic, error.message)

    def report_error(self, task: FetchedTask, error: errors.BpmnError) -> None:
        """Throw a business error for the diagram to catch."""
        with self.surroundings.sessions.begin() as session:
            external_tasks.throw_error(
                session,
                task.id,
                worker_id=self.worker_id,
                error_code=error.error_code,
                message=error.message,
                variables=error.variables,
            )

    def report_failure(self, task: FetchedTask, error: Exception, *, retries: int) -> None:
        """Say that it did not work: to be tried again later, or an incident."""
        log.warning("task %s of %s failed, %s attempts left: %s", task.id, task.topic, retries, error)
        attempt = ATTEMPTS - retries - 1
        details = "".join(traceback.format_exception(error))
        try:
            with self.surroundings.sessions.begin() as session:
                external_tasks.fail(
                    session,
                    task.id,
                    worker_id=self.worker_id,
                    message=f"{type(error).__name__}: {error}",
                    details=details,
                    retries=retries,
                    retry_in=FIRST_BACK_OFF * 2 ** max(attempt, 0),
                )
        except (errors.InvalidState, errors.NotFound) as gone:
            log.info("task %s of %s is no longer ours: %s", task.id, task.topic, gone.message)

    def give_back(self, task: FetchedTask) -> None:
        """Let others have a task that we fetched and did not begin."""
        with self.surroundings.sessions.begin() as session:
            external_tasks.unlock(session, task.id)


def run_until_signalled(loop: Loop) -> None:
    """Work until SIGTERM or ctrl-C; what is being done then is finished first."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        loop.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    loop.run()


def start_thread(loop: Loop) -> threading.Thread:
    """Run a loop beside whatever else this process does."""
    thread = threading.Thread(target=loop.run, name="worker", daemon=True)
    thread.start()
    return thread
