"""What a register asks of its records: that they keep their keys, name others in use, and agree with none unawares."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import entries, values
from casepath.engine.database.models import Record, RecordValue
from casepath.engine.deployments import Register
from casepath.engine.registers import rows


def require_fit(
    session: Session,
    declared: Register,
    held: Mapping[str, Any],
    before: Mapping[str, Any],
    key: str | None,
    despite: Collection[str],
) -> None:
    """Raise `InvalidVariables` with every rule of the register that is broken by what a record holds anew."""
    wrong: list[errors.InvalidInput] = []
    own = declared.key_field
    if key is not None and own is not None and held.get(own) != before.get(own):
        wrong.append(key_stays(own))
    anew = {name: value for name, value in held.items() if value != before.get(name)}
    wrong += [
        rows.at(field, rows.unknown(anew[field]))
        for field, register in declared.references.items()
        if field in anew and not _is_in_use(session, register, str(anew[field]))
    ]
    wrong += _alike(session, declared, anew, key, despite)
    if wrong:
        raise errors.InvalidVariables(wrong)


def require_unlike(session: Session, declared: Register, record: Record, despite: Collection[str] = ()) -> None:
    """Raise `InvalidVariables` where others in use agree with a record in what none should, but for those confirmed."""
    held: Any = values.loads(record.values)
    if alike := [*_alike(session, declared, held, record.key, despite)]:
        raise errors.InvalidVariables(alike)


def _alike(
    session: Session, declared: Register, held: Mapping[str, Any], key: str | None, despite: Collection[str]
) -> Iterator[errors.InvalidInput]:
    """Yield each field in which none should agree and an active record does, but for those that were confirmed."""
    for field in [name for name in declared.unique if name in held]:
        others = [each for each in _agreeing(session, declared.key, field, held[field]) if each != key]
        if set(others) - set(despite):
            alike = errors.InvalidInput("Others have the same: {keys}.", code="record-alike", keys=others)
            yield rows.at(field, alike)


def key_stays(field: str) -> errors.InvalidInput:
    """Return the refusal of another value in the field that is the key."""
    return rows.at(field, errors.InvalidInput("The key of a record stays: {key}.", code="record-key-stays", key=field))


def _is_in_use(session: Session, register: str, key: str) -> bool:
    query = select(Record.id).where(Record.register == register, Record.key == key, Record.state == "active")
    return session.scalar(query) is not None


def _agreeing(session: Session, register: str, field: str, value: object) -> list[str]:
    """Return the keys of the active records that have a value in a field, however it is written."""
    query = (
        select(Record.key)
        .join(RecordValue, RecordValue.record_id == Record.id)
        .where(RecordValue.register == register, RecordValue.name == field)
        .where(RecordValue.compared == entries.compared(value), Record.state == "active")
    )
    return list(session.scalars(query.order_by(Record.id)))
