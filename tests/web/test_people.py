"""Users and groups: only administrators see and change them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath.engine import errors
from casepath.engine.people import identity
from tests.acting import PROGRAM
from tests.each import each
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
CAROL: dict[str, Any] = {"username": "carol", "name": "卡罗尔", "email": "carol@dealer.example", "groups": ["service"]}


@pytest.fixture
def administrator(visit: Visit) -> Visitor:
    """Who looks after people."""
    return visit("administrator")


def groups_of(rows: Rows, username: str) -> set[str]:
    with rows.begin() as session:
        return set(identity.groups_of(session, username))


class TestWhoMay:
    @pytest.mark.parametrize("page", ["groups", "deactivate", "activate", "password"])
    def test_commands__on_somebody_who_is_not_there(self, administrator: Visitor, page: str) -> None:
        assert administrator.post(f"/people/users/nobody/{page}").status_code == 404
        assert administrator.get("/people/users/nobody").status_code == 404

    def test_commands__need_the_token_of_the_session(self, administrator: Visitor, rows: Rows) -> None:
        assert administrator.client.post("/people/", data=CAROL).status_code == 400

    def test_navigation__shown_only_to_those_who_may(self, administrator: Visitor, alice: Visitor) -> None:
        assert 'href="/people/"' in text(administrator.get("/tasks/"))
        assert 'href="/people/"' not in text(alice.get("/tasks/"))


class TestUsers:
    def test_index__with_their_groups(self, administrator: Visitor) -> None:
        page = text(administrator.get("/people/"))
        for username in ("alice", "bob", "stranger", "director", "administrator"):
            assert f'href="/people/users/{username}"' in page

    @each(
        "asked, found", [("ali", True), ("ALICE", True), ("bob", False), ("%", False), ("", True)]
    )
    def test_index__search(self, administrator: Visitor, asked: str, found: bool) -> None:
        page = text(administrator.get("/people/", query_string={"q": asked}))
        assert ('href="/people/users/alice"' in page) is found

    def test_index__pages_by_key(self, administrator: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            for number in range(60):
                identity.create_user(session, f"user{number:02}", name=f"User {number}", by=PROGRAM)
        page = text(administrator.get("/people/"))
        link = re.search(r'href="([^"]+)" rel="next"', page)
        assert link
        second = text(administrator.get(html.unescape(link[1])))
        seen = re.findall(r'href="/people/users/(user\d\d)"', page + second)
        assert seen == [f"user{number:02}" for number in range(60)]

    def test_add__may_log_in_with_the_password_shown_once(
        self, administrator: Visitor, visit: Visit, rows: Rows
    ) -> None:
        answer = administrator.post("/people/", CAROL)
        shown = re.search(r"密码 (\S+) 登录", text(answer))
        assert shown
        assert groups_of(rows, "carol") == {"service"}
        login = visit(None).post("/login", {"username": "carol", "password": html.unescape(shown[1])})
        assert login.status_code == 303
        assert_in_this_answer_only(administrator, answer, html.unescape(shown[1]))
        assert shown[1] not in text(administrator.get("/people/users/carol"))

    @each(
        "change, said",
        [
            ({"username": "alice"}, "“alice”已存在"),
            ({"username": ""}, "您填写的是“”"),
            ({"username": "a b"}, "您填写的是“a b”"),
            ({"username": "<script>alert(1)</script>"}, "您填写的是“&lt;script&gt;alert(1)&lt;/script&gt;”"),
            ({"username": "x" * 200}, f"您填写的是“{'x' * 99}…”"),
            ({"name": ""}, "请填写名称，目前为空"),
            ({"name": "x" * 200}, "名称最多 100 个字符，您填写的有 200 个"),
            ({"email": "no address"}, "您填写的是“no address”"),
        ],
    )
    def test_add__senseless_is_told_and_kept(self, administrator: Visitor, change: dict[str, str], said: str) -> None:
        answer = administrator.post("/people/", {**CAROL, **change})
        assert answer.status_code == 422
        page = text(answer)
        assert said in page
        assert "<script>alert" not in page
        assert 'value="service" checked' in page

    def test_add__to_a_group_that_is_not_there(self, administrator: Visitor, rows: Rows) -> None:
        assert administrator.post("/people/", {**CAROL, "groups": ["other"]}).status_code == 404
        with rows.begin() as session, pytest.raises(errors.NotFound):
            identity.get(session, "carol")

    def test_groups__exactly_those_chosen(self, administrator: Visitor, rows: Rows) -> None:
        administrator.post("/people/users/alice/groups", {"groups": ["sales", "directors"]})
        assert groups_of(rows, "alice") == {"sales", "directors"}
        administrator.post("/people/users/alice/groups")
        assert groups_of(rows, "alice") == set()

    def test_deactivate__at_once_and_back(self, administrator: Visitor, alice: Visitor, visit: Visit) -> None:
        assert alice.get("/tasks/").status_code == 200
        administrator.post("/people/users/alice/deactivate")
        assert alice.get("/tasks/").status_code == 302
        assert "已停用" in text(administrator.get("/people/users/alice"))
        administrator.post("/people/users/alice/activate")
        assert visit("alice").get("/tasks/").status_code == 200

    @pytest.mark.parametrize("command", ["deactivate", "groups"])
    def test_last_administrator__has_to_stay(self, administrator: Visitor, rows: Rows, command: str) -> None:
        answer = administrator.post(f"/people/users/administrator/{command}")
        assert answer.status_code == 422
        assert "至少须保留一名启用的系统管理员" in text(answer)
        assert groups_of(rows, "administrator") == {"administrator"}
        assert administrator.get("/people/").status_code == 200

    def test_password__given_by_somebody_has_to_be_changed_first(
        self, visit: Visit, administrator: Visitor, rows: Rows
    ) -> None:
        shown = re.search(r"密码 (\S+) 登录", text(administrator.post("/people/", CAROL)))
        assert shown is not None
        given = html.unescape(shown[1])
        assert "须先更换密码" in text(administrator.get("/people/users/carol"))

        carol = visit("carol")

        assert carol.get("/tasks/").location == "/password"
        assert carol.get("/tasks/counts", headers={"HX-Request": "true"}).status_code == 204
        assert carol.post("/tasks/1/claim").status_code == 403
        assert carol.post("/language", {"language": "en"}).status_code == 303
        assert visit("carol").post("/logout").location == "/login"
        assert "knows it" in text(carol.get("/password"))
        assert "another password" in text(carol.post("/password", {"old": given, "new": given, "again": given}))
        assert carol.post("/password", {"old": given, "new": "own-words-7", "again": "own-words-7"}).status_code == 303
        assert carol.get("/tasks/").status_code == 200
        with rows.begin() as session:
            assert not identity.get(session, "carol").password_is_given

    def test_password__of_a_program_is_nobody_elses(self, visit: Visit, rows: Rows) -> None:
        with rows.begin() as session:
            identity.set_password(session, "alice", "by-a-program-1", by=PROGRAM)

        assert visit("alice").get("/tasks/").status_code == 200

    def test_password__ends_sessions(self, administrator: Visitor, alice: Visitor) -> None:
        answer = administrator.post("/people/users/alice/password")
        shown = re.search(r"密码 (\S+) 登录", text(answer))
        assert shown
        assert_in_this_answer_only(administrator, answer, html.unescape(shown[1]))
        assert alice.get("/tasks/").status_code == 302


def assert_in_this_answer_only(visitor: Visitor, answer: TestResponse, password: str) -> None:
    """A cookie is signed but not sealed: whoever has it reads it, and a browser keeps it."""
    assert answer.headers["Cache-Control"] == "no-store"
    with visitor.client.session_transaction() as session:
        assert password not in str(dict(session))
    assert password not in str(answer.headers)


class TestGroups:
    def test_add_and_rename(self, administrator: Visitor, rows: Rows) -> None:
        administrator.post("/people/groups", {"key": "lawyers", "name": "律师", "name_en": "Lawyers", "sees_all": "on"})
        administrator.post("/people/groups", {"key": "lawyers", "name": "法务"})
        with rows.begin() as session:
            found = identity.group(session, "lawyers")
            assert (found.name, found.name_en, found.sees_all) == ("法务", None, False)
        assert "法务" in text(administrator.get("/people/groups"))

    @each(
        "form, said",
        [
            ({"key": "", "name": "律师"}, "您填写的是“”"),
            ({"key": "a b", "name": "律师"}, "您填写的是“a b”"),
            ({"key": "<script>", "name": "律师"}, "您填写的是“&lt;script&gt;”"),
            ({"key": "x", "name": ""}, "请填写名称"),
            ({"key": "x", "name": "x" * 200}, "名称最多 100 个字符，您填写的有 200 个"),
        ],
    )
    def test_add__senseless(self, administrator: Visitor, form: dict[str, str], said: str) -> None:
        answer = administrator.post("/people/groups", form)
        assert answer.status_code == 422
        assert said in text(answer)

    def test_index__leads_to_those_who_belong(self, administrator: Visitor) -> None:
        page = text(administrator.get("/people/groups"))
        row = re.search(r'<span class="beneath mono">service</span></td>\s*<td[^>]*><a href="([^"]*)"[^>]*>(\d+)', page)
        assert row
        assert row[2] == "2"
        members = re.findall(r'href="/people/users/(\w+)"', text(administrator.get(row[1])))
        assert members == ["alice", "bob"]


def test_erase__who_is_locked_out(administrator: Visitor) -> None:
    assert administrator.post("/people/users/alice/erase", {"reason": "she has left"}).status_code == 422
    assert "/people/users/alice/erase" not in text(administrator.get("/people/users/alice"))
    administrator.post("/people/users/alice/deactivate")
    assert "/people/users/alice/erase" in text(administrator.get("/people/users/alice"))

    assert administrator.post("/people/users/alice/erase", {"reason": "she has left"}).status_code == 303

    page = text(administrator.get("/people/users/alice"))
    assert "/people/users/alice/erase" not in page
    assert "<h1>alice</h1>" in page
