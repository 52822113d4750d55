"""
Sends the mails that wait, in a thread of its own: nothing but mail ever waits for a mail server.

A server that cannot be reached, or lets nobody in, is left alone for a while, longer each time; then all goes on by
itself. A mail that the server refuses for the moment is tried again at growing intervals for days (`keep_trying`); one
that it refuses for good, or whose address is none, is undeliverable. Neither keeps the others waiting.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import threading
from datetime import datetime, timedelta

from casepath.engine import errors
from casepath.engine.instances import attachments, mails
from casepath.engine.instances.mails import Outcome, Outgoing
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock
from casepath.workers import Mail, Surroundings, letters, smtp
from casepath.workers.letters import File, Letter

log = logging.getLogger(__name__)

#: Mails that are sent before it is asked again whether to stop.
TOGETHER = 10
#: How long a server that is away is left alone, at first and at most; each time twice as long.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)
#: When a mail that was refused for the moment is tried again, at first and at most; each time twice as long.
FIRST_BACK_OFF, LONGEST_BACK_OFF = timedelta(minutes=1), timedelta(hours=4)

NO_ADDRESS = Phrase("There is no address any more, or the account is not active.")
TOO_LONG = "It was not taken for {count} days, at last: {answer}"


class Outbox:
    """The mails that one worker sends."""

    def __init__(self, surroundings: Surroundings, stopping: threading.Event) -> None:
        self.surroundings = surroundings
        self.stopping = stopping
        self.server: smtplib.SMTP | None = None
        #: The server is left alone until then.
        self.resting_until: datetime | None = None
        self.pause = FIRST_PAUSE
        #: What came of mails and is not noted yet: the database may be away for a moment.
        self.unsettled: list[tuple[Outgoing, Outcome, str | Phrase, timedelta]] = []

    def step(self) -> bool:
        """Send some of the mails that are due; return whether any was tried."""
        mail = self.surroundings.mail
        if mail is None or (self.resting_until is not None and clock.now() < self.resting_until):
            return False
        self.resting_until = None
        tried = 0
        try:
            while tried < TOGETHER and not self.is_to_pause and (outgoing := self.take()) is not None:
                tried += 1
                self.send(outgoing, mail)
        finally:
            self.hang_up()
        return bool(tried)

    @property
    def is_to_pause(self) -> bool:
        """Whether no further mail is begun just now."""
        return self.resting_until is not None or self.stopping.is_set()

    def take(self) -> Outgoing | None:
        """Note what came of the mails before, and return the next one."""
        self.note()
        with self.surroundings.sessions.begin() as session:
            return mails.take(session)

    def send(self, outgoing: Outgoing, mail: Mail) -> None:
        """Try one mail, and note what came of it."""
        try:
            if outgoing.address is None:
                raise smtp.Refused(NO_ADDRESS, for_good=True)
            letter = self.write(outgoing, outgoing.address, mail)
            self.server = self.server or smtp.connect(mail)
            answer = smtp.deliver(self.server, letter, lambda: self.hand_over(outgoing))
        except smtp.Away as error:
            self.put_off(outgoing, mail, str(error), self.pause)
            self.rest(mail, str(error))
        except smtp.Unanswered as error:
            log.warning("mail %s was handed over, but not answered for: %s", outgoing.id, error)
            self.drop()
            self.settle(outgoing, "uncertain", mails.UNANSWERED)
        except smtp.Withdrawn:
            self.drop()
        except smtp.Refused as error:
            self.refuse(outgoing, mail, error)
        except errors.InvalidInput as error:
            self.refuse(outgoing, mail, smtp.Refused(error.phrase, for_good=True))
        else:
            self.pause = FIRST_PAUSE
            log.info("mail %s was sent, attempt %s", outgoing.id, outgoing.attempt)
            self.settle(outgoing, "sent", answer)

    def write(self, outgoing: Outgoing, address: str, mail: Mail) -> Letter:
        """Return a mail as it is sent; raises `InvalidInput`, or `Refused`."""
        file = self.file(outgoing)
        try:
            return letters.write(outgoing, address, mail, self.surroundings, file)
        except errors.InvalidInput:
            raise
        except Exception as error:
            # Whatever no e-mail can have: it must not keep the others waiting.
            log.exception("mail %s cannot be written", outgoing.id)
            raise smtp.Refused(f"{type(error).__name__}: {error}", for_good=True) from error

    def file(self, outgoing: Outgoing) -> File | None:
        """Return the file that a mail carries; None where there is none, or it was removed."""
        if outgoing.attachment_id is None:
            return None
        with self.surroundings.sessions.begin() as session:
            try:
                kept = attachments.get(session, outgoing.attachment_id)
            except errors.NotFound:
                return None
            if kept.size > letters.MAX_FILE:
                return None
            return File(name=kept.name, media_type=kept.media_type, content=attachments.content(session, kept.id))

    def hand_over(self, outgoing: Outgoing) -> bool:
        """Note that a mail leaves now; return whether it may."""
        with self.surroundings.sessions.begin() as session:
            return mails.hand_over(session, outgoing)

    def refuse(self, outgoing: Outgoing, mail: Mail, refusal: smtp.Refused) -> None:
        """Note that a mail was refused."""
        log.warning("mail %s was refused: %s", outgoing.id, refusal)
        if refusal.for_good:
            self.settle(outgoing, "undeliverable", refusal.answer)
        else:
            back_off = min(FIRST_BACK_OFF * 2 ** min(outgoing.attempt - 1, 16), LONGEST_BACK_OFF)
            self.put_off(outgoing, mail, refusal.answer, back_off)

    def put_off(self, outgoing: Outgoing, mail: Mail, answer: str | Phrase, back_off: timedelta) -> None:
        """Have a mail tried again later, unless that was done for too long."""
        if clock.now() - outgoing.created_at >= mail.keep_trying:
            self.settle(outgoing, "undeliverable", Phrase(TOO_LONG, count=mail.keep_trying.days, answer=answer))
        else:
            self.settle(outgoing, "waiting", answer, back_off)

    def settle(
        self, outgoing: Outgoing, outcome: Outcome, answer: str | Phrase, retry_in: timedelta = timedelta(0)
    ) -> None:
        """Note what came of a mail."""
        self.unsettled.append((outgoing, outcome, answer, retry_in))
        self.note()

    def note(self) -> None:
        """Note what came of mails and is not noted yet."""
        while self.unsettled:
            outgoing, outcome, answer, retry_in = self.unsettled[0]
            with self.surroundings.sessions.begin() as session:
                mails.settle(session, outgoing, outcome, answer=answer, retry_in=retry_in)
            del self.unsettled[0]

    def rest(self, mail: Mail, words: str) -> None:
        """Leave the mail server alone for a while."""
        log.warning("the mail server %s:%s is away: %s; tried again in %s", mail.host, mail.port, words, self.pause)
        self.resting_until = clock.now() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.drop()

    def hang_up(self) -> None:
        """End the connection as one should, where there is one."""
        if self.server is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.server.quit()
            self.drop()

    def drop(self) -> None:
        """End the connection without a word: the server expects the rest of a mail, or nothing more."""
        if self.server is not None:
            self.server.close()
            self.server = None
