"""The queue of e-mails, and the worker that sends them: once each, whatever the mail server does."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, phrases
from casepath.engine.database.models import ExternalTask, Incident, Mail, Notification, User, UserTask
from casepath.engine.history import organisation
from casepath.engine.instances import attachments, mails, notifications, process_instances
from casepath.engine.instances.mails import Outgoing
from casepath.engine.instances.outgoing import LOCK, Outcome
from casepath.engine.instances.wordings import Wording
from casepath.engine.queries import notices
from casepath.workers import Mail as Server
from casepath.workers import Surroundings, letters, outbox, smtp
from casepath.workers.loop import Loop
from casepath.workers.sending import FIRST_BACK_OFF, FIRST_PAUSE, LONGEST_BACK_OFF, LONGEST_PAUSE
from tests import diagrams, factories, mailbox
from tests.acting import PROGRAM
from tests.mailbox import Mailbox

Sessions = sessionmaker[Session]
#: How long a test waits for what should happen, in seconds; machines under load are slow.
PATIENCE = 30.0


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server."""
    with mailbox.open_mailbox() as opened:
        yield opened


@pytest.fixture(autouse=True)
def still(clock: ModuleType) -> datetime:
    """The clock stands still."""
    clock.set_to(now := clock.now())
    at: datetime = now
    return at


def loop_to(transaction: Sessions, port: int, **server: Any) -> Loop:
    """A worker that sends to a mail server."""
    settings = {"host": "127.0.0.1", "encryption": "none", "sender": "Casepath <service@dealer.test>"}
    mail = Server(**{**settings, "port": port, **server})
    place = Surroundings(sessions=transaction, mail=mail, url="https://casepath.test", time_zone="Asia/Shanghai")
    return Loop(place, worker_id="w1")


def user(transaction: Sessions, username: str, address: str | None = "", language: str = "zh_CN") -> None:
    with transaction.begin() as session:
        made = factories.user(session, username)
        made.email = f"{username}@dealer.test" if address == "" else address
        made.language = language


def tell(transaction: Sessions, *usernames: str, **options: Any) -> None:
    """Tell people something by e-mail as well."""
    usual = {"kind": "notice", "wording": Wording(subject="新的投诉", text="请处理。"), "business_key": "TS1"}
    with transaction.begin() as session:
        notifications.notify(session, usernames, **{**usual, "by_mail": True, **options})


def queue(transaction: Sessions) -> list[tuple[str, str]]:
    """To whom, and in which state."""
    with transaction.begin() as session:
        query = select(Notification.username, Mail.state).join(Mail, Mail.notification_id == Notification.id)
        return [(row[0], row[1]) for row in session.execute(query.order_by(Mail.id))]


def answers(transaction: Sessions) -> list[str | None]:
    """What the mail server said last, or why it was not asked."""
    with transaction.begin() as session:
        found = session.scalars(select(Mail.answer).order_by(Mail.id)).all()
    return [str(phrases.loads(each) or each) for each in found]


def addressees(box: Mailbox) -> list[str]:
    return [str(message["To"].addresses[0].addr_spec) for message in box.messages]


def start(
    transaction: Sessions,
    topic: str = "notify",
    texts: bytes | None = None,
    files: Mapping[str, bytes] | None = None,
    variables: Mapping[str, Any] | None = None,
    **inputs: str,
) -> int:
    """Start a process that tells people something and then has a user task, with a timer beside."""
    usual = {"recipients": "carol", "subject": "收到：${customer}", "text": "请处理"}
    content = diagrams.process(
        '<startEvent id="Start"/><parallelGateway id="Fork"/>',
        '<userTask id="Done" name="联系客户"/><userTask id="Late"/>',
        f'<intermediateCatchEvent id="Timer">{diagrams.timer("PT1S")}</intermediateCatchEvent>',
        diagrams.service("Work", topic, **usual | inputs),
        flow="Start > Fork; Fork > Work; Fork > Timer; Work > Done; Timer > Late",
        key="p",
    )
    beside = {**(files or {}), **({"texts.en.json": texts} if texts is not None else {})}
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": content, **beside}, name="p", by=PROGRAM)
        given = {"customer": "张三", **(variables or {})}
        return process_instances.start(session, "p", given, business_key="TS1", by=PROGRAM).id


