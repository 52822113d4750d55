"""Files of a matter."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history, settings
from casepath.engine.database.models import Attachment
from casepath.engine.instances import attachments
from casepath.engine.settings import Settings
from casepath.engine.time import clock as engine_clock
from tests import factories
from tests.acting import ADMINISTRATOR, PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

KEY = "TS2026-0001"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.fixture
def process_instance_id(transaction: Sessions) -> int:
    """A matter with a task for the group of Alice; Charlie is a stranger, Audrey audits."""
    with transaction.begin() as session:
        for key in ("service", "sales", "auditor"):
            factories.group(session, key)
        factories.user(session, "alice", groups=["service"])
        factories.user(session, "charlie", groups=["sales"])
        factories.user(session, "audrey", groups=["auditor"])
        instance = factories.process_instance(session, started_by=None)
        factories.user_task(session, of=instance)
        return instance.id


def add(transaction: Sessions, **options: Any) -> Attachment:
    with transaction.begin() as session:
        return attachments.add(session, KEY, **{"name": "photo.png", "content": PNG, "by": "alice", **options})


def test_add__kept_and_on_record(transaction: Sessions, process_instance_id: int) -> None:
    added = add(transaction)

    with transaction.begin() as session:
        (found,) = attachments.list_of(session, KEY)
        assert (found.id, found.name, found.media_type, found.size) == (added.id, "photo.png", "image/png", 28)
        assert (found.process_instance_id, found.created_by) == (process_instance_id, "alice")
        assert attachments.content(session, found.id) == PNG
        assert attachments.digest(PNG) == found.sha256
        (event,) = history.events(session, process_instance_id)
        assert (event.kind, event.by, event.facts["sha256"]) == ("attachment.added", "alice", found.sha256)
        assert list(event.variables.values()) == ["photo.png"]


def test_list_of__contents_stay_in_the_database(transaction: Sessions, process_instance_id: int) -> None:
    """Ten photos of 20 MB must not be read to show their names."""
    add(transaction)

    with transaction.begin() as session:
        (found,) = attachments.list_of(session, KEY)

    assert "content" not in found.__dict__


def test_add__to_the_newest_instance_of_the_matter(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        newest = factories.process_instance(session).id

    assert add(transaction).process_instance_id == newest
    assert add(transaction, process_instance_id=process_instance_id).process_instance_id == process_instance_id


def test_add__instance_of_another_matter(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        other = factories.process_instance(session, business_key="TS2026-0002").id

    with pytest.raises(errors.NotFound):
        add(transaction, process_instance_id=other)


@pytest.mark.parametrize("content", [b"", b"x" * 11])
def test_add__empty_or_too_large(transaction: Sessions, process_instance_id: int, content: bytes) -> None:
    with pytest.raises(errors.InvalidInput, match="at most 10 bytes"):
        add(transaction, content=content, max_size=10)


def test_add__too_many(transaction: Sessions, process_instance_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MAX_COUNT", 2)
    add(transaction)
    add(transaction)

    with pytest.raises(errors.InvalidInput, match="at most 2 files"):
        add(transaction)


@pytest.mark.parametrize(("who", "refusal"), [("charlie", errors.NotFound), ("audrey", errors.Forbidden)])
def test_add__who_may_not(
    transaction: Sessions, process_instance_id: int, who: str, refusal: type[errors.EngineError]
) -> None:
    with pytest.raises(refusal):
        add(transaction, by=who)


def test_add__only_the_engine_says_what_it_is(transaction: Sessions, process_instance_id: int) -> None:
    page = {"name": "form.html", "content": b"<html>", "media_type": "text/html"}

    assert add(transaction, **page, by=PROGRAM).media_type == "text/html"
    assert add(transaction, **page).media_type == "application/octet-stream"


@each(
    "name, safe",
    [
        ("发动机 照片.jpg", "发动机 照片.jpg"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\x\\a.pdf", "a.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
        ('a"b<c>.pdf', "a_b_c_.pdf"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("\x00", "file"),
        ("", "file"),
        ("...", "file"),
        ("..", "file"),
        (".htaccess", "htaccess"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("x." + "y" * 300, "x." + "y" * 11),
    ],
)
def test_safe_name__what_is_left(name: str, safe: str) -> None:
    assert attachments.safe_name(name) == safe


def test_get__no_such_file(transaction: Sessions) -> None:
    with transaction.begin() as session:
        for command in (attachments.get, attachments.content):
            with pytest.raises(errors.NotFound):
                command(session, 99)


def test_remove__history_knows_that_it_was_there(transaction: Sessions, process_instance_id: int) -> None:
    added = add(transaction, name="张三的身份证.png")
    with transaction.begin() as session:
        attachments.remove(session, added.id, by=ADMINISTRATOR, reason="含有身份证")

    with transaction.begin() as session:
        assert attachments.list_of(session, KEY) == []
        first, last = history.events(session, process_instance_id)
        assert (first.facts["sha256"], first.variables) == (added.sha256, {})
        assert (last.kind, last.by, last.facts["reason"]) == ("values.erased", "ada", "含有身份证")
        assert history.verify(session, process_instance_id) == []


@pytest.fixture
def quota() -> Iterator[Settings]:
    """The settings, as they were when it is over."""
    before = dataclasses.replace(settings.current)
    yield settings.current
    settings.current.bytes_per_matter, settings.current.bytes_per_day = before.bytes_per_matter, before.bytes_per_day


def test_add__no_more_than_a_matter_may_have(transaction: Sessions, process_instance_id: int, quota: Settings) -> None:
    quota.bytes_per_matter = 2 * len(PNG)
    add(transaction)
    add(transaction, by=PROGRAM)

    with pytest.raises(errors.InvalidInput) as refusal:
        add(transaction, by=PROGRAM, content=b"x")

    assert (refusal.value.code, refusal.value.facts["size"]) == ("bytes-of-matter", 56)


def test_add__no_more_than_a_person_may_add_in_a_day(
    transaction: Sessions, process_instance_id: int, quota: Settings, clock: ModuleType
) -> None:
    quota.bytes_per_day = 2 * len(PNG)
    clock.set_to(clock.now())
    add(transaction)
    clock.move(timedelta(hours=23))
    add(transaction)

    with pytest.raises(errors.InvalidInput) as refusal:
        add(transaction)
    add(transaction, by=PROGRAM)
    clock.move(timedelta(hours=1))
    add(transaction)

    assert refusal.value.code == "bytes-of-day"


def test_page__of_many(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        rows = [
            Attachment(
                business_key=KEY, name=f"{number}.png", media_type="image/png", size=1, sha256="0", content=b"x",
                created_at=engine_clock.now(),
            )
            for number in range(500)
        ]  # fmt: skip
        session.add_all(rows)
    seen: list[str] = []
    below: int | None = None
    with transaction.begin() as session:
        while True:
            files, below = attachments.page(session, KEY, below=below)
            assert len(files) == 50
            seen = [each.name for each in files] + seen
            if below is None:
                break

    assert seen == [f"{number}.png" for number in range(500)]
