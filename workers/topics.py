"""
External tasks: fetched, handled, reported.

A handler that fails is tried again after a while, at growing intervals; after `ATTEMPTS` it is an incident. Each topic
has `SLOTS` handlers at most at the same time, each in a thread of its own: one that waits for the network keeps nobody
else waiting, and one that hangs costs its slot. The lock of a task is extended while its handler runs, for an hour at
most. A worker that is killed holds its locks until they run out; then the next one does the work once more, with the
same idempotency key.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import OperationalError

from casepath.engine import errors
from casepath.engine.instances import external_tasks
from casepath.engine.instances.external_tasks import FetchedTask, Topic
from casepath.engine.people.authorization import Program
from casepath.engine.settings import ATTEMPTS
from casepath.engine.time import clock
from casepath.workers import DEFAULT_LOCK, Handler, Result, Surroundings, Unrecoverable, Work

log = logging.getLogger(__name__)

FIRST_BACK_OFF = timedelta(seconds=30)
#: Handlers of one topic that run at the same time.
SLOTS = 2
#: How long a handler may run before others may have its task.
LONGEST = timedelta(hours=1)


@dataclass(kw_only=True)
class Running:
    """A task whose handler runs."""

    task: FetchedTask
    thread: threading.Thread
    began_at: datetime
    #: When its lock ends; None where it is not extended any more.
    locked_until: datetime | None


class Topics:
    """The topics that one worker serves."""

    def __init__(self, surroundings: Surroundings, handlers: Mapping[str, Handler], worker_id: str) -> None:
        self.surroundings = surroundings
        self.handlers = handlers
        self.worker_id = worker_id
        self.running: dict[int, Running] = {}
        #: Guards `running`.
        self.lock = threading.Lock()
        #: Set when a handler has ended, or when there is no reason to wait for one.
        self.freed = threading.Event()

    def is_anything_for(self, topics: Sequence[Topic]) -> bool:
        """Tell whether tasks wait under some topics; that holds nobody up who writes."""
        if not topics:
            return False
        with self.surroundings.readers.begin() as session:
            return external_tasks.are_waiting(session, topics)

    # -- one after the other -------------------------------------------------------------------------------------------

    def fetch(self, names: Iterable[str], limit: int) -> list[FetchedTask]:
        """Take tasks of some topics."""
        topics = [Topic(name=name, lock_for=DEFAULT_LOCK) for name in sorted(names)]
        if not self.is_anything_for(topics):
            return []
        with self.surroundings.sessions.begin() as session:
            return external_tasks.fetch_and_lock(session, topics, worker_id=self.worker_id, limit=limit)

    def handle(self, task: FetchedTask) -> None:
        """Do one task and report what came of it."""
        if task.refusal is not None:
            self.report_failure(task, task.refusal, retries=0)
            return
        work = Work(task=task, surroundings=self.surroundings)
        try:
            result = self.handlers[task.topic](work)
        except errors.BpmnError as error:
            self.report_error(task, error)
        except Unrecoverable as error:
            self.report_failure(task, error, retries=0)
        except Exception as error:
            self.report_failure(task, error, retries=others_left(task))
        else:
            self.report_result(task, result)

    def give_back(self, task: FetchedTask) -> None:
        """Let others have a task that we fetched and did not begin."""
        with self.surroundings.sessions.begin() as session:
            external_tasks.unlock(session, task.id, by=Program(self.worker_id))

    # -- side by side --------------------------------------------------------------------------------------------------

    def serve(self, seconds: float) -> None:
        """Begin what waits where slots are free; where nothing does, wait until a handler has ended, or for so long."""
        self.freed.clear()
        self.extend_locks()
        if not self.begin():
            self.freed.wait(seconds)

    def begin(self) -> bool:
        """Begin tasks in threads of their own; return whether there were any."""
        topics = [(Topic(name=name, lock_for=DEFAULT_LOCK), free) for name, free in self.free_slots().items()]
        if not self.is_anything_for([topic for topic, _ in topics]):
            return False
        with self.surroundings.sessions.begin() as session:
            fetched = [
                task
                for topic, free in topics
                for task in external_tasks.fetch_and_lock(session, [topic], worker_id=self.worker_id, limit=free)
            ]
        for task in fetched:
            name = f"{task.topic} {task.id}"
            thread = threading.Thread(target=self.occupy_slot, args=(task,), name=name, daemon=True)
            with self.lock:
                self.running[task.id] = Running(
                    task=task, thread=thread, began_at=clock.now(), locked_until=task.locked_until
                )
            thread.start()
        return bool(fetched)

    def free_slots(self) -> dict[str, int]:
        """Return the topics that have free slots, and how many."""
        with self.lock:
            taken = Counter(each.task.topic for each in self.running.values())
        return {name: SLOTS - taken[name] for name in sorted(self.handlers) if taken[name] < SLOTS}

    def occupy_slot(self, task: FetchedTask) -> None:
        """Do a task in this thread, and free its slot whatever comes."""
        try:
            self.handle(task)
        except BaseException:
            # The database was away when we reported, or the handler wanted to end its thread.
            log.exception("task %s of %s was not reported; it is done again when its lock ends", task.id, task.topic)
        finally:
            with self.lock:
                del self.running[task.id]
            self.freed.set()

    def extend_locks(self) -> None:
        """Keep the tasks whose handlers run."""
        now = clock.now()
        with self.lock:
            running = list(self.running.values())
        for each in running:
            if each.locked_until is None or each.locked_until - now >= DEFAULT_LOCK / 2:
                continue
            each.locked_until = self.extended(each.task) if now - each.began_at < LONGEST else None
            if each.locked_until is None:
                log.error("task %s of %s still runs, but is no longer ours", each.task.id, each.task.topic)

    def extended(self, task: FetchedTask) -> datetime | None:
        """Keep a task for another while and return until when; None where another worker has it, or nobody any more."""
        try:
            with self.surroundings.sessions.begin() as session:
                return external_tasks.extend_lock(session, task.id, worker_id=self.worker_id, lock_for=DEFAULT_LOCK)
        except (errors.InvalidState, errors.NotFound):
            return None

    def finish(self, seconds: float) -> None:
        """Wait for the handlers that run, for so long; what is not done then is done again when its lock ends."""
        end = time.monotonic() + seconds
        with self.lock:
            running = list(self.running.values())
        for each in running:
            each.thread.join(max(end - time.monotonic(), 0))
            if each.thread.is_alive():
                log.warning("task %s of %s is left undone", each.task.id, each.task.topic)

    # -- reporting -----------------------------------------------------------------------------------------------------

    def report_result(self, task: FetchedTask, result: Result) -> None:
        """Complete a task."""
        self.move_on(
            task,
            partial(
                external_tasks.complete,
                variables=result.variables,
                local_variables=result.local_variables,
                also=result.also,
            ),
        )

    def report_error(self, task: FetchedTask, error: errors.BpmnError) -> None:
        """Throw a business error for the diagram to catch."""
        self.move_on(
            task,
            partial(
                external_tasks.throw_error,
                error_code=error.error_code,
                message=error.message,
                variables=error.variables,
            ),
        )

    def move_on(self, task: FetchedTask, report: Callable[..., None]) -> None:
        """Report what came of a task; where its process cannot go on with that, the task has failed."""
        try:
            with self.surroundings.sessions.begin() as session:
                report(session, task.id, worker_id=self.worker_id)
        except (errors.InvalidState, errors.NotFound) as error:
            # Somebody ended the activity, or another worker took over, while we were at it.
            log.info("task %s of %s is no longer ours: %s", task.id, task.topic, error.message)
        except OperationalError:
            # The database is busy or away: that is no failure of the task.
            raise
        except Exception as error:
            # A step that takes too much would do so again, and a result that is refused too.
            for_good = isinstance(error, (errors.InvalidInput, errors.Unreadable))
            self.report_failure(task, error, retries=0 if for_good else others_left(task))

    def report_failure(self, task: FetchedTask, error: Exception, *, retries: int) -> None:
        """Say that it did not work: to be tried again later, or an incident."""
        log.warning("task %s of %s failed, %s attempts left: %s", task.id, task.topic, retries, error)
        attempt = ATTEMPTS - retries - 1
        message = error.phrase if isinstance(error, errors.EngineError) else f"{type(error).__name__}: {error}"
        details = "".join(traceback.format_exception(error))
        try:
            with self.surroundings.sessions.begin() as session:
                external_tasks.fail(
                    session,
                    task.id,
                    worker_id=self.worker_id,
                    message=message,
                    details=details,
                    retries=retries,
                    retry_in=FIRST_BACK_OFF * 2 ** max(attempt, 0),
                )
        except (errors.InvalidState, errors.NotFound) as gone:
            log.info("task %s of %s is no longer ours: %s", task.id, task.topic, gone.message)


def others_left(task: FetchedTask) -> int:
    """Return how many attempts are left when this one has failed."""
    return max((ATTEMPTS if task.retries is None else task.retries) - 1, 0)
