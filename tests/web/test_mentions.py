"""People are suggested while a comment is typed, and told."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import comments
from tests.each import each
from tests.web.conftest import LogIn
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]


def test_comment__says_who_is_not_told(alice: Visitor, matter: Matter) -> None:
    page = text(alice.post(f"/matters/comments/{matter.key}", {"text": "@stranger @bob"}, follow_redirects=True))

    assert "Stranger无权查看此案件，没有通知。" in page


def test_comment__says_who_is_told_and_which_names_nobody_has(alice: Visitor, matter: Matter, rows: Rows) -> None:
    said = "@bob @alice @nobody 请看"
    page = text(alice.post(f"/matters/comments/{matter.key}", {"text": said}, follow_redirects=True))

    assert "已通知Bob。" in page
    assert "没有同事叫@nobody；评论已照原样保留。" in page
    with rows.begin() as session:
        assert [each.text for each in comments.page(session, matter.key)[0]] == [said]


@each("verb", ["comment", "attach", "draft", "complete"])
def test_comment__says_so_wherever_a_task_brings_it(alice: Visitor, task_id: int, verb: str) -> None:
    form: dict[str, object] = {"matter.comment": "@bob @nobody", "result": "said", "solved": "yes"}
    if verb == "attach":
        form |= {"matter.files": (BytesIO(b"%PDF-1.7"), "a.pdf")}
    if verb == "complete":
        refused = text(alice.post(f"/tasks/{task_id}/complete", form | {"solved": ""}))
        assert "已通知" not in refused

    page = text(alice.post(f"/tasks/{task_id}/{verb}", form, follow_redirects=True))
    assert page.count("已通知Bob。") == 1
    assert "没有同事叫@nobody" in page


def test_notifications__tell_of_a_mention(alice: Visitor, bob: Visitor, matter: Matter) -> None:
    alice.post(f"/matters/comments/{matter.key}", {"text": "@bob"})

    page = text(bob.get("/notifications/"))
    assert "Alice在评论中提到了您。" in page
    assert "提及" in page


def test_people__are_those_who_may_see_the_matter(alice: Visitor, visit: Visit, matter: Matter) -> None:
    found = alice.get(f"/matters/people/{matter.key}?q=bo").get_json()

    assert found == [{"username": "bob", "name": "Bob"}]
    assert alice.get(f"/matters/people/{matter.key}?q=strang").get_json() == []
    assert visit("stranger").get(f"/matters/people/{matter.key}?q=bo").status_code == 404


@pytest.mark.browser
def test_comment__somebody_is_suggested(page: Page, address: str, log_in: LogIn, matter: Matter, rows: Rows) -> None:
    log_in("alice")
    page.goto(f"{address}/matters/show/{matter.key}")
    box = page.locator("#comment")
    box.press_sequentially("Please look, @bo")
    expect(page.get_by_role("option", name="Bob")).to_be_visible()
    box.press("Enter")

    expect(box).to_have_value("Please look, @Bob ")
    expect(page.get_by_role("listbox")).to_have_count(0)
    with rows.begin() as session:
        assert comments.page(session, matter.key)[0] == []
