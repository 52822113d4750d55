"""
Topics that tell people something: `notify`, `remind`, `escalate` and `dispatch`.

Inputs: `recipients` (`user:wang`, `group:customer_director`, or just a name), `subject`, `text`; `dispatch` takes the
name of an archived `document` instead of a text. With `open_tasks` the text of a reminder or report ends with what is
open in the matter, who has it, and until when. Everybody gets a notice inside the product, once however often the
work is tried; those with an address an e-mail too, where e-mail is configured.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.instances import attachments, notifications
from casepath.engine.people import identity
from casepath.engine.queries import user_task
from casepath.workers import Mail, Result, Unrecoverable, Work, topic

#: Seconds to wait for the mail server.
MAIL_TIMEOUT = 20


@topic("notify")
def notify(work: Work) -> Result:
    """Tell people something."""
    return tell(work, "notice", work.text("subject"), work.text("text"))


@topic("remind")
def remind(work: Work) -> Result:
    """Remind people of something that is due."""
    return tell(work, "reminder", work.text("subject"), with_open_tasks(work))


@topic("escalate")
def escalate(work: Work) -> Result:
    """Report to superiors that something was not done."""
    return tell(work, "escalation", work.text("subject"), with_open_tasks(work))


@topic("dispatch")
def dispatch(work: Work) -> Result:
    """Send an archived document to those concerned."""
    key = work.task.business_key
    name = work.text("document")
    if key is None:
        raise Unrecoverable("Expected a business key, under which the document is kept, but found none")
    with work.surroundings.sessions.begin() as session:
        found = [entry for entry in attachments.list_of(session, key) if entry.name.startswith(name)]
    if not found:
        raise Unrecoverable(f"Expected a document '{name}' with {key}, but found none")
    newest = found[-1]
    subject = work.text("subject") or f"{key} {newest.name}"
    return tell(work, "notice", subject, work.text("text") or f"{newest.name} ({newest.size:,} B)")


def with_open_tasks(work: Work) -> str:
    """Return the text, followed by one line for each open user task of the matter where the diagram asks for it."""
    key = work.task.business_key
    lines = [work.text("text")]
    if key is not None and work.task.variables.get("open_tasks"):
        zone = ZoneInfo(work.surroundings.time_zone)
        with work.surroundings.sessions.begin() as session:
            for task in user_task.open_in(session, key):
                due = f" · {task.due_at.astimezone(zone):%Y-%m-%d %H:%M}" if task.due_at else ""
                lines.append(f"· {task.name} · {', '.join(task.who)}{due}")
    return "\n".join(line for line in lines if line)


def tell(work: Work, kind: str, subject: str, text: str) -> Result:
    """Write a notice to each recipient, then send the e-mails that have not gone out yet."""
    if not subject:
        raise Unrecoverable("Expected a subject, but found none")
    with work.surroundings.sessions.begin() as session:
        usernames = resolve(session, work.names("recipients"))
        notifications.notify(
            session,
            usernames,
            kind=kind,
            subject=subject,
            text=text,
            business_key=work.task.business_key,
            idempotency_key=work.task.idempotency_key,
            process_instance_id=work.task.process_instance_id,
        )
    if work.surroundings.mail is not None:
        send_mails(work, work.surroundings.mail, subject, text)
    return Result(local_variables={"recipient_count": len(usernames)})


def resolve(session: Session, recipients: Iterable[str]) -> list[str]:
    """Return the user names that recipients stand for; raises `Unrecoverable` where one stands for nobody known."""
    found: set[str] = set()
    for recipient in recipients:
        kind, _, name = recipient.rpartition(":")
        try:
            if kind == "group":
                identity.group(session, name)
                found |= identity.members(session, [name])
            elif kind in ("", "user"):
                found.add(identity.get(session, name).username)
            else:
                raise Unrecoverable(f"Expected user:… or group:…, but found '{recipient}'")
        except errors.NotFound as error:
            raise Unrecoverable(error.message) from error
    if not found:
        raise Unrecoverable("Expected at least one recipient, but found none")
    return sorted(found)


def send_mails(work: Work, mail: Mail, subject: str, text: str) -> None:
    """Send the e-mails of a task that have not gone out yet; each is noted as sent before the next one goes."""
    sessions = work.surroundings.sessions
    with sessions.begin() as session:
        unsent = notifications.unsent(session, work.task.idempotency_key)
    if not unsent:
        return
    with connect(mail) as server:
        for notification_id, address in unsent:
            server.send_message(message(work, mail, address, subject, text))
            with sessions.begin() as session:
                notifications.mark_sent(session, notification_id)


def connect(mail: Mail) -> smtplib.SMTP:
    """Log in to the mail server."""
    context = ssl.create_default_context()
    if mail.encryption == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=MAIL_TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=MAIL_TIMEOUT)
        if mail.encryption == "starttls":
            server.starttls(context=context)
    if mail.user:
        server.login(mail.user, mail.password)
    return server


def message(work: Work, mail: Mail, address: str, subject: str, text: str) -> EmailMessage:
    """Write an e-mail; the subject is one line, whatever a customer's name contains."""
    written = EmailMessage()
    written["From"] = mail.sender
    written["To"] = address
    written["Subject"] = " ".join(subject.split())
    link = f"\n\n{work.surroundings.url}/" if work.surroundings.url else ""
    written.set_content(f"{text}{link}")
    return written
