"""
Compares what the tables say of a process instance with what its history tells.

The history is the proof; rows are held against it: here the instance itself, what was noted, attached and told; in
`work` tasks, visits and timers. What the history does not tell cannot be compared; `docs/history.md` says what that is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, bindparam, select
from sqlalchemy.orm import Session

from casepath.engine.database import Base
from casepath.engine.database.models import (
    Attachment,
    Comment,
    Definition,
    Delivery,
    Mail,
    Notification,
    ProcessInstance,
)
from casepath.engine.database.statements import Statement
from casepath.engine.history.chain import State
from casepath.engine.history.erasure import OTHER_LANGUAGES, QUEUED
from casepath.engine.history.log import EventView
from casepath.engine.history.problems import WrongRow
from casepath.engine.history.verification import CLOCK_TOLERANCE

#: What is wrong, in a word and in a sentence.
Found = tuple[WrongRow, str]

STARTED, CALLED, MIGRATED = "process_instance.started", "call.started", "process_instance.migrated"
#: The state of a process instance after an event of this kind.
STATES = {
    STARTED: "active",
    "process_instance.suspended": "suspended",
    "process_instance.resumed": "active",
    "process_instance.completed": "completed",
    "process_instance.cancelled": "cancelled",
}

_tables = Base.metadata.tables
_instances = _tables[ProcessInstance.__tablename__]
_definitions = _tables[Definition.__tablename__]
_attachments = _tables[Attachment.__tablename__]
_comments = _tables[Comment.__tablename__]
_notifications = _tables[Notification.__tablename__]
_mails = _tables[Mail.__tablename__]
_deliveries = _tables[Delivery.__tablename__]


def of_instance(*columns: Column[Any], where: ColumnElement[bool] | None = None) -> Statement:
    """Return the query for the rows of a process instance in a table, as dictionaries; its parameter is `instance`."""
    mine = columns[0].table.c.process_instance_id == bindparam("instance")
    names = [column.name for column in columns]
    query = select(*columns).where(mine if where is None else mine & where)
    return Statement(query, make=lambda row: dict(zip(names, row, strict=True)))


_query_comments = of_instance(*_comments.c)
_query_attachments = of_instance(*(column for column in _attachments.c if column.name != "content"))
_query_deliveries = of_instance(*_deliveries.c)
_query_definition = Statement(
    select(_definitions.c.kind, _definitions.c.key, _definitions.c.version).where(
        _definitions.c.id == bindparam("definition")
    )
)
_query_called = Statement(select(_instances.c.id).where(_instances.c.parent_id == bindparam("instance")))


def compare(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    """Yield where an instance, its comments, files, notices and deliveries are not what its history tells."""
    if not events or events[0].kind != STARTED:
        yield "unrecorded", "no event tells how it started"
        return
    yield from _instance(session, row, events)
    yield from _calls(session, row, events)
    yield from _states(row, events)
    yield from _comments_of(session, row, events)
    yield from _attachments_of(session, row, events)
    yield from _notices_of(session, events)
    yield from _deliveries_of(session, row, events)


def differing(label: str, found: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[Found]:
    """Yield each column in which a row is not what the history tells; times may differ by the clock's tolerance."""
    for name, expected in told.items():
        if not _same(found[name], expected):
            yield "altered", f"{label}: expected {name} {_said(expected)}, but found {_said(found[name])}"


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, datetime) and isinstance(expected, datetime):
        return abs(found - expected) <= CLOCK_TOLERANCE
    return bool(found == expected)


def _said(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)[:80]


# -- the instance ------------------------------------------------------------------------------------------------------