def is_open(transaction: Sessions, element_id: str) -> bool:
    with transaction.begin() as session:
        return session.scalar(select(UserTask.id).where(UserTask.element_id == element_id)) is not None


# -- the queue ---------------------------------------------------------------------------------------------------------


def test_enqueue__one_for_each_who_can_be_reached(transaction: Sessions) -> None:
    for username, address in (("anna", ""), ("bea", None), ("carl", "carl@dealer.test"), ("gone", "")):
        user(transaction, username, address)
    with transaction.begin() as session:
        session.get_one(User, "gone").active = False

    tell(transaction, "anna", "bea", "carl", "gone", "stranger")
    tell(transaction, "anna", by_mail=False)

    assert queue(transaction) == [("anna", "waiting"), ("carl", "waiting")]


def test_enqueue__in_the_transaction_of_the_step(transaction: Sessions) -> None:
    user(transaction, "anna")
    with transaction() as session:
        notifications.notify(session, ["anna"], kind="notice", wording=Wording(subject="x"), by_mail=True)
        session.rollback()

    assert queue(transaction) == []


def test_take__the_longest_due_first_and_none_twice(transaction: Sessions, clock: ModuleType) -> None:
    for username in ("anna", "bea"):
        user(transaction, username)
        tell(transaction, username)
        clock.move(timedelta(seconds=1))

    def take() -> Outgoing | None:
        with transaction.begin() as session:
            return mails.take(session)

    first, second = take(), take()
    assert first is not None
    assert second is not None
    assert (first.address, first.attempt, second.address) == ("anna@dealer.test", 1, "bea@dealer.test")
    assert take() is None
    clock.move(LOCK)
    # Whoever had it has ended before anything of it left.
    again = take()
    assert again is not None
    assert (again.id, again.attempt, again.token) == (first.id, 2, first.token)
    with transaction.begin() as session:
        assert not mails.hand_over(session, first)
        assert mails.hand_over(session, again)
        mails.settle(session, first, "undeliverable", answer="late")
        mails.settle(session, again, "sent", answer="250 kept")
    assert queue(transaction) == [("anna", "sent"), ("bea", "waiting")]


def test_take__what_was_handed_over_and_not_settled_is_uncertain(transaction: Sessions, clock: ModuleType) -> None:
    user(transaction, "anna")
    tell(transaction, "anna")
    with transaction.begin() as session:
        taken = mails.take(session)
        assert taken is not None
        assert mails.hand_over(session, taken)

    clock.move(LOCK)
    with transaction.begin() as session:
        assert mails.take(session) is None
    assert queue(transaction) == [("anna", "uncertain")]
    with transaction.begin() as session:
        mails.settle(session, taken, "sent", answer="250 kept, after all")
    assert queue(transaction) == [("anna", "sent")]


@pytest.mark.parametrize("state", ["waiting", "uncertain", "undeliverable"])
def test_retry_and_give_up(transaction: Sessions, state: str, still: datetime) -> None:
    with transaction.begin() as session:
        first, second = (factories.mail(session, state=state, due_at=still + LOCK).id for _ in range(2))
    with transaction.begin() as session:
        mails.retry(session, first, by=PROGRAM)
        mails.give_up(session, second, by=PROGRAM)
        events = [(event.kind, event.facts) for event in organisation.events(session)]
        due = session.get_one(Mail, first).due_at

    assert [state for _, state in queue(transaction)] == ["waiting", "given_up"]
    assert due == still
    assert events == [("mail.retried", {"mail": first}), ("mail.given_up", {"mail": second})]


