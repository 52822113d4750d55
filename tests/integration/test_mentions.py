"""Whom a comment names: found however it is written, told only where he may see the matter."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import history
from casepath.engine.database.models import Notification
from casepath.engine.instances import comments, mentions
from casepath.engine.people import access, identity
from casepath.engine.queries import notices
from tests import factories
from tests.acting import PROGRAM
from tests.each import each

Transaction = sessionmaker[Session]


@pytest.fixture(autouse=True)
def filled(transaction: Transaction) -> None:
    with transaction.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for key in ("service", "sales"):
            factories.group(session, key)
        for username, name, group in (
            ("alice", "王芳", "service"), ("bob", "王芳芳", "service"), ("bo", "Bo", "service"),
            ("anna", "Anna Li", "service"), ("dora", "王芳（售后）", "service"), ("emil", "E" * 100, "service"),
            ("charlie", "李强", "sales"), ("gone", "赵六", "service"),
        ):  # fmt: skip
            factories.user(session, username, groups=[group]).name = name
        factories.user(session, "director", groups=["sales"])
        identity.set_active(session, "gone", False, by=PROGRAM)
        factories.user_task(session, of=factories.process_instance(session, business_key="K"))


def told(session: Session) -> list[str]:
    found = select(Notification.username).where(Notification.kind == "mention").order_by(Notification.username)
    return list(session.scalars(found))


@each(
    "text, usernames",
    [
        ("请@bob看一下", ["bob"]),
        ("@王芳请看", ["alice"]),
        ("@王芳芳请看", ["bob"]),
        ("＠王芳，@bob", ["alice", "bob"]),
        ("@BOB @Bo @bo", ["bob", "bo"]),
        ("@Anna Li, please", ["anna"]),
        ("@bobby", []),
        ("＠ｂｏｂｂｙ ＠ｂｏｂ", ["bob"]),
        ("@王芳（售后）请看", ["dora"]),
        ("@" + "E" * 100, ["emil"]),
        ("write to x@bob", []),
        ("@赵六 @nobody @", []),
        ("@bob @bob", ["bob"]),
    ],
)
def test_of__names_as_people_write_them(transaction: Transaction, text: str, usernames: list[str]) -> None:
    with transaction.begin() as session:
        assert mentions.of(session, "K", text).told == usernames


@each(
    "text, words",
    [
        ("@nobody, @bob: @nobody. @赵六", ["nobody", "赵六"]),
        ("@lisa.wu-b. ＠李四，请看", ["lisa.wu-b", "李四"]),
        ("x@nobody.example @ @, @@", []),
        ("@李强", []),
    ],
)
def test_of__names_that_nobody_has(transaction: Transaction, text: str, words: list[str]) -> None:
    with transaction.begin() as session:
        assert mentions.of(session, "K", text).unknown == words


def test_add__tells_those_who_may_see_the_matter(transaction: Transaction) -> None:
    with transaction.begin() as session:
        text = "@bob @李强 @王芳"
        comment = comments.add(session, "K", text, by="alice")

        assert told(session) == ["bob"]
        assert mentions.of(session, "K", text).strangers == ["charlie"]
        notice = notices.page(session, "bob").rows[0].notices[0]
        assert str(notice.phrase) == "王芳 mentioned you in a comment."
        assert text not in notice.text
        assert comment.process_instance_id is not None
        assert list(history.verify(session, comment.process_instance_id)) == []


def test_add__to_be_mentioned_is_no_right_to_see(transaction: Transaction) -> None:
    with transaction.begin() as session:
        identity.set_groups(session, "director", ["service"], by=PROGRAM)
        comments.add(session, "K", "@director", by="alice")
        assert told(session) == ["director"]
        identity.set_groups(session, "director", ["sales"], by=PROGRAM)

        assert not access.sees_matter(session, identity.person(session, "director"), "K")


def test_suggested__only_those_who_may_see_it(transaction: Transaction) -> None:
    with transaction.begin() as session:
        assert mentions.suggested(session, "K", "王") == [
            ("alice", "王芳"), ("bob", "王芳芳"), ("dora", "王芳（售后）"),
        ]  # fmt: skip
        assert mentions.suggested(session, "K", "李") == []
        assert mentions.suggested(session, "K", "an") == [("anna", "Anna Li")]
        assert mentions.suggested(session, "K", "赵") == []
        everybody = ["anna", "bo", "emil", "alice", "bob", "dora"]
        assert [username for username, _ in mentions.suggested(session, "K", "")] == everybody
