"""
Watches: matters of which somebody wants to be told what people do there, and how they end.

A worker looks for news and tells them, so that no step waits for that. Whoever may see a matter may watch it; who may
see it no longer, watches it no longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from casepath.engine import database, errors, history, phrases
from casepath.engine.database import values
from casepath.engine.database.models import ProcessInstance, User, UserTask, Watch
from casepath.engine.history import EventView
from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import By, Person
from casepath.engine.phrases import Phrase

#: Watches whose news are told in one transaction, and news of one matter that are told one by one.
TOGETHER, MOST = 20, 5
#: Matters that one person watches.
MAX_WATCHED = 500
#: What is said of how a matter ends.
ENDS: Mapping[str, Phrase] = {
    "process_instance.completed": Phrase("The matter is completed."),
    "process_instance.cancelled": Phrase("The matter was cancelled."),
}
#: The watches since whose last look something has happened.
_grown = (
    select(Watch.username, Watch.business_key, Watch.events, Watch.seen)
    .join(ProcessInstance, ProcessInstance.business_key == Watch.business_key)
    .group_by(Watch.username, Watch.business_key, Watch.events, Watch.seen)
    .having(func.sum(ProcessInstance.history_length) != Watch.events)
)
_any_news = _grown.limit(1)


def watch(session: Session, business_key: str, *, by: By) -> None:
    """
    Have somebody told of what happens in a matter from now on.

    Raises `NotFound` for strangers, `Forbidden` for programs, and `InvalidInput` for too many.
    """
    actor = identity.actor(session, by)
    if not isinstance(actor, Person):
        raise errors.Forbidden("watch", "matter", business_key, actor.signature)
    access.matter(session, actor, business_key)
    others = Watch.username == actor.username, Watch.business_key != business_key
    if (session.scalar(select(func.count()).select_from(Watch).where(*others)) or 0) >= MAX_WATCHED:
        text = "At most {limit} matters can be watched; please leave one."
        raise errors.InvalidInput(text, code="too-many-watched", limit=MAX_WATCHED)
    seen = _lengths(session, business_key)
    row = {"username": actor.username, "business_key": business_key, "events": sum(seen.values())}
    database.insert_new(session, Watch, {**row, "seen": _dumps(seen)})


def leave(session: Session, business_key: str, *, by: str) -> None:
    """Have a user told no longer of what happens in a matter, if he was."""
    session.execute(delete(Watch).where(Watch.username == by, Watch.business_key == business_key))


def of_user(session: Session, username: str) -> list[str]:
    """Return the business keys of the matters that a user watches."""
    return list(session.scalars(select(Watch.business_key).where(Watch.username == username)))


def is_watched(session: Session, business_key: str, username: str) -> bool:
    """Tell whether a user watches a matter."""
    return session.get(Watch, (username, business_key)) is not None


def is_news(session: Session) -> bool:
    """Tell whether anything has happened in a matter that somebody watches."""
    return session.execute(_any_news).first() is not None


def tell_news(session: Session) -> int:
    """Tell those who watch what has happened since; return of how many watches there was anything to look at."""
    found = session.execute(_grown.order_by(Watch.business_key, Watch.username).limit(TOGETHER)).all()
    for row in found:
        lengths, own = _lengths(session, row.business_key), (
            Watch.username == row.username, Watch.business_key == row.business_key
        )
        change = update(Watch).where(*own, Watch.events == row.events)
        # Two workers that look at the same time tell it once.
        if not session.connection().execute(change.values(events=sum(lengths.values()), seen=_dumps(lengths))).rowcount:
            continue
        user = session.get_one(User, row.username)
        person = identity.person(session, row.username) if user.active else None
        if person is None or not access.sees_matter(session, person, row.business_key):
            session.execute(delete(Watch).where(*own))
            continue
        seen: Any = values.loads(row.seen)
        news = _news(session, row.business_key, row.username, seen, lengths)
        _tell(session, row.username, row.business_key, list(news))
    return len(found)


def _tell(session: Session, username: str, business_key: str, news: list[Phrase]) -> None:
    told = news[:MOST]
    if len(news) > MOST:
        told.append(Phrase("{count} more things happened here.", count=len(news) - MOST))
    for phrase in told:
        wording = Wording(subject=str(phrase), text=phrases.dumps(phrase))
        notifications.notify(session, [username], kind="news", wording=wording, business_key=business_key)


def _lengths(session: Session, business_key: str) -> dict[str, int]:
    """Return how many events each process instance of a matter has."""
    query = select(ProcessInstance.id, ProcessInstance.history_length)
    found = session.execute(query.where(ProcessInstance.business_key == business_key).order_by(ProcessInstance.id))
    return {str(number): length for number, length in found}


def _dumps(lengths: Mapping[str, int]) -> str:
    return values.dumps(dict(lengths))


def _news(
    session: Session, business_key: str, reader: str, seen: Mapping[str, int], lengths: Mapping[str, int]
) -> Iterator[Phrase]:
    """Yield what others than the reader have done between two looks, and what has come to an end."""
    query = select(ProcessInstance).where(ProcessInstance.business_key == business_key).order_by(ProcessInstance.id)
    instances = session.scalars(query).all()
    for instance in instances:
        number = str(instance.id)
        for event in history.events(session, instance.id, after=seen.get(number, 0)):
            # What others write just now is told next time.
            if event.sequence > lengths.get(number, 0):
                break
            # A matter ends with its first process instance, whatever else has its number.
            ended = ENDS.get(event.kind) if instance is instances[0] else None
            if event.by != reader and (phrase := ended or _done(session, instance, event)) is not None:
                yield phrase


def _done(session: Session, instance: ProcessInstance, event: EventView) -> Phrase | None:
    """Return what somebody has done; None where nobody has, or nothing that is told."""
    username = authorization.username(event.by)
    if username is None:
        return None
    name = session.scalar(select(User.name).where(User.username == username)) or username
    if event.kind == "user_task.completed":
        task = session.scalar(
            select(UserTask.name).where(
                UserTask.process_instance_id == instance.id, UserTask.activity_instance == event.activity_instance
            )
        )
        return Phrase("{who} completed the task “{task}”.", who=name, task=task or str(event.element_id))
    if event.kind == "comment.added":
        return Phrase("{who} added a comment.", who=name)
    if event.kind == "attachment.added":
        return Phrase("{who} added a file.", who=name)
    if event.kind == "message.received":
        return Phrase("{who} reported what happened.", who=name)
    return None
