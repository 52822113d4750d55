"""A form that arrives twice makes nothing twice."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from casepath.engine.instances import attachments, comments
from casepath.engine.queries import tasks
from tests.web.matters import Matter, Rows, state_of
from tests.web.prepared import DIRECTOR
from tests.web.visitor import Visitor, text

FORM = {"customer_name": "王建国", "channel": "visit", "demands": ["return", "media"]}
BEFORE = "此内容此前已提交，没有重复处理。"


def token(visitor: Visitor, page: str, action: str) -> str:
    """The token in the form of a page that is sent to an address."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', text(visitor.get(page)), re.DOTALL)
    assert form
    found = re.findall(r'<input type="hidden" name="form_token" value="([\w-]{20,})" autocomplete="off">', form[0])
    assert len(found) == 1
    return str(found[0])


def registered(rows: Rows) -> int:
    with rows.begin() as session:
        return tasks.count(session, DIRECTOR, "all")


@pytest.mark.usefixtures("request_process")
class TestRegistration:
    PAGE = "/register/request"

    def form(self, visitor: Visitor, **changes: Any) -> dict[str, Any]:
        return {**FORM, "form_token": token(visitor, self.PAGE, self.PAGE), **changes}

    def test_again__leads_to_the_first(self, alice: Visitor, rows: Rows) -> None:
        form = self.form(alice)

        first, second = alice.post(self.PAGE, form), alice.post(self.PAGE, form)

        assert (first.status_code, second.status_code) == (303, 303)
        assert first.location == second.location
        number = second.location.rpartition("/")[2]
        assert f"此内容此前已提交，编号为 {number}，没有重复处理。" in text(alice.get(second.location))
        assert registered(rows) == 1

    def test_page_opened_anew__is_another_one(self, alice: Visitor, rows: Rows) -> None:
        assert alice.post(self.PAGE, self.form(alice)).location != alice.post(self.PAGE, self.form(alice)).location
        assert registered(rows) == 2

    def test_something_else_typed__is_another_one(self, alice: Visitor, rows: Rows) -> None:
        form = self.form(alice)
        alice.post(self.PAGE, form)
        alice.post(self.PAGE, {**form, "customer_name": "李明"})
        assert registered(rows) == 2

    def test_after_a_refusal__is_the_first(self, alice: Visitor, rows: Rows) -> None:
        form = self.form(alice, channel="smoke")
        assert [alice.post(self.PAGE, form).status_code for _ in range(2)] == [422, 422]
        assert alice.post(self.PAGE, {**form, "channel": "visit"}).status_code == 303
        assert registered(rows) == 1

    def test_token_of_somebody_else(self, alice: Visitor, bob: Visitor, rows: Rows) -> None:
        form = self.form(alice)
        assert alice.post(self.PAGE, form).location != bob.post(self.PAGE, form).location
        assert registered(rows) == 2

    @pytest.mark.parametrize("sent", ["", "x" * 5000, "\x00", "<script>", "\ud800"])
    def test_token_that_is_not_ours(self, alice: Visitor, rows: Rows, sent: str) -> None:
        assert alice.post(self.PAGE, {**FORM, "form_token": sent.encode("utf-8", "surrogatepass")}).status_code == 303
        assert registered(rows) == 1


def clicks(app: Flask, form: dict[str, Any]) -> set[str]:
    """Send the same form many times at once; return where it led."""
    together = Barrier(6)

    def click(_: int) -> str:
        visitor = Visitor(app.test_client(), "alice")
        together.wait()
        return str(visitor.post(TestRegistration.PAGE, form).location)

    with ThreadPoolExecutor(6) as pool:
        return set(pool.map(click, range(6)))


def test_registration__many_clicks_at_once(app: Flask, rows: Rows, request_process: str, alice: Visitor) -> None:
    form = TestRegistration().form(alice)

    led_to = clicks(app, form)

    assert len(led_to) == 1
    assert registered(rows) == 1


class TestMatter:
    def send(self, visitor: Visitor, matter: Matter, address: str, form: dict[str, Any]) -> list[int]:
        sent = {**form, "form_token": token(visitor, f"/matters/show/{matter.key}", address)}
        files = sent.pop("files", None)
        answers = []
        for _ in range(2):
            if files:
                sent["files"] = [(io.BytesIO(content), name) for content, name in files]
            answers.append(visitor.post(address, sent))
        assert answers[0].location == answers[1].location
        assert BEFORE in text(visitor.get(answers[1].location))
        return [answer.status_code for answer in answers]

    def test_comment__again(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        assert self.send(alice, matter, f"/matters/comments/{matter.key}", {"text": "已联系客户"}) == [303, 303]
        with rows.begin() as session:
            assert [note.text for note in comments.page(session, matter.key)[0]] == ["已联系客户"]

    def test_comment__the_same_words_on_a_page_opened_anew(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        for _ in range(2):
            self.send(alice, matter, f"/matters/comments/{matter.key}", {"text": "再次致电"})
        with rows.begin() as session:
            assert len(comments.page(session, matter.key)[0]) == 2

    def test_files__again(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        self.send(alice, matter, f"/matters/attachments/{matter.key}", {"files": [(b"a", "a.txt"), (b"b", "b.txt")]})
        with rows.begin() as session:
            assert [file.name for file in attachments.list_of(session, matter.key)] == ["a.txt", "b.txt"]

    def test_files__others_with_the_same_token(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        address = f"/matters/attachments/{matter.key}"
        sent = {"form_token": token(alice, f"/matters/show/{matter.key}", address)}
        for content in (b"a", b"b"):
            alice.post(address, {**sent, "files": (io.BytesIO(content), "a.txt")})
        with rows.begin() as session:
            assert len(attachments.list_of(session, matter.key)) == 2

    def test_report__again(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        form = {"report.message": "withdrawn", "withdrawal_reason": "和解"}
        assert self.send(alice, matter, f"/matters/messages/{matter.key}", form) == [303, 303]
        assert state_of(rows, matter) == "completed"
