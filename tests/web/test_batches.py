"""Processes that are started for many records, on pages: choose, see what would come of it, begin, watch."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from lxml import html
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Batch, ProcessInstance
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels
from tests.acting import PROGRAM
from tests.integration.test_batches import bulk
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
ADDRESS = "/registers/guest/start/bulk"


@pytest.fixture
def alice(visit: Visit, rows: Rows) -> Visitor:
    """Somebody who may start the process; three guests, of whom two are called Anna."""
    with rows.begin() as session:
        channels.deploy(session, channels.SMS, bulk=bulk(above="2").replace(b", ${said}", b"!"))
        for name in ("Anna A", "Anna B", "Bert"):
            channels.guest(session, name, f"138 {name}")
    return visit("alice")


def previewed(visitor: Visitor, address: str, typed: dict[str, str] | None = None) -> dict[str, str]:
    """Return what the button under a preview sends."""
    found = re.search('name="batch.seen" value="([^"]+)"', text(visitor.post(address, typed or {})))
    assert found is not None
    return {**(typed or {}), "batch.seen": found[1]}


def batches(rows: Rows) -> list[tuple[str, int]]:
    with rows.begin() as session:
        return [(row.state, row.size) for row in session.execute(select(Batch.state, Batch.size).order_by(Batch.id))]


def test_register__offers_what_may_be_started_for_its_list(alice: Visitor) -> None:
    page = text(alice.get("/registers/guest?q=Anna"))
    assert '/registers/guest/start/?q=Anna"' in page

    assert alice.get("/registers/guest/start/?q=Anna").location == f"{ADDRESS}?q=Anna"
    assert "对列表筛选出的 2 条记录" in text(alice.get(f"{ADDRESS}?q=Anna"))


def test_register__offers_nothing_to_whoever_may_start_nothing(alice: Visitor, rows: Rows) -> None:
    assert "/registers/guest/start/" in text(alice.get("/registers/guest"))
    meant = bulk().replace(b'isExecutable="true"', b'isExecutable="true" camunda:candidateStarterGroups="directors"')
    with rows.begin() as session:
        deployments.deploy(session, {"bulk.bpmn": meant}, name="bulk", by=PROGRAM)

    assert "/registers/guest/start/" not in text(alice.get("/registers/guest"))
    assert alice.get(ADDRESS).status_code == 404


def test_new__what_an_address_says_beside_is_nothing(alice: Visitor) -> None:
    address = f"{ADDRESS}?q=Anna&endpoint=x&_external=1&process=p&key=z"

    assert alice.get(address).status_code == 200
    assert alice.get(address.replace("bulk", "")).status_code == 302


def test_fields__follow_what_is_typed_and_find_records(alice: Visitor, rows: Rows) -> None:
    said = channels.form("said", channels.field("said"), {"type": "text", "id": "read", "text": "Dear all, {{said}}"},
                         {**channels.field("host"), "properties": {"lookup": "guest"}})  # fmt: skip
    begun = bulk().replace(b'<startEvent id="start"', b'<startEvent id="start" camunda:formKey="said"')
    with rows.begin() as session:
        deployments.deploy(session, {"said.form": said, "bulk.bpmn": begun}, name="said", by=PROGRAM)

    page = text(alice.post(f"{ADDRESS}/fields?q=Anna", {"said": "hello", "host": "G00003"}))

    assert "<p>Dear all, hello</p>" in page
    assert "现为：Bert" in page
    assert 'hx-get="/registers/guest/choices/host"' in page


def test_start__preview_first(alice: Visitor, rows: Rows) -> None:
    page = text(alice.post(f"{ADDRESS}?q=Anna"))

    assert re.findall("Dear Anna .!", page) == ["Dear Anna B!", "Dear Anna A!"]
    assert "启动（2 条）" in page
    assert batches(rows) == []
    with rows.begin() as session:
        assert session.scalar(select(func.count()).select_from(ProcessInstance)) == 0


def test_start__what_enter_presses_starts_nothing(alice: Visitor) -> None:
    page = text(alice.post(f"{ADDRESS}?q=Anna"))

    form = page[page.index(f'action="{ADDRESS}') :]
    first = re.findall("<button[^>]*>", form)[0]
    assert "batch.seen" not in first


def test_start__begins_and_is_watched(alice: Visitor, rows: Rows) -> None:
    answer = alice.post(f"{ADDRESS}?q=Anna", previewed(alice, f"{ADDRESS}?q=Anna"))
    assert answer.location == "/batches/1"
    assert 'hx-get="/batches/1/progress"' in text(alice.get("/batches/1"))

    assert "HX-Refresh" not in alice.get("/batches/1/progress").headers

    Loop(Surroundings(sessions=rows), worker_id="w1").rest()

    assert alice.get("/batches/1/progress").headers["HX-Refresh"] == "true"
    page = text(alice.get("/batches/1"))
    assert "2 / 2" in page
    assert "/batches/1/progress" not in page
    # The process gives its instances no numbers.
    matters = re.findall('href="(/matters/show/[^"]+)"', page)
    assert [alice.get(address).status_code for address in matters] == [200, 200]
    assert 'href="/batches/1"' in text(alice.get("/batches/"))
    assert batches(rows) == [("completed", 2)]


def test_start__others_than_were_seen_are_shown_again(alice: Visitor, rows: Rows) -> None:
    page = text(alice.post(ADDRESS, previewed(alice, f"{ADDRESS}?q=Anna")))

    assert "预览之后内容或名单有改动" in page
    assert re.findall("Dear [^!]+!", page) == ["Dear Bert!", "Dear Anna B!", "Dear Anna A!"]
    assert batches(rows) == []


def test_start__another_text_than_was_seen_is_shown_first(alice: Visitor, rows: Rows) -> None:
    typed = previewed(alice, ADDRESS, {"said": "Hello"})

    assert "预览之后内容或名单有改动" in text(alice.post(ADDRESS, {**typed, "said": "Good bye"}))
    assert batches(rows) == []


def test_start__sent_twice_makes_one(alice: Visitor, rows: Rows) -> None:
    typed = {**previewed(alice, f"{ADDRESS}?q=Anna"), "form_token": "t" * 20}

    answers = [alice.post(f"{ADDRESS}?q=Anna", typed).location for _ in range(2)]

    assert answers == ["/batches/1", "/batches/1"]
    assert batches(rows) == [("running", 2)]


def test_approve__by_somebody_else(alice: Visitor, visit: Visit, rows: Rows) -> None:
    assert "超过 2 条" in text(alice.get(ADDRESS))
    alice.post(ADDRESS, previewed(alice, ADDRESS, {"said": "come on Saturday"}))
    own, other = text(alice.get("/batches/1")), text(visit("bob").get("/batches/1"))

    assert "come on Saturday" in other
    assert all(name in other for name in ("Anna A", "Anna B", "Bert"))
    assert ("/batches/1/approve" in own, "/batches/1/approve" in other) == (False, True)
    assert alice.post("/batches/1/approve").status_code == 403
    assert visit("bob").post("/batches/1/approve").status_code == 303
    assert batches(rows) == [("running", 3)]


def test_stop(alice: Visitor, rows: Rows) -> None:
    alice.post(ADDRESS, previewed(alice, ADDRESS))

    assert alice.post("/batches/1/stop").status_code == 303

    assert batches(rows) == [("stopped", 3)]


def test_approve__who_may_is_told_and_led_there(alice: Visitor, visit: Visit, rows: Rows) -> None:
    waiting = '批次<span class="count count-alert">1</span>'
    bob = visit("bob")
    assert waiting not in text(bob.get("/registers/guest"))
    alice.post(ADDRESS, previewed(alice, ADDRESS))

    assert "“bulk”（3 条记录）等待批准后开始（批次 1）。" in text(bob.get("/notifications/"))
    assert waiting in text(bob.get("/registers/guest"))
    assert waiting not in text(alice.get("/registers/guest"))
    bob.post("/language", {"language": "en"})
    assert "“bulk” for 3 records waits until somebody lets it begin (batch 1)." in text(bob.get("/notifications/"))
    # What somebody else was told leads nowhere.
    assert alice.post("/notifications/1/open").location == "/notifications/"
    assert bob.post("/notifications/1/open").location == "/batches/1"
    bob.post("/batches/1/approve")
    assert "count-alert" not in text(bob.get("/registers/guest"))


def test_show__tells_what_went_out_and_what_was_not_agreed_to(alice: Visitor, rows: Rows) -> None:
    with rows.begin() as session:
        channels.guest(session, "Anna C", "138 1", agrees=False)
    alice.post(f"{ADDRESS}?q=Anna+B", previewed(alice, f"{ADDRESS}?q=Anna+B"))
    alice.post(f"{ADDRESS}?q=Anna+C", previewed(alice, f"{ADDRESS}?q=Anna+C"))
    assert "发送情况" not in text(alice.get("/batches/1"))

    Loop(Surroundings(sessions=rows), worker_id="w1").rest()

    found = [html.fromstring(text(alice.get(f"/batches/{number}"))) for number in (1, 2)]
    said = [" ".join(page.xpath("string(//p[span='发送情况'])").split()) for page in found]
    assert said == ["发送情况已发送 1", "发送情况未同意接收 1"]
