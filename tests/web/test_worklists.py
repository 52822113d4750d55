"""Worklists: what is due today, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from lxml import html
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.instances import process_instances, user_tasks
from tests import diagrams
from tests.acting import PROGRAM
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]

NOW = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
VISITS = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="worklist" value="今天探访"/>'
    '<camunda:property name="worklistGroups" value="service"/><camunda:property name="facts" value="guest:text"/>'
    '<camunda:property name="businessKeyFormat" value="B{number}"/></camunda:properties></extensionElements>',
    '<startEvent id="s"/><userTask id="visit" camunda:candidateGroups="service" camunda:dueDate="${due}"/>',
    flow="s > visit",
    key="visits",
)


@pytest.fixture
def begun(rows: Rows, clock: ModuleType) -> Rows:
    """Four guests, of whom Dora is to be visited tomorrow and Carl has been waiting longest."""
    clock.set_to(NOW)
    with rows.begin() as session:
        texts = b'{"visits": "Visits", "visits.worklist": "Visits today"}'
        deployments.deploy(session, {"visits.bpmn": VISITS, "texts.en.json": texts}, name="x", by=PROGRAM)
        for guest, hours in (("Anna", 4), ("Bert", 8), ("Carl", -2), ("Dora", 24)):
            given = {"guest": guest, "due": NOW + timedelta(hours=hours)}
            process_instances.start(session, "visits", given, by=PROGRAM)
    return rows


def guests(page: str) -> list[str]:
    found = html.fromstring(page).xpath("//table//a[@class='title']")
    return [" ".join(each.text_content().split()) for each in found]


def test_show__what_is_due_today(begun: Rows, visit: Visit) -> None:
    page = text(visit("bob").get("/worklists/visits"))

    assert guests(page) == ["Carl", "Anna", "Bert"]
    current = html.fromstring(page).xpath('//nav//a[@aria-current="page"]')
    assert [each.text_content().strip() for each in current] == ["今天探访"]
    assert visit("stranger").get("/worklists/visits").status_code == 404
    assert "今天探访" not in text(visit("stranger").get("/tasks/"))


def test_complete__leads_to_the_next_which_is_his(begun: Rows, visit: Visit) -> None:
    bob = visit("bob")
    address = bob.post("/worklists/visits/next").headers["Location"]
    for guest, following in (("Carl", "Anna"), ("Anna", "Bert")):
        assert guest in text(bob.get(address))
        number = address.partition("?")[0].rpartition("/")[2]
        answer = bob.post(f"/tasks/{number}/complete", {"page.worklist": "visits"})
        address = answer.headers["Location"]
        page = text(bob.get(address))
        assert following in page
        with begun.begin() as session:
            assert user_tasks.get(session, int(address.partition("?")[0].rpartition("/")[2])).assignee == "bob"

    number = address.partition("?")[0].rpartition("/")[2]
    assert bob.post(f"/tasks/{number}/complete", {"page.worklist": "visits"}).headers["Location"] == "/worklists/visits"
    assert guests(text(bob.get("/worklists/visits"))) == []


def test_next__passes_one_over_and_comes_back_to_it(begun: Rows, visit: Visit) -> None:
    bob = visit("bob")
    seen = []
    after = ""
    for _ in range(4):
        address = bob.post("/worklists/visits/next", {"after": after}).headers["Location"]
        after = address.partition("?")[0].rpartition("/")[2]
        seen.append(after)

    assert len(set(seen)) == 3
    assert seen[3] == seen[0]


def number_of(address: str) -> int:
    return int(address.partition("?")[0].rpartition("/")[2])


def test_complete__what_was_passed_over_comes_last(begun: Rows, visit: Visit) -> None:
    bob = visit("bob")
    carl = number_of(bob.post("/worklists/visits/next").headers["Location"])
    address = bob.post("/worklists/visits/next", {"after": carl}).headers["Location"]
    met = []
    for _ in range(3):
        page = text(bob.get(address))
        met += [guest for guest in ("Anna", "Bert", "Carl") if f'<span title="guest">{guest}' in page]
        address = bob.post(f"/tasks/{number_of(address)}/complete", {"page.worklist": "visits"}).headers["Location"]

    assert met == ["Anna", "Bert", "Carl"]
    assert address == "/worklists/visits"


def test_show__what_is_lent_is_not_to_be_done_until_it_is_back(begun: Rows, visit: Visit) -> None:
    bob = visit("bob")
    carl = number_of(bob.post("/worklists/visits/next").headers["Location"])
    with begun.begin() as session:
        user_tasks.delegate(session, carl, "alice", by="bob")

    assert guests(text(bob.get("/worklists/visits"))) == ["Anna", "Bert"]
    assert guests(text(visit("alice").get("/worklists/visits"))) == ["Carl", "Anna", "Bert"]
    assert number_of(bob.post("/worklists/visits/next").headers["Location"]) != carl


def test_task__what_else_is_done_to_it_stays_in_the_worklist(begun: Rows, visit: Visit) -> None:
    bob = visit("bob")
    address = bob.post("/worklists/visits/next").headers["Location"]
    page = html.fromstring(text(bob.get(address)))
    forms = list(page.xpath('//main//form[contains(@action, "/tasks/")]'))
    path, inside = address.partition("?")[0], {"page.worklist": "visits"}

    assert len(forms) > 3
    assert [each.get("action") for each in forms if each.xpath('.//input[@name="page.worklist"]') == []] == []
    for verb, sent in (("comment", {"matter.comment": "x"}), ("draft", {}), ("claim", {})):
        assert bob.post(f"{path}/{verb}", {**inside, **sent}).headers["Location"] == address
    assert bob.post(f"{path}/unclaim", inside).headers["Location"] == "/worklists/visits"


def test_complete__of_a_task_that_was_opened_elsewhere_leads_to_the_tasks(begun: Rows, visit: Visit) -> None:
    bob = visit("bob")
    address = bob.post("/worklists/visits/next").headers["Location"].partition("?")[0]

    assert bob.post(f"{address}/complete", {}).headers["Location"] == "/tasks/"


def test_show__the_first_of_five_hundred(begun: Rows, visit: Visit) -> None:
    with begun.begin() as session:
        for number in range(497):
            process_instances.start(session, "visits", {"guest": f"G{number}", "due": NOW}, by=PROGRAM)
    bob = visit("bob")

    page = html.fromstring(text(bob.get("/worklists/visits")))

    assert page.xpath('//h1/span[@class="count"]/text()') == ["500"]
    assert len(page.xpath("//table//tbody/tr")) == 50
