"""Sends the mails that wait, in a thread of its own: nothing but mail ever waits for a mail server."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.instances import attachments, mails
from casepath.engine.instances.mails import Outgoing
from casepath.engine.phrases import Phrase
from casepath.workers import Mail, Surroundings, letters, smtp
from casepath.workers.letters import File, Letter
from casepath.workers.sending import Answer, Attempt, Refused, Sender

log = logging.getLogger(__name__)

NO_ADDRESS = Phrase("There is no address any more, or the account is not active.")


class Outbox(Sender[Outgoing]):
    """The mails that one worker sends."""

    noun = "mail"
    unanswered = mails.UNANSWERED

    def __init__(self, surroundings: Surroundings, stopping: threading.Event) -> None:
        super().__init__(surroundings, stopping)
        self.server: smtplib.SMTP | None = None

    def step(self) -> bool:
        """Send some of the mails that are due, over one connection; return whether any was tried."""
        if self.surroundings.mail is None or not (self.unsettled or self.are_due()):
            return False
        try:
            return super().step()
        finally:
            self.hang_up()

    def are_due(self) -> bool:
        """Tell whether a mail is to be sent, or given up, now; that holds nobody up who writes."""
        with self.surroundings.readers.begin() as session:
            return mails.are_due(session)

    @property
    def mail(self) -> Mail:
        """How e-mail goes out."""
        assert self.surroundings.mail is not None
        return self.surroundings.mail

    @property
    def where(self) -> str:
        """The mail server, for the log."""
        return f"the mail server {self.mail.host}:{self.mail.port}"

    @property
    def keep_trying(self) -> timedelta:
        """How long a mail is tried that the mail server refuses for the moment."""
        return self.mail.keep_trying

    def taken(self, session: Session) -> Outgoing | None:
        """Return the mail that is due longest."""
        return mails.take(session)

    def handed_over(self, session: Session, item: Outgoing) -> bool:
        """Note that a mail leaves now; return whether it may."""
        return mails.hand_over(session, item)

    def settled(self, session: Session, attempt: Attempt[Outgoing]) -> None:
        """Write down what came of a mail."""
        mails.settle(session, attempt.item, attempt.outcome, answer=attempt.answer, retry_in=attempt.retry_in)

    def deliver(self, item: Outgoing, hand_over: Callable[[], bool]) -> Answer:
        """Hand a mail over to the mail server."""
        if item.address is None:
            raise Refused(NO_ADDRESS, for_good=True)
        letter = self.write(item, item.address)
        self.server = self.server or smtp.connect(self.mail)
        return Answer(text=smtp.deliver(self.server, letter, hand_over))

    def write(self, outgoing: Outgoing, address: str) -> Letter:
        """Return a mail as it is sent; raises `Refused`."""
        file = self.file(outgoing)
        try:
            return letters.write(outgoing, address, self.mail, self.surroundings, file)
        except errors.InvalidInput as error:
            raise Refused(error.phrase, for_good=True) from error
        except Exception as error:
            # Whatever no e-mail can have: it must not keep the others waiting.
            log.exception("mail %s cannot be written", outgoing.id)
            raise Refused(f"{type(error).__name__}: {error}", for_good=True) from error

    def file(self, outgoing: Outgoing) -> File | None:
        """Return the file that a mail carries; None where there is none, or it was removed."""
        if outgoing.attachment_id is None:
            return None
        with self.surroundings.readers.begin() as session:
            try:
                kept = attachments.get(session, outgoing.attachment_id)
            except errors.NotFound:
                return None
            if kept.size > letters.MAX_FILE:
                return None
            return File(name=kept.name, media_type=kept.media_type, content=attachments.content(session, kept.id))

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
