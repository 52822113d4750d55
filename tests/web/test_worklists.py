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


#: Visited until the guest is at home; where he is not, the next visit is put off until `next`, due or not.
AGAIN = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="worklist" value="再访"/>'
    '<camunda:property name="worklistGroups" value="service"/><camunda:property name="facts" value="guest:text"/>'
    '<camunda:property name="businessKeyFormat" value="B{number}"/></camunda:properties></extensionElements>',
    '<startEvent id="s"/><exclusiveGateway id="g"/>'
    '<userTask id="visit" camunda:candidateGroups="service" camunda:dueDate="${due}" camunda:followUpDate="${next}">'
    '<extensionElements><camunda:inputOutput>'
    '<camunda:outputParameter name="next">${now() + duration(wait)}</camunda:outputParameter>'
    "</camunda:inputOutput></extensionElements></userTask>",
    flow="s > g\ng > visit\nvisit > g",
    key="again",
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


@pytest.mark.parametrize(
    ("wait", "hours", "expected"),
    [
        pytest.param("PT16H", 0, ["Anna"], id="put off, though it is overdue"),
        pytest.param("PT16H", 15, ["Anna"], id="put off through the night"),
        pytest.param("PT16H", 16, ["Carl", "Anna"], id="the moment has come"),
        pytest.param("PT0S", 0, ["Anna", "Carl"], id="back at once, behind all others"),
        pytest.param("PT0S", 0.9, ["Anna", "Carl"], id="within the hour"),
        pytest.param("PT0S", 1.1, ["Carl", "Anna"], id="after the hour"),
    ],
)
def test_show__what_was_just_tried(
    rows: Rows, visit: Visit, clock: ModuleType, wait: str, hours: float, expected: list[str]
) -> None:
    clock.set_to(NOW)
    with rows.begin() as session:
        deployments.deploy(session, {"again.bpmn": AGAIN}, name="x", by=PROGRAM)
        for guest, due in (("Anna", 4), ("Carl", -2)):
            given = {"guest": guest, "due": NOW + timedelta(hours=due), "next": None, "wait": wait}
            process_instances.start(session, "again", given, by=PROGRAM)
    bob = visit("bob")
    carl = number_of(bob.post("/worklists/again/next").headers["Location"])

    following = bob.post(f"/tasks/{carl}/complete", {"page.worklist": "again"}).headers["Location"]
    said = text(bob.get(following))
    clock.set_to(NOW + timedelta(hours=hours))

    assert "Anna" in said
    assert ("本案下一步" in said) == (wait == "PT0S")
    assert guests(text(visit("bob").get("/worklists/again"))) == expected
    assert "Carl" in text(visit("bob").get("/tasks/?view=claimable"))


def test_next__comes_to_each_that_was_just_tried(rows: Rows, visit: Visit, clock: ModuleType) -> None:
    clock.set_to(NOW)
    with rows.begin() as session:
        deployments.deploy(session, {"again.bpmn": AGAIN}, name="x", by=PROGRAM)
        for guest, due in (("Anna", 4), ("Bert", 3), ("Carl", -2)):
            given = {"guest": guest, "due": NOW + timedelta(hours=due), "next": None, "wait": "PT0S"}
            process_instances.start(session, "again", given, by=PROGRAM)
    bob = visit("bob")
    for _ in range(2):
        first = number_of(bob.post("/worklists/again/next").headers["Location"])
        bob.post(f"/tasks/{first}/complete", {"page.worklist": "again"})
    after, met = "", []
    for _ in range(4):
        after = str(number_of(bob.post("/worklists/again/next", {"after": after}).headers["Location"]))
        met.append(after)

    assert guests(text(bob.get("/worklists/again"))) == ["Anna", "Carl", "Bert"]
    assert len(set(met)) == 3


def test_show__the_first_of_five_hundred(begun: Rows, visit: Visit) -> None:
    with begun.begin() as session:
        for number in range(497):
            process_instances.start(session, "visits", {"guest": f"G{number}", "due": NOW}, by=PROGRAM)
    bob = visit("bob")

    page = html.fromstring(text(bob.get("/worklists/visits")))

    assert page.xpath('//h1/span[@class="count"]/text()') == ["500"]
    assert len(page.xpath("//table//tbody/tr")) == 50
