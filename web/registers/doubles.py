"""Records that may be one, and those that were merged, as pages tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g
from flask_babel import ngettext
from sqlalchemy.orm import Session

from casepath.engine.queries import doubles as suspects
from casepath.engine.queries.records import RecordRow
from casepath.engine.registers import doubles
from casepath.engine.registers.doubles import Remaining
from casepath.web.languages import gettext
from casepath.web.registers.wording import Wording


@dataclass(frozen=True, kw_only=True)
class Suspected:
    """A record that may be the same, in words."""

    row: RecordRow
    title: str
    #: The labels of what agrees.
    reasons: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A record that was merged, and what would not go back."""

    row: RecordRow
    title: str
    left: str


def suspected(session: Session, words: Wording, row: RecordRow) -> list[Suspected]:
    """Return the records that may be the same as one in use."""
    if row.state != "active":
        return []
    return [
        Suspected(row=each.row, title=words.title(each.row), reasons=[words.label(field) for field in each.fields])
        for each in suspects.of_record(session, words.declared, row)
    ]


def merged(session: Session, words: Wording, record_id: int) -> list[Merged]:
    """Return the records that were merged into one."""
    found = []
    for row in suspects.merged_into(session, record_id):
        left = doubles.remaining(session, row.id, by=g.person)
        found.append(Merged(row=row, title=words.title(row), left=sentence(words, left)))
    return found


def sentence(words: Wording, left: Remaining) -> str:
    """Return what does not go back when a record is taken apart; nothing where everything does."""
    said = []
    if left.fields:
        fields = gettext(", ").join(words.label(field) for field in left.fields)
        said.append(gettext("What was changed since stays as it is: %(fields)s.", fields=fields))
    if left.matters:
        text = ngettext(
            "%(num)d matter registered since stays with the other record.",
            "%(num)d matters registered since stay with the other record.",
            left.matters,
        )
        said.append(text)
    return " ".join(said)
