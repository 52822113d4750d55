"""What one was told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import phrases
from casepath.engine.instances import notifications, process_instances
from casepath.engine.instances.wordings import Wording
from casepath.engine.phrases import Phrase
from casepath.engine.queries import notices
from tests.acting import PROGRAM
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]


def tell(rows: Rows, username: str, subject: str, text: str = "", **options: Any) -> int:
    with rows.begin() as session:
        wording = Wording(subject=subject, text=text)
        notifications.notify(session, [username], **{"kind": "notice", "wording": wording, **options})
        return notices.page(session, username).rows[0].notices[0].id


def unread(rows: Rows, username: str) -> int:
    with rows.begin() as session:
        return notices.unread(session, username)


def test_index__empty(alice: Visitor) -> None:
    assert "没有新通知" in text(alice.get("/notifications/"))


def test_index__newest_first_and_only_mine(alice: Visitor, rows: Rows) -> None:
    tell(rows, "alice", "first", kind="reminder")
    tell(rows, "bob", "of bob")
    tell(rows, "alice", "second", kind="escalation", text="<script>alert(1)</script>")

    page = text(alice.get("/notifications/"))

    assert page.index("second") < page.index("first")
    assert "of bob" not in page
    assert "<script>alert" not in page
    assert "提醒" in page
    assert "升级" in page


def test_index__pages_by_key(alice: Visitor, rows: Rows) -> None:
    ids = [tell(rows, "alice", f"subject-{number:02}") for number in range(30)]

    first, second = text(alice.get("/notifications/")), text(alice.get(f"/notifications/?below={ids[5]}"))

    assert f"/notifications/?below={ids[5]}" in first
    assert "subject-05" in first
    assert "subject-04" not in first
    assert "subject-04" in second
    assert "subject-05" not in second
    assert 'rel="next"' not in second


@pytest.mark.parametrize("below", ["x", "-1", "", "999999999999999999999999"])
def test_index__senseless_key(alice: Visitor, below: str) -> None:
    assert alice.get("/notifications/", query_string={"below": below}).status_code == 200


def test_read__all_of_mine(alice: Visitor, rows: Rows) -> None:
    tell(rows, "alice", "one")
    tell(rows, "bob", "another")

    assert alice.post("/notifications/read").status_code == 303

    assert unread(rows, "alice") == 0
    assert unread(rows, "bob") == 1


def test_open__marks_it_as_read_and_leads_to_the_matter(alice: Visitor, rows: Rows) -> None:
    number = tell(rows, "alice", "about a matter", business_key="TS2026-0001")

    answer = alice.post(f"/notifications/{number}/open")

    assert answer.status_code == 303
    assert "TS2026-0001" in answer.location
    assert unread(rows, "alice") == 0


def test_open__of_somebody_else(bob: Visitor, rows: Rows) -> None:
    number = tell(rows, "alice", "about a matter", business_key="TS2026-0001")

    answer = bob.post(f"/notifications/{number}/open")

    assert answer.location == "/notifications/"
    assert unread(rows, "alice") == 1


def test_counts__unread_on_every_page(alice: Visitor, rows: Rows) -> None:
    tell(rows, "alice", "one")
    assert '<span id="count-notifications" class="count count-alert" hx-swap-oob="true">1</span>' in text(
        alice.get("/tasks/counts")
    )
    for address in ("/tasks/", "/matters/", "/tasks/1000", "/people/"):
        assert '<span id="count-notifications" class="count count-alert">1</span>' in text(alice.get(address)), address


@pytest.mark.parametrize("who", ["stranger", "alice", "director", "administrator"])
def test_index__for_everybody_who_is_logged_in(visit: Visit, who: str) -> None:
    assert visit(who).get("/notifications/").status_code == 200


def test_index__not_for_nobody(nobody: Visitor) -> None:
    assert nobody.get("/notifications/").status_code == 302
    assert nobody.post("/notifications/read").status_code == 401
    assert nobody.post("/notifications/1/open").status_code == 401


def test_index__by_matter(alice: Visitor, rows: Rows) -> None:
    for subject, key in (("the-first", "K-1"), ("the-second", "K-2"), ("the-third", "K-1")):
        tell(rows, "alice", subject, business_key=key)

    page = text(alice.get("/notifications/"))

    assert page.index("the-third") < page.index("the-first") < page.index("the-second")
    assert page.count('class="notice-text"') == 2
    assert "较早的1条" in page


def test_index__only_what_is_not_read(alice: Visitor, rows: Rows) -> None:
    number = tell(rows, "alice", "about one", business_key="K-1")
    tell(rows, "alice", "about another", business_key="K-2")
    alice.post(f"/notifications/{number}/open")

    assert "about one" in text(alice.get("/notifications/"))
    assert "about one" not in text(alice.get("/notifications/?unread=1"))
    assert "about another" in text(alice.get("/notifications/?unread=1"))


def test_open__reads_all_about_the_matter(alice: Visitor, rows: Rows) -> None:
    tell(rows, "alice", "earlier", business_key="K-1")
    tell(rows, "alice", "other", business_key="K-2")
    number = tell(rows, "alice", "later", business_key="K-1")

    alice.post(f"/notifications/{number}/open")

    assert unread(rows, "alice") == 1


@pytest.fixture
def told_by(rows: Rows, request_process: str) -> int:
    """A process instance that still runs."""
    with rows.begin() as session:
        variables = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
        return process_instances.start(session, request_process, variables, by="alice").id


def test_counts__a_flood_about_one_matter_counts_once(rows: Rows) -> None:
    for number in range(5):
        tell(rows, "alice", f"overdue for {number} days", kind="escalation", business_key="K-1")
    tell(rows, "alice", "another", business_key="K-2")

    assert unread(rows, "alice") == 2


@pytest.mark.parametrize(("kind", "left"), [("reminder", 0), ("escalation", 0), ("notice", 1)])
def test_counts__what_is_done_asks_for_nothing(
    alice: Visitor, rows: Rows, told_by: int, kind: str, left: int
) -> None:
    tell(rows, "alice", "hurry", kind=kind, business_key="K-1", process_instance_id=told_by)
    assert unread(rows, "alice") == 1

    with rows.begin() as session:
        process_instances.cancel(session, told_by, by=PROGRAM, reason="it is done")

    assert unread(rows, "alice") == left
    assert ("已了结" in text(alice.get("/notifications/"))) == (left == 0)
    assert ("hurry" in text(alice.get("/notifications/?unread=1"))) == (left == 1)


def test_index__in_the_language_of_the_page(alice: Visitor, rows: Rows) -> None:
    said = {"en": Wording(subject="It is late", text="Please see to it.")}
    tell(rows, "alice", "超期了", "请处理。", translated=said)

    assert "超期了" in text(alice.get("/notifications/"))
    alice.post("/language", {"language": "en"})
    page = text(alice.get("/notifications/"))

    assert "It is late" in page
    assert "Please see to it." in page
    assert "超期了" not in page


def test_timeline__in_the_language_of_who_reads_it(alice: Visitor, rows: Rows, told_by: int) -> None:
    """On the page of the matter: in its timeline, with every step in full, and in the list of what was sent."""
    with rows.begin() as session:
        key = process_instances.get(session, told_by).business_key
    said = {"en": Wording(subject="It is late", text="Please see to it.")}
    tell(rows, "bob", "超期了", "请处理。", translated=said, business_key=key, process_instance_id=told_by)

    for language, shown, hidden in (("zh_CN", "超期了", "It is late"), ("en", "It is late", "超期了")):
        alice.post("/language", {"language": language})
        page = text(alice.get(f"/matters/show/{key}?steps=all"))
        assert (page.count(shown), page.count(hidden)) == (2, 0)


def test_timeline__what_the_engine_says(alice: Visitor, rows: Rows, told_by: int) -> None:
    with rows.begin() as session:
        key = process_instances.get(session, told_by).business_key
        phrase = Phrase("{who} handed the task “{task}” to you.", who="Bob", task="核实")
    tell(rows, "bob", str(phrase), phrases.dumps(phrase), business_key=key, process_instance_id=told_by)

    page = text(alice.get(f"/matters/show/{key}?steps=all"))

    assert page.count("Bob将任务“核实”转交给您") == 2
    assert "handed the task" not in page


def test_digest__is_chosen_on_the_page(alice: Visitor, rows: sessionmaker[Session]) -> None:
    page = text(alice.post("/notifications/digest", {"hour": "8"}, follow_redirects=True))
    assert "今后每天 08:00 将通过邮件告知您未读的通知。" in page
    assert '<option value="8" selected>' in page

    page = text(alice.post("/notifications/digest", {"hour": ""}, follow_redirects=True))
    assert "不再通过邮件汇总未读通知。" in page
    assert "请选择 0 到 23 点。" in text(alice.post("/notifications/digest", {"hour": "24"}, follow_redirects=True))
