"""
The topic that reads registers: `recall` looks up what is known of the records to which a process instance points.

Inputs: `values`, what their fields hold now, written as `own=variable.field` with commas between (`phone=guest.phone`,
or `guest.phone` where it is to have the same name); the variable names a record as `records` of the process says. Each
becomes a local variable of the task, null where there is no record or nothing stands in the field. And `earlier`, such
a variable: the local variable `earlier` is the list of what earlier instances of this process that point to the same
record had in their facts, the newest first, each with its number as `matter`. Output mappings say what goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine.database import links
from casepath.engine.deployments import definitions
from casepath.engine.queries import links as matters
from casepath.engine.queries import records
from casepath.workers import Result, Unrecoverable, Work, topic

#: How many earlier process instances are looked at.
EARLIER = 50


@topic("recall", rehearsed=True)
def recall(work: Work) -> Result:
    """Look up what is known of the records to which a process instance points."""
    task = work.task
    with work.surroundings.readers.begin() as session:
        properties = definitions.process(session, task.definition_id).properties
        registers = links.declared(properties.get(links.PROPERTY, ""))
        found = dict(_values(session, work, registers))
        if name := work.text("earlier"):
            record = _named(registers, name), work.text(name)
            found["earlier"] = matters.earlier(session, task.process_instance_id, record, limit=EARLIER)
    return Result(local_variables=found)


def _values(session: Session, work: Work, registers: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for text in work.names("values"):
        own, _, path = text.rpartition("=")
        name, _, field = path.strip().partition(".")
        held = records.values_of(session, _named(registers, name), work.text(name))
        yield own.strip() or field, held.get(field)


def _named(registers: Mapping[str, str], name: str) -> str:
    try:
        return registers[name]
    except KeyError:
        raise Unrecoverable(f"Expected a variable of the property 'records', but found '{name}'") from None
