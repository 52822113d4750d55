"""
What an e-mail looks like: a text with the address of its matter beneath, and where asked for a file.

All mails of one matter refer to one Message-ID that no mail has, so that mail programs show them as one thread, in
whatever order they come. The Message-ID of a mail is the same in every attempt: where one arrives twice after all, mail
servers and programs may fold the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote
from zoneinfo import ZoneInfo

from casepath.engine.instances.mails import Outgoing
from casepath.engine.people import account_rules
from casepath.workers import Mail, Surroundings

#: Bytes of a file that a mail carries; a larger one is found by the address in it.
MAX_FILE = 10_000_000


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that a mail carries."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Letter:
    """An e-mail as it is handed over."""

    sender: str
    recipient: str
    content: bytes
    #: The mail server has to take letters beyond ASCII in addresses.
    needs_utf8: bool


def write(outgoing: Outgoing, address: str, mail: Mail, surroundings: Surroundings, file: File | None = None) -> Letter:
    """Return a letter; raises `InvalidInput` where the address, or that of the sender, is none."""
    sender_name, sender = account_rules.mailbox(mail.sender)
    sender, recipient = routed(sender), routed(address)
    domain = sender.rpartition("@")[2]
    needs_utf8 = not (sender + recipient).isascii()
    # In ASCII as far as can be: not every server on the way takes more.
    message = EmailMessage(policy=(SMTPUTF8 if needs_utf8 else SMTP).clone(cte_type="7bit"))
    message["From"] = named(sender_name, sender)
    message["To"] = named(outgoing.name, recipient)
    message["Subject"] = one_line(outgoing.subject)
    message["Date"] = format_datetime(outgoing.created_at.astimezone(ZoneInfo(surroundings.time_zone)))
    message["Message-ID"] = f"<{outgoing.token}@{domain}>"
    if outgoing.business_key is not None:
        thread = sha256(outgoing.business_key.encode()).hexdigest()[:32]
        message["In-Reply-To"] = message["References"] = f"<matter.{thread}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(part for part in (outgoing.text, link(outgoing, surroundings)) if part))
    if file is not None and len(file.content) <= MAX_FILE:
        kind, _, subtype = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    return Letter(sender=sender, recipient=recipient, content=bytes(message), needs_utf8=needs_utf8)


def link(outgoing: Outgoing, surroundings: Surroundings) -> str:
    """Return the address of the page of a matter; that of all notices where there is none."""
    if not surroundings.url:
        return ""
    if outgoing.business_key is None:
        return f"{surroundings.url}/notifications/"
    return f"{surroundings.url}/matters/show/{quote(outgoing.business_key)}"


def named(name: str, address: str) -> Address:
    """Return an address with the name of whoever has it."""
    local, _, domain = address.rpartition("@")
    return Address(display_name=one_line(name), username=local, domain=domain)


def routed(address: str) -> str:
    """Return an address with its domain in ASCII; raises `InvalidInput` where it is none."""
    local, _, domain = (account_rules.email(address) or "").rpartition("@")
    try:
        # Refuses empty and overlong labels, too.
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    if not ascii_domain:
        raise account_rules.no_email(address)
    return f"{local}@{ascii_domain}"


def one_line(text: str) -> str:
    """Return a text that adds no header: without ends of lines, or other characters that nobody sees."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