@pytest.mark.parametrize("state", ["sending", "sent", "given_up"])
@pytest.mark.parametrize("command", [mails.retry, mails.give_up])
def test_retry_and_give_up__refused(transaction: Sessions, state: str, command: Callable[..., None]) -> None:
    with transaction.begin() as session:
        mail_id = factories.mail(session, state=state).id
        with pytest.raises(errors.InvalidState, match=state):
            command(session, mail_id, by=PROGRAM)
        with pytest.raises(errors.NotFound):
            command(session, mail_id + 1, by=PROGRAM)


# -- sending -----------------------------------------------------------------------------------------------------------


def test_notify__the_process_goes_on_and_the_mail_follows(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "carol")
    instance = start(transaction, subject="第一行&#10;Bcc: eve@evil.test")
    loop = loop_to(transaction, box.port)

    loop.rest()
    loop.rest()

    assert is_open(transaction, "Done")
    assert addressees(box) == ["carol@dealer.test"]
    message = box.messages[0]
    assert (message["Subject"], message["Bcc"]) == ("第一行 Bcc: eve@evil.test", None)
    assert message.get_content().splitlines()[0] == "请处理"
    assert (queue(transaction), answers(transaction)) == ([("carol", "sent")], ["250 kept"])
    with transaction.begin() as session:
        kinds = [event.kind for event in history.events(session, instance)]
        assert kinds.index("notification.sent") < kinds.index("external_task.completed")
        assert history.verify_instance(session, instance) == []


def test_notify__nothing_is_told_where_the_task_is_no_longer_ours(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "carol")
    start(transaction)
    loop = loop_to(transaction, box.port)
    (task,) = loop.topics.fetch(["notify"], 1)
    with transaction.begin() as session:
        session.get_one(ExternalTask, task.id).worker_id = "another"

    loop.topics.handle(task)

    assert queue(transaction) == []


def test_notify__both_in_the_language_of_the_account(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "carol")
    user(transaction, "emma", language="en")
    texts = '{"Work.subject": "Received: ${customer}", "Work.text": "Please see to it.", "Done": "Call the customer"}'
    start(transaction, "remind", texts.encode(), recipients="carol,emma", open_tasks="${true}")
    with transaction.begin() as session:
        factories.user_task(session, candidate_users=("carol", "emma"), candidate_groups=()).business_key = "TS1"

    loop_to(transaction, box.port).rest()

    with transaction.begin() as session:
        languages = {"carol": "zh_CN", "emma": "en"}
        said = {name: notices.page(session, name, each).rows[0].notices[0].text for name, each in languages.items()}
    assert {str(each["To"].addresses[0].username): str(each["Subject"]) for each in box.messages} == {
        "carol": "收到：张三",
        "emma": "Received: 张三",
    }
    assert said["carol"].splitlines() == ["请处理", "· 联系客户 · Carol、Emma"]
    assert said["emma"].splitlines() == ["Please see to it.", "· 联系客户 · Carol, Emma"]
    assert {each.get_content().splitlines()[0] for each in box.messages} == {"请处理", "Please see to it."}


def test_notify__values_in_the_language_of_the_reader(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "emma", language="en")
    said = {"Work.subject": "Received: ${words.customer}", "variables.customer.张三": "Zhang San"}
    said["Work.text"] = "${words.customer}, ${customer}"
    start(transaction, texts=json.dumps(said).encode(), recipients="emma")

    loop_to(transaction, box.port).rest()

    assert box.messages[0]["Subject"] == "Received: Zhang San"
    assert box.messages[0].get_content().splitlines()[0] == "Zhang San, 张三"


