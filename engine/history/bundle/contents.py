"""
The files of a proof bundle, out of the tables, each when its turn comes.

Names in the zip are made of numbers and digests, never of what people call their files: so nobody who unpacks it
writes anywhere else. What the files are called stands in the histories and deployments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from casepath.engine.database import Base, values
from casepath.engine.database.models import (
    Attachment,
    Definition,
    Deployment,
    HistoryEvent,
    ProcessInstance,
    Resource,
)
from casepath.engine.history import verification
from casepath.engine.history.chain import SALT_LENGTH, at_text, chain_text

#: Events whose facts name a version of a process.
OF_PROCESS = ("process_instance.started", "process_instance.migrated")
DECIDED = "decision.evaluated"
#: What nobody could tell the type of is only bytes, whatever its name says.
UNKNOWN = "application/octet-stream"

_tables = Base.metadata.tables
_attachments = _tables[Attachment.__tablename__]
_definitions = _tables[Definition.__tablename__]
_deployments = _tables[Deployment.__tablename__]
_events = _tables[HistoryEvent.__tablename__]
_instances = _tables[ProcessInstance.__tablename__]
_resources = _tables[Resource.__tablename__]
_content = select(_attachments.c.content).where(_attachments.c.id == bindparam("attachment"))


class Contents:
    """The files of a bundle; when they have been gone through, also what its statement has to say of them."""

    def __init__(self, session: Session, process_instance_ids: Sequence[int]) -> None:
        self.session = session
        self.ids = process_instance_ids
        #: Length and last hash of each history as its instance keeps them, and the digest of each deployment.
        self.heads: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, str] = {}
        self._versions: set[tuple[str, int]] = set()
        self._decisions: set[int] = set()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each file, in the order in which they stand in the zip."""
        for number in self.ids:
            yield from self._instance(number)
        yield from self._deployed()
        yield from self._attached()

    def _instance(self, number: int) -> Iterator[tuple[str, bytes]]:
        row = self.session.execute(select(_instances).where(_instances.c.id == number)).one()
        self.heads[str(number)] = {"events": row.history_length, "hash": row.history_hash}
        lines, sealed, previous = [], [], ""
        order = (_events.c.sequence, _events.c.id)
        for event in verification.stored(
            self.session, _events, *order, where=_events.c.process_instance_id == number
        ):
            digests, kept = _values(event["variables"])
            lines.append(chain_text(previous, event, at_text(event["at"]) if event["at"] else "", digests))
            sealed.append(values.canonical(kept))
            previous = event["hash"]
            self._note(event)
        stands = {"salt": row.state_salt, "state": row.state, "tokens": row.tokens, "variables": row.variables}
        folder = f"process_instances/{number}"
        yield f"{folder}/history.jsonl", _text(lines)
        yield f"{folder}/values.jsonl", _text(sealed)
        yield f"{folder}/row.json", values.canonical(stands).encode()

    def _note(self, event: Mapping[str, Any]) -> None:
        """Remember which versions an event tells of."""
        if event["kind"] not in (*OF_PROCESS, DECIDED):
            return
        try:
            facts = json.loads(event["facts"])
        except ValueError:
            return
        if event["kind"] == DECIDED:
            self._decisions.add(facts.get("definition", 0))
        else:
            self._versions.add((facts.get("definition", ""), facts.get("version", 0)))

    def _deployed(self) -> Iterator[tuple[str, bytes]]:
        """Yield the deployments of all versions that were used, and their files, each once."""
        used: set[int] = set()
        query = select(_definitions.c.id, _definitions.c.kind, _definitions.c.key, _definitions.c.version)
        for row in self.session.execute(query.add_columns(_definitions.c.deployment_id)):
            if row.id in self._decisions or (row.kind == "process" and (row.key, row.version) in self._versions):
                used.add(row.deployment_id)
        lines, files = [], {}
        for number in sorted(used):
            deployment = self.session.execute(select(_deployments).where(_deployments.c.id == number)).one()
            named = select(_resources.c.id, _resources.c.name, _resources.c.sha256)
            rows = self.session.execute(named.where(_resources.c.deployment_id == number)).all()
            of_processes = select(_definitions.c.key, _definitions.c.version).where(
                _definitions.c.deployment_id == number, _definitions.c.kind == "process"
            )
            processes = self.session.execute(of_processes.order_by(_definitions.c.key, _definitions.c.version))
            self.deployments[str(number)] = deployment.sha256
            lines.append(values.canonical({
                "at": at_text(deployment.created_at),
                "by": deployment.created_by,
                "deployment": number,
                "files": {row.name: row.sha256 for row in rows},
                "name": deployment.name,
                "processes": [{"key": row.key, "version": row.version} for row in processes],
            }))  # fmt: skip
            files.update({row.sha256: (row.id, row.name) for row in rows})
        yield "deployments.jsonl", _text(lines)
        for digest, (number, name) in sorted(files.items()):
            content = self.session.execute(select(_resources.c.content).where(_resources.c.id == number)).scalar_one()
            yield f"deployed/{digest}{_ending(name)}", content

    def _attached(self) -> Iterator[tuple[str, bytes]]:
        query = select(_attachments.c.id, _attachments.c.name, _attachments.c.media_type)
        mine = query.where(_attachments.c.process_instance_id.in_(self.ids)).order_by(_attachments.c.id)
        for row in self.session.execute(mine).all():
            ending = ".bin" if row.media_type == UNKNOWN else _ending(row.name)
            content = self.session.execute(_content, {"attachment": row.id}).scalar_one()
            yield f"attachments/{row.id}{ending}", content


def _values(stored: str | None) -> tuple[str | None, dict[str, list[str]]]:
    """Return the digests of the values of an event as they are hashed, and salt and text of those that are there."""
    if stored is None:
        return None, {}
    try:
        digests, _ = verification.digests_of(stored)
    except (RecursionError, TypeError, ValueError):
        # Whoever wrote that by hand is found by the hash.
        return None, {}
    entries = json.loads(stored).items()
    return digests, {
        name: [entry[0], values.canonical(entry[1])]
        for name, entry in entries
        if len(entry) == 2 and len(entry[0]) == SALT_LENGTH
    }


def _ending(name: str) -> str:
    """Return the ending of a file's name as far as it is harmless."""
    found = PurePosixPath(name).suffix.lower()
    return found if re.fullmatch(r"\.[a-z0-9]{1,8}", found) else ".bin"


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
