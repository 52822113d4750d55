"""What goes out through channels, for those who operate the engine and on a matter: to whom, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from casepath.engine import errors, phrases
from casepath.engine.database.models import TRANSITIONS, Arrival, Delivery
from casepath.engine.deployments import Channel, channels
from casepath.engine.phrases import Phrase

STATES = tuple(TRANSITIONS["deliveries"])
#: Those that a person should look at.
TROUBLED = ("uncertain", "undeliverable", "failed")
#: How many deliveries a person should look at.
TROUBLED_COUNT = select(func.count()).select_from(Delivery).where(Delivery.state.in_(TROUBLED)).scalar_subquery()


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """One delivery."""

    id: int
    #: What its channel is called.
    channel: str
    state: str
    #: Key of the record that it is for; None for an address alone.
    record_key: str | None
    #: The register of that record; None where the channel has none any more.
    register: str | None
    address: str | None
    text: str
    business_key: str | None
    attempts: int
    #: When the next attempt is due, of one that waits.
    due_at: datetime
    #: What the other side said last.
    answer: str | None
    #: Why nobody was asked, or nobody answered; else there may be an answer.
    phrase: Phrase | None
    #: What came in as an answer to it.
    replies: int
    created_at: datetime
    ended_at: datetime | None


def counts(session: Session) -> Mapping[str, int]:
    """Return how many deliveries there are in each state."""
    found = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in found}


def oldest(session: Session) -> datetime | None:
    """Return since when the oldest delivery waits; None where none does."""
    return session.scalar(select(func.min(Delivery.created_at)).where(Delivery.state == "waiting"))


def page(
    session: Session, language: str = "", *, states: Collection[str] = STATES, below: int | None = None, limit: int = 25
) -> tuple[list[DeliveryRow], int | None]:
    """
    Return deliveries in some states, newest first, those below an id; and below which id the next page begins.

    Channels are called what they are in a language, as far as they have a name in it.
    """
    return _page(session, select(Delivery).where(Delivery.state.in_(states)), language, below, limit)


def of_matter(
    session: Session, business_key: str, language: str = "", *, below: int | None = None, limit: int = 50
) -> tuple[list[DeliveryRow], int | None]:
    """Return the deliveries of a matter as `page` does."""
    return _page(session, select(Delivery).where(Delivery.business_key == business_key), language, below, limit)


def _page(
    session: Session, query: Select[Delivery], language: str, below: int | None, limit: int
) -> tuple[list[DeliveryRow], int | None]:
    if below is not None:
        query = query.where(Delivery.id < below)
    found = list(session.scalars(query.order_by(Delivery.id.desc()).limit(limit + 1)))
    rows = _rows(session, found[:limit], language)
    return rows, rows[-1].id if len(found) > limit else None


def state(session: Session, delivery_id: int) -> str | None:
    """Return in which state a delivery is; None where it is gone."""
    return session.scalar(select(Delivery.state).where(Delivery.id == delivery_id))


def channel_name(session: Session, key: str, language: str = "") -> str:
    """Return what a channel is called in a language; its key where it is declared no more."""
    channel = _declared(session, key)
    if channel is None:
        return key
    return (channel.name_en if language == "en" else "") or channel.name


def _declared(session: Session, key: str) -> Channel | None:
    try:
        return channels.declared(session, key)
    except errors.NotFound:
        return None


def _rows(session: Session, found: list[Delivery], language: str) -> list[DeliveryRow]:
    replied = (
        select(Arrival.delivery_id, func.count())
        .where(Arrival.kind == "reply", Arrival.delivery_id.in_([each.id for each in found]))
        .group_by(Arrival.delivery_id)
    )
    replies = {row[0]: row[1] for row in session.execute(replied)}
    keys = {each.channel for each in found}
    declared = {key: _declared(session, key) for key in keys}
    names = {key: channel_name(session, key, language) for key in keys}
    return [_row(each, names[each.channel], declared[each.channel], replies.get(each.id, 0)) for each in found]


def _row(delivery: Delivery, name: str, channel: Channel | None, replies: int) -> DeliveryRow:
    phrase = phrases.loads(delivery.answer)
    recipients = channel.recipients if channel is not None else None
    return DeliveryRow(
        id=delivery.id,
        channel=name,
        state=delivery.state,
        record_key=delivery.record_key,
        register=recipients.register if recipients is not None else None,
        address=delivery.address,
        text=delivery.text,
        business_key=delivery.business_key,
        attempts=delivery.attempts,
        due_at=delivery.due_at,
        answer=delivery.answer if phrase is None else None,
        phrase=phrase,
        replies=replies,
        created_at=delivery.created_at,
        ended_at=delivery.ended_at,
    )