def test_notify__lists_yes_times_and_groups_as_the_reader_writes_them(transaction: Sessions, box: Mailbox) -> None:
    for name, language in (("carol", "zh_CN"), ("emma", "en")):
        user(transaction, name, language=language)
    with transaction.begin() as session:
        group = factories.group(session, "repair")
        group.name, group.name_en = "维修班", "Repair"
    text = "${words.demands} · ${words.urgent} · ${words.at} · ${words.count * 2} · ${words.team}"
    options = [{"value": "r", "label": "退车"}, {"value": "m", "label": "媒体"}]
    field = {"type": "checklist", "key": "demands", "label": "x", "properties": {"options_en": "Return|"}}
    form = {"components": [{**field, "values": options}]}
    files = {f"texts.{language}.json": json.dumps({"Work.text": text}).encode() for language in ("zh", "en")}
    variables = {"demands": ["r", "m", "x"], "urgent": True, "count": 2, "at": datetime(2026, 3, 2, 1, 10, tzinfo=UTC)}
    variables["team"] = "repair"
    start(transaction, files=files | {"forms/f.form": json.dumps(form).encode()}, variables=variables,
          recipients="carol,emma")  # fmt: skip

    loop_to(transaction, box.port).rest()

    told = {str(each["To"].addresses[0].username): each.get_content().splitlines()[0] for each in box.messages}
    assert told == {
        "carol": "退车、媒体、x · 是 · 2026年3月2日 09:10 · 4 · 维修班",
        "emma": "Return, 媒体, x · yes · 2 Mar 2026 09:10 · 4 · Repair",
    }


@pytest.mark.parametrize(("once", "mails_sent"), [("${true}", 1), ("${false}", 2)])
def test_remind__of_two_deadlines_on_one_day(transaction: Sessions, box: Mailbox, once: str, mails_sent: int) -> None:
    user(transaction, "carol")
    for _ in range(2):
        start(transaction, "remind", once_a_day=once)

    loop_to(transaction, box.port).rest()

    assert len(box.messages) == mails_sent
    with transaction.begin() as session:
        assert len(session.scalars(select(UserTask).where(UserTask.element_id == "Done")).all()) == 2


def test_notify__a_translation_that_fails_keeps_nothing_back(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "carol", language="en")
    start(transaction, texts=b'{"Work.subject": "Received: ${nobody.gave.this}", "Work.text": "${customer}"}')

    loop_to(transaction, box.port).rest()

    assert box.messages[0]["Subject"] == "收到：张三"
    assert box.messages[0].get_content().splitlines()[0] == "张三"


def test_dispatch__carries_the_document(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "carol")
    start(transaction, "dispatch", subject="", text="", document="form")
    with transaction.begin() as session:
        for content in (b"old", b"new"):
            attachments.add(session, "TS1", name="form-TS1.html", content=content, media_type="text/html", by=PROGRAM)

    loop_to(transaction, box.port).rest()

    (part,) = box.messages[0].iter_attachments()
    assert (part.get_filename(), part.get_payload(decode=True)) == ("form-TS1.html", b"new")
    assert box.messages[0]["Subject"] == "TS1 form-TS1.html"


def test_outbox__a_file_that_was_removed_is_left_out(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "carol")
    with transaction.begin() as session:
        factories.process_instance(session, business_key="TS1")
        kept = attachments.add(session, "TS1", name="a.txt", content=b"x", by=PROGRAM).id
    tell(transaction, "carol", attachment_id=kept)
    with transaction.begin() as session:
        attachments.remove(session, kept, by=PROGRAM, reason="x")

    loop_to(transaction, box.port).rest()

    assert list(box.messages[0].iter_attachments()) == []


