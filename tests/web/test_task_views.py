"""Columns, orders, filters and views of the inbox."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from lxml import html
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, task_views, user_tasks
from casepath.engine.people import identity
from tests import diagrams
from tests.acting import PROGRAM
from tests.each import each
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]

DECLARED = (
    '<extensionElements><camunda:properties><camunda:property name="facts" value="who:text,size:integer"/>'
    "</camunda:properties></extensionElements>"
)
DIAGRAM = diagrams.process(
    DECLARED, '<startEvent id="s"/>', '<userTask id="ask" camunda:candidateGroups="service"/>', flow="s > ask", key="p"
)
WORDS = b"""
{"variables.who": "Customer", "variables.size": "Size", "variables.size.9": "Nine", "variables.size.10": "Ten"}
"""


@pytest.fixture(autouse=True)
def begun(rows: Rows) -> None:
    definitions.forget()
    with rows.begin() as session:
        files = {"p.bpmn": DIAGRAM, "texts.en.json": WORDS}
        deployments.deploy(session, files, name="p", by=PROGRAM)
        for number, (who, size) in enumerate([("wang", 10), ("li", 9), ("zhao", 10)]):
            process_instances.start(session, "p", {"who": who, "size": size}, business_key=f"K-{number}", by=PROGRAM)
        for name in ("alice", "bob", "stranger"):
            identity.set_language(session, name, "en", by=PROGRAM)


def keys(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"/show/(K-\d)", page)))


def headings(page: str) -> list[str]:
    """Return the headings but for that of the boxes by which tasks are chosen."""
    found = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page)[1:]
    return [re.sub(r"<[^>]*>|[↑↓]", "", each).strip() for each in found]


def kept(rows: Rows, username: str = "alice") -> list[task_views.Kept]:
    with rows.begin() as session:
        return task_views.of_person(session, identity.person(session, username))


@each(
    "query, found",
    [
        ("order=fact.who", ["K-1", "K-0", "K-2"]),
        ("order=-fact.who", ["K-2", "K-0", "K-1"]),
        ("fact.size=9", ["K-1"]),
        ("fact.size=10&order=-fact.who", ["K-2", "K-0"]),
        ("fact.colour=red&order=colour&column=colour&due=never", ["K-0", "K-1", "K-2"]),
    ],
)
def test_index__orders_and_narrows_by_facts(alice: Visitor, query: str, found: list[str]) -> None:
    assert keys(text(alice.get(f"/tasks/?view=claimable&{query}"))) == found


def test_index__columns_of_the_reader(alice: Visitor) -> None:
    page = text(alice.get("/tasks/?view=claimable&column=fact.size&column=number&column=fact.who"))

    assert headings(page) == ["Task", "Size", "Number", "Customer", "Actions"]
    assert re.search(r'data-label="Size">\s*<span[^>]*>Nine<', page)


def test_index__headings_turn_the_order_round(alice: Visitor) -> None:
    page = text(alice.get("/tasks/?view=claimable&column=fact.who&order=fact.who"))

    assert 'aria-sort="ascending"' in page
    assert "order=-fact.who" in page


def test_save__a_view_shows_what_was_shown(alice: Visitor, rows: Rows) -> None:
    shown = "view=claimable&fact.size=10&order=-fact.who&column=fact.who&column=number"
    answer = alice.post("/tasks/views/", {"name": "Tens", "shown": shown})
    page = text(alice.get(answer.headers["Location"]))

    assert keys(page) == ["K-2", "K-0"]
    assert headings(page) == ["Task", "Customer", "Number", "Actions"]
    assert re.search(r'aria-current="page"\s*>Tens<span id="count-view-\d+" class="count">2</span>', page)


def test_save__for_a_group(alice: Visitor, bob: Visitor, visit: Visit, rows: Rows) -> None:
    alice.post("/tasks/views/", {"name": "Ours", "group": "service", "shown": "view=claimable"})
    (view,) = kept(rows)

    assert "Ours" in text(bob.get("/tasks/"))
    assert "Ours" not in text(visit("stranger").get("/tasks/"))
    assert visit("stranger").get(f"/tasks/?saved={view.id}").status_code == 404
    bob.post(f"/tasks/views/{view.id}", {"name": "All of us", "shown": "view=all"})
    assert [(each.name, each.settings.list) for each in kept(rows)] == [("All of us", "all")]
    bob.post(f"/tasks/views/{view.id}/remove")
    assert kept(rows) == []


def test_save__what_is_wrong_is_told(alice: Visitor, rows: Rows) -> None:
    alice.post("/tasks/views/", {"name": "A", "shown": "view=all"})
    answer = alice.post("/tasks/views/", {"name": "A", "shown": "view=claimable&fact.size=9"})

    page = text(alice.get(answer.headers["Location"]))
    assert "There is a view “A” already." in page
    assert keys(page) == ["K-1"]
    assert "/tasks/?view=claimable" in answer.headers["Location"]
    assert html.fromstring(page).xpath('//input[@id="field-name"]/@value') == ["A"]


def test_change__what_is_wrong_is_told_in_its_view(alice: Visitor, rows: Rows) -> None:
    for name in ("A", "B"):
        alice.post("/tasks/views/", {"name": name, "shown": "view=claimable"})
    answer = alice.post(f"/tasks/views/{kept(rows)[1].id}", {"name": "A", "shown": "view=claimable"})

    page = html.fromstring(text(alice.get(answer.headers["Location"])))
    assert page.xpath('//input[@id="kept-name"]/@value') == ["A"]
    assert page.xpath('//nav[@class="views"]/a[@aria-current]/text()') == ["B"]


def test_index__of_a_view_that_is_gone_shows_what_it_showed(alice: Visitor, rows: Rows) -> None:
    alice.post("/tasks/views/", {"name": "A", "shown": "view=claimable&fact.size=9"})
    (view,) = kept(rows)
    shown = text(alice.get(f"/tasks/?saved={view.id}"))
    (address,) = re.findall(r'data-live hx-get="([^"]+)"', shown)
    alice.post(f"/tasks/views/{view.id}/remove")

    assert keys(text(alice.get(address.replace("&amp;", "&")))) == ["K-1"]
    assert alice.get(f"/tasks/?saved={view.id}").status_code == 404


def test_index__a_view_that_is_narrowed_further_can_be_kept_so(alice: Visitor, rows: Rows) -> None:
    alice.post("/tasks/views/", {"name": "A", "shown": "view=claimable"})
    (view,) = kept(rows)

    assert "Keep what is shown now" not in text(alice.get(f"/tasks/?saved={view.id}"))
    page = text(alice.get(f"/tasks/?saved={view.id}&view=claimable&fact.size=9"))
    assert "Keep what is shown now" in page
    alice.post(f"/tasks/views/{view.id}", {"name": "A", "shown": "view=claimable&fact.size=9"})
    assert keys(text(alice.get(f"/tasks/?saved={view.id}"))) == ["K-1"]


def test_change__keeps_the_order_of_the_view_whatever_was_chosen_last(alice: Visitor, rows: Rows) -> None:
    alice.post("/tasks/views/", {"name": "A", "shown": "view=claimable&order=urgent"})
    (view,) = kept(rows)
    alice.get("/tasks/?view=claimable&order=-fact.who")

    page = html.fromstring(text(alice.get(f"/tasks/?saved={view.id}")))
    (shown,) = set(page.xpath('//input[@name="shown"]/@value'))
    alice.post(f"/tasks/views/{view.id}", {"name": "B", "shown": str(shown)})

    assert [(each.name, each.settings.filters.order) for each in kept(rows)] == [("B", "")]


def test_index__the_usual_columns_are_those_of_the_list_that_is_shown(alice: Visitor) -> None:
    page = text(alice.get("/tasks/?view=mine&column=matter&column=due&column=since"))
    (others,) = html.fromstring(page).xpath('//nav[@class="tabs"]/a[contains(@href, "view=all")]/@href')

    assert headings(text(alice.get(others))) == ["Task", "Matter", "Due", "Who", "Since", "Actions"]


def test_index__offers_auditors_nothing_to_do(alice: Visitor, visit: Visit, rows: Rows) -> None:
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "auditor", name="Auditor", groups=["auditor"], by=PROGRAM)

    for visitor, forms in ((alice, 1), (visit("auditor"), 0)):
        page = html.fromstring(text(visitor.get("/tasks/?view=all")))
        assert len(page.xpath("//table/tbody/tr")) == 3
        assert len(page.xpath('//form[@id="several"]')) == forms
        assert len(page.xpath('//input[@name="page.task"]')) == 3 * forms
        assert len({len(row) for row in page.xpath("//table//tr")}) == 1


def test_index__who_has_it(alice: Visitor, rows: Rows) -> None:
    with rows.begin() as session:
        user_tasks.claim(session, user_tasks.open_of(session, "K-1", "ask"), by="bob")

    assert keys(text(alice.get("/tasks/?view=all&who=bob"))) == ["K-1"]


class TestNextTask:
    def complete(self, visitor: Visitor, number: int, listed: str, **sent: str) -> str:
        answer = visitor.post(f"/tasks/{number}/complete", {"page.list": listed, **sent})
        assert answer.status_code == 303
        return str(answer.headers["Location"])

    def test_complete__leads_to_the_next_of_the_list(self, alice: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            first, second, third = (user_tasks.open_of(session, f"K-{number}", "ask") for number in (2, 0, 1))
        listed = "view=claimable&order=-fact.who"

        assert f"/tasks/{first}?list=" in text(alice.get(f"/tasks/?{listed}"))
        led_to = self.complete(alice, first, listed, **{"page.next": "1"})
        assert led_to.startswith(f"/tasks/{second}?list=view%3Dclaimable")
        assert "order%3D-fact.who" in text(alice.get(led_to)) or "order=-fact.who" in text(alice.get(led_to))
        assert self.complete(alice, second, listed, **{"page.next": "1"}).startswith(f"/tasks/{third}?")
        page = text(alice.get(self.complete(alice, third, listed, **{"page.next": "1"})))
        assert "There is nothing left to do in this list." in page

    def test_complete__leads_back_to_the_list(self, alice: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            first = user_tasks.open_of(session, "K-0", "ask")

        assert self.complete(alice, first, "view=claimable") == "/tasks/?view=claimable"

    def test_complete__leads_back_whatever_the_address_of_the_list_is_said_to_be(
        self, alice: Visitor, rows: Rows
    ) -> None:
        with rows.begin() as session:
            first = user_tasks.open_of(session, "K-0", "ask")

        answer = alice.get(self.complete(alice, first, "view=all\r\nX-A: b&q=王"))
        assert answer.status_code == 200
        assert 'name="q" value="王"' in text(answer)

    def test_complete__passes_over_what_others_have(self, alice: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            first, second, third = (user_tasks.open_of(session, f"K-{number}", "ask") for number in range(3))
            user_tasks.claim(session, second, by="bob")

        assert self.complete(alice, first, "view=all", **{"page.next": "1"}).startswith(f"/tasks/{third}?")

    def test_complete__a_view_that_is_gone_is_ones_own_list(self, alice: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            first, second = (user_tasks.open_of(session, f"K-{number}", "ask") for number in (0, 1))
            user_tasks.claim(session, second, by="alice")

        assert self.complete(alice, first, "saved=999", **{"page.next": "1"}).startswith(f"/tasks/{second}?")


def test_counts__of_views_follow(alice: Visitor, rows: Rows) -> None:
    alice.post("/tasks/views/", {"name": "A", "shown": "view=claimable&fact.size=10"})
    (view,) = kept(rows)
    with rows.begin() as session:
        user_tasks.claim(session, user_tasks.open_of(session, "K-0", "ask"), by="bob")

    counts = text(alice.get("/tasks/counts?tabs=1"))
    assert f'<span id="count-view-{view.id}" class="count" hx-swap-oob="true">1</span>' in counts
    assert "count-view" not in text(alice.get("/tasks/counts"))
