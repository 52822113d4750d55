"""What verification finds: a sentence for each thing that is not as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Of an event. `earlier`: dated before the event before it (a clock was put back); `erased`: lost a value that no
#: erasure names.
WrongEvent = Literal["added", "changed", "duplicated", "earlier", "erased", "missing", "swapped", "truncated"]
#: Beside the events. `altered`: a row says something else; `damaged`: a file is not the one of its digest;
#: `lost`: a row is gone; `orphaned`: what a row belongs to is gone; `unrecorded`: no event tells of a row.
WrongRow = Literal["altered", "damaged", "lost", "orphaned", "unrecorded"]
#: Against heads that were kept elsewhere. `backdated`: came later and says it was there; `cut`: has fewer events now;
#: `gone`: is not there any more; `rewritten`: ends otherwise.
WrongHead = Literal["backdated", "cut", "gone", "rewritten"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that is wrong with the history of a process instance, or with what it tells of."""

    #: None where it belongs to no process instance; 0: the history of the house; below: the record of that number.
    process_instance_id: int | None
    #: The event, from 1; 0 where it is none.
    sequence: int = 0
    what: WrongEvent | WrongRow | WrongHead
    message: str

    def __str__(self) -> str:
        if self.process_instance_id is None:
            return self.message
        return f"{owner(self.process_instance_id)}: {self.message}"


def owner(number: int) -> str:
    """Return whose history has this number: a process instance, below zero a record, 0 the house."""
    if number < 0:
        return f"record {-number}"
    return f"process instance {number}" if number else "the organisation"
