"""What goes out through channels, on pages: operators see what is stuck, everybody of a matter what became of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import phrases
from casepath.engine.database.models import Delivery
from casepath.engine.instances import deliveries, process_instances
from casepath.engine.people import identity
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels, factories
from tests.acting import PROGRAM
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]


@pytest.fixture
def operator(visit: Visit, rows: Rows) -> Visitor:
    """Somebody who operates the engine."""
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "operator", name="Operator", groups=["operator"], by=PROGRAM)
    return visit("operator")


def queue(rows: Rows, state: str = "undeliverable", answer: str = "400 no <such> number") -> None:
    with rows.begin() as session:
        factories.delivery(session, state=state, answer=answer)


def states(rows: Rows) -> list[str]:
    with rows.begin() as session:
        return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))


def test_index__empty(operator: Visitor) -> None:
    assert "没有外发消息" in text(operator.get("/operations/deliveries"))


def test_index__what_did_not_arrive_first(operator: Visitor, rows: Rows) -> None:
    queue(rows, "sent", "200 ok")
    queue(rows)

    page = text(operator.get("/operations/deliveries"))

    assert "400 no &lt;such&gt; number" in page
    assert "200 ok" not in page


def test_index__what_the_engine_says_in_the_language_of_the_page(operator: Visitor, rows: Rows) -> None:
    queue(rows, "withheld", phrases.dumps(deliveries.WITHHELD))

    assert "接收人没有同意接收" in text(operator.get("/operations/deliveries?state=withheld"))


@pytest.mark.parametrize("state", ["undeliverable", "uncertain", "failed"])
def test_index__counts_and_shows_what_a_person_should_look_at(operator: Visitor, rows: Rows, state: str) -> None:
    queue(rows, "waiting", "")
    queue(rows, state, "switched off")

    page = text(operator.get("/operations/deliveries"))

    assert '<span class="count count-alert">1</span>' in page
    assert "switched off" in page
    assert "/operations/deliveries/2/retry" in page


@pytest.mark.parametrize("state", ["undeliverable", "failed"])
def test_retry__and_give_up(operator: Visitor, rows: Rows, state: str) -> None:
    queue(rows, state)
    queue(rows, state)

    assert operator.post("/operations/deliveries/1/retry").status_code == 303
    assert operator.post("/operations/deliveries/2/give-up").status_code == 303

    assert states(rows) == ["waiting", "given_up"]


def test_matter__what_went_out_to_whom_and_what_came_of_it(visit: Visit, rows: Rows) -> None:
    with rows.begin() as session:
        diagram = channels.sending("sms", "to=138 0000 0001", "text=&lt;b&gt;Hello&lt;/b&gt;")
        channels.deploy(session, channels.SMS, p=diagram)
        process_instances.start(session, "p", business_key="N1", by="alice")
    Loop(Surroundings(sessions=rows), worker_id="w1").rest()

    page = text(visit("alice").get("/matters/show/N1"))

    assert "“短信”发给 138 0000 0001" in page
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page
    assert "已发送" in page


def test_matter__a_record_by_its_title_to_those_who_may_see_it(operator: Visitor, visit: Visit, rows: Rows) -> None:
    with rows.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "recipient=${guest}", "text=Hello"))
        key = channels.guest(session, "俞子期", "138 0000 0001")
        process_instances.start(session, "p", {"guest": key}, business_key="N1", by="alice")
    Loop(Surroundings(sessions=rows), worker_id="w1").rest()

    page = text(visit("alice").get("/matters/show/N1"))
    hidden = text(operator.get("/matters/show/N1"))

    assert "“短信”发给 俞子期" in page
    assert "<strong>俞子期</strong>" in page
    assert f"“短信”发给 {key}" in hidden
    assert "俞子期" not in hidden