def _instance(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    started = events[0]
    named = next((event for event in reversed(events) if event.kind == MIGRATED), started).facts
    definitions = _query_definition.rows(session.connection(), {"definition": row.definition_id})
    switched = next(event for event in reversed(events) if event.kind in STATES)
    ended = STATES[switched.kind] in ("completed", "cancelled")
    told = {
        "business_key": started.facts.get("business_key"),
        "started_at": started.at,
        "started_by": started.by,
        "definition_key": named.get("definition"),
        "state": STATES[switched.kind],
        "ended_at": switched.at if ended else None,
        "end_reason": switched.facts.get("reason") if ended else None,
    }
    yield from differing("the instance", row._asdict(), told)
    for definition in definitions:
        version = {"kind": "process", "key": named.get("definition"), "version": named.get("version")}
        yield from differing("its definition", definition._asdict(), version)


def _calls(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    """Compare both ends of each call: the caller's event names the instance that it began."""
    called = {event.facts["process_instance"]: event for event in events if event.kind == CALLED}
    query = select(_instances.c.id, _instances.c.parent_id, _instances.c.parent_activity_instance, _instances.c.root_id)
    children = session.execute(query.where(_instances.c.id.in_(called))).all() if called else []
    found = {child.id: child._asdict() for child in children}
    for number, event in called.items():
        if number not in found:
            yield "lost", f"process instance {number}, which event {event.sequence} began, is gone"
            continue
        told = {"parent_id": row.id, "parent_activity_instance": event.activity_instance, "root_id": row.root_id}
        yield from differing(f"process instance {number}, which it called", found[number], told)
    callees = {callee.id for callee in _query_called.rows(session.connection(), {"instance": row.id})}
    for number in sorted(callees - set(called)):
        yield "unrecorded", f"no event tells that it called process instance {number}"
    if row.parent_id is None and row.root_id != row.id:
        yield "altered", f"the instance: expected root_id {row.id}, but found {row.root_id}"


def _states(row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    """Compare what each step found with what the one before it had left, and the last one with what there is."""
    left: EventView | None = None
    first: EventView | None = None
    for event in events:
        if event.state_before is not None:
            first = event
        if event.state_after is None:
            continue
        if left is not None and (first is None or first.state_before != left.state_after):
            yield "altered", f"its variables or tokens were changed between events {left.sequence} and {event.sequence}"
        left, first = event, None
    now = State(salt=row.state_salt, state=row.state, tokens=row.tokens, variables=row.variables)
    if left is not None and now.digest != left.state_after:
        yield "altered", f"its variables, tokens or state were changed after event {left.sequence}"


# -- what was noted, attached and told ---------------------------------------------------------------------------------


def _comments_of(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    told = {event.facts.get("comment"): event for event in events if event.kind == "comment.added"}
    found = {each["id"]: each for each in _query_comments.rows(session.connection(), {"instance": row.id})}
    yield from _set_apart("comment", found, told)
    for number, event in told.items():
        if number in found:
            text = {"text": event.variables[f"comment_{number}"]} if event.variables else {}
            columns = {"business_key": row.business_key, "created_by": event.by, "created_at": event.at, **text}
            yield from differing(f"comment {number}", found[number], columns)


def _attachments_of(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    told = {event.facts.get("attachment"): event for event in events if event.kind == "attachment.added"}
    found = {each["id"]: each for each in _query_attachments.rows(session.connection(), {"instance": row.id})}
    yield from _set_apart("attachment", found, told)
    for number, event in told.items():
        if number not in found:
            continue
        name = {"name": event.variables[f"attachment_{number}"]} if event.variables else {}
        facts = {key: event.facts.get(key) for key in ("media_type", "sha256")}
        columns = {"business_key": row.business_key, "created_by": event.by, "created_at": event.at, **facts, **name}
        yield from differing(f"attachment {number}", found[number], columns)
        content = session.scalar(select(_attachments.c.content).where(_attachments.c.id == number)) or b""
        if sha256(content).hexdigest() != event.facts.get("sha256") or len(content) != found[number]["size"]:
            yield "altered", f"attachment {number}: its content was changed"


def _deliveries_of(session: Session, row: Row[Any], events: Sequence[EventView]) -> Iterator[Found]:
    told = {event.facts["delivery"]: event for event in events if event.kind == QUEUED}
    found = {each["id"]: each for each in _query_deliveries.rows(session.connection(), {"instance": row.id})}
    yield from _set_apart("delivery", found, told)
    for number, event in told.items():
        if number in found:
            text = {"text": event.variables["text"]} if "text" in event.variables and not event.erased else {}
            columns = {"channel": event.facts["channel"], "created_at": event.at, **text}
            yield from differing(f"delivery {number}", found[number], columns)


def _set_apart(noun: str, found: Mapping[Any, Any], told: Mapping[Any, EventView]) -> Iterator[Found]:
    """Name what is gone without an erasure, and what nobody has added."""
    for number, event in told.items():
        if number not in found and not event.erased:
            yield "lost", f"{noun} {number}, which event {event.sequence} tells of, is gone"
    for number in found:
        if number not in told:
            yield "unrecorded", f"no event tells of {noun} {number}"


def _notices_of(session: Session, events: Sequence[EventView]) -> Iterator[Found]:
    for event in events:
        if event.kind != "notification.sent":
            continue
        # Events of earlier versions name no rows.
        numbers = event.facts.get("notifications", [])
        rows = session.execute(select(_notifications).where(_notifications.c.id.in_(numbers))).mappings()
        found = {each["id"]: dict(each) for each in rows}
        texts = {name: event.variables[name] for name in ("subject", "text") if name in event.variables}
        for number, username in zip(numbers, event.facts["to"] if numbers else [], strict=True):
            if number not in found:
                yield "lost", f"notice {number} to {username}, which event {event.sequence} tells of, is gone"
                continue
            columns = {"username": username, "kind": event.facts["kind"], "created_at": event.at, **texts}
            yield from differing(f"notice {number}", found[number], columns)
            if OTHER_LANGUAGES in {*event.variables, *event.erased}:
                # Events of earlier versions do not say what was told in other languages.
                row = {OTHER_LANGUAGES: _others(found[number][OTHER_LANGUAGES])}
                told = {OTHER_LANGUAGES: event.variables.get(OTHER_LANGUAGES, {})}
                yield from differing(f"notice {number}", row, told)
        if "mailed" in event.facts:
            yield from _mails_of(session, event, numbers)


def _others(text: str | None) -> Any:
    try:
        return json.loads(text) if text else {}
    except (RecursionError, ValueError):
        return text


def _mails_of(session: Session, event: EventView, numbers: Sequence[int]) -> Iterator[Found]:
    """Compare which notices were to go out by e-mail; events of earlier versions do not say so."""
    query = select(_mails.c.notification_id).where(_mails.c.notification_id.in_(numbers))
    found, told = set(session.scalars(query)), set(event.facts["mailed"])
    for number in sorted(told - found):
        yield "lost", f"the mail of notice {number}, which event {event.sequence} tells of, is gone"
    for number in sorted(found - told):
        yield "unrecorded", f"no event tells of the mail of notice {number}"
