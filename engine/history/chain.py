"""
How history is sealed: each event carries the hash of the one before it in the same process instance.

The hash is SHA-256 over canonical JSON of

    {activity_instance, at, by, element_id, facts, kind, previous, process_instance_id, sequence, state_after,
     state_before, variables}

where `previous` is the hash of event `sequence - 1` (empty for the first) and `variables` maps each name to a digest:
SHA-256 over a salt of its own and the canonical text of the value. A value can so be erased later, leaving its digest,
and the chain still holds; without the salt a short value could be guessed from its digest.

`state_before` and `state_after` stand there only where an event has them: the first event of a step has the digest of
the state that the step found, the last one of the state it left. Between two steps nobody changes it: they are equal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from casepath.engine.database import values

#: Under which name an error's text stands among the values of an event: it may tell of a person, so it can be erased.
#: A phrase of the engine stands there with its facts, what a worker reports as a text.
ERROR_TEXT = "error text"
#: Length of a salt: 16 random bytes in hex.
SALT_LENGTH = 32


class Event(NamedTuple):
    """
    Something that happened to a process instance.

    What may be personal belongs into `variables`, because only these can be erased later. `facts` name it: a decided
    gateway has the flows and the names that each condition read in its facts, and the values it read in `variables`.
    """

    #: Noun and past participle, such as `user_task.completed`.
    kind: str
    activity_instance: int | None = None
    element_id: str | None = None
    #: JSON values and the other types of variables; never personal.
    facts: Mapping[str, Any] = MappingProxyType({})
    variables: Mapping[str, Any] | None = None
    #: User name, worker id, or None for the engine itself.
    by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """Events ready to be inserted, and the new end of the chain."""

    #: Rows for an executemany insert into `history_events`.
    rows: list[dict[str, Any]]
    #: What belongs into `process_instances.history_length` and `history_hash`.
    length: int
    head: str


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What a process instance is at one moment, as its row has it, with the salt of its digest."""

    salt: str | None
    state: str
    tokens: str
    variables: str

    @property
    def digest(self) -> str | None:
        """What stands for it in the chain, in hex; None before the first sealed step."""
        return None if self.salt is None else digest(self.salt, f"\n{self.state}\n{self.tokens}\n{self.variables}")


def new_salt() -> str:
    """Return a salt that nobody has had."""
    return os.urandom(SALT_LENGTH // 2).hex()


def seal(
    process_instance_id: int,
    length: int,
    head: str,
    events: Sequence[Event],
    *,
    at: datetime,
    before: State | None = None,
    after: State | None = None,
) -> Sealed:
    """
    Chain events to a history that has `length` events and ends with the hash `head`.

    `before` and `after` are what the process instance was and what it became, if the events move it. Raises
    `InvalidInput` where a fact or variable is no value that a variable can have.
    """
    moment = at_text(at)
    count = sum(len(event.variables) for event in events if event.variables)
    salts = os.urandom(count * SALT_LENGTH // 2).hex()
    used = 0
    rows: list[dict[str, Any]] = []
    last = length + len(events)
    for event in events:
        first = not rows
        length += 1
        facts = values.dumps(dict(event.facts)) if event.facts else "{}"
        variables = digests = None
        if event.variables is not None:
            stored, hashed = [], []
            for name in sorted(event.variables):
                salt = salts[used : used + SALT_LENGTH]
                used += SALT_LENGTH
                text = values.dumps(event.variables[name])
                key = _text(name)
                stored.append(f'{key}:["{salt}",{text}]')
                hashed.append(f'{key}:"{digest(salt, text)}"')
            variables = f"{{{','.join(stored)}}}"
            digests = f"{{{','.join(hashed)}}}"
        row = {
            "process_instance_id": process_instance_id,
            "sequence": length,
            "at": at,
            "kind": event.kind,
            "activity_instance": event.activity_instance,
            "element_id": event.element_id,
            "by": event.by,
            "facts": facts,
            "variables": variables,
            "state_before": before.digest if before is not None and first else None,
            "state_after": after.digest if after is not None and length == last else None,
        }
        row["hash"] = head = chain_hash(head, row, moment, digests)
        rows.append(row)
    return Sealed(rows=rows, length=length, head=head)


def at_text(at: datetime) -> str:
    """Return a point in time as the chain writes it: UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def without(variables: str, names: Collection[str]) -> tuple[str, list[str]]:
    """Return stored variables in which these have nothing but their digests left, and which of them had values."""
    entries = json.loads(variables)
    gone = sorted(name for name in names if len(entries.get(name, ())) == 2)
    for name in gone:
        salt, value = entries[name]
        entries[name] = [digest(salt, values.canonical(value))]
    return values.canonical(entries), gone


def digest(salt: str, text: str) -> str:
    """Return what stands for a value in the chain, in hex; `text` is its canonical text."""
    return sha256((salt + text).encode()).hexdigest()


def chain_hash(previous: str, row: Mapping[str, Any], moment: str, digests: str | None) -> str:
    """Return the hash of an event, in hex; `digests` is the canonical JSON of its variables' digests."""
    return sha256(chain_text(previous, row, moment, digests).encode()).hexdigest()


def chain_text(previous: str, row: Mapping[str, Any], moment: str, digests: str | None) -> str:
    """Return the canonical JSON of an event, of which the hash is made."""
    # Written by hand because it runs for every event of every step; the keys are in canonical order.
    return (
        f'{{"activity_instance":{_number(row["activity_instance"])},"at":"{moment}","by":{_text(row["by"])},'
        f'"element_id":{_text(row["element_id"])},"facts":{row["facts"]},"kind":{_text(row["kind"])},'
        f'"previous":"{previous}","process_instance_id":{row["process_instance_id"]},"sequence":{row["sequence"]},'
        f'{_state("state_after", row)}{_state("state_before", row)}"variables":{digests or "null"}}}'
    )


def _state(name: str, row: Mapping[str, Any]) -> str:
    return "" if row[name] is None else f'"{name}":{values.canonical(row[name])},'


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


# A process has few elements, variables and kinds of events, and a house few people. Whoever wrote into the tables by
# hand may have left other types there.
@lru_cache(maxsize=4096, typed=True)
def _text(value: str | None) -> str:
    return values.canonical(value)
