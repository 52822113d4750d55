"""
What goes out through channels: each is a topic of service tasks, and has its own thread while something waits for it.

Inputs of such a service task: `text`; `to`, an address, or `recipient`, the key of a record of the register that the
channel names. What the channel sends beside it, it takes from the variables that its declaration names. The delivery is
written in the transaction that completes the task; what waits is sent afterwards, so that no process, and no other
channel, waits for a server.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.deployments import Channel, channels
from casepath.engine.instances import deliveries, external_tasks
from casepath.engine.instances.deliveries import Outgoing
from casepath.engine.instances.external_tasks import FetchedTask, Topic
from casepath.engine.phrases import Phrase
from casepath.workers import DEFAULT_LOCK, Surroundings, Work, connectors
from casepath.workers.sending import Answer, Attempt, Refused, Sender, Withdrawn
from casepath.workers.topics import Topics, others_left

log = logging.getLogger(__name__)

#: How many deliveries go to the log in one transaction, and how many tasks are completed in one.
LOGGED_TOGETHER = 100
TAKEN_TOGETHER = 20
#: How long a thread that has much to write lets others write, in seconds.
BREATH = 0.03

NO_ADDRESS = Phrase("There is no address, or the record is not in use any more.")
LOGGED = Phrase("Written to the log; nobody was sent anything.")


class Courier(Sender[Outgoing]):
    """What goes out through one channel."""

    noun = "delivery"
    unanswered = deliveries.UNANSWERED

    def __init__(self, surroundings: Surroundings, stopping: threading.Event, key: str) -> None:
        super().__init__(surroundings, stopping)
        self.key = key
        #: As declared when the last round began.
        self.channel: Channel | None = None
        #: Of the last round: how many were not sent, because whoever was to have them has not agreed to that.
        self.withheld = 0

    @property
    def where(self) -> str:
        """The channel, for the log."""
        return f"the channel {self.key}"

    @property
    def keep_trying(self) -> timedelta:
        """How long a delivery is tried that is refused for the moment."""
        return self.surroundings.keep_trying

    def step(self) -> bool:
        """Send some of the deliveries that are due; return whether any was tried, or settled without."""
        if self.is_resting:
            return False
        # However the channel is declared meanwhile.
        self.note()
        with self.surroundings.readers.begin() as session:
            try:
                self.channel = channels.declared(session, self.key)
            except errors.NotFound:
                return False
        self.withheld = 0
        tried = self.write_to_log(self.channel) if self.channel.connector == "log" else super().step()
        return tried or bool(self.withheld)

    def write_to_log(self, channel: Channel) -> bool:
        """Note that deliveries went out, many in one transaction: nothing leaves that it would have to wait for."""
        with self.surroundings.sessions.begin() as session:
            items = self.given(session, channel, LOGGED_TOGETHER)
            for item in items:
                if item.address is None and channel.recipients is not None:
                    deliveries.settle(session, item, "undeliverable", answer=NO_ADDRESS)
                else:
                    deliveries.settle(session, item, "sent", answer=LOGGED)
        for item in items:
            log.info("delivery %s went out through %s", item.id, self.key)
        return bool(items)

    def taken(self, session: Session) -> Outgoing | None:
        """Return the delivery that is due longest."""
        assert self.channel is not None
        return next(iter(self.given(session, self.channel, 1)), None)

    def given(self, session: Session, channel: Channel, limit: int) -> Sequence[Outgoing]:
        """Return some of the deliveries that are due, and count those that may not go out."""
        taken = deliveries.take(session, channel, limit=limit)
        self.withheld += taken.withheld
        return taken.items

    def handed_over(self, session: Session, item: Outgoing) -> bool:
        """Note that a delivery leaves now; return whether it may."""
        return deliveries.hand_over(session, item)

    def settled(self, session: Session, attempt: Attempt[Outgoing]) -> None:
        """Write down what came of a delivery."""
        deliveries.settle(
            session,
            attempt.item,
            attempt.outcome,
            answer=attempt.answer,
            retry_in=attempt.retry_in,
            number=attempt.number,
        )

    def deliver(self, item: Outgoing, hand_over: Callable[[], bool]) -> Answer:
        """Have the connector take a delivery out."""
        channel = self.channel
        assert channel is not None
        if item.address is None and channel.recipients is not None:
            raise Refused(NO_ADDRESS, for_good=True)

        def leave() -> None:
            if not hand_over():
                raise Withdrawn

        return connectors.http(item, channel, self.surroundings.endpoints.get(channel.setting), leave)


class Couriers:
    """The channels that one worker serves: takes what is to go out, and has each channel send beside the others."""

    def __init__(self, surroundings: Surroundings, stopping: threading.Event, topics: Topics) -> None:
        self.surroundings = surroundings
        self.stopping = stopping
        self.topics = topics
        self.known: dict[str, Courier] = {}
        self.running: dict[str, threading.Thread] = {}

    def take(self) -> int:
        """
        Complete service tasks whose topics are channels, with what is to go out written down; return how many.

        That waits for nobody. Where only one can write at a time, a few share a transaction and are undone one by one.
        """
        failed: list[tuple[FetchedTask, Exception]] = []
        with self.surroundings.readers.begin() as session:
            names = [name for name in channels.keys(session) if name not in self.topics.handlers]
            wanted = [Topic(name=name, lock_for=DEFAULT_LOCK) for name in names]
            if not external_tasks.are_waiting(session, wanted):
                return 0
            declared = {name: channels.declared(session, name) for name in names}
        with self.surroundings.sessions.begin() as session:
            together = TAKEN_TOGETHER if session.get_bind().dialect.name == "sqlite" else 1
            fetched = external_tasks.fetch_and_lock(session, wanted, worker_id=self.topics.worker_id, limit=together)
            for task in fetched:
                try:
                    with session.begin_nested():
                        self.complete(session, task, declared[task.topic])
                except OperationalError:
                    # The database is busy or away: that is no failure of the task.
                    raise
                except Exception as error:
                    failed.append((task, error))
        for task, reason in failed:
            for_good = isinstance(reason, (errors.OverBudget, errors.InvalidInput))
            self.topics.report_failure(task, reason, retries=0 if for_good else others_left(task))
        return len(fetched)

    def complete(self, session: Session, task: FetchedTask, channel: Channel) -> None:
        """Write down what is to go out, and let the process go on."""
        work = Work(task=task, surroundings=self.surroundings)

        def put(changing: Session) -> None:
            deliveries.put(
                changing,
                channel,
                text=work.text("text"),
                to=work.text("to"),
                record_key=work.text("recipient"),
                variables=task.variables,
                idempotency_key=task.idempotency_key,
                process_instance_id=task.process_instance_id,
                business_key=task.business_key,
            )

        external_tasks.complete(session, task.id, worker_id=self.topics.worker_id, also=put)

    def waiting(self) -> list[Courier]:
        """Return those through whose channels something is to go out now, or that have something to note."""
        keys = {key for key, courier in self.known.items() if courier.unsettled}
        with self.surroundings.readers.begin() as session:
            is_any_due = deliveries.are_due(session)
        if is_any_due:
            with self.surroundings.sessions.begin() as session:
                keys |= set(deliveries.due(session))
        for key in keys:
            self.known.setdefault(key, Courier(self.surroundings, self.stopping, key))
        return [self.known[key] for key in sorted(keys) if not self.known[key].is_resting]

    def begin(self) -> bool:
        """Have channels send in threads of their own, one of each; return whether any was begun."""
        self.running = {key: thread for key, thread in self.running.items() if thread.is_alive()}
        begun = [each for each in self.waiting() if each.key not in self.running]
        for courier in begun:
            thread = threading.Thread(target=send_all, args=(courier,), name=courier.where, daemon=True)
            self.running[courier.key] = thread
            thread.start()
        return bool(begun)

    def finish(self, seconds: float) -> None:
        """Wait for the channels that send, for so long; what is on its way then and not answered for is uncertain."""
        end = time.monotonic() + seconds
        for thread in list(self.running.values()):
            thread.join(max(end - time.monotonic(), 0))
            if thread.is_alive():
                log.warning("%s is left while it sends", thread.name)

    def step(self) -> bool:
        """Send in this thread what is to go out now; return whether there was anything."""
        tried = [courier.step() for courier in self.waiting()]
        return any(tried)


def send_all(courier: Courier) -> None:
    """Send until nothing waits, or the server has to be left alone."""
    try:
        while not courier.stopping.is_set() and courier.step():
            courier.stopping.wait(BREATH)
    except Exception:
        # The database is away, or a fault of ours: what was taken is taken again when its lock ends.
        log.exception("%s has stopped; it is begun again", courier.where)
