"""What stands around a task on its page: files and comments of the matter, what else is open in it, with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from casepath.engine.instances import attachments, comments, media_types
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import people, tasks
from casepath.engine.queries.tasks import TaskRow
from casepath.engine.queries.user_task import TaskDetail
from casepath.web import filters, phrases, uploads
from casepath.web.names import named

#: Open tasks of the matter that are looked at.
OTHERS = 20


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the matter."""

    id: int
    name: str
    size: int
    is_photo: bool
    is_played: bool


@dataclass(frozen=True, kw_only=True)
class Note:
    """A comment."""

    text: str
    by: str
    at: object


@dataclass(frozen=True, kw_only=True)
class Around:
    """All of it."""

    #: The matter, as addresses name it.
    reference: str | int
    #: Whether the reader may add files and comments.
    may_add: bool
    #: The newest ones; the matter has the earlier ones, which begin below these ids.
    files: Sequence[File]
    earlier_file: int | None
    notes: Sequence[Note]
    earlier_note: int | None
    #: The other open tasks, the most pressing ones; and whether the matter has more of them.
    others: Sequence[TaskRow]
    has_more: bool
    group_names: Mapping[str, tuple[str, str]]
    max_files: int
    #: Of the files that are sent together.
    max_size: str


def of(session: Session, task: TaskDetail, person: Person) -> Around:
    """Return what stands around a task."""
    key = task.business_key
    files, earlier_file = attachments.page(session, key) if key else ([], None)
    noted, earlier_note = comments.page(session, key) if key else ([], None)
    names = people.names(session, [each.created_by for each in noted])
    open_tasks, more = tasks.of_matter(session, task.reference, limit=OTHERS)
    return Around(
        reference=task.reference,
        may_add=key is not None and authorization.may_comment(person),
        files=[
            File(
                id=each.id,
                name=each.name,
                size=each.size,
                is_photo=each.media_type in media_types.IMAGES,
                is_played=each.media_type in media_types.PLAYED,
            )
            for each in files
        ],
        earlier_file=earlier_file,
        notes=[
            Note(text=each.text, by=names.get(each.created_by) or filters.doer(each.created_by), at=each.created_at)
            for each in noted
        ],
        earlier_note=earlier_note,
        others=[named(session, row) for row in open_tasks if row.id != task.id],
        has_more=more is not None,
        group_names=people.group_names(session),
        max_files=uploads.MAX_FILES,
        max_size=phrases.size(uploads.MAX_BYTES),
    )