def test_outbox__one_bad_address_stops_no_other(transaction: Sessions, box: Mailbox) -> None:
    box.extensions = ["mailbox"]
    addresses = {"anna": "", "bea": "bea@", "carl": "nobody@dealer.test", "dora": "张三@dealer.test", "emil": ""}
    for username, address in addresses.items():
        user(transaction, username, address)
    tell(transaction, *addresses)
    with transaction.begin() as session:
        session.get_one(User, "emil").active = False
    user(transaction, "fritz")
    tell(transaction, "fritz")

    loop_to(transaction, box.port).rest()

    assert addressees(box) == ["anna@dealer.test", "fritz@dealer.test"]
    undeliverable = [(username, "undeliverable") for username in ("bea", "carl", "dora", "emil")]
    assert queue(transaction) == [("anna", "sent"), *undeliverable, ("fritz", "sent")]
    assert answers(transaction)[1:5] == [
        "Please write an e-mail address, such as name@example.com; you wrote “bea@”.",
        "550 no such box",
        str(smtp.NO_UTF8),
        str(outbox.NO_ADDRESS),
    ]
    loop_to(transaction, box.port).rest()
    assert len(box.messages) == 2


def test_outbox__letters_beyond_ascii_where_the_server_takes_them(transaction: Sessions, box: Mailbox) -> None:
    user(transaction, "dora", "张三@dealer.test")
    tell(transaction, "dora")

    loop_to(transaction, box.port).rest()

    assert queue(transaction) == [("dora", "sent")]
    assert "张三@dealer.test".encode() in box.contents[0]


