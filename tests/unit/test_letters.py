"""What an e-mail looks like: its headers, whatever names and addresses people have, and what beyond them it carries."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy.orm import sessionmaker

from casepath.engine import errors
from casepath.engine.instances.mails import Outgoing
from casepath.engine.people import account_rules
from casepath.settings import Settings
from casepath.workers import Mail, Surroundings, letters
from casepath.workers.letters import File, Letter
from tests.each import each

MAIL = Mail(host="127.0.0.1", port=25, sender="Casepath <service@dealer.test>", password="very secret")
PLACE = Surroundings(sessions=sessionmaker(), url="https://casepath.test", time_zone="Asia/Shanghai")


def written(
    address: str = "anna@dealer.test", sender: str = MAIL.sender, file: File | None = None, **changes: Any
) -> Letter:
    outgoing = Outgoing(
        **{
            "id": 1,
            "attempt": 1,
            "token": "0" * 32,
            "name": "Anna",
            "address": address,
            "subject": "新的投诉",
            "text": "请处理。",
            "business_key": "TS2026-0001",
            "attachment_id": None,
            "created_at": datetime(2026, 3, 2, 1, tzinfo=UTC),
            **changes,
        }
    )
    return letters.write(outgoing, address, Mail(host="", port=25, sender=sender), PLACE, file)


def read(letter: Letter) -> EmailMessage:
    return message_from_bytes(letter.content, policy=policy.default)


def test_write__what_a_mail_has_to_have() -> None:
    message = read(written())

    assert {name: str(value) for name, value in message.items() if not name.startswith(("Content", "MIME"))} == {
        "From": "Casepath <service@dealer.test>",
        "To": "Anna <anna@dealer.test>",
        "Subject": "新的投诉",
        "Date": "Mon, 02 Mar 2026 09:00:00 +0800",
        "Message-ID": f"<{'0' * 32}@dealer.test>",
        "In-Reply-To": "<matter.f29cff683e371ec5d3633543588a3a79@dealer.test>",
        "References": "<matter.f29cff683e371ec5d3633543588a3a79@dealer.test>",
        "Auto-Submitted": "auto-generated",
    }
    assert message.get_content().splitlines() == ["请处理。", "", "https://casepath.test/matters/show/TS2026-0001"]


def test_write__one_thread_for_each_matter() -> None:
    threads = [read(written(business_key=key, token=token))["References"] for key, token in
               (("TS1", "1" * 32), ("TS1", "2" * 32), ("TS2", "3" * 32), (None, "4" * 32))]  # fmt: skip

    assert threads[0] == threads[1] != threads[2]
    assert threads[3] is None


@each(
    "key, link",
    [
        ("TS 1/2?#", "https://casepath.test/matters/show/TS%201/2%3F%23"),
        ("投诉", "https://casepath.test/matters/show/%E6%8A%95%E8%AF%89"),
        (None, "https://casepath.test/notifications/"),
    ],
)
def test_write__link(key: str | None, link: str) -> None:
    assert read(written(business_key=key)).get_content().splitlines()[-1] == link


@each(
    "changes, name, expected",
    [
        ({"subject": "a\r\nBcc: eve@evil.test"}, "Subject", "a Bcc: eve@evil.test"),
        ({"subject": "a\u2028b\x00\x85c"}, "Subject", "a b c"),
        ({"subject": "长" * 255}, "Subject", "长" * 255),
        ({"name": "Eve\r\nBcc: eve@evil.test"}, "To", '"Eve Bcc: eve@evil.test" <anna@dealer.test>'),
        ({"name": '"Li", <x@y>'}, "To", '"\\"Li\\", <x@y>" <anna@dealer.test>'),
        ({"name": "张三"}, "To", "张三 <anna@dealer.test>"),
        ({"name": ""}, "To", "anna@dealer.test"),
        ({"sender": "Zhang, San <service@dealer.test>"}, "From", '"Zhang, San" <service@dealer.test>'),
        ({"sender": "service@dealer.test"}, "From", "service@dealer.test"),
        ({"address": "bea@经销商.中国"}, "To", "Anna <bea@xn--czr997g7yo.xn--fiqs8s>"),
    ],
)
def test_write__a_header_is_one_line_and_one_person(changes: dict[str, Any], name: str, expected: str) -> None:
    message = read(written(**changes))

    assert str(message[name]) == expected
    assert message["Bcc"] is None
    assert len(message.get_all(name, [])) == 1
    assert message[name].defects == ()


def test_write__letters_beyond_ascii_before_the_at() -> None:
    letter = written("张三@dealer.test")

    assert (letter.recipient, letter.needs_utf8) == ("张三@dealer.test", True)
    assert "张三@dealer.test".encode() in letter.content
    assert not written().needs_utf8
    assert written().content.isascii()


NO_ADDRESSES = ("bea@", "bea", "@dealer.test", "a b@c", "a@b\r\nRCPT TO:<x@y>", "a@b,c@d", "a@..", "")


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_write__what_is_no_address(address: str) -> None:
    with pytest.raises(errors.InvalidInput, match="address"):
        written(address)


def test_write__huge_text_has_short_lines() -> None:
    letter = written(text="长" * 20_000)

    assert max(len(line) for line in letter.content.splitlines()) <= 998
    assert read(letter).get_content().startswith("长" * 20_000)


def test_write__carries_a_file() -> None:
    message = read(written(file=File(name="抱怨单 1.html", media_type="text/html", content=b"<h1>\xe5\xbc\xa0</h1>")))

    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("抱怨单 1.html", "text/html")
    assert part.get_payload(decode=True) == b"<h1>\xe5\xbc\xa0</h1>"


def test_write__leaves_a_file_that_is_too_large_where_it_is() -> None:
    large = File(name="a.bin", media_type="application/octet-stream", content=bytes(letters.MAX_FILE + 1))

    assert list(read(written(file=large)).iter_attachments()) == []


def test_mail__shows_no_password() -> None:
    assert "very secret" not in repr(MAIL)


@each(
    "text, mailbox",
    [
        ("a@b.test", ("", "a@b.test")),
        (" Casepath  <a@b.test> ", ("Casepath", "a@b.test")),
        ('"Zhang, San" <a@b.test>', ("Zhang, San", "a@b.test")),
        ("<a@b.test>", ("", "a@b.test")),
        ("客服 <a@b.test>", ("客服", "a@b.test")),
    ],
)
def test_mailbox(text: str, mailbox: tuple[str, str]) -> None:
    assert account_rules.mailbox(text) == mailbox


@pytest.mark.parametrize("sender", ["a@b.test, c@d.test", "a@b.test; x", "<a@b.test", "Casepath", "", "A <b> <>"])
def test_sender__refused_as_a_setting(sender: str) -> None:
    with pytest.raises(ValueError, match="Expected one sender, such as Casepath"):
        Settings(smtp_sender=sender)
