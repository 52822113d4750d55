"""Files that belong to a matter: photos, letters, recordings, the archived form."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from hashlib import sha256
from pathlib import PurePosixPath

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine import errors, history
from casepath.engine.database.models import Attachment
from casepath.engine.history import Event
from casepath.engine.instances import media_types
from casepath.engine.instances.comments import instance_of
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import By, Person, Program
from casepath.engine.phrases import Size
from casepath.engine.settings import current
from casepath.engine.time import clock

#: Bytes of one file, and files of one matter, where the caller says nothing else.
MAX_SIZE = 20_000_000
MAX_COUNT = 500
MAX_NAME_LENGTH = 120
DAY = timedelta(hours=24)

#: Characters that file systems, headers or readers might take for something else.
_UNSAFE = re.compile(r"[<>:\"|?*\\/\x00-\x1f\x7f]")


def add(
    session: Session,
    business_key: str,
    *,
    name: str,
    content: bytes,
    by: By,
    media_type: str | None = None,
    process_instance_id: int | None = None,
    max_size: int = MAX_SIZE,
) -> Attachment:
    """
    Keep a file with a matter; the history of a process instance of it, the newest where none is named, says so.

    The media type is found out from the bytes; only a program may say what it is. Raises
    `InvalidInput` for an empty or large file or too many, `NotFound` for strangers, `Forbidden` for those who may only
    look.
    """
    name = safe_name(name)
    if not content:
        raise errors.InvalidInput(
            "“{file}” is empty; a file has something in it, at most {limit}.",
            code="file-empty", file=name, limit=Size(max_size),
        )
    if len(content) > max_size:
        raise errors.InvalidInput(
            "“{file}” has {size}; a file may have at most {limit}.",
            code="file-too-large", file=name, limit=Size(max_size), size=Size(len(content)),
        )
    actor = access.contributor(session, by, business_key)
    instance_id = instance_of(session, business_key, process_instance_id)
    history.lock(session, instance_id)
    counted = select(func.count()).select_from(Attachment).where(Attachment.business_key == business_key)
    present = session.scalar(counted) or 0
    if present >= MAX_COUNT:
        raise errors.InvalidInput(
            "A matter has at most {limit} files; this would be number {count}.",
            code="files-of-matter", limit=MAX_COUNT, count=present + 1,
        )
    _require_room(session, business_key, actor, len(content))
    own = media_type if isinstance(actor, Program) else None
    attachment = Attachment(
        business_key=business_key,
        process_instance_id=instance_id,
        name=name,
        media_type=own or media_types.sniff(content, name),
        size=len(content),
        sha256=digest(content),
        content=content,
        created_at=clock.now(),
        created_by=actor.signature,
    )
    session.add(attachment)
    session.flush()
    facts = {"attachment": attachment.id, "media_type": attachment.media_type, "sha256": attachment.sha256}
    event = Event(kind="attachment.added", facts=facts, variables={_variable(attachment.id): name}, by=actor.signature)
    history.record(session, instance_id, event)
    return attachment


def _require_room(session: Session, business_key: str, actor: Person | Program, size: int) -> None:
    """Raise `InvalidInput` where a matter, or what one person adds in a day, would become too large."""
    total = select(func.coalesce(func.sum(Attachment.size), 0))
    kept = session.scalar(total.where(Attachment.business_key == business_key)) or 0
    if kept + size > current.bytes_per_matter:
        raise errors.InvalidInput(
            "The files of a matter may have {limit} together; they have {size}, and this would be {more} more.",
            code="bytes-of-matter", limit=Size(current.bytes_per_matter), size=Size(kept), more=Size(size),
        )
    if isinstance(actor, Program):
        return
    lately = (Attachment.created_by == actor.signature, Attachment.created_at > clock.now() - DAY)
    added = session.scalar(total.where(*lately)) or 0
    if added + size > current.bytes_per_day:
        raise errors.InvalidInput(
            "You may add {limit} within 24 hours; it is {size} already, and this would be {more} more.",
            code="bytes-of-day", limit=Size(current.bytes_per_day), size=Size(added), more=Size(size),
        )


def get(session: Session, attachment_id: int) -> Attachment:
    """Return what is known about a file, without its content; raises `NotFound`."""
    attachment = session.get(Attachment, attachment_id)
    if attachment is None:
        raise errors.NotFound("attachment", attachment_id)
    return attachment


def content(session: Session, attachment_id: int) -> bytes:
    """Return the bytes of a file; raises `NotFound`."""
    found = session.scalar(select(Attachment.content).where(Attachment.id == attachment_id))
    if found is None:
        raise errors.NotFound("attachment", attachment_id)
    return found


def list_of(session: Session, business_key: str) -> list[Attachment]:
    """Return the files of a matter, oldest first, without their contents."""
    return list(
        session.scalars(select(Attachment).where(Attachment.business_key == business_key).order_by(Attachment.id))
    )


def page(
    session: Session, business_key: str, *, below: int | None = None, limit: int = 50
) -> tuple[list[Attachment], int | None]:
    """Return the newest files of a matter, those below an id, in order; and below which id the earlier ones begin."""
    query = select(Attachment).where(Attachment.business_key == business_key).order_by(Attachment.id.desc())
    if below is not None:
        query = query.where(Attachment.id < below)
    found = list(session.scalars(query.limit(limit + 1)))
    return found[:limit][::-1], found[limit - 1].id if len(found) > limit else None


def remove(session: Session, attachment_id: int, *, by: By, reason: str) -> None:
    """
    Destroy a file because of what it contains; the history keeps that it was there, and who removed it.

    Raises `NotFound`, `Forbidden`, and `InvalidInput` without a reason.
    """
    actor = identity.allowed(session, by, authorization.may_erase, "remove", "attachment", attachment_id)
    attachment = get(session, attachment_id)
    if attachment.process_instance_id is not None:
        names = [_variable(attachment_id)]
        history.erase(session, attachment.process_instance_id, names, by=actor.signature, reason=reason)
    session.delete(attachment)
    session.flush()


def digest(content: bytes) -> str:
    """Return by what contents are compared: SHA-256 in hex."""
    return sha256(content).hexdigest()


def safe_name(name: str) -> str:
    """Return a file name without folders, without what shows as something else, and not too long."""
    base = PurePosixPath(name.replace("\\", "/")).name
    visible = "".join(
        character for character in unicodedata.normalize("NFC", base)
        # Marks that turn the direction of writing let a program look like a photo.
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    cleaned = _UNSAFE.sub("_", visible).strip(" .")
    stem, ending = PurePosixPath(cleaned).stem, PurePosixPath(cleaned).suffix[:12]
    return f"{stem[: MAX_NAME_LENGTH - len(ending)]}{ending}" or "file"


def _variable(attachment_id: int) -> str:
    return f"attachment_{attachment_id}"
