"""Records that may be one: those that agree in a field that tells one from others, and in which they do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import history
from casepath.engine.database import entries
from casepath.engine.database.models import Record
from casepath.engine.deployments import Register
from casepath.engine.queries import records
from casepath.engine.queries.records import Filters, RecordRow

#: Records that are looked at for one value, and that are told.
LOOKED_AT = 20
FEW = 5
#: Letters and digits of one of several values that stand in a field: less says too little.
SHORTEST = 2
#: What stands between several values in a field.
_BETWEEN = re.compile(r"[,;/、，；\n]")


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A record that may be the same, and the fields of it that say so."""

    row: RecordRow
    fields: Sequence[str]


def suspected(
    session: Session, declared: Register, held: Mapping[str, Any], *, but: Collection[str] = ()
) -> list[Suspect]:
    """
    Return the records in use that may be the one that holds these values, those that agree in more in front.

    `but` are the keys of those that are known to be others.
    """
    own = {part for field in declared.alike for part in _parts(held.get(field))}
    found: dict[int, RecordRow] = {}
    for text in dict.fromkeys(str(held[field]) for field in declared.alike if held.get(field)):
        for part in _BETWEEN.split(text):
            page = records.page(session, declared, Filters(text=part), limit=LOOKED_AT) if _parts(part) else None
            found |= {row.id: row for row in page.rows if row.key not in but} if page is not None else {}
    alike = {
        number: [field for field in declared.alike if not own.isdisjoint(_parts(row.values.get(field)))]
        for number, row in found.items()
    }
    told = [Suspect(row=found[number], fields=fields) for number, fields in alike.items() if fields]
    return sorted(told, key=lambda each: (-len(each.fields), -each.row.id))[:FEW]


def of_record(session: Session, declared: Register, row: RecordRow) -> list[Suspect]:
    """Return the records that may be the same as one, without those of which somebody has said that they are not."""
    told = history.registers.events(session, row.id)
    others = {str(event.facts["from"]) for event in told if event.kind == "record.distinguished"}
    return suspected(session, declared, row.values, but={row.key, *others})


def merged_into(session: Session, record_id: int) -> list[RecordRow]:
    """Return the records for which one stands, the last ones first."""
    query = select(Record).where(Record.merged_into == record_id).order_by(Record.changed_at.desc(), Record.id)
    return [records.row(record) for record in session.scalars(query)]


def _parts(value: object) -> frozenset[str]:
    """Return the values that stand in a field as they are compared: several telephones may stand in one."""
    return frozenset(_each(value)) if isinstance(value, str) else frozenset()


def _each(text: str) -> Iterator[str]:
    for part in _BETWEEN.split(text):
        compared = entries.compared(part)
        if len(compared) >= SHORTEST:
            yield compared
