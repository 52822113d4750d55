"""What users are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import Notification
from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.queries import notices
from casepath.engine.time import clock
from tests import factories
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]
DEALER = b'{"zone": "Asia/Shanghai", "hours": {"mon-sun": [["09:00", "18:00"]]}}'


def tell(transaction: Sessions, *usernames: str, subject: str = "新任务", text: str = "", **options: Any) -> list[str]:
    wording = Wording(subject=subject, text=text)
    with transaction.begin() as session:
        return notifications.notify(session, usernames, **{"kind": "notice", "wording": wording, **options})


def test_notify__each_once_under_a_key(transaction: Sessions) -> None:
    first = tell(transaction, "alice", "alice", "bob", idempotency_key="7/3")
    again = tell(transaction, "bob", "charlie", idempotency_key="7/3")

    assert (first, again) == (["alice", "bob"], ["charlie"])


def test_notify__without_key_every_time(transaction: Sessions) -> None:
    tell(transaction, "alice")
    tell(transaction, "alice")

    with transaction.begin() as session:
        assert notices.unread(session, "alice") == 2


def test_notify__on_record(transaction: Sessions) -> None:
    with transaction.begin() as session:
        instance = factories.process_instance(session).id

    tell(transaction, "alice", process_instance_id=instance, idempotency_key="1/1")
    tell(transaction, "alice", process_instance_id=instance, idempotency_key="1/1")

    with transaction.begin() as session:
        (event,) = history.events(session, instance)
        (notice,) = session.scalars(select(Notification))
    facts = {"kind": "notice", "to": ["alice"], "notifications": [notice.id], "mailed": []}
    assert (event.kind, event.facts) == ("notification.sent", facts)
    assert event.variables == {"subject": notice.subject, "text": notice.text, "wordings": {}}


def test_notify__each_in_his_language(transaction: Sessions) -> None:
    with transaction.begin() as session:
        instance = factories.process_instance(session, business_key="TS1").id
    english = {"en": Wording(subject="New task", text="Please see to it.")}

    told = tell(transaction, "alice", "bob", text="请处理。", translated=english, process_instance_id=instance,
                business_key="TS1")  # fmt: skip

    assert told == ["alice", "bob"]
    with transaction.begin() as session:
        own = "新任务 请处理。"
        for language, expected in (("", own), ("zh_CN", own), ("en", "New task Please see to it.")):
            (mine,) = notices.page(session, "bob", language).rows[0].notices
            of_matter, _ = notices.of_matter(session, "TS1", language)
            assert {f"{each.subject} {each.text}" for each in (mine, *of_matter)} == {expected}
        (event,) = history.events(session, instance)
        assert (event.facts["to"], event.variables["subject"]) == (["alice", "bob"], "新任务")
        assert event.variables["wordings"] == {"en": ["New task", "Please see to it."]}
        assert history.verify(session, instance) == []


@pytest.mark.parametrize("other", [
    {}, {"kind": "escalation"}, {"business_key": "TS2"}, {"once_a_day": False}, {"days": 1}, {"hours": 15},
], ids=str)  # fmt: skip
def test_notify__once_a_day(transaction: Sessions, other: dict[str, Any]) -> None:
    """Of a matter and in a kind; the day is that of the house: 15 hours after ten o'clock is the next one."""
    usual: dict[str, Any] = {"kind": "reminder", "business_key": "TS1", "once_a_day": True}
    clock.set_to(datetime(2026, 11, 30, 2, tzinfo=UTC))
    with transaction.begin() as session:
        deployments.deploy(session, {"calendar.json": DEALER}, name="c", by=PROGRAM)
    tell(transaction, "alice", idempotency_key="1/1", **usual)

    later = timedelta(**{unit: other[unit] for unit in ("days", "hours") if unit in other})
    clock.move(later)
    changed = {name: value for name, value in other.items() if name not in ("days", "hours")}
    told = tell(transaction, "alice", "bob", idempotency_key="2/1", **{**usual, **changed})

    assert told == (["alice", "bob"] if other else ["bob"])


def test_notify__texts_that_no_database_stores(transaction: Sessions) -> None:
    tell(transaction, "alice", subject="a\r\nBcc: x\x00" + "y" * 300, text="\ud800" * 30_000)

    with transaction.begin() as session:
        found = session.scalars(select(Notification)).one()
    assert (len(found.subject), len(found.text)) == (255, 20_000)
    assert "\n" not in found.subject


@pytest.mark.parametrize("options", [{"kind": "spam"}, {"subject": " "}], ids=str)
def test_notify__refused(transaction: Sessions, options: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput):
        tell(transaction, "alice", **options)


def test_mark_read__one(transaction: Sessions) -> None:
    tell(transaction, "alice", business_key="TS1")
    tell(transaction, "alice")
    with transaction.begin() as session:
        first = session.scalars(select(Notification.id).order_by(Notification.id)).first()

        assert notifications.mark_read(session, "alice", first) == "TS1"
        assert notifications.mark_read(session, "alice", first) == "TS1"
        assert notices.unread(session, "alice") == 1


def test_mark_read__somebody_else_s(transaction: Sessions) -> None:
    tell(transaction, "alice", business_key="TS1")
    with transaction.begin() as session:
        first = session.scalars(select(Notification.id)).one()

        assert notifications.mark_read(session, "bob", first) is None
        assert notices.unread(session, "alice") == 1


def test_mark_read__all_of_one_s_own(transaction: Sessions) -> None:
    tell(transaction, "alice", "bob")
    tell(transaction, "alice")
    with transaction.begin() as session:
        notifications.mark_read(session, "alice")

        assert notices.unread(session, "alice") == 0
        assert notices.unread(session, "bob") == 1
