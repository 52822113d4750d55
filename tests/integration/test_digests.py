"""An e-mail a day with what somebody has not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, settings
from casepath.engine.database.models import Mail, Notification
from casepath.engine.instances import digests, notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import identity
from casepath.engine.queries import notices
from casepath.engine.time import clock as engine_clock
from casepath.workers import Mail as Server
from casepath.workers import Surroundings
from casepath.workers import digests as words
from tests import factories
from tests.acting import PROGRAM
from tests.each import each

Transaction = sessionmaker[Session]


@pytest.fixture(autouse=True)
def people(transaction: Transaction, clock: ModuleType) -> None:
    """Alice has an address; it is seven o'clock in the house."""
    clock.set_to(datetime(2026, 12, 2, 7, 0, tzinfo=engine_clock.time_zone(settings.current.time_zone)))
    with transaction.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        factories.user(session, "alice").email = "alice@example.com"
        factories.user(session, "bob")


def tell(session: Session, key: str | None, kind: str, *, by_mail: bool = False) -> None:
    wording = Wording(subject="x")
    notifications.notify(session, ["alice"], kind=kind, wording=wording, business_key=key, by_mail=by_mail)


def taken(session: Session) -> list[digests.Digest] | None:
    found = digests.take(session)
    return None if found is None else list(found)


def test_take__at_the_hour_that_was_chosen_and_again_a_day_later(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        identity.set_digest(session, "alice", 8, by="alice")
        for key, kind in (("K", "mention"), ("K", "news"), ("K", "news"), ("L", "notice"), (None, "notice")):
            tell(session, key, kind)
        assert taken(session) is None

        clock.move(timedelta(hours=1))
        unread = {None: {"notice": 1}, "L": {"notice": 1}, "K": {"news": 2, "mention": 1}}
        assert taken(session) == [digests.Digest(username="alice", matters=unread)]
        assert taken(session) is None
        clock.move(timedelta(days=1) - timedelta(seconds=1))
        assert taken(session) is None
        clock.move(timedelta(seconds=1))
        tell(session, "M", "news")
        assert [each.matters for each in taken(session) or ()] == [{"M": {"news": 1}}]


@each(
    "zone, day",
    [("Asia/Shanghai", datetime(2026, 12, 2, tzinfo=UTC)), ("Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC))],
)
def test_take__leaves_nothing_out_however_late_or_long_a_day_is(
    transaction: Transaction, clock: ModuleType, monkeypatch: pytest.MonkeyPatch, zone: str, day: datetime
) -> None:
    monkeypatch.setattr(settings.current, "time_zone", zone)
    at_eight = day.replace(hour=8, tzinfo=engine_clock.time_zone(zone))
    with transaction.begin() as session:
        clock.set_to(at_eight - timedelta(hours=1))
        for hour in (None, 8):
            identity.set_digest(session, "alice", hour, by="alice")
        clock.set_to(at_eight)
        assert taken(session) == []
        clock.move(timedelta(minutes=1))
        tell(session, "K", "news")
        # No worker runs for three hours.
        clock.set_to(at_eight + timedelta(days=1, hours=3))
        assert [each.matters for each in taken(session) or ()] == [{"K": {"news": 1}}]
        clock.set_to(at_eight + timedelta(days=2))
        assert taken(session) == []
        notifications.mark_read(session, "alice")


def test_take__not_what_was_read_or_mailed(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        identity.set_digest(session, "alice", 8, by="alice")
        tell(session, "K", "reminder", by_mail=True)
        tell(session, "L", "news")
        notifications.mark_read(session, "alice")
        clock.move(timedelta(hours=1))

        assert taken(session) == []


def test_take__not_what_needs_no_answer_any_more(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        identity.set_digest(session, "alice", 8, by="alice")
        instance = factories.process_instance(session, business_key="K")
        for kind in ("reminder", "notice"):
            wording = Wording(subject="x")
            notifications.notify(
                session, ["alice"], kind=kind, wording=wording, business_key="K", process_instance_id=instance.id
            )
        instance.state, instance.ended_at = "completed", engine_clock.now()
        clock.move(timedelta(hours=1))

        assert [each.matters for each in taken(session) or ()] == [{"K": {"notice": 1}}]
        assert notices.page(session, "alice").rows[0].unread == 1


def test_set_digest__never_again(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        identity.set_digest(session, "alice", 8, by="alice")
        identity.set_digest(session, "alice", None, by="alice")
        tell(session, "K", "news")
        clock.move(timedelta(days=2))

        assert taken(session) is None


@each("hour", [-1, 24])
def test_set_digest__an_hour_of_the_day(transaction: Transaction, hour: int) -> None:
    with transaction.begin() as session, pytest.raises(errors.InvalidInput, match="from 0 to 23"):
        identity.set_digest(session, "alice", hour, by="alice")


def test_set_digest__of_another_is_for_administrators(transaction: Transaction) -> None:
    with transaction.begin() as session, pytest.raises(errors.Forbidden):
        identity.set_digest(session, "alice", 8, by="bob")


def test_write__goes_out_by_e_mail_and_rings_no_bell(transaction: Transaction) -> None:
    with transaction.begin() as session:
        digest = digests.Digest(username="alice", matters={"K": {"news": 2, "mention": 1}, None: {"notice": 1}})
        said = {language: words.wording(digest, each) for language, each in words.WORDS.items()}
        digests.write(session, digest, said, language="zh_CN")

        (notice,) = session.scalars(select(Notification)).all()
        assert session.scalars(select(Mail.notification_id)).all() == [notice.id]
        assert notice.subject == "2 个案件有未读通知"
        assert notice.text.startswith("K：提及 1 条，动态 2 条\n其他：通知 1 条\n")
        assert said["en"].text.startswith("K – mentions: 1, news: 2\nOther – notices: 1\n")
        assert notices.unread(session, "alice") == 0
        assert notices.page(session, "alice").rows == []


def test_step__waits_for_a_mail_server(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        identity.set_digest(session, "alice", 8, by="alice")
        tell(session, "K", "news")
    clock.move(timedelta(hours=1))

    assert not words.step(Surroundings(sessions=transaction))
    with transaction.begin() as session:
        assert session.scalars(select(Mail.id)).all() == []
    assert words.step(Surroundings(sessions=transaction, mail=Server(host="mail.example", port=25)))
    with transaction.begin() as session:
        assert len(session.scalars(select(Mail.id)).all()) == 1


def test_next_hour__where_the_clock_is_put_forward() -> None:
    zone = engine_clock.time_zone("Europe/Berlin")
    found = engine_clock.next_hour(2, datetime(2027, 3, 27, 12, 0, tzinfo=UTC), zone)

    assert found == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)


def test_words__for_every_kind_of_notice() -> None:
    for each_language in words.WORDS.values():
        assert set(notifications.KINDS) - {digests.KIND} <= set(each_language)
