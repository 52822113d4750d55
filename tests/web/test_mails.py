"""E-mails that wait or did not arrive: operators see them, and why; in the matter all see what became of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, phrases
from casepath.engine.database.models import Mail, Notification
from casepath.engine.instances import mails, process_instances
from casepath.engine.people import identity
from casepath.workers import sending
from tests import factories
from tests.acting import PROGRAM
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
PRINTING = Path(__file__).parent / "printing"


@pytest.fixture
def operator(visit: Visit, rows: Rows) -> Visitor:
    """Somebody who operates the engine."""
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "operator", name="Operator", groups=["operator"], by=PROGRAM)
    return visit("operator")


def queue(rows: Rows, state: str = "undeliverable", answer: str | None = "550 no <such> box", key: str = "TS1") -> int:
    with rows.begin() as session:
        made = factories.mail(session, state=state, answer=answer)
        session.get_one(Notification, made.notification_id).business_key = key
        return made.id


def states(rows: Rows) -> list[str]:
    with rows.begin() as session:
        return list(session.scalars(select(Mail.state).order_by(Mail.id)))


def test_index__empty(operator: Visitor) -> None:
    assert "没有邮件" in text(operator.get("/operations/mails"))


def test_index__what_did_not_arrive_first(operator: Visitor, rows: Rows) -> None:
    queue(rows, "waiting", "450 not now", key="TS2")
    queue(rows)

    page = text(operator.get("/operations/mails"))

    assert "550 no &lt;such&gt; box" in page
    assert "450 not now" not in page
    assert 'href="/matters/show/TS1"' in page
    assert "等待最久的一封" in page
    assert "450 not now" in text(operator.get("/operations/mails?state=waiting"))


@pytest.mark.parametrize(
    ("language", "said"), [("zh_CN", "连续 5 天未被接收"), ("en", "It was not taken for 5 days, at last: 450 not now")]
)
def test_index__told_in_the_language_of_the_reader(operator: Visitor, rows: Rows, language: str, said: str) -> None:
    queue(rows, answer=phrases.dumps(phrases.Phrase(sending.TOO_LONG, count=5, answer="450 not now")))
    operator.post("/language", {"language": language})

    assert said in text(operator.get("/operations/mails"))


def test_retry_and_give_up(operator: Visitor, rows: Rows) -> None:
    first, second = queue(rows), queue(rows)

    assert operator.post(f"/operations/mails/{first}/retry").status_code == 303
    assert operator.post(f"/operations/mails/{second}/give-up").status_code == 303

    assert states(rows) == ["waiting", "given_up"]
    assert operator.post(f"/operations/mails/{second}/retry").status_code == 409
    assert operator.post("/operations/mails/99/retry").status_code == 404


def test_retry__what_may_arrive_twice_is_asked_for(operator: Visitor, rows: Rows) -> None:
    queue(rows, "uncertain", phrases.dumps(mails.UNANSWERED))

    assert "再发可能收到两次" in text(operator.get("/operations/mails?state=uncertain"))


def test_badge__of_what_waits_for_a_person(operator: Visitor, alice: Visitor, rows: Rows) -> None:
    queue(rows)
    queue(rows, "waiting")

    assert '<span id="count-operations" class="count count-alert" hx-swap-oob="true">1</span>' in text(
        operator.get("/tasks/counts")
    )
    assert "count-operations" not in text(alice.get("/tasks/counts"))


def test_index__pages_by_key(operator: Visitor, rows: Rows) -> None:
    ids = [queue(rows) for _ in range(27)]

    first = text(operator.get("/operations/mails"))
    second = text(operator.get(f"/operations/mails?state=undeliverable&below={ids[2]}"))

    assert f"state=undeliverable&amp;below={ids[2]}" in first
    assert (first.count("/retry"), second.count("/retry")) == (25, 2)


def test_matter__what_became_of_each(operator: Visitor, rows: Rows) -> None:
    with rows.begin() as session:
        deployments.deploy(session, deployments.read_folder(PRINTING), name="printing", by=PROGRAM)
        key = process_instances.start(session, "printing", {}, by=PROGRAM).business_key
    queue(rows, key=str(key))

    page = text(operator.get(f"/matters/show/{key}"))

    assert "无法送达" in page
    assert "550 no &lt;such&gt; box" in page
