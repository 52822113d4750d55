"""One page for a task: files, comments and what is open beside it, without leaving what is half filled in."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from lxml import html
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import attachments, comments, user_tasks
from casepath.web.forms.display import TOKENS
from tests.acceptance.stage import filled_in
from tests.acting import PROGRAM
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]
TYPED = {"result": "已联系一半"}


def key_of(rows: Rows, task_id: int) -> str:
    with rows.begin() as session:
        return str(user_tasks.get(session, task_id).business_key)


def photo() -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"0" * 20), "dashboard.png"


@pytest.mark.parametrize("added", ["comment", "attach"])
def test_added__to_the_matter_with_what_is_typed_kept(rows: Rows, alice: Visitor, task_id: int, added: str) -> None:
    alice.post(f"/tasks/{task_id}/claim")
    sent = {"matter.comment": "客户很急"} if added == "comment" else {"matter.files": photo()}

    answer = alice.post(f"/tasks/{task_id}/{added}", {**TYPED, **sent}, content_type="multipart/form-data")

    assert answer.status_code == 303, text(answer)
    page = html.fromstring(text(alice.get(f"/tasks/{task_id}")))
    assert filled_in(page, "result") == ["已联系一半"]
    section = page.xpath("//*[@id=$id]", id="comments" if added == "comment" else "files")[0]
    assert ("客户很急" if added == "comment" else "dashboard.png") in section.text_content()
    assert filled_in(page, "matter.comment") == []


def test_attach__with_the_comment_that_is_typed(rows: Rows, alice: Visitor, task_id: int) -> None:
    alice.post(f"/tasks/{task_id}/attach", {"matter.files": photo(), "matter.comment": "仪表"},
               content_type="multipart/form-data")  # fmt: skip

    key = key_of(rows, task_id)
    with rows.begin() as session:
        assert [each.name for each in attachments.list_of(session, key)] == ["dashboard.png"]
        assert [each.text for each in comments.page(session, key)[0]] == ["仪表"]


@pytest.mark.parametrize("added", ["comment", "attach"])
def test_added__nothing_is_refused_with_what_was_typed(alice: Visitor, task_id: int, added: str) -> None:
    alice.post(f"/tasks/{task_id}/claim")

    answer = alice.post(f"/tasks/{task_id}/{added}", TYPED)

    assert answer.status_code == 422
    assert filled_in(html.fromstring(text(answer)), "result") == ["已联系一半"]


def test_added__twice_is_once(rows: Rows, alice: Visitor, task_id: int) -> None:
    sent = {"matter.comment": "客户很急", "form_token": "x"}

    answers = [alice.post(f"/tasks/{task_id}/comment", sent).status_code for _ in range(2)]

    key = key_of(rows, task_id)
    with rows.begin() as session:
        assert (answers, len(comments.page(session, key)[0])) == ([303, 303], 1)


def test_added__by_whoever_only_sees_it_and_saves_no_draft(rows: Rows, visit: Visit, task_id: int) -> None:
    answer = visit("director").post(f"/tasks/{task_id}/comment", {**TYPED, "matter.comment": "请抓紧"})

    assert answer.status_code == 303
    with rows.begin() as session:
        assert user_tasks.get(session, task_id).draft is None


@pytest.mark.parametrize("added", ["comment", "attach"])
def test_added__by_strangers_never(visit: Visit, task_id: int, added: str) -> None:
    sent = {"matter.comment": "x", "matter.files": photo()}

    assert visit("stranger").post(f"/tasks/{task_id}/{added}", sent).status_code == 404


def test_completed__with_the_token_and_an_empty_comment_in_the_form(alice: Visitor, task_id: int) -> None:
    alice.post(f"/tasks/{task_id}/claim")

    beside = {"form_token": "x", "matter.comment": "", "matter.files": ""}
    answer = alice.post(f"/tasks/{task_id}/complete", {"result": "已联系，同意来店", "solved": "yes", **beside})

    assert answer.status_code == 303, text(answer)


def test_page__leads_to_what_happened_before(alice: Visitor, task_id: int) -> None:
    page = html.fromstring(text(alice.get(f"/tasks/{task_id}")))

    (summary,) = page.xpath("//*[@id='before']/summary")
    assert "登记了案件" in text(alice.get(summary.get("hx-get")))


@pytest.mark.parametrize("action", ["draft", "complete"])
def test_form__takes_the_comment_and_the_photo_beside_it_along(
    rows: Rows, alice: Visitor, task_id: int, action: str
) -> None:
    alice.post(f"/tasks/{task_id}/claim")
    sent = {"result": "已联系，同意来店", "solved": "yes", "matter.comment": "客户很急", "matter.files": photo()}

    answer = alice.post(f"/tasks/{task_id}/{action}", sent, content_type="multipart/form-data")

    key = key_of(rows, task_id)
    with rows.begin() as session:
        found = [each.name for each in attachments.list_of(session, key)], [
            each.text for each in comments.page(session, key)[0]
        ]
    assert (answer.status_code, found) == (303, (["dashboard.png"], ["客户很急"]))


def test_form__that_is_refused_keeps_the_comment_beside_it(rows: Rows, alice: Visitor, task_id: int) -> None:
    alice.post(f"/tasks/{task_id}/claim")

    answer = alice.post(f"/tasks/{task_id}/complete", {"result": "", "matter.comment": "客户很急"})

    assert answer.status_code == 422
    assert filled_in(html.fromstring(text(answer)), "matter.comment") == ["客户很急"]
    with rows.begin() as session:
        assert comments.page(session, key_of(rows, task_id))[0] == []


def test_names__of_the_page_are_no_keys_of_a_form(alice: Visitor, matter: Matter, task_id: int) -> None:
    """Whatever a form calls its fields, the page's own inputs in it are called otherwise."""
    alice.post(f"/tasks/{task_id}/claim")
    seen = []
    for address in (f"/tasks/{task_id}", f"/matters/show/{matter.key}", "/register/request"):
        for form in html.fromstring(text(alice.get(address))).xpath("//form[.//*[@name='page.shown']]"):
            keys = set(form.xpath(".//*[@name='page.shown']/@value"))
            own = {name.removesuffix("[]") for name in form.xpath(".//@name")} - keys
            assert [name for name in own - TOKENS if "." not in name] == []
            seen.append(address)
    assert len(set(seen)) == 3