def test_outbox__what_no_mail_can_have_stops_no_other(
    transaction: Sessions, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for username in ("anna", "bea"):
        user(transaction, username)
    tell(transaction, "anna", "bea")
    write = letters.write

    def fail_for_anna(outgoing: Outgoing, *rest: Any) -> Any:
        if outgoing.name == "Anna":
            raise IndexError("list index out of range")
        return write(outgoing, *rest)

    monkeypatch.setattr("casepath.workers.letters.write", fail_for_anna)
    loop_to(transaction, box.port).rest()

    assert queue(transaction) == [("anna", "undeliverable"), ("bea", "sent")]
    assert answers(transaction)[0] == "IndexError: list index out of range"


def test_outbox__refused_for_the_moment_is_tried_for_days(
    transaction: Sessions, box: Mailbox, clock: ModuleType, still: datetime
) -> None:
    user(transaction, "anna", "later@dealer.test")
    user(transaction, "bea")
    tell(transaction, "anna", "bea")
    loop = loop_to(transaction, box.port, keep_trying=timedelta(days=2))
    waits = []
    loop.rest()
    assert queue(transaction) == [("anna", "waiting"), ("bea", "sent")]
    while queue(transaction)[0][1] == "waiting":
        with transaction.begin() as session:
            due = session.scalars(select(Mail.due_at).order_by(Mail.id)).first()
        assert due is not None
        waits.append(due - clock.now())
        clock.set_to(due)
        loop.rest()

    assert waits[:3] == [FIRST_BACK_OFF, FIRST_BACK_OFF * 2, FIRST_BACK_OFF * 4]
    assert max(waits) == LONGEST_BACK_OFF
    assert timedelta(days=2) <= clock.now() - still < timedelta(days=2) + LONGEST_BACK_OFF
    assert queue(transaction)[0] == ("anna", "undeliverable")
    assert answers(transaction)[0] == "It was not taken for 2 days, at last: 450 not now"

    box.later = b"later than that@"
    with transaction.begin() as session:
        mails.retry(session, session.scalars(select(Mail.id).order_by(Mail.id)).all()[0], by=PROGRAM)
    loop.rest()
    assert addressees(box) == ["bea@dealer.test", "later@dealer.test"]


@pytest.mark.parametrize(
    "answers_", [{"MAIL": "530 log in first"}, {"RSET": "421 going down"}, {"DATA": "421 going down"}], ids=str
)
def test_outbox__a_server_that_is_away_heals_by_itself(
    transaction: Sessions, box: Mailbox, clock: ModuleType, answers_: dict[str, str]
) -> None:
    usernames = [f"user{number}" for number in range(4)]
    for username in usernames:
        user(transaction, username)
    tell(transaction, *usernames)
    box.answers = answers_
    loop = loop_to(transaction, box.port)
    tried = []
    for _ in range(8):
        loop.rest()
        with transaction.begin() as session:
            tried.append(sum(session.scalars(select(Mail.attempts))))
        # It is left alone meanwhile.
        assert not loop.outbox.step()
        assert loop.outbox.resting_until is not None
        clock.set_to(loop.outbox.resting_until)
    assert tried == [1, 2, 3, 4, 5, 6, 7, 8]
    assert loop.outbox.pause == LONGEST_PAUSE

    box.answers = {}
    clock.move(LONGEST_PAUSE)
    loop.rest()

    assert queue(transaction) == [(username, "sent") for username in usernames]
    assert sorted(addressees(box)) == [f"{username}@dealer.test" for username in usernames]
    assert loop.outbox.pause == FIRST_PAUSE


def test_outbox__a_server_that_is_away_opens_no_incident(transaction: Sessions) -> None:
    user(transaction, "carol")
    with mailbox.open_mailbox() as box:
        port = box.port
    start(transaction)

    loop_to(transaction, port).rest()

    assert is_open(transaction, "Done")
    with transaction.begin() as session:
        assert session.scalars(select(Incident.message)).all() == []
    assert queue(transaction) == [("carol", "waiting")]
    assert "refused" in str(answers(transaction)[0])


def test_outbox__a_silent_server_holds_no_timer(transaction: Sessions, clock: ModuleType) -> None:
    user(transaction, "carol")
    start(transaction)
    with mailbox.open_silent_server() as port:
        loop = loop_to(transaction, port)
        for task in loop.topics.fetch(["notify"], 1):
            loop.topics.handle(task)
        thread = threading.Thread(target=loop.outbox.step, daemon=True)
        thread.start()
        while queue(transaction) and not attempts(transaction):
            threading.Event().wait(0.02)

        clock.move(timedelta(seconds=1))
        assert loop.run_jobs() == 0
        assert is_open(transaction, "Late")
        assert thread.is_alive()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def attempts(transaction: Sessions) -> int:
    with transaction.begin() as session:
        return sum(session.scalars(select(Mail.attempts)))


def test_outbox__refused_after_the_text(transaction: Sessions, box: Mailbox) -> None:
    for username in ("anna", "bea"):
        user(transaction, username)
    tell(transaction, "anna", "bea")
    box.answers = {"KEPT": "552 too large"}

    loop_to(transaction, box.port).rest()

    assert queue(transaction) == [("anna", "undeliverable"), ("bea", "undeliverable")]
    assert answers(transaction) == ["552 too large"] * 2


def test_outbox__never_answered_for_is_not_sent_again(
    transaction: Sessions, box: Mailbox, clock: ModuleType
) -> None:
    user(transaction, "anna")
    tell(transaction, "anna")
    box.vanishes = True
    loop = loop_to(transaction, box.port)
    loop.rest()
    box.vanishes = False
    clock.move(timedelta(days=1))
    loop.rest()

    assert (queue(transaction), len(box.messages)) == ([("anna", "uncertain")], 1)
    assert answers(transaction) == [str(mails.UNANSWERED)]
    with transaction.begin() as session:
        mails.retry(session, session.scalars(select(Mail.id)).one(), by=PROGRAM)
    loop.rest()
    first, second = (message["Message-ID"] for message in box.messages)
    assert first == second


@pytest.mark.parametrize(
    ("moment", "state", "kept"), [("RCPT", "sent", 1), ("DATA", "sent", 1), ("KEPT", "uncertain", 1)]
)
def test_outbox__killed(
    transaction: Sessions, database_url: str, box: Mailbox, clock: ModuleType, moment: str, state: str, kept: int
) -> None:
    """What had not left is sent by the next worker; what had left is not sent again by itself."""
    user(transaction, "anna")
    tell(transaction, "anna")
    process = subprocess.Popen([sys.executable, "-c", CHILD, database_url, str(box.port)])

    def kill() -> None:
        process.kill()
        process.wait(PATIENCE)

    box.before = {moment: kill}
    assert process.wait(PATIENCE) == -9
    box.before = {}

    clock.move(LOCK + timedelta(minutes=1))
    loop_to(transaction, box.port).rest()

    assert queue(transaction) == [("anna", state)]
    assert len(box.messages) == kept


CHILD = """
import sys
from casepath.engine import database
from casepath.workers import Mail, Surroundings
from casepath.workers.loop import Loop

url, port = sys.argv[1:]
mail = Mail(host="127.0.0.1", port=int(port), encryption="none", sender="service@dealer.test")
Loop(Surroundings(sessions=database.sessions(database.connect(url)), mail=mail)).rest()
"""


def test_outbox__what_was_sent_is_noted_when_the_database_is_back(
    transaction: Sessions, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    user(transaction, "anna")
    tell(transaction, "anna")
    settle, failures = mails.settle, [ConnectionError("the database is away")]

    def away_once(*args: Any, **options: Any) -> None:
        if failures:
            raise failures.pop()
        settle(*args, **options)

    monkeypatch.setattr("casepath.workers.outbox.mails.settle", away_once)
    loop = loop_to(transaction, box.port)
    with pytest.raises(ConnectionError):
        loop.outbox.step()
    assert queue(transaction) == [("anna", "sending")]

    loop.outbox.step()

    assert (queue(transaction), len(box.messages)) == ([("anna", "sent")], 1)


def test_outbox__several_workers_send_each_once(transaction: Sessions, box: Mailbox) -> None:
    usernames = [f"user{number:02}" for number in range(24)]
    for username in usernames:
        user(transaction, username)
    tell(transaction, *usernames)
    threads = [threading.Thread(target=loop_to(transaction, box.port).rest) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert sorted(addressees(box)) == [f"{username}@dealer.test" for username in usernames]
    assert {state for _, state in queue(transaction)} == {"sent"}


def test_outbox__stops_between_two_mails(transaction: Sessions, box: Mailbox) -> None:
    for username in ("anna", "bea"):
        user(transaction, username)
    tell(transaction, "anna", "bea")
    loop = loop_to(transaction, box.port)
    box.before = {"KEPT": loop.stop}

    loop.outbox.step()

    assert queue(transaction) == [("anna", "sent"), ("bea", "waiting")]


def test_outbox__no_secret_in_the_log(transaction: Sessions, box: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    user(transaction, "anna")
    tell(transaction, "anna")
    box.extensions = ["mailbox", "AUTH PLAIN LOGIN"]
    box.answers = {"AUTH": "535 wrong"}

    loop_to(transaction, box.port, user="casepath", password="very secret").rest()

    assert "the mail server 127.0.0.1" in caplog.text
    assert "535 wrong" in caplog.text
    assert "very secret" not in caplog.text
    assert "anna@dealer.test" not in caplog.text
    assert answers(transaction) == ["535 wrong"]


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_outbox__never_in_the_clear_where_encryption_is_set(
    transaction: Sessions, box: Mailbox, encryption: str
) -> None:
    user(transaction, "anna")
    tell(transaction, "anna")

    loop_to(transaction, box.port, encryption=encryption, timeout=1).rest()

    assert (queue(transaction), box.messages) == ([("anna", "waiting")], [])


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_erase__leaves_nothing_in_notices_and_mails(transaction: Sessions, box: Mailbox) -> None:
    for username, address in (("anna", ""), ("bea", "nobody@dealer.test"), ("carl", "later@dealer.test")):
        user(transaction, username, address)
    with transaction.begin() as session:
        instance = factories.process_instance(session, business_key="TS1").id
    english = {"en": Wording(subject="A new complaint")}
    tell(transaction, "anna", "bea", "carl", process_instance_id=instance, translated=english)
    loop_to(transaction, box.port).rest()
    assert queue(transaction) == [("anna", "sent"), ("bea", "undeliverable"), ("carl", "waiting")]

    with transaction.begin() as session:
        # What was said in another language goes with it.
        assert history.erase(session, instance, ["subject", "text"], by="olivia", reason="x") == 3

    assert queue(transaction) == [("anna", "sent"), ("bea", "given_up"), ("carl", "given_up")]
    with transaction.begin() as session:
        columns = (Notification.subject, Notification.text, Notification.wordings)
        assert set(session.execute(select(*columns))) == {("", "", None)}
        assert set(session.execute(select(Mail.address, Mail.answer))) == {(None, None)}
        assert history.verify(session, instance) == []


@pytest.mark.parametrize(("outcome", "state"), [("sent", "sent"), ("waiting", "given_up")])
def test_erase__while_it_leaves(transaction: Sessions, outcome: Outcome, state: str) -> None:
    user(transaction, "anna")
    with transaction.begin() as session:
        instance = factories.process_instance(session, business_key="TS1").id
    tell(transaction, "anna", process_instance_id=instance)
    with transaction.begin() as session:
        taken = mails.take(session)
        assert taken is not None
        assert mails.hand_over(session, taken)

    with transaction.begin() as session:
        history.erase(session, instance, ["subject", "text"], by="olivia", reason="x")
    with transaction.begin() as session:
        mails.settle(session, taken, outcome, answer="250 anna@dealer.test has it")

    assert queue(transaction) == [("anna", state)]
    with transaction.begin() as session:
        assert session.execute(select(Mail.address, Mail.answer)).one() == (None, None)


@pytest.mark.parametrize(("name", "left"), [("subject", ("", "Please.", None)), ("text", ("Here", "", None))])
def test_erase__one_of_the_words_goes_with_all_other_languages(
    transaction: Sessions, name: str, left: tuple[str, str, None]
) -> None:
    user(transaction, "anna", "")
    with transaction.begin() as session:
        instance = factories.process_instance(session, business_key="TS1").id
        words = Wording(subject="Here", text="Please.")
        others = {"zh": Wording(subject="在此", text="请")}
        notifications.notify(session, ["anna"], kind="reminder", wording=words, translated=others,
                             business_key="TS1", process_instance_id=instance)  # fmt: skip

    with transaction.begin() as session:
        history.record(session, instance, history.Event(kind="variables.set", variables={"name": "Li"}))
        # Of what else is erased the notice says nothing.
        assert history.erase(session, instance, ["name"], by="olivia", reason="x") == 1
        assert history.erase(session, instance, [name], by="olivia", reason="x") == 2

    with transaction.begin() as session:
        columns = (Notification.subject, Notification.text, Notification.wordings)
        assert session.execute(select(*columns)).all() == [left]


def test_verify__mails_as_the_history_tells(transaction: Sessions) -> None:
    user(transaction, "anna")
    user(transaction, "bea", None)
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": diagrams.process('<userTask id="A"/>', key="p")}, name="p", by=PROGRAM)
        instance = process_instances.start(session, "p", {}, business_key="TS1", by=PROGRAM).id
    tell(transaction, "anna", "bea", process_instance_id=instance)
    with transaction.begin() as session:
        assert history.verify_instance(session, instance) == []
        mail = session.scalars(select(Mail)).one()
        told, other = session.scalars(select(Notification.id).order_by(Notification.id))
        mail.notification_id = other
        session.flush()
        found = {(problem.what, problem.message) for problem in history.verify_instance(session, instance)}
        session.rollback()

    assert {(what, message.partition(", which")[0]) for what, message in found} == {
        ("lost", f"the mail of notice {told}"),
        ("unrecorded", f"no event tells of the mail of notice {other}"),
    }
