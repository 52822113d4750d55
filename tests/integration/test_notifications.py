"""What users are told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history
from casepath.engine.database.models import Notification
from casepath.engine.instances import notifications
from casepath.engine.instances.notifications import Wording
from casepath.engine.queries import notices
from tests import factories

Sessions = sessionmaker[Session]


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
    assert event.variables == {"subject": notice.subject, "text": notice.text}


def test_notify__each_in_the_language_of_the_account(transaction: Sessions) -> None:
    with transaction.begin() as session:
        instance = factories.process_instance(session).id
        factories.user(session, "alice")
        factories.user(session, "bob").language = "en"
    english = {"en": Wording(subject="New task", text="Please see to it.")}

    assert tell(transaction, "alice", "bob", translated=english, process_instance_id=instance) == ["alice", "bob"]

    with transaction.begin() as session:
        notices = session.execute(select(Notification.username, Notification.subject).order_by(Notification.id)).all()
        events = history.events(session, instance)
        assert [tuple(each) for each in notices] == [("alice", "新任务"), ("bob", "New task")]
        assert [(each.facts["to"], each.variables["subject"]) for each in events] == [
            (["alice"], "新任务"),
            (["bob"], "New task"),
        ]
        assert history.verify(session, instance) == []


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