def test_recording__is_played_by_who_sees_the_matter(rows: Rows, alice: Visitor, visit: Visit, task_id: int) -> None:
    spoken, key = b"ID3\x04" + bytes(range(100)), key_of(rows, task_id)
    sent = {"matter.files": [(io.BytesIO(spoken), "call.mp3"), (io.BytesIO(b"#!AMR\n"), "call.amr")]}
    alice.post(f"/tasks/{task_id}/attach", sent, content_type="multipart/form-data")

    pages = [html.fromstring(text(alice.get(page))) for page in (f"/tasks/{task_id}", f"/matters/show/{key}")]
    (address,), again = (page.xpath("//*[@id='files']//audio/@src") for page in pages)
    assert again == [address]
    assert "AMR" in pages[1].xpath("string(//*[@id='files']//li[contains(., 'call.amr')])")
    whole, part = alice.get(address), alice.client.get(address, headers={"Range": "bytes=4-7"})
    assert (whole.status_code, whole.data, whole.mimetype) == (200, spoken, "audio/mpeg")
    assert whole.headers["Content-Disposition"].startswith("inline")
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, bytes(range(4)), "bytes 4-7/104")
    assert alice.client.get(address, headers={"Range": "bytes=900-"}).status_code == 416
    assert visit("stranger").get(address).status_code == 404


def test_added__by_a_program_that_is_named_as_people_know_it(rows: Rows, alice: Visitor, task_id: int) -> None:
    key = key_of(rows, task_id)
    with rows.begin() as session:
        attachments.add(session, key, name="a.txt", content=b"x", by=PROGRAM)
        comments.add(session, key, "arrived", by=PROGRAM)

    for page in (f"/tasks/{task_id}", f"/matters/show/{key}"):
        shown = html.fromstring(text(alice.get(page))).xpath("string(//main)")
        assert "程序 test" in shown
        assert "program:test" not in shown
