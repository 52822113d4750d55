"""Removes values from the history and leaves the chain valid: the digest stays, and the erasure is itself an event."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.orm import Session

from casepath.engine import texts
from casepath.engine.database import Base, facts, links, measures, values
from casepath.engine.database.models import (
    Arrival,
    Delivery,
    ExternalTask,
    HistoryEvent,
    Incident,
    Job,
    Mail,
    Notification,
    ProcessInstance,
    UserTask,
)
from casepath.engine.history import log
from casepath.engine.history.chain import Event, without
from casepath.engine.history.verification import ERASED
from casepath.engine.time import clock

TOLD, QUEUED = "notification.sent", "delivery.queued"
#: What people were told, and the value in which it stands in other languages: whoever erases one erases the other.
WORDS, OTHER_LANGUAGES = frozenset({"subject", "text"}), "wordings"
#: Characters of a reason.
MAX_REASON = 1_000

_table = Base.metadata.tables[HistoryEvent.__tablename__]
_notifications = Base.metadata.tables[Notification.__tablename__]
_mails = Base.metadata.tables[Mail.__tablename__]
_deliveries = Base.metadata.tables[Delivery.__tablename__]
_arrivals = Base.metadata.tables[Arrival.__tablename__]
_incidents = Base.metadata.tables[Incident.__tablename__]
_jobs = Base.metadata.tables[Job.__tablename__]
_external_tasks = Base.metadata.tables[ExternalTask.__tablename__]
#: Where what has not gone out yet, or not for certain, stands.
_OPEN = ("waiting", "sending", "uncertain", "undeliverable", "failed")
_rewrite = update(_table).where(_table.c.id == bindparam("event_id")).values(variables=bindparam("rest"))


def erase(session: Session, process_instance_id: int, names: Collection[str], *, by: str | None, reason: str) -> int:
    """
    Remove the values of these variables from all events of a process instance; return how many values were removed.

    Of an instance that has ended, what is left of its variables, facts, measures and drafts goes too, with all that was
    said of what failed in it, which may quote them, and what it was yet to send of them. Variables that
    are still alive are needed: whoever erases sets them before. `subject` and `text` of what people were told leave
    their notices as well; a mail that has not gone out does not any more, and where it went is forgotten; so it is with
    `text` and `to` of what goes out through a channel, and with variables that go with it. What an item of another
    system said of these variables goes too. `by` is how the history names whoever does; the nouns ask whether they may.
    Raises `NotFound`, and `InvalidInput` without a reason.
    """
    reason = texts.checked(reason, name="a reason", limit=MAX_REASON)
    log.lock(session, process_instance_id)
    erased: dict[str, list[str]] = {}
    rewritten = []
    notices: dict[str, list[int]] = defaultdict(list)
    deliveries: set[int] = set()
    stored = session.execute(
        select(_table.c.id, _table.c.sequence, _table.c.kind, _table.c.facts, _table.c.variables)
        .where(_table.c.process_instance_id == process_instance_id, _table.c.variables.is_not(None))
        .order_by(_table.c.sequence)
    )
    for event_id, sequence, kind, told, text in stored:
        others = {OTHER_LANGUAGES} if kind == TOLD and WORDS & set(names) else set()
        rest, gone = without(text, {*names, *others})
        if gone:
            erased[str(sequence)] = gone
            rewritten.append({"event_id": event_id, "rest": rest})
            if kind == TOLD:
                for name in gone:
                    notices[name] += json.loads(told).get("notifications", [])
            elif kind == QUEUED:
                deliveries.add(json.loads(told)["delivery"])
    if rewritten:
        session.execute(_rewrite, rewritten)
    before = log.read_state(session, process_instance_id)
    _erase_remains(session, process_instance_id, names)
    _erase_notices(session, notices)
    _erase_deliveries(session, deliveries)
    _erase_fields(session, process_instance_id, names)
    _erase_arrivals(session, process_instance_id, names)
    event = Event(kind=ERASED, by=by, facts={"erased": erased, "reason": reason})
    log.record_move(session, process_instance_id, [event], before=before)
    return sum(len(gone) for gone in erased.values())


def _erase_remains(session: Session, process_instance_id: int, names: Collection[str]) -> None:
    instance = session.get_one(ProcessInstance, process_instance_id, populate_existing=True)
    if instance.ended_at is None:
        return
    scopes = json.loads(instance.variables)
    left = {
        scope: {name: value for name, value in variables.items() if name not in names}
        for scope, variables in scopes.items()
    }
    instance.variables = values.canonical(left)
    owner = (process_instance_id, instance.root_id or process_instance_id, instance.business_key)
    facts.erase(session.connection(), *owner, tuple(names))
    measures.erase(session.connection(), instance.id, instance.definition_key, names)
    links.forget(session.connection(), process_instance_id, names)
    session.execute(update(UserTask).where(UserTask.process_instance_id == process_instance_id).values(draft=None))
    session.flush()
    _erase_failures(session, process_instance_id)
    _erase_messages(session, process_instance_id, names)


def _erase_failures(session: Session, process_instance_id: int) -> None:
    """Forget what was said of anything that failed."""
    mine = _incidents.c.process_instance_id == process_instance_id
    session.execute(update(_incidents).where(mine).values(message="", details=None))
    for table in (_jobs, _external_tasks):
        of_instance = table.c.process_instance_id == process_instance_id
        session.execute(update(table).where(of_instance).values(error_message=None, error_details=None))


def _erase_messages(session: Session, process_instance_id: int, names: Collection[str]) -> None:
    """Have what was sent and has found nobody yet know no longer these variables."""
    mine = select(_jobs.c.id, _jobs.c.payload).where(_jobs.c.process_instance_id == process_instance_id)
    for number, text in session.execute(mine.where(_jobs.c.payload.is_not(None))).all():
        said: Any = values.loads(text)
        if not isinstance(said, dict):
            continue
        left = {
            key: {name: value for name, value in held.items() if name not in names} if isinstance(held, dict) else held
            for key, held in said.items()
        }
        if left != said:
            session.execute(update(_jobs).where(_jobs.c.id == number).values(payload=values.dumps(left)))


def _erase_notices(session: Session, notices: Mapping[str, list[int]]) -> None:
    """Erase columns of notices, and with any of them what their mails know."""
    if not notices:
        return
    for column, numbers in notices.items():
        session.execute(update(_notifications).where(_notifications.c.id.in_(numbers)).values({column: ""}))
    told = {number for numbers in notices.values() for number in numbers}
    session.execute(update(_notifications).where(_notifications.c.id.in_(told)).values(wordings=None))
    forget_mails(session, _notifications.c.id.in_(told))


def forget_mails(session: Session, told: ColumnElement[bool]) -> None:
    """Have the mails of notices know no longer where they went; what has not gone out does not any more."""
    mailed = _mails.c.notification_id.in_(select(_notifications.c.id).where(told))
    session.execute(update(_mails).where(mailed).values(address=None, answer=None))
    session.execute(
        update(_mails).where(mailed, _mails.c.state.in_(_OPEN)).values(state="given_up", ended_at=clock.now())
    )


def _erase_deliveries(session: Session, numbers: Collection[int]) -> None:
    """Have deliveries know no longer what they said and to whom; what has not gone out does not any more."""
    if not numbers:
        return
    erased = update(_deliveries).where(_deliveries.c.id.in_(numbers))
    session.execute(erased.values(text="", fields="{}", record_key=None, address=None, answer=None))
    session.execute(erased.where(_deliveries.c.state.in_(_OPEN)).values(state="given_up", ended_at=clock.now()))


def _erase_fields(session: Session, process_instance_id: int, names: Collection[str]) -> None:
    """Have deliveries know no longer these variables, nor the answers to them; none goes out without what it needs."""
    mine = _deliveries.c.process_instance_id == process_instance_id
    for number, text in session.execute(select(_deliveries.c.id, _deliveries.c.fields).where(mine)).all():
        held: Any = values.loads(text)
        left = {name: value for name, value in held.items() if name not in names}
        if left != held:
            erased = update(_deliveries).where(_deliveries.c.id == number)
            session.execute(erased.values(fields=values.dumps(left), answer=None))
            session.execute(erased.where(_deliveries.c.state.in_(_OPEN)).values(state="given_up", ended_at=clock.now()))


def _erase_arrivals(session: Session, process_instance_id: int, names: Collection[str]) -> None:
    """Have what came in know no longer what it said: an item these variables, all else everything with any of them."""
    mine = select(_arrivals.c.id, _arrivals.c.kind, _arrivals.c.content)
    mine = mine.where(_arrivals.c.process_instance_id == process_instance_id)
    for number, kind, text in session.execute(mine).all():
        said: Any = values.loads(text)
        left = {}
        if kind == "item":
            left["variables"] = {name: value for name, value in said["variables"].items() if name not in names}
        if kind == "item" or not said.keys().isdisjoint(names):
            session.execute(update(_arrivals).where(_arrivals.c.id == number).values(content=values.dumps(left)))
