"""
Sends what waits in a queue of what goes out, whatever takes it there.

A server that cannot be reached, or lets nobody in, is left alone for a while, longer each time; then all goes on by
itself. What it refuses for the moment is tried again at growing intervals for days (`keep_trying`); what it refuses for
good is undeliverable. Neither keeps the others waiting.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from casepath.engine.instances.outgoing import Outcome
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock
from casepath.workers import Surroundings

log = logging.getLogger(__name__)

#: How many are sent before it is asked again whether to stop.
TOGETHER = 10
#: How long a server that is away is left alone, at first and at most; each time twice as long.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)
#: When what was refused for the moment is tried again, at first and at most; each time twice as long.
FIRST_BACK_OFF, LONGEST_BACK_OFF = timedelta(minutes=1), timedelta(hours=4)

TOO_LONG = "It was not taken for {count} days, at last: {answer}"


class Away(Exception):
    """The server cannot be reached, or lets nobody in: that concerns all that goes to it."""


class Refused(Exception):
    """The server did not take this one: for good, or for the moment."""

    def __init__(self, answer: str | Phrase, *, for_good: bool) -> None:
        self.answer = answer
        self.for_good = for_good
        super().__init__(str(answer))


class Unanswered(Exception):
    """The server was given all of it and did not say what became of it."""


class Withdrawn(Exception):
    """It must not leave any more: somebody else has it, or nobody."""


class Outgoing(Protocol):
    """One of those that go out."""

    @property
    def id(self) -> int: ...

    @property
    def attempt(self) -> int: ...

    @property
    def created_at(self) -> datetime: ...


Item = TypeVar("Item", bound=Outgoing)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said to one that it took."""

    text: str
    #: What it calls it; None where it does not say.
    number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt(Generic[Item]):
    """What came of one that was tried."""

    item: Item
    outcome: Outcome
    answer: str | Phrase
    #: When it is tried again, where it is to wait.
    retry_in: timedelta = timedelta(0)
    #: What the server calls it; None where it does not say.
    number: str | None = None


class Sender(ABC, Generic[Item]):
    """What one thread sends of a queue to one server; where it goes and how its rows are kept say the heirs."""

    #: What is sent, for the log.
    noun = ""
    #: What is said of one that was handed over and never answered for.
    unanswered: Phrase

    def __init__(self, surroundings: Surroundings, stopping: threading.Event) -> None:
        self.surroundings = surroundings
        self.stopping = stopping
        #: The server is left alone until then.
        self.resting_until: datetime | None = None
        self.pause = FIRST_PAUSE
        #: What came of those that were sent and is not noted yet: the database may be away for a moment.
        self.unsettled: list[Attempt[Item]] = []

    @abstractmethod
    def taken(self, session: Session) -> Item | None:
        """Return the one that is due longest; None where none is."""

    @abstractmethod
    def handed_over(self, session: Session, item: Item) -> bool:
        """Note that one leaves now; return whether it may."""

    @abstractmethod
    def settled(self, session: Session, attempt: Attempt[Item]) -> None:
        """Write down what came of one; it is asked for again where the transaction fails."""

    @abstractmethod
    def deliver(self, item: Item, hand_over: Callable[[], bool]) -> Answer:
        """
        Send one and return what the server says to it.

        `hand_over` is called just before it leaves, and says whether it may. Raises `Away`, `Refused`, `Unanswered`, or
        `Withdrawn`.
        """

    @property
    @abstractmethod
    def where(self) -> str:
        """To where it is sent, for the log."""

    @property
    @abstractmethod
    def keep_trying(self) -> timedelta:
        """How long one is tried that the server refuses for the moment."""

    def drop(self) -> None:
        """End a connection that is of no use any more, where one is kept."""

    @property
    def is_resting(self) -> bool:
        """Whether the server is left alone."""
        return self.resting_until is not None and clock.now() < self.resting_until

    def step(self) -> bool:
        """Send some of those that are due; return whether any was tried."""
        if self.is_resting:
            return False
        self.resting_until = None
        tried = 0
        while tried < TOGETHER and not self.is_to_pause and (item := self.take()) is not None:
            tried += 1
            self.send(item)
        return bool(tried)

    @property
    def is_to_pause(self) -> bool:
        """Whether no further one is begun just now."""
        return self.resting_until is not None or self.stopping.is_set()

    def take(self) -> Item | None:
        """Note what came of those before, and return the next one."""
        self.note()
        with self.surroundings.sessions.begin() as session:
            return self.taken(session)

    def send(self, item: Item) -> None:
        """Try one, and note what came of it."""
        try:
            answer = self.deliver(item, lambda: self.hand_over(item))
        except Away as error:
            self.put_off(item, str(error), self.pause)
            self.rest(str(error))
        except Unanswered as error:
            log.warning("%s %s was handed over, but not answered for: %s", self.noun, item.id, error)
            self.drop()
            self.settle(Attempt(item=item, outcome="uncertain", answer=self.unanswered))
        except Withdrawn:
            self.drop()
        except Refused as error:
            self.refuse(item, error)
        else:
            self.pause = FIRST_PAUSE
            log.info("%s %s was sent, attempt %s", self.noun, item.id, item.attempt)
            self.settle(Attempt(item=item, outcome="sent", answer=answer.text, number=answer.number))

    def hand_over(self, item: Item) -> bool:
        """Note that one leaves now; return whether it may."""
        with self.surroundings.sessions.begin() as session:
            return self.handed_over(session, item)

    def refuse(self, item: Item, refusal: Refused) -> None:
        """Note that one was refused."""
        log.warning("%s %s was refused: %s", self.noun, item.id, refusal)
        if refusal.for_good:
            self.settle(Attempt(item=item, outcome="undeliverable", answer=refusal.answer))
        else:
            back_off = min(FIRST_BACK_OFF * 2 ** min(item.attempt - 1, 16), LONGEST_BACK_OFF)
            self.put_off(item, refusal.answer, back_off)

    def put_off(self, item: Item, answer: str | Phrase, back_off: timedelta) -> None:
        """Have one tried again later, unless that was done for too long."""
        if clock.now() - item.created_at >= self.keep_trying:
            too_long = Phrase(TOO_LONG, count=self.keep_trying.days, answer=answer)
            self.settle(Attempt(item=item, outcome="undeliverable", answer=too_long))
        else:
            self.settle(Attempt(item=item, outcome="waiting", answer=answer, retry_in=back_off))

    def settle(self, attempt: Attempt[Item]) -> None:
        """Note what came of one."""
        self.unsettled.append(attempt)
        self.note()

    def note(self) -> None:
        """Note what came of those that were sent and is not noted yet."""
        while self.unsettled:
            with self.surroundings.sessions.begin() as session:
                self.settled(session, self.unsettled[0])
            del self.unsettled[0]

    def rest(self, words: str) -> None:
        """Leave the server alone for a while."""
        log.warning("%s is away: %s; tried again in %s", self.where, words, self.pause)
        self.resting_until = clock.now() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.drop()
