"""What diagrams may name without holding it: what was deployed before, users, and topics that are served."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.bpmn import Diagram
from casepath.engine.database.models import Definition, User, WorkerThread
from casepath.engine.deployments import documents

#: What is named otherwise than it is deployed: a channel is a topic.
KINDS: Mapping[str, str] = {"channel": "topic"}


def known(session: Session) -> dict[str, set[str]]:
    """Return the keys of what diagrams may name, by its kind; without topics as long as no worker has told its own."""
    keys = {kind: _deployed(session, kind) for kind in ("decision", "form", "process", "register")}
    keys["user"] = set(session.scalars(select(User.username)))
    served = session.scalars(select(WorkerThread.topics)).all()
    if served:
        keys["topic"] = {topic for topics in served for topic in json.loads(topics)} | _deployed(session, "channel")
    return keys


def unknown(
    session: Session, diagrams: Mapping[str, Diagram], beside: Iterable[tuple[str, str]]
) -> list[errors.Finding]:
    """
    Return warnings for what diagrams name, by file, and neither their deployment nor the engine has; it may still come.

    `beside` are kind and key of what is deployed with them.
    """
    there = known(session)
    for kind, key in beside:
        if (called := KINDS.get(kind, kind)) in there:
            there[called].add(key)
    return [finding for _, diagram in sorted(diagrams.items()) for finding in diagram.unknown_mentions(there)]


def _deployed(session: Session, kind: str) -> set[str]:
    return set(session.scalars(select(Definition.key).where(Definition.kind == kind)))


def still_unknown(session: Session, warnings: Iterable[errors.Finding]) -> list[errors.Finding]:
    """Return warnings of deployments without those of what has come since then, such as a process that is called."""
    kinds = {**known(session), **documents.known(session)}
    there = {f"unknown-{kind}": keys for kind, keys in kinds.items()}
    return [each for each in warnings if each.phrase.facts.get("key") not in there.get(each.code, ())]
