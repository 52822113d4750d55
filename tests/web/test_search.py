"""The box that finds: what a person may see, marked where it stands, as one types, from every page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database import terms
from casepath.engine.instances import process_instances
from casepath.web.search import marks
from tests import diagrams, factories
from tests.acting import PROGRAM
from tests.each import each
from tests.web.conftest import LogIn
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
DIAGRAM = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="facts" value="who,number,sum,place,told"/>'
    "</camunda:properties></extensionElements>",
    '<startEvent id="s"/>', '<userTask id="ask" camunda:candidateGroups="service"/>', flow="s > ask", key="p",
)  # fmt: skip
VALUES = {
    "who": "王<b>建国</b>", "number": "京A·I0123", "sum": 7, "place": "总店",
    "told": "空调不制冷，已经修理过两次，仍然没有解决，要求更换压缩机",
}  # fmt: skip


@pytest.fixture
def matters(rows: Rows) -> None:
    """Two matters of the group of Alice, and one of nobody's."""
    with rows.begin() as session:
        factories.group(session, "strangers")
        other = DIAGRAM.replace(b'id="p"', b'id="q"').replace(b"service", b"strangers")
        deployments.deploy(session, {"p.bpmn": DIAGRAM, "q.bpmn": other}, name="search", by=PROGRAM)
        for process, key in (("p", "F-1"), ("p", "F-12"), ("q", "F-3")):
            process_instances.start(session, process, VALUES, business_key=key, by=PROGRAM)


def numbers(page: str) -> list[str]:
    found = re.findall(r'<span class="found-number">(.*?)</span>', page)
    return [re.sub("</?mark>", "", number) for number in found]


@pytest.mark.usefixtures("matters")
@each("looked_for, expected", [("王", ["F-12", "F-1"]), ("f12", ["F-12"]), ("F-3", []), ("%", []), ("", [])])
def test_found__what_one_may_see_newest_first(alice: Visitor, looked_for: str, expected: list[str]) -> None:
    assert numbers(text(alice.get("/search/", query_string={"q": looked_for}))) == expected


@pytest.mark.usefixtures("matters")
def test_found__marked_where_it_stands(alice: Visitor) -> None:
    page = text(alice.get("/search/?q=建国 I0123 压缩机"))

    assert "王&lt;b&gt;<mark>建国</mark>&lt;/b&gt;" in page
    assert "京A·<mark>I0123</mark>" in page
    assert "…，仍然没有解决，要求更换<mark>压缩机</mark>" in page
    assert "空调" not in page


@pytest.mark.usefixtures("matters")
def test_number__leads_to_its_matter(alice: Visitor) -> None:
    """Of another person's matter nothing is told; and who is still typing is not led away."""
    assert alice.get("/search/?q=F-12").headers["Location"] == "/matters/show/F-12"
    assert alice.get("/search/?q=F-3").status_code == 200
    assert alice.get("/search/?q=F-12", headers={"HX-Request": "true"}).status_code == 200


@each(
    "told, looked_for, expected",
    [
        ("abcabc", "bc", [(1, 3), (4, 6)]), ("京A·I0123", "ai0", [(1, 5)]), ("Ｍüller", "mul", [(0, 3)]),
        ("Straße 1", "sse1", [(4, 8)]), ("abc", "ab bc", [(0, 3)]), ("abc", "x", []), ("", "a", []), ("a-b", "-", []),
    ],
)  # fmt: skip
def test_places__are_those_of_the_text_as_written(
    told: str, looked_for: str, expected: list[tuple[int, int]]
) -> None:
    assert marks.places(told, terms.words(looked_for)) == expected


@pytest.mark.browser
@pytest.mark.usefixtures("matters")
def test_box__by_a_key_and_as_one_types(page: Page, log_in: LogIn) -> None:
    log_in("alice")
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("国/")
    expect(page.locator("#find")).to_have_value("国/")
    page.keyboard.press("Enter")
    expect(page.locator(".found li")).to_have_count(2)

    # What is typed before the scripts listen is looked up when they do.
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    scripts = re.compile(r"/app\.js")
    page.route(scripts, hold)
    page.goto(page.url, wait_until="commit")
    page.locator("#find-here").fill("f12")
    for route in held:
        route.continue_()
    page.unroute(scripts)
    expect(page.locator(".found li")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/search/\?q=f12$"))
    page.get_by_role("link", name="F-12").click()
    expect(page).to_have_url(re.compile("/matters/show/F-12$"))
