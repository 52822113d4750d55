"""How an instance begins that is started for a record: a few share a transaction, each is begun or says why not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from casepath.engine import errors, phrases
from casepath.engine.database import values
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions, selections
from casepath.engine.instances import instantiation
from casepath.engine.phrases import Phrase
from casepath.engine.registers import rows

#: Instances that share a transaction, and after how many seconds it takes no more: others may want to write.
TOGETHER = 20
TOGETHER_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What came of a record."""

    #: The instance that was started; None where none could be.
    number: int | None = None
    #: Why none was started, as phrases are stored.
    answer: str | None = None

    @property
    def state(self) -> str:
        """What is to be noted of it."""
        return "refused" if self.number is None else "started"


def few(found: Sequence[Row[Any]]) -> Iterator[Row[Any]]:
    """Yield rows, at least one, until others should be let in."""
    end = time.monotonic() + TOGETHER_SECONDS
    for position, row in enumerate(found):
        if position and time.monotonic() > end:
            return
        yield row


def begin(
    session: Session,
    definition: Definition,
    row: Row[Any],
    given: Mapping[str, Any] | None = None,
    *,
    by: str | None,
    facts: Mapping[str, Any] | None = None,
    refusal: errors.EngineError | None = None,
) -> Begun:
    """
    Start an instance for a record with what is `given` beside it; where that fails, nothing is left of it.

    `refusal` is why none is started at all.
    """
    try:
        if refusal is not None:
            raise refusal
        if row.state != "active":
            raise rows.unknown(row.key)
        told = {**(facts or {}), "register": row.register, "record": row.key}
        with session.begin_nested():
            held = {**(given or {}), **variables(session, definition, row)}
            return Begun(number=instantiation.begin(session, definition, held, by=by, facts=told))
    except OperationalError:
        # The database is busy or away: that is no failure of the record.
        raise
    except Exception as error:
        fault = Phrase("It failed: {error}", error=type(error).__name__)
        return Begun(answer=phrases.dumps(error.phrase if isinstance(error, errors.EngineError) else fault))


def variables(session: Session, definition: Definition, row: Row[Any]) -> dict[str, Any]:
    """Return what an instance begins with of its record: its key, and the values that its process asks for."""
    said = selections.of(definitions.process(session, definition.id))
    # A version that came since it was noted may ask for nothing of this register any more.
    names = said.values if said is not None and said.register == row.register else ()
    held: Any = values.loads(row.values)
    return {**{name: held.get(name) for name in names}, row.register: row.key}
