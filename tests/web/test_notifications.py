"""What one was told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import notifications
from casepath.engine.instances.notifications import Wording
from casepath.engine.queries import notices
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]


def tell(rows: Rows, username: str, subject: str, text: str = "", **options: Any) -> int:
    with rows.begin() as session:
        wording = Wording(subject=subject, text=text)
        notifications.notify(session, [username], **{"kind": "notice", "wording": wording, **options})
        return notices.page(session, username).rows[0].id


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


@pytest.mark.parametrize("who", ["stranger", "alice", "director", "administrator"])
def test_index__for_everybody_who_is_logged_in(visit: Visit, who: str) -> None:
    assert visit(who).get("/notifications/").status_code == 200


def test_index__not_for_nobody(nobody: Visitor) -> None:
    assert nobody.get("/notifications/").status_code == 302
    assert nobody.post("/notifications/read").status_code == 401
    assert nobody.post("/notifications/1/open").status_code == 401
