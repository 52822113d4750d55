"""What differs in two versions of a process, or in a draft, as its owner sees it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text as sql
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath.engine import deployments, errors
from casepath.engine.deployments import comparison, definitions
from casepath.engine.people import identity
from tests.acting import PROGRAM
from tests.each import each
from tests.web.conftest import LogIn
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
OLDER = deployments.read_folder(Path(__file__).parent / "request") | {
    "texts.en.json": b'{"request": "Request", "contact": "Call", "review": "Review"}'
}
NEWER = {
    **OLDER,
    "request.bpmn": OLDER["request.bpmn"]
    .replace('name="复核" camunda:candidateGroups="directors"'.encode(),
             'name="&lt;b&gt;复核" camunda:candidateGroups="service"'.encode()),
    "forms/contact.form": OLDER["forms/contact.form"].replace("联系结果".encode(), "<i>结果".encode()),
    "guidance/contact.md": OLDER["guidance/contact.md"].replace("心情".encode(), "情绪".encode()),
    "texts.en.json": b'{"request": "Request", "contact": "Call", "review": "Look again"}',
}  # fmt: skip


@pytest.fixture
def two_versions(rows: Rows) -> None:
    """Two versions of the process `request`, and the process owner Olivia."""
    definitions.forget()
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "olivia", name="Olivia", groups=["process_owner"], by=PROGRAM)
        for files in (OLDER, NEWER):
            deployments.deploy(session, files, name="request", by="olivia")


@pytest.fixture
def olivia(visit: Visit, two_versions: None) -> Visitor:
    """A process owner."""
    return visit("olivia")


def test_compare__tells_everything_without_scripts(olivia: Visitor) -> None:
    page = text(olivia.get("/processes/show/request/compare?from=1&to=2"))

    assert "&lt;b&gt;复核" in page
    assert "<del>复核</del> <ins>&lt;b&gt;复核</ins>" in page
    assert "可办理的组" in page
    assert "<del>Review</del> <ins>Look again</ins>" in page
    assert "&lt;i&gt;结果" in page
    assert "<del>心</del>" in page or "<del>心情</del>" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_compare__in_the_language_of_the_reader(olivia: Visitor) -> None:
    olivia.post("/language", {"language": "en"})
    page = text(olivia.get("/processes/show/request/compare"))

    assert "<strong>Look again</strong>" in page
    assert "May be done by" in page


def test_compare__the_newest_with_the_one_before_where_nothing_is_asked_for(olivia: Visitor) -> None:
    asked = text(olivia.get("/processes/show/request/compare?from=1&to=2"))

    assert text(olivia.get("/processes/show/request/compare")) == asked.replace("from=1&amp;to=2", "")
    assert "没有不同" in text(olivia.get("/processes/show/request/compare?from=2&to=2"))
    assert "没有不同" in text(olivia.get("/processes/show/request/compare?to=1"))
    assert "/processes/show/request/compare?from=1&amp;to=2" in text(olivia.get("/processes/show/request"))


def test_compare__what_went(olivia: Visitor) -> None:
    """Old and new the other way round."""
    page = text(olivia.get("/processes/show/request/compare?from=2&to=1"))

    assert "<del>Look again</del> <ins>Review</ins>" in page


@each(
    "address",
    [
        "/processes/show/request/compare?from=1&to=3",
        "/processes/show/request/compare?from=99999999999999999999&to=2",
        "/processes/show/request/compare?from=-1",
        "/processes/show/request/compare?from=%00",
        "/processes/show/other/compare",
    ],
)
def test_compare__unknown(olivia: Visitor, address: str) -> None:
    assert olivia.get(address).status_code == 404


def test_compare__a_version_that_can_no_longer_be_read(olivia: Visitor, rows: Rows) -> None:
    with rows.begin() as session:
        session.execute(sql("UPDATE resources SET content = '<' WHERE deployment_id = 1 AND name LIKE '%.bpmn'"))

    page = text(olivia.get("/processes/show/request/compare?from=1&to=2"))

    assert "两个版本中有一个已无法读取" in page
    assert "&lt;i&gt;结果" in page


def test_compare__too_large(olivia: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_sides: object) -> None:
        raise errors.InvalidInput("too much", code="compare-too-long")

    monkeypatch.setattr(comparison, "compare_apart", refuse)

    answer = olivia.get("/processes/show/request/compare?from=1&to=2")

    assert answer.status_code == 200
    assert "这两个版本太大" in text(answer)


def draft(visitor: Visitor, diagram: bytes, english: str = "{}", newest: str = "1") -> TestResponse:
    """Send what the editor holds, as `web/assets/modeler.js` does."""
    form = {"diagram": (io.BytesIO(diagram), "request.bpmn"), "english": english}
    return visitor.post(f"/processes/modeler/compare/{newest}", form)


def test_draft__beside_what_is_in_force(olivia: Visitor, rows: Rows) -> None:
    with rows.begin() as session:
        newest = str(definitions.latest(session, "process", "request").id)
    changed = NEWER["request.bpmn"].replace("联系客户".encode(), "</textarea>致电客户".encode().replace(b"<", b"&lt;"))

    page = text(draft(olivia, changed, json.dumps({"contact": "Ring up"}), newest))

    assert "<del>联系客户</del> <ins>&lt;/textarea&gt;致电客户</ins>" in page
    assert "<del>Call</del> <ins>Ring up</ins>" in page
    assert page.count("</textarea>") == 1
    assert "没有不同" in text(draft(olivia, NEWER["request.bpmn"], "[", newest))
    assert "已无法读取" in text(draft(olivia, b"<broken", newest=newest))


@pytest.mark.browser
def test_compare__both_diagrams_go_where_the_reader_does(
    two_versions: None, page: Page, address: str, log_in: LogIn, rows: Rows
) -> None:
    with rows.begin() as session:
        for number, files in enumerate((OLDER, NEWER)):
            drawn = files["request.bpmn"].replace(b"</bpmn:definitions>", drawing(number * 40))
            deployments.deploy(session, {**files, "request.bpmn": drawn}, name="request", by="olivia")
    log_in("olivia")
    page.goto(f"{address}/processes/show/request/compare?from=3&to=4")
    expect(page.locator("[data-compare='ready']")).to_be_visible()
    expect(page.locator("[data-compare-side='before'] .compare-changed[data-element-id='review']")).to_have_count(1)

    page.keyboard.press("j")
    current = page.locator(".difference.is-current")
    expect(current).to_contain_text("复核")
    expect(page.locator("[data-compare-place]")).to_have_text("第 1 处，共 2 处")
    assert centres(page) == [[450, 140], [450, 140]]

    # What moved alone stands apart, and each diagram shows it where it has it.
    page.get_by_role("button", name="仅移动", exact=True).click()
    expect(page.locator(".difference:visible")).to_have_count(1)
    page.keyboard.press("j")
    expect(current).to_contain_text("联系客户")
    assert centres(page) == [[250, 140], [290, 140]]

    # Moved together from there on.
    page.locator("[data-compare-side='after']").press("ArrowRight")
    before, after = centres(page)
    assert after[0] - before[0] == 40
    assert after[0] > 290


def drawing(right: int) -> bytes:
    """The request drawn, the first task so far to the right."""
    shapes = "".join(
        f'<di:BPMNShape bpmnElement="{name}"><dc:Bounds x="{x}" y="100" width="100" height="80"/></di:BPMNShape>'
        for name, x in (("contact", 200 + right), ("review", 400))
    )
    return (
        '<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" '
        'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">'
        f'<di:BPMNPlane bpmnElement="request">{shapes}</di:BPMNPlane></di:BPMNDiagram></bpmn:definitions>'
    ).encode()


def centres(page: Page) -> list[list[int]]:
    """The middle of what each diagram shows."""
    found: list[list[int]] = page.evaluate(
        """async () => (await window.comparisons)[0].viewers.map(viewer => {
            const { x, y, width, height } = viewer.get('canvas').viewbox();
            return [Math.round(x + width / 2), Math.round(y + height / 2)];
        })"""
    )
    return found


def test_draft__of_nothing(olivia: Visitor) -> None:
    assert draft(olivia, OLDER["request.bpmn"], newest="999").status_code == 404
    assert olivia.post("/processes/modeler/compare/1").status_code == 422
