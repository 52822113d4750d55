"""
Hands letters over to a mail server, step by step, so that it is known at which one it failed.

Until the text leaves, a letter that was not taken is safe to try again. Once all of it has left, the server's answer
says what became of it; without one nobody knows.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from typing import Literal

from casepath.engine.phrases import Phrase
from casepath.workers import Mail
from casepath.workers.letters import Letter
from casepath.workers.sending import Away, Refused, Unanswered, Withdrawn

#: Whom a refusal concerns.
Whose = Literal["server", "letter"]

NO_UTF8 = Phrase("The mail server takes no letters beyond ASCII before the @ of an address.")


def connect(mail: Mail) -> smtplib.SMTP:
    """Log in to the mail server; raises `Away`."""
    context = ssl.create_default_context()
    server: smtplib.SMTP | None = None
    try:
        if mail.encryption == "tls":
            server = smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout, context=context)
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout)
            if mail.encryption == "starttls":
                server.starttls(context=context)
        if mail.user:
            server.login(mail.user, mail.password)
        server.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        if server is not None:
            server.close()
        raise Away(words(error)) from None
    return server


def deliver(server: smtplib.SMTP, letter: Letter, hand_over: Callable[[], bool]) -> str:
    """
    Hand a letter over and return what the server says to it.

    `hand_over` is called just before the text leaves, and says whether it may. Raises `Refused`, `Unanswered`,
    `Withdrawn`, or `Away`; after the last one, and after `Unanswered`, the connection is of no use.
    """
    if letter.needs_utf8 and not server.has_extn("smtputf8"):
        raise Refused(NO_UTF8, for_good=True)
    # What was begun for another letter and not brought to its end is forgotten.
    ask(lambda: server.docmd("RSET"), whose="server")
    options = ["SMTPUTF8"] if letter.needs_utf8 else []
    ask(lambda: server.mail(letter.sender, options), whose="server")
    ask(lambda: server.rcpt(letter.recipient), whose="letter")
    ask(lambda: server.docmd("DATA"), whose="letter", expected=354)
    if not hand_over():
        raise Withdrawn
    try:
        server.send(quoted(letter.content))
    except (OSError, smtplib.SMTPException) as error:
        # Its end has not left, so the server cannot have taken it.
        raise Away(words(error)) from None
    try:
        code, said = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise Unanswered(words(error)) from None
    return judged(code, said, whose="letter", expected=250)


def ask(step: Callable[[], tuple[int, bytes]], *, whose: Whose, expected: int = 250) -> str:
    """Take a step; return what the server says; raises `Away`, or `Refused` where a refusal is the letter's."""
    try:
        code, said = step()
    except (OSError, smtplib.SMTPException) as error:
        raise Away(words(error)) from None
    return judged(code, said, whose=whose, expected=expected)


def judged(code: int, said: bytes, *, whose: Whose, expected: int) -> str:
    """Return an answer that is a yes; raises `Away` or `Refused`."""
    answer = f"{code} {said.decode('utf-8', 'replace')}"
    if code == expected or (expected == 250 and code == 251):
        return answer
    # 421: the server goes away, whatever was asked.
    if whose == "server" or code == 421:
        raise Away(answer)
    raise Refused(answer, for_good=500 <= code < 600)


def quoted(content: bytes) -> bytes:
    """Return a text as it is sent: with one kind of end of line, points at the beginning doubled, and its end."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


def words(error: Exception) -> str:
    """Return what went wrong, on one line; nothing that was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return " ".join(str(error).split()) or type(error).__name__
